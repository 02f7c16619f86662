"""The journal: what is to be acknowledged, written before any ref moves and on disk before anybody is told.

A small SQLite database of its own. One record per entry: the raw commit, its ref, the value the ref had and gets.
Records are written in one transaction per request, under numbers that only grow (`standing` says up to which they
stand in git), and trimmed by upkeep when git's own files have reached the disk. After a crash or a power cut they
restore what the file system lost.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from git_tracker.errors import TrackerError, Unusable

_SCHEMA = """
create table if not exists journal (
    number integer primary key, id text not null, ref text not null, old text, raw blob not null
)
"""

_PATIENCE = 5.0  # seconds
_WAL_PAGES = 2000
_ROOM = (_WAL_PAGES + 100) * (4096 + 24) + 32  # bytes of SQLite's log with so many pages (sqlite.org/fileformat, 4)
_OFTEN = 20  # so many writes of one process make room worth its while

_INSERT = "insert into journal (number, id, ref, old, raw) values (?, ?, ?, ?, ?)"


class Record(NamedTuple):
    """One entry on its way: `old` is what the ref pointed at, None for a new one."""

    id: str
    ref: str
    old: str | None
    raw: bytes


class Journal:
    """Added to by who holds the tracker's lock, read by who publishes, on a connection for each."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._wal: int | None = None
        self._adds = 0
        self._db = self._connected()
        self._reading: sqlite3.Connection | None = None

    def _connected(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._log_ahead(db)
            db.execute(f"pragma wal_autocheckpoint={_WAL_PAGES}")
            db.execute(_SCHEMA)
            db.execute("pragma synchronous=normal")  # `sync` does the rest
        except sqlite3.Error as error:
            raise failed(error) from error
        return db

    def _log_ahead(self, db: sqlite3.Connection) -> None:
        """Have a write-ahead log. Of many who begin a new file at once SQLite lets one, and has the others fail at once."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                db.execute("pragma journal_mode=wal")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() >= until:
                    raise
            time.sleep(0.001)

    def add(self, records: Sequence[Record], first: int) -> None:
        """Write the records of one request, all or none, numbered from `first`. `sync` makes them durable."""
        self._make_room()
        rows = [(number, *record) for number, record in enumerate(records, first)]
        try:
            if len(rows) == 1:  # a statement is a transaction
                self._db.execute(_INSERT, rows[0])
                return
            self._db.execute("begin immediate")
            self._db.executemany(_INSERT, rows)
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise failed(error) from error

    def _make_room(self) -> None:
        """Let the log be as long as it will ever be, once: syncing a file that grows takes two turns of the disk.

        Zeros behind the frames of SQLite's log are none (sqlite.org/fileformat, 4.1). The caller holds the lock.
        """
        self._adds += 1
        if self._wal is None or self._adds != _OFTEN:
            return
        try:
            descriptor = os.open(f"{self._path}-wal", os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                size = os.fstat(descriptor).st_size
                os.pwrite(descriptor, bytes(max(_ROOM - size, 0)), size)
            finally:
                os.close(descriptor)
        except OSError:  # it works without
            pass

    def sync(self) -> None:
        """Return when all that was added, by whichever process, survives a power cut.

        SQLite's write-ahead log is synced here and not by its commits, so that nobody has to hold the tracker's lock
        for it: writers who wait at the same time share one turn of the disk.
        """
        try:
            if self._wal is None:
                self._wal = os.open(self._path + "-wal", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                _sync_folder(os.path.dirname(self._path))
            os.fdatasync(self._wal)
        except OSError as error:
            hint = "it may be there all the same; a request key makes it safe to try again"
            raise Unusable(f"it is not certain to be on disk: {error.strerror}", hint, code="not_durable") from error

    def strike(self, numbers: Iterable[int]) -> None:
        """Remove records that are needed no more."""
        try:
            self._db.execute("begin")
            self._db.executemany("delete from journal where number = ?", [(number,) for number in numbers])
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise failed(error) from error

    def last(self) -> int:
        """Return the number of the last record kept, 0 if there is none."""
        return int(self._db.execute("select coalesce(max(number), 0) from journal").fetchone()[0])

    def after(self, number: int, most: int) -> list[tuple[int, Record]]:
        """Return up to so many records that come after a number, oldest first."""
        select = "select number, id, ref, old, raw from journal where number > ? order by number limit ?"
        try:
            if self._reading is None:
                self._reading = self._connected()
            return [(row[0], Record(*row[1:])) for row in self._reading.execute(select, (number, most))]
        except sqlite3.Error as error:
            raise failed(error) from error

    def all(self) -> Iterator[tuple[int, Record]]:
        """Yield every record still kept, oldest first."""
        rows = self._db.execute("select number, id, ref, old, raw from journal order by number")
        for row in rows:
            yield row[0], Record(*row[1:])

    def listed(self) -> Iterator[tuple[int, Record]]:
        """Yield every record still kept, without its bytes."""
        for row in self._db.execute("select number, id, ref, old, x'' from journal order by number"):
            yield row[0], Record(*row[1:])

    def span(self) -> int:
        """Return about how many records are kept."""
        return int(
            self._db.execute(
                "select coalesce((select max(number) from journal) - (select min(number) from journal) + 1, 0)"
            ).fetchone()[0]
        )

    def fold(self) -> None:
        """Bring all into the one file, and to the disk."""
        self._db.execute("pragma synchronous=full")
        self._db.execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        if self._wal is not None:
            os.close(self._wal)
        if self._reading is not None:
            self._reading.close()
        self._db.close()


def flaw(path: str) -> str:
    """Return what is wrong with a journal's file, or nothing."""
    try:
        db = _looked_at(path)
        try:
            found = str(db.execute("pragma quick_check(1)").fetchone()[0])
            db.execute("select number, id, ref, old, raw from journal limit 1").fetchone()
        finally:
            db.close()
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else found


def renew(path: str, is_whole: Callable[[Record], bool]) -> int:
    """Put a new journal in place of a damaged one, with what of it can be read and `is_whole`; return how much.

    The old one stays beside it, its name followed by `.damaged`. The caller holds the tracker's lock.
    """
    new, aside = f"{path}.new", f"{path}.damaged"
    found = {number: row for number, *row in _readable(path)}
    for tail in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.unlink(new + tail)
    journal = Journal(new)
    try:
        whole = [(number, record) for number, row in sorted(found.items()) if is_whole(record := Record(*row))]
        for number, record in whole:
            journal.add([record], number)
        journal.fold()
    finally:
        journal.close()
    for tail in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(path + tail, aside + tail)
    os.replace(new, path)
    _sync_folder(os.path.dirname(path))
    return len(whole)


def _readable(path: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows from both ends, each up to where the file is damaged."""
    for way in ("asc", "desc"):
        with suppress(sqlite3.Error):
            db = _looked_at(path)
            try:
                yield from db.execute(f"select number, id, ref, old, raw from journal order by number {way}")
            finally:
                db.close()


def _looked_at(path: str) -> sqlite3.Connection:
    from urllib.parse import quote  # takes long to import, and only whoever mends a journal comes here

    return sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def failed(error: sqlite3.Error) -> TrackerError:
    """Say what an SQLite failure means to the user."""
    text = str(error)
    if "full" in text:
        return Unusable("the disk is full", "free some space and run it again; nothing was written", code="disk_full")
    if "readonly" in text or "unable to open" in text:
        return Unusable("the repository cannot be written", "reads still work; check its permissions", code="read_only")
    return Unusable(f"the journal failed: {text}", "run `tracker doctor`")

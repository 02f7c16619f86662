"""The journal: what has been acknowledged, on disk before any ref moves.

A small SQLite database of its own with `synchronous=FULL`. One record per entry: the raw commit, its ref, the value
the ref had and gets. Records are written in one transaction per request, marked `done` once refs and index follow,
and trimmed by upkeep when git's own files have reached the disk. After a crash or a power cut the records restore
what the file system lost.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from git_tracker.errors import TrackerError, Unusable

_SCHEMA = """
create table if not exists journal (
    number integer primary key autoincrement,
    id text not null,
    ref text not null,
    old text,
    raw blob not null,
    state integer not null default 0  -- 0: to be completed, 1: the ref has moved
);
create index if not exists journal_open on journal (number) where state = 0;
"""


class Record(NamedTuple):
    """One entry on its way: `old` is what the ref pointed at, None for a new one."""

    id: str
    ref: str
    old: str | None
    raw: bytes


class Journal:
    """Opened by the writer that holds the tracker's lock; sqlite's own locks are never contended."""

    def __init__(self, path: str) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.execute("pragma wal_autocheckpoint=2000")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise failed(error) from error

    def add(self, records: Iterable[Record]) -> list[int]:
        """Write the records of one request, all or none; on return they survive a power cut."""
        numbers = []
        try:
            self._db.execute("begin immediate")
            for record in records:
                cursor = self._db.execute("insert into journal (id, ref, old, raw) values (?, ?, ?, ?)", record)
                numbers.append(int(cursor.lastrowid or 0))
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise failed(error) from error
        return numbers

    def done(self, numbers: Iterable[int]) -> None:
        """Mark records whose refs have moved. Not synced: to complete one twice does no harm."""
        self._mark("update journal set state = 1 where number = ?", numbers)

    def strike(self, numbers: Iterable[int]) -> None:
        """Remove records that nobody was told of."""
        self._mark("delete from journal where number = ?", numbers)

    def _mark(self, statement: str, numbers: Iterable[int]) -> None:
        try:
            self._db.execute("pragma synchronous=normal")
            self._db.execute("begin")
            self._db.executemany(statement, [(number,) for number in numbers])
            self._db.execute("commit")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise failed(error) from error
        finally:
            self._db.execute("pragma synchronous=full")

    def open(self) -> list[tuple[int, Record]]:
        """Return the records that a dead writer left before it could move the ref."""
        rows = self._db.execute("select number, id, ref, old, raw from journal where state = 0 order by number")
        return [(row[0], Record(*row[1:])) for row in rows]

    def all(self) -> Iterator[tuple[int, Record]]:
        """Yield every record still kept, oldest first."""
        rows = self._db.execute("select number, id, ref, old, raw from journal order by number")
        for row in rows:
            yield row[0], Record(*row[1:])

    def moved(self) -> Iterator[tuple[int, Record]]:
        """Yield the records whose refs have moved, without their bytes."""
        for row in self._db.execute("select number, id, ref, old, x'' from journal where state = 1 order by number"):
            yield row[0], Record(*row[1:])

    def span(self) -> int:
        """Return about how many records are kept."""
        return int(
            self._db.execute(
                "select coalesce((select max(number) from journal) - (select min(number) from journal) + 1, 0)"
            ).fetchone()[0]
        )

    def close(self) -> None:
        self._db.close()


def failed(error: sqlite3.Error) -> TrackerError:
    """Say what an SQLite failure means to the user."""
    text = str(error)
    if "full" in text:
        return Unusable("the disk is full", "free some space and run it again; nothing was written", code="disk_full")
    if "readonly" in text or "unable to open" in text:
        return Unusable("the repository cannot be written", "reads still work; check its permissions", code="read_only")
    return Unusable(f"the journal failed: {text}", "run `tracker doctor`")

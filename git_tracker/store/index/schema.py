"""The index file: how it is made and opened, and the few facts about itself that it keeps."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from git_tracker.errors import Unusable
from git_tracker.store.index import tables
from git_tracker.store.index.aside import Aside
from git_tracker.store.index.triggers import TRIGGERS


class Db(sqlite3.Connection):
    """A connection to an index, and what it has to be asked together with it."""

    aside: Aside | None = None


Row = sqlite3.Row
Error = sqlite3.Error


class Outdated(Exception):
    """An index file is of another version: to throw it away is quicker than to empty it."""


_CACHE = 8000  # kB at most: what a board shows of very many issues lies on a thousand pages
_WAL_PAGES = 8000  # 32 MB: a page that is written again and again goes into the file once


def connect(path: str, *, read_only: bool = False) -> Db:
    """Open an index file; raises `sqlite3.Error` where it is damaged or cannot be opened."""
    if read_only:
        file = f"file:{_quoted(path)}?mode=ro"
        db = sqlite3.connect(file, uri=True, isolation_level=None, check_same_thread=False, factory=Db)
    else:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30, factory=Db)
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=normal")
        db.execute(f"pragma wal_autocheckpoint={_WAL_PAGES}")
    db.row_factory = sqlite3.Row
    db.execute("pragma temp_store=memory")
    db.execute(f"pragma cache_size=-{_CACHE}")
    return db


def opened(path: str, token: Callable[[], str]) -> Db:
    """Open an index file to write to it: a new one where there is none, or one that is damaged or of another version.

    Must run under the tracker's lock. `token` returns the name of a new epoch. Raises `Unusable`.
    """
    for attempt in range(2):
        try:
            if not is_whole(path):
                remove(path)
            db = connect(path)
            prepare(db, token())
            return db
        except Outdated:
            db.close()
            remove(path)
        except Error as error:
            if attempt or not is_damage(error):
                raise failed(error) from error
            remove(path)
    raise AssertionError("unreachable")


def prepare(db: Db, epoch: str) -> None:
    """Create the tables if they are not there; raises `Outdated` for a file of another version."""
    if db.execute("select name from sqlite_master").fetchone():
        if meta(db, "version") != tables.VERSION:
            raise Outdated
        return
    db.execute("begin immediate")
    tables.create(db)
    tables.create_indexes(db)
    count_from_now_on(db)
    set_meta(db, "version", tables.VERSION)
    set_meta(db, "epoch", epoch)
    db.execute("commit")


def connect_unsafe(path: str) -> Db:
    """Open a file in the making: quick, and worth nothing if the process dies before it is finished."""
    remove(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Db)
    for setting in (
        "journal_mode=off",
        "synchronous=off",
        "locking_mode=exclusive",
        "cache_size=-20000",
        "temp_store=file",
    ):
        db.execute(f"pragma {setting}")
    db.row_factory = sqlite3.Row
    return db


def clear(db: Db, epoch: str) -> None:
    """Forget everything and begin a new epoch, inside the caller's transaction."""
    for name in TRIGGERS:  # a table without triggers is emptied at once
        db.execute(f"drop trigger if exists {name}")
    for table in tables.NAMES:
        db.execute(f"delete from {table}")
    for table in tables.VIRTUAL:
        db.execute(f"insert into {table} ({table}) values ('delete-all')")
    count_from_now_on(db)
    db.execute(f"delete from meta where name != 'version' and not ({_LASTING})")
    set_meta(db, "epoch", epoch)


def count_from_now_on(db: Db) -> None:
    """Let whatever changes an issue keep the tallies; what stands there already was counted before."""
    for name, what in TRIGGERS.items():
        db.execute(f"create trigger {name} {what}")


_LASTING = "name = 'clock' or name like 'chain %'"  # what is known beyond what git holds


def lasting(db: Db) -> list[tuple[str, str]]:
    """Return the facts about itself that an index hands on to the one built in its place."""
    return [(row[0], row[1]) for row in db.execute(f"select name, value from meta where {_LASTING}")]


def meta(db: Db, name: str) -> str:
    """Return a fact the index keeps about itself, or an empty string."""
    row = db.execute("select value from meta where name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def notes(db: Db) -> dict[str, str]:
    """Return all the facts the index keeps about itself; what it does not know is not there."""
    return dict(db.execute("select name, value from meta").fetchall())


def set_meta(db: Db, name: str, value: str) -> None:
    db.execute("insert or replace into meta values (?, ?)", (name, value))


_DAMAGE = (
    "malformed", "not a database", "no such table", "no such column", "disk i/o", "vtable constructor", "unable to open",
    "constraint failed",
)  # fmt: skip


def is_damage(error: Error) -> bool:
    """Return whether an index file that fails like this should be thrown away and built anew."""
    return any(words in str(error).lower() for words in _DAMAGE)


def is_unwritable(error: Error) -> bool:
    """Return whether a file was opened for reading alone, as SQLite does where it may not write it at that moment."""
    return "readonly" in str(error)


def failed(error: Error) -> Unusable:
    """Say what a failure that a new file would not mend means to the user."""
    text = str(error)
    if "full" in text:
        return Unusable("the disk is full", "free some space and run it again", code="disk_full")
    if is_unwritable(error):
        return Unusable("the index cannot be written", "check the permissions of the repository", code="read_only")
    if "locked" in text or "busy" in text:
        return Unusable("the index is in use by another process", "try again", code="busy")
    return Unusable(f"the index failed: {text}", "run `tracker doctor`")


@contextmanager
def transaction(db: Db) -> Iterator[None]:
    """Write what is done inside as one; raise what a failure of the index means to the user."""
    try:
        db.execute("begin immediate")
        yield
        db.execute("commit")
    except BaseException as error:
        roll_back(db)
        if isinstance(error, Error):
            raise failed(error) from error
        raise


def roll_back(db: Db) -> None:
    """Undo what was begun, and have a connection forget why that failed: it would tell whoever asks next (as of SQLITE_FULL)."""
    with suppress(Error):
        if db.in_transaction:
            db.execute("rollback")
    with suppress(Error):
        db.execute("select 1 from meta limit 1").fetchone()


def check(db: Db) -> None:
    """Raise `Unusable` if the file fails SQLite's own quick check."""
    found = db.execute("pragma quick_check(1)").fetchone()[0]
    if found != "ok":
        raise Unusable(f"the index is damaged: {found}")


def is_whole(path: str) -> bool:
    """Return whether a file begins as a database does and is as long as it says (sqlite.org/fileformat.html, 1.3)."""
    try:
        with open(path, "rb") as file:
            head, size = file.read(100), os.fstat(file.fileno()).st_size
    except OSError:
        return True  # not there yet
    page = int.from_bytes(head[16:18], "big")
    return head[:16] == b"SQLite format 3\0" and size >= int.from_bytes(head[28:32], "big") * (
        page if page > 1 else 65536
    )


def remove(path: str) -> None:
    """Delete an index file with what belongs to it; raise `Unusable` where that cannot be done."""
    for suffix in ("", "-wal", "-shm"):
        try:
            os.unlink(path + suffix)
        except FileNotFoundError:
            continue
        except OSError as error:
            hint = "check the permissions of the repository"
            raise Unusable(f"the index cannot be replaced: {error.strerror}", hint, code="read_only") from error


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")

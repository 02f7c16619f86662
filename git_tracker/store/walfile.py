"""SQLite's write-ahead logs: what they hold has to go into the files they belong to, now and then (sqlite.org/wal.html).

SQLite does that in the commit that makes a log too long, and it takes as long as a hundred commits. So that not
everybody waits who wants the tracker's lock, whoever wrote the n-th entry does it before that, without the lock.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress

from git_tracker.errors import TrackerError

_OFTEN = 256  # entries, which fill about 6,000 pages of the index's log; SQLite would wait for 8,000


def is_due(first: int, last: int) -> bool:
    """Return whether it is for the writer of the records of these numbers."""
    return last // _OFTEN != (first - 1) // _OFTEN


def drain(paths: Sequence[str], lock: Callable[[], AbstractContextManager[object]]) -> None:
    """Bring into some databases what their logs hold: most of it beside those who write, and the rest, under `lock`."""
    with suppress(sqlite3.Error, TrackerError):  # what was written stands; SQLite will do it
        for path in paths:
            _checkpoint(path)
        for path in paths:
            with lock():  # a log begins anew only where nothing is left; others may go first in between
                _checkpoint(path)


def _checkpoint(path: str) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("pragma synchronous=normal")
        db.execute("pragma wal_checkpoint(passive)")
    finally:
        db.close()

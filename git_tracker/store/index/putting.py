"""Entries and events as rows of the tables of these names."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from git_tracker.store import events
from git_tracker.store.index.derive import encode
from git_tracker.store.index.schema import Db
from git_tracker.store.verdicts import Admission

TRUST = 0  # stands for the trust log where an entry names the key of its issue
ENTRY = (
    "number", "issue", "id", "actor", "at", "ms", "count", "parents", "digest", "under", "chain", "n", "prev",
    "issuer", "rk", "auth", "verdict", "reason", "rooted", "partial", "review", "seq", "events",
)  # fmt: skip
EVENT = ("seq", "entry", "issue", "position", "type", "body", "summary")
ACTOR = (
    "id", "name", "session", "person", "client", "key", "issuer", "serial", "label", "valid_after", "valid_before",
    "scope",
)  # fmt: skip


class Rows:
    """Entries and events on their way into the tables of the same names."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []

    def add(
        self, key: int, admission: Admission, number: int, auth: int, seq: int, reason: str = "", *, sound: bool = False
    ) -> int:
        """Take an entry; its events are numbered from `seq` + 1. Returns the last of these numbers.

        `sound` where the fold has let it take effect.
        """
        record, envelope = admission.record, admission.entry.envelope if admission.entry else None
        count = 0 if key == TRUST else len(record.events) or 1
        self.entries.append((
            number, key, record.id, record.actor, record.at, *record.hlc, " ".join(record.parents), record.digest,
            record.under, admission.chain, envelope.n if envelope else 0, envelope.prev if envelope else None,
            admission.issuer, envelope.rk if envelope else "", auth, admission.verdict, reason or admission.reason,
            admission.rooted, admission.partial, record.review, seq + 1, count,
        ))  # fmt: skip
        if key == TRUST:
            return seq
        if not record.events:
            self.events.append((seq + 1, number, key, 0, "quarantined", "{}", "could not be verified"))
            return seq + 1
        for position, event in enumerate(record.events):
            seq += 1
            fields = dict(event)
            kind = fields.pop("type")
            line = events.summary(event, sound=sound)
            self.events.append((seq, number, key, position, kind, encode(fields), line))
        return seq

    def flush(self, db: Db) -> None:
        """Write what was taken."""
        insert(db, "entries", ENTRY, self.entries)
        insert(db, "events", EVENT, self.events)
        self.entries, self.events = [], []


def insert(db: Db, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows of one table."""
    db.executemany(_insertion(table, tuple(columns)), rows)


@cache
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"

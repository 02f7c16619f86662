"""Entries and events as rows of the tables of these names."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Protocol

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


class Numbers(Protocol):
    """Gives the numbers that stand for what a great many entries share: sets of trust heads, and public keys."""

    def auth(self, heads: tuple[str, ...]) -> int:
        """Return that of a set of trust heads."""

    def pubkey(self, hex: str) -> int:
        """Return that of a public key in hexadecimal; 0 for none."""


class Interned:
    """The numbers of an index; what has none yet gets one."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._known: dict[tuple[str, str], int] = {}

    def auth(self, heads: tuple[str, ...]) -> int:
        return self._of("auths", "heads", " ".join(heads))

    def pubkey(self, hex: str) -> int:
        return self._of("pubkeys", "hex", hex) if hex else 0

    def _of(self, table: str, column: str, text: str) -> int:
        number = self._known.get((table, text))
        if number is None:
            row = self._db.execute(f"select key from {table} where {column} = ?", (text,)).fetchone()
            new = f"insert into {table} ({column}) values (?)"
            number = self._known[table, text] = int(row[0] if row else self._db.execute(new, (text,)).lastrowid or 0)
        return number


class Rows:
    """Entries and events on their way into the tables of the same names."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []

    def add(
        self, key: int, admission: Admission, number: int, numbers: Numbers, seq: int, reason: str = "", *,
        sound: bool = False,
    ) -> int:  # fmt: skip
        """Take an entry; its events are numbered from `seq` + 1. Returns the last of these numbers.

        `sound` where the fold has let it take effect.
        """
        record, envelope = admission.record, admission.entry.envelope if admission.entry else None
        count = 0 if key == TRUST else len(record.events) or 1
        self.entries.append((
            number, key, record.id, record.actor, record.at, *record.hlc, " ".join(record.parents), record.digest,
            record.under, numbers.pubkey(admission.chain), envelope.n if envelope else 0,
            envelope.prev if envelope else None, numbers.pubkey(admission.issuer), envelope.rk if envelope else "",
            numbers.auth(envelope.auth if envelope else ()), admission.verdict, reason or admission.reason,
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

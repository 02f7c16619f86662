"""A share of the index in the making: what one worker process found.

Rows of issues are handed over as they are made. Entries and events, which have to be put in order with those of all
others, stay in a file of its own until everything is here: its tables are those of the index, without what makes them
quick to ask. Numbers are such that those of several shards never meet: they count in steps of the number of shards.
"""

from collections.abc import Callable, Iterable
from typing import Any

from git_tracker.store import fold
from git_tracker.store.index import counts, derive, putting, schema, tables, texts, write
from git_tracker.store.index.schema import Db
from git_tracker.store.state import State
from git_tracker.store.verdicts import Admission
from git_tracker.store.workflow import Workflow

PLACES = 256  # an entry's events are numbered from its own number times this

ROWS = {  # by table: what is handed over, in the order of these columns
    "issues": (*write.COLUMNS, "key", "id"), "comments": ("issue", "part", "number", "place", "body", "note"),
    "labels": ("issue", "label", "updated"), "links": ("issue", "kind", "other"),
    "lost_claims": ("issue", "actor", "until"), "texts": ("rowid", "body"),
}  # fmt: skip

Rows = dict[str, list[tuple[Any, ...]]]


class Shard:
    """Takes whole issues that the index does not know yet. `govern` tells a state what a policy says about it."""

    def __init__(self, path: str, number: int, of: int, workflow: Workflow, govern: Callable[[State], None]) -> None:
        self._path = path
        self._db: Db = schema.connect_unsafe(path)
        self._db.execute("pragma cache_size=-4000")  # kB: rows go in one behind the other
        tables.create(self._db, bare=True)
        self._db.execute("create table latest (actor text primary key, ms integer, count integer, entry text)")
        self._workflow, self._govern, self._step = workflow, govern, of
        self._number = number - of
        self._rows = putting.Rows()
        self._made: Rows = {table: [] for table in ROWS}
        self._numbers = _Numbers(number, of)
        self._actors: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}  # latest entry, row

    def put(self, key: int, id: str, tip: str, judged: Iterable[Admission]) -> None:
        """Take an issue with all its entries and the state they add up to."""
        admitted = list(judged)
        kept = [item.record for item in admitted if item.verdict in ("ok", "muted")]
        state = fold.fold(write.effective(id, kept))
        told = {rejection.entry: f"no effect: {rejection.reason}" for rejection in state.rejections}
        twins = len({record.digest for record in kept}) < len(kept)  # of which the fold looks at one
        for item in admitted:
            reason = told.get(item.record.id, "") if item.verdict == "ok" else ""
            self._entry(key, item, reason, sound=item.verdict == "ok" and not reason and not twins)
        # Whoever asks what changed since an event asks of another index, or will mean a later one.
        made, row = self._made, write.blank_issue() | {"key": key, "id": id, "tip": tip, "seq": 1}
        if not state.created:
            made["issues"].append(tuple((row | {"archived": write.HIDDEN}).values()))
            return
        self._govern(state)
        bad = sum(item.verdict != "ok" for item in admitted)
        row |= derive.columns(state, self._workflow) | {"quarantined": bad, "comments": len(state.comments)}
        made["issues"].append(tuple(row.values()))
        made["comments"] += [
            (key, part, number, *derive.comment(note)) for number, (part, note) in enumerate(state.comments.items(), 1)
        ]
        made["labels"] += [(key, label, row["updated"]) for label in state.sets.get("labels", ())]
        made["links"] += [(key, kind, other) for kind, other in derive.links(state)]
        made["lost_claims"] += [(key, lost.actor, lost.until) for lost in derive.lost_claims(state)]
        made["texts"] += texts.of(key, row["title"], state)

    def flush(self) -> Rows:
        """Write the entries that were taken; return the rows of their issues."""
        self._db.execute("begin")
        self._rows.flush(self._db)
        self._db.execute("commit")
        made, self._made = self._made, {table: [] for table in ROWS}
        return made

    def close(self) -> None:
        """Write the rest: who wrote, and what they cite."""
        self._db.execute("begin")
        putting.insert(self._db, "actors", putting.ACTOR, (row for _, row in self._actors.values()))
        latest = ((who, *order) for who, (order, _) in self._actors.items())
        putting.insert(self._db, "latest", ("actor", "ms", "count", "entry"), latest)
        heads = ((key, " ".join(auth)) for auth, key in self._numbers.auths.items())
        putting.insert(self._db, "auths", ("key", "heads"), heads)
        putting.insert(self._db, "pubkeys", ("key", "hex"), ((key, hex) for hex, key in self._numbers.pubkeys.items()))
        self._db.execute("commit")
        self._db.close()

    def figures(self) -> list[counts.Figures]:
        """Return what each actor did, of a shard that was closed."""
        db = schema.connect(self._path, read_only=True)
        try:
            return counts.figures(db)
        finally:
            db.close()

    def _entry(self, key: int, item: Admission, reason: str, *, sound: bool) -> None:
        self._number += self._step
        self._rows.add(key, item, self._number, self._numbers, self._number * PLACES - 1, reason, sound=sound)
        if item.actor:
            order = (*item.record.hlc, item.record.id)
            if item.actor[0] not in self._actors or order > self._actors[item.actor[0]][0]:
                self._actors[item.actor[0]] = (order, item.actor)


class _Numbers:
    """As `putting.Numbers`, from 1 in steps of the number of shards."""

    def __init__(self, number: int, of: int) -> None:
        self._number, self._of = number + 1, of
        self.auths: dict[tuple[str, ...], int] = {}
        self.pubkeys: dict[str, int] = {}

    def auth(self, heads: tuple[str, ...]) -> int:
        return self.auths.setdefault(heads, self._number + self._of * len(self.auths))

    def pubkey(self, hex: str) -> int:
        return self.pubkeys.setdefault(hex, self._number + self._of * len(self.pubkeys)) if hex else 0

"""A share of the index in the making: what one worker process found, in a file of its own until it is merged.

The tables are those of the index, without what makes them quick to ask. Rows go in as they are; numbers are such that
those of several shards never meet: they count in steps of the number of shards.
"""

from collections.abc import Callable, Iterable
from typing import Any

from git_tracker.store import fold
from git_tracker.store.index import derive, putting, schema, write
from git_tracker.store.index.schema import Db
from git_tracker.store.state import State
from git_tracker.store.verdicts import Admission
from git_tracker.store.workflow import Workflow

PLACES = 256  # an entry's events are numbered from its own number times this


class Shard:
    """Takes whole issues that the index does not know yet. `govern` tells a state what a policy says about it."""

    def __init__(self, path: str, number: int, of: int, workflow: Workflow, govern: Callable[[State], None]) -> None:
        self._db: Db = schema.connect_unsafe(path)
        self._db.execute("pragma journal_mode=wal")  # another process reads along
        schema.create_tables(self._db, texts="create table texts (body text not null)")
        self._db.execute("create table doubts (issue text not null)")
        self._db.execute("create table latest (actor text primary key, ms integer, count integer, entry text)")
        self._workflow, self._govern, self._step = workflow, govern, of
        self._number = self._document = number - of
        self._rows = putting.Rows()
        self._tables: dict[str, list[dict[str, Any]]] = {}
        self._auths: dict[tuple[str, ...], int] = {}
        self._actors: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {}  # latest entry, row
        self._first = number

    def put(self, key: int, id: str, tip: str, judged: Iterable[Admission]) -> None:
        """Take an issue with all its entries and the state they add up to."""
        admitted = list(judged)
        kept = [item.record for item in admitted if item.verdict in ("ok", "muted")]
        state = fold.fold(write.effective(id, kept))
        told = {rejection.entry: f"no effect: {rejection.reason}" for rejection in state.rejections}
        for item in admitted:
            self._entry(key, item, told.get(item.record.id, "") if item.verdict == "ok" else "")
        row = write.blank_issue() | {"key": key, "id": id, "tip": tip}
        if not state.created:
            self._add("issues", row | {"archived": write.HIDDEN})
            return
        self._govern(state)
        bad = sum(item.verdict != "ok" for item in admitted)
        row |= derive.columns(state, self._workflow) | {"quarantined": bad, "comments": len(state.comments)}
        self._add("issues", row)
        for part, note in state.comments.items():
            place = derive.place(note)
            self._add("comments", {"issue": key, "part": part, "place": place, "body": derive.encode(note)})
        for label in state.sets.get("labels", ()):
            self._add("labels", {"label": label, "issue": key})
        for kind, other in derive.links(state):
            self._add("links", {"issue": key, "kind": kind, "other": other})
        for lost in derive.lost_claims(state):
            self._add("lost_claims", {"issue": key, "actor": lost.actor, "until": lost.until})
        for part, body in derive.texts(row["title"], state, state.comments):
            if body:
                self._document += self._step
                self._add("documents", {"id": self._document, "issue": key, "part": part})
                self._add("texts", {"rowid": self._document, "body": body})

    def doubt(self, id: str) -> None:
        """Note an issue that has to be judged again when everything is here."""
        self._add("doubts", {"issue": id})

    def flush(self) -> None:
        """Write what was taken, for others to see."""
        self._db.execute("begin")
        self._rows.flush(self._db)
        for table, rows in self._tables.items():
            putting.insert(self._db, table, tuple(rows[0]), (tuple(row.values()) for row in rows))
        self._tables.clear()
        self._db.execute("commit")

    def close(self) -> None:
        """Write the rest: who wrote, and what they cite."""
        self._db.execute("begin")
        putting.insert(self._db, "actors", putting.ACTOR, (row for _, row in self._actors.values()))
        latest = ((who, *order) for who, (order, _) in self._actors.items())
        putting.insert(self._db, "latest", ("actor", "ms", "count", "entry"), latest)
        heads = ((key, " ".join(auth)) for auth, key in self._auths.items())
        putting.insert(self._db, "auths", ("key", "heads"), heads)
        self._db.execute("commit")
        self._db.close()

    def _entry(self, key: int, item: Admission, reason: str) -> None:
        self._number += self._step
        cited = item.entry.envelope.auth if item.entry else ()
        auth = self._auths.setdefault(cited, self._first + self._step * len(self._auths))
        self._rows.add(key, item, self._number, auth, self._number * PLACES - 1, reason)
        if item.actor:
            order = (*item.record.hlc, item.record.id)
            if item.actor[0] not in self._actors or order > self._actors[item.actor[0]][0]:
                self._actors[item.actor[0]] = (order, item.actor)
            self._rows.actors.clear()

    def _add(self, table: str, row: dict[str, Any]) -> None:
        self._tables.setdefault(table, []).append(row)

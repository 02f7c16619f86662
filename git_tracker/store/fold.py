"""Fold: from a set of entries to the state of an issue. Pure, total, the same for every order of arrival.

Causality comes from the commit graph; `(hlc, id)` only breaks ties between concurrent entries. One function, `step`,
decides what may take effect: the writer calls it before it signs, the fold calls it on what was recorded and turns
the same exception into a `Rejection`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from git_tracker.errors import Invalid, Refused
from git_tracker.store import events, graph, text
from git_tracker.store.canonical import Json
from git_tracker.store.shape import Event

Covers = Callable[[str], bool]


class Record(NamedTuple):
    """What the fold needs of one verified entry. `at` is the author's clock in seconds and orders nothing."""

    id: str
    parents: tuple[str, ...]
    hlc: tuple[int, int]
    actor: str
    at: int
    under: str
    events: Sequence[Mapping[str, Json]]
    digest: str = ""  # of the signed payload: the same payload under two ids counts once
    muted: bool = False  # well signed but not allowed: keeps its place in texts, has no effect
    uprooted: bool = False  # a parent is quarantined: what it says about texts has no base


class Rejection(NamedTuple):
    """A recorded event (or a whole entry, where `position` is None) that could not take effect."""

    entry: str
    position: int | None
    reason: str


class Stamp(NamedTuple):
    """Who does something, in which entry, knowing what."""

    entry: str
    hlc: tuple[int, int]
    actor: str
    at: int
    covers: Covers
    person: bool = True

    @property
    def order(self) -> list[Any]:
        return [*self.hlc, self.entry]


class Claim(NamedTuple):
    """A claim as the view and the writer need it; times are milliseconds since 1970."""

    entry: str
    actor: str
    since: int
    until: int


class State:
    """Everything an issue's history adds up to, as JSON-like values, so that the index can keep it.

    `registers`: field -> maximal writes `[entry, ms, count, actor, at, value]`; more than one distinct value is a
    conflict. `sets`: name -> element -> adds `[ms, count, entry]` that no remove covers.
    """

    __slots__ = (
        "attachments", "claims", "comments", "created", "criteria", "events", "evidence", "foreign", "heads",
        "pending", "registers", "rejections", "sets", "spent", "texts", "updated",
    )  # fmt: skip
    KEPT = (
        "attachments", "claims", "created", "criteria", "events", "evidence", "foreign", "heads", "registers",
        "sets", "spent", "texts", "updated",
    )  # fmt: skip

    def __init__(self, comments: "dict[str, dict[str, Any]] | None" = None) -> None:
        self.attachments: list[Json] = []
        self.claims: list[dict[str, Any]] = []
        self.comments: dict[str, dict[str, Any]] = {} if comments is None else comments
        self.created: dict[str, Any] = {}
        self.criteria: dict[str, dict[str, Any]] = {}
        self.events = 0
        self.evidence: list[Json] = []
        self.foreign = False  # holds muted or uprooted text: the next entry needs a full fold
        self.heads: list[str] = []
        self.pending: list[tuple[str, str, int, text.Operation, bool]] | None = None
        self.registers: dict[str, list[list[Any]]] = {}
        self.rejections: list[Rejection] = []
        self.sets: dict[str, dict[str, list[list[Any]]]] = {}
        self.spent = 0
        self.texts: dict[str, str] = {}
        self.updated: list[Any] = [0, 0, "", 0]  # order of the latest entry, and its time in seconds

    def to_json(self) -> dict[str, Json]:
        """Everything but the comments, which the index keeps in rows of their own."""
        return {name: getattr(self, name) for name in self.KEPT}

    @classmethod
    def from_json(cls, kept: Mapping[str, Json], comments: dict[str, dict[str, Any]]) -> "State":
        state = cls(comments)
        for name in cls.KEPT:
            setattr(state, name, kept[name])
        return state

    # registers and sets

    def write(self, field: str, value: Json, stamp: Stamp) -> None:
        kept = [write for write in self.registers.get(field, ()) if not stamp.covers(write[0])]
        self.registers[field] = [*kept, [stamp.entry, *stamp.hlc, stamp.actor, stamp.at, value]]

    def value(self, field: str, default: Json = None) -> Json:
        """Return the winning value: the maximal write with the highest `(hlc, id)`."""
        writes = self.registers.get(field)
        return max(writes, key=lambda write: (write[1], write[2], write[0]))[5] if writes else default

    def add(self, name: str, element: str, stamp: Stamp) -> None:
        self.remove(name, element, stamp)
        self.sets.setdefault(name, {}).setdefault(element, []).append(stamp.order)

    def remove(self, name: str, element: str, stamp: Stamp) -> None:
        elements = self.sets.get(name, {})
        kept = [add for add in elements.pop(element, ()) if not stamp.covers(add[2])]
        if kept:
            elements[element] = kept

    # texts

    def edit(self, document: str, operation: text.Operation, stamp: Stamp, part: str) -> None:
        """Edit the description or a comment's body (named by its part id)."""
        position = int(part.rpartition(".")[2])
        if self.pending is not None:
            self.pending.append((document, stamp.entry, position, operation, False))
            return
        changed = text.apply(self.text(document), operation)
        if changed is None:
            self.rejections.append(Rejection(stamp.entry, position, "the text operation does not fit its text"))
        else:
            self.put_text(document, changed)

    def text(self, document: str) -> str:
        if document == "description":
            return self.texts.get(document, "")
        return str(self.comments[document]["body"]) if document in self.comments else ""

    def put_text(self, document: str, value: str) -> None:
        if document == "description":
            self.texts[document] = value
        elif document in self.comments:
            self.comments[document] = self.comments[document] | {"body": value}

    # claims

    def claim(self, now: int, covers: Covers = lambda _: True) -> Claim | None:
        """Return the live claim at `now` (ms), as known to somebody who covers `covers`.

        Of concurrent claims the earliest wins, by `(hlc, id)`.
        """
        live = [
            claim
            for claim in self.claims
            if covers(claim["entry"])
            and not any(covers(end) for end, _ in claim["ends"])
            and _until(claim, covers) > now
        ]
        if not live:
            return None
        first = min(live, key=lambda claim: claim["order"])
        return Claim(first["entry"], first["actor"], first["order"][0], _until(first, covers))

    def end_claims(self, stamp: Stamp, why: str, only: str = "") -> None:
        for claim in self.claims:
            if stamp.covers(claim["entry"]) and (not only or claim["entry"] == only):
                claim["ends"].append([stamp.entry, why])

    def renew_claims(self, stamp: Stamp) -> None:
        for claim in self.claims:
            if claim["actor"] == stamp.actor and stamp.covers(claim["entry"]):
                if claim["entry"] != stamp.entry and not any(stamp.covers(end) for end, _ in claim["ends"]):
                    claim["renewals"].append([stamp.entry, stamp.hlc[0]])

    def settle_claims(self) -> None:
        """Forget what no later entry can ask for: everything so far is in the past of all that follows."""
        for claim in self.claims:
            claim["until"], claim["renewals"] = _until(claim, lambda _: True), []
        self.claims = [claim for claim in self.claims if not claim["ends"]] or self.claims[-1:]


def _until(claim: Mapping[str, Any], covers: Covers) -> int:
    renewed = (at for entry, at in claim["renewals"] if covers(entry))
    return int(max(claim["until"], *(min(at + claim["lease"], claim["cap"]) for at in renewed), 0))


def check(state: State, record: Record, covers: Covers) -> tuple[Stamp, list[Event]]:
    """Return the entry's events if it may take effect as a whole; raise `Refused` or `Invalid` if it may not."""
    stamp = Stamp(record.id, record.hlc, record.actor, record.at, covers)
    found = [events.decode(event) for event in record.events]
    if record.under:
        _check_fence(state, record.under, stamp)
    if not state.created and not (found and isinstance(found[0], events.Created)):
        raise Refused("a history begins with a created event")
    for event in found:
        event.check(state, stamp)
    return stamp, found


def step(state: State, record: Record, covers: Covers) -> None:
    """Let one entry take effect as a whole, or raise before anything changed."""
    stamp, found = check(state, record, covers)
    for position, event in enumerate(found):
        event.apply(state, stamp, f"{record.id}.{position}")
    state.renew_claims(stamp)
    order = stamp.order
    if order > state.updated[:3]:
        state.updated = [*order, record.at]


def _check_fence(state: State, under: str, stamp: Stamp) -> None:
    for claim in state.claims:
        if claim["entry"] == under:
            if any(why == "superseded" and stamp.covers(end) for end, why in claim["ends"]):
                raise Refused("written under a claim that another one had superseded", code="claim_lost")
            return


def advance(state: State, record: Record) -> bool:
    """Extend a state by an entry that builds on all its heads; return False if that is not the case."""
    if state.foreign or record.muted or record.uprooted or not set(state.heads) <= set(record.parents):
        return False
    _take(state, record, lambda _: True)
    state.settle_claims()
    state.heads = [record.id]
    return True


def fold(records: Iterable[Record]) -> State:
    """Return the state a set of entries adds up to, in whatever order they come."""
    by_id = {record.id: record for record in records}
    first_of: dict[str, str] = {}
    for record in by_id.values():
        first_of[record.digest or record.id] = min(record.id, first_of.get(record.digest or record.id, record.id))
    known = {
        record.id: record if first_of[record.digest or record.id] == record.id else record._replace(muted=True)
        for record in by_id.values()
    }
    order = graph.topological(known)
    state = State()
    state.foreign = any(
        (record.muted or record.uprooted) and any(_edits(event) for event in record.events) for record in order
    )
    for stretch in [order] if state.foreign else graph.stretches(order):
        _fold_stretch(state, stretch)
    state.heads = list(graph.heads(order))
    return state


def _fold_stretch(state: State, stretch: Sequence[Record]) -> None:
    if len(stretch) == 1 and not state.foreign:
        if not stretch[0].muted:
            _take(state, stretch[0], lambda _: True)
        state.settle_claims()
        return
    ancestry = graph.Ancestry(stretch)
    bases = {"description": state.text("description")} | {part: note["body"] for part, note in state.comments.items()}
    state.pending = []
    for record in stretch:
        if record.muted:
            _keep_places(state, record)
        else:
            _take(state, record, lambda earlier, later=record.id: ancestry.covers(later, earlier))  # type: ignore[misc]
    pending, state.pending = state.pending, None
    _walk(state, stretch, pending, bases, ancestry)
    if not state.foreign and len(graph.heads(stretch)) == 1:
        state.settle_claims()


def _take(state: State, record: Record, covers: Covers) -> None:
    state.events += len(record.events)
    try:
        step(state, record, covers)
    except (Refused, Invalid) as error:
        state.rejections.append(Rejection(record.id, None, str(error)))


def _edits(event: Mapping[str, Json]) -> bool:
    return event.get("type") in ("created", "description-edited", "comment-added", "comment-edited")


def _keep_places(state: State, record: Record) -> None:
    """Let a muted entry's texts hold their places in the walk, invisible."""
    assert state.pending is not None
    for position, event in enumerate(record.events):
        if _edits(event):
            try:
                found = events.decode(event)
            except Invalid:
                continue
            document, operation = found.edits(f"{record.id}.{position}") if isinstance(found, events.Edit) else ("", [])
            if operation:
                state.pending.append((document, record.id, position, operation, True))


def _walk(
    state: State,
    stretch: Sequence[Record],
    pending: Sequence[tuple[str, str, int, text.Operation, bool]],
    bases: Mapping[str, str],
    ancestry: graph.Ancestry,
) -> None:
    uprooted = {record.id for record in stretch if record.uprooted}
    walks: dict[str, text.Walk] = {}
    pasts: dict[str, set[str]] = {}
    for document, entry, position, operation, muted in pending:
        if entry in uprooted:
            state.rejections.append(Rejection(entry, position, "the text it edits rests on a quarantined entry"))
            continue
        walk = walks.setdefault(document, text.Walk(bases.get(document, "")))
        if entry not in pasts:
            pasts[entry] = ancestry.past(entry)
        if not walk.step(entry, operation, pasts[entry] | {entry}, muted=muted):
            state.rejections.append(Rejection(entry, position, "the text operation does not fit its text"))
    for document, walk in walks.items():
        state.put_text(document, walk.text())

"""Fold: from a set of entries to the state of an issue. Pure, total, the same for every order of arrival.

Causality comes from the commit graph; `(hlc, id)` only breaks ties between concurrent entries. One function, `step`,
decides what may take effect: the writer calls it before it signs, the fold calls it on what was recorded and turns
the same exception into a `Rejection`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from git_tracker.errors import Invalid, Refused
from git_tracker.store import collision, events, graph, registers, text
from git_tracker.store.canonical import Json
from git_tracker.store.shape import Event
from git_tracker.store.state import Covers, Rejection, Stamp, State


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
    muted: bool = False  # well signed but not allowed: has no effect, and nobody saw one
    uprooted: bool = False  # a parent is quarantined: what it says about texts has no base
    auth: tuple[str, ...] = ()  # the entries of the trust log that it cites
    twin: bool = False  # its payload counts under another id: no effect, but a place in texts that others built on
    person: bool = True  # signed with a person's own key, not by a session
    review: str = ""  # the rule about reviews in the policy it cites, if any


def check(state: State, record: Record, covers: Covers) -> tuple[Stamp, list[Event]]:
    """Return the entry's events if it may take effect as a whole; raise `Refused` or `Invalid` if it may not."""
    stamp = Stamp(record.id, record.hlc, record.actor, record.at, covers, record.person, record.review)
    found = [events.decode(event) for event in record.events]
    if record.under:
        _check_fence(state, record.under, stamp)
    if not state.created and not (found and isinstance(found[0], events.Created)):
        raise Refused("a history begins with a created event")
    if any(isinstance(event, events.Created) for event in found[1:]):
        raise Refused("an issue is created only once")
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


def advance(state: State, record: Record, *, strict: bool = False) -> bool:
    """Extend a state by an entry that builds on all its heads; return False if that is not the case.

    With `strict`, what `step` raises is for the caller: the state is of no use any more then.
    """
    if state.foreign or record.muted or record.uprooted or not set(state.heads) <= set(record.parents):
        return False
    _take(state, record, everything, strict=strict)
    state.settle()
    state.heads = [record.id]
    return True


def fold(records: Iterable[Record]) -> State:
    """Return the state a set of entries adds up to, in whatever order they come."""
    given = list(records)
    if graph.is_line(given) and len({record.digest or record.id for record in given}) == len(given):
        if not any(record.uprooted for record in given):
            return _fold_line(given)
    by_id = {record.id: record for record in given}
    first_of: dict[str, str] = {}
    for record in by_id.values():
        first_of[record.digest or record.id] = min(record.id, first_of.get(record.digest or record.id, record.id))
    known = {
        record.id: record._replace(twin=first_of[record.digest or record.id] != record.id) for record in by_id.values()
    }
    order = graph.topological(known)
    state = State()
    state.foreign = any(
        (record.twin or record.uprooted) and any(_edits(event) for event in record.events) for record in order
    )
    for stretch in [order] if state.foreign else graph.stretches(order):
        _fold_stretch(state, stretch)
    state.heads = list(graph.heads(order))
    return state


def _fold_line(line: Sequence[Record]) -> State:
    """Fold a history in which nobody wrote while somebody else did."""
    state = State()
    for record in line:
        if not record.muted:
            _take(state, record, everything)
        state.settle()
    state.heads = [record.id for record in line[-1:]]
    return state


def everything(_: str) -> bool:
    """Cover whatever is asked for, as an entry does that builds on all heads."""
    return True


def _fold_stretch(state: State, stretch: Sequence[Record]) -> None:
    if len(stretch) == 1 and not state.foreign:
        if not (stretch[0].muted or stretch[0].twin):
            _take(state, stretch[0], everything)
        state.settle()
        return
    ancestry = graph.Ancestry(stretch)
    bases = {"description": state.text("description")} | {part: note["body"] for part, note in state.comments.items()}
    before, state.pending, state.written = dict(state.registers), [], {}
    for record in stretch:
        if record.muted:
            continue
        if record.twin:
            _keep_places(state, record)
        else:
            _take(state, record, lambda earlier, later=record.id: ancestry.covers(later, earlier))  # type: ignore[misc]
    pending, state.pending = state.pending, None
    _walk(state, stretch, pending, bases, ancestry)
    _keep_bases(state, before, ancestry)
    if not state.foreign and len(graph.heads(stretch)) == 1:
        state.settle()


def _take(state: State, record: Record, covers: Covers, *, strict: bool = False) -> None:
    state.events += len(record.events)
    state.cite(record.auth)
    try:
        step(state, record, covers)
    except (Refused, Invalid) as error:
        if strict:
            raise
        state.rejections.append(Rejection(record.id, None, str(error)))


def _edits(event: Mapping[str, Json]) -> bool:
    if event.get("type") == "conflict-resolved":
        return bool(events.document_of(event.get("field")))
    return event.get("type") in ("created", "description-edited", "comment-added", "comment-edited")


def _keep_places(state: State, record: Record) -> None:
    """Let a twin's texts hold their places in the walk, invisible, for those who knew no other and built on it."""
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
    by_id = {record.id: record for record in stretch}
    walks: dict[str, text.Walk] = {}
    edits: dict[str, list[collision.Edit]] = {}
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
        elif not muted:
            author = by_id[entry]
            edits.setdefault(document, []).append(collision.Edit(entry, author.hlc, author.actor, author.at))
    for document, walk in walks.items():
        state.put_text(document, walk.text())
        if document in edits:
            state.collide(document, collision.find(walk, edits[document], ancestry))


def _keep_bases(state: State, before: Mapping[str, registers.Writes], ancestry: graph.Ancestry) -> None:
    """Keep, of each field that was written concurrently, what stood at the common past of the writes."""
    written, state.written = state.written or {}, None
    old, state.bases = state.bases, {field: base for field, base in state.bases.items() if field not in written}
    for field in written.keys() & set(registers.FIELDS):
        if len(state.registers[field]) < 2:
            continue
        stood = before.get(field, ())
        start = old.get(field) if registers.in_conflict(stood) else registers.latest(stood) if stood else None
        base = registers.base(state.registers[field], written[field].values(), start, ancestry.covers)
        if base:
            state.bases[field] = base
        if base and field == "status":
            known = [*written.get("category", {}).values(), *before.get("category", ())]
            with_it = {write[0]: write for write in known}.get(base[0], old.get("category"))
            state.bases |= {"category": with_it} if with_it else {}

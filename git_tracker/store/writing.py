"""One request on its way in: decides, signs and stages entries, each on the state the one before left.

Works inside the index transaction of `IssueStore`; nothing is visible to anybody before the store publishes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from git_tracker.errors import Conflict, Corrupt, Invalid, NotFound, Refused
from git_tracker.store import changes, commit, events, refs
from git_tracker.store import entry as format
from git_tracker.store.changes import Context, Plan
from git_tracker.store.entry import Entry, Envelope
from git_tracker.store.identity import Proof, Signer
from git_tracker.store.index import circles, exchange, read, rows, schema, write
from git_tracker.store.journal import Record as Journaled
from git_tracker.store.log import admission, parent_of
from git_tracker.store.projection import Projection
from git_tracker.store.shape import Event
from git_tracker.store.state import State
from git_tracker.store.verdicts import Place, judge

Decide = Callable[[State, Context], list[Event]]

LINK_FIELDS = ("relates", "discovered_from", "supersedes", "duplicates")


class Writing:
    """The entries of one request by one signer. `records` is what the journal gets, in order."""

    def __init__(
        self, projection: Projection, by: Signer, rk: str, clock: Callable[[], int], entropy: Callable[[int], bytes]
    ) -> None:
        self._projection, self._db, self._by, self._rk = projection, projection.db, by, rk
        self._entropy = entropy
        self.now_ms = clock() // 10**6
        self.records: list[Journaled] = []
        self._proof = Proof(by.identity.key, by.delegation)
        self._chain = by.identity.key.hex()
        self._last = self._chain_end()
        member = projection.trust.members.get(by.issuer)
        actor = by.sid or (member.person if member else "")
        self.context = Context(
            actor, member.person if member else "", self.now_ms, projection.workflow, self.resolve,
            lambda: self._entropy(16).hex(),
        )  # fmt: skip

    def resolve(self, id: str) -> str:
        return read.resolve(self._db, id)

    def find_imported(self, source: str, id: str) -> str | None:
        """Return the issue that was imported from `source`, where it had the id `id`."""
        return exchange.origin(self._db, source, id)

    def create(self, items: Sequence[Mapping[str, Any]]) -> list[str]:
        """Create a plan's issues; ids in its fields may be `#ref` of another item. Returns the ids in order."""
        made: dict[str, str] = {}
        ids: dict[int, str] = {}
        for number in parents_first(items):
            with _in_its_place(number, items):
                ids[number] = self._create(items[number], made)
        for number, planned in enumerate(items):
            for blocker in planned.get("blocked_by") or ():
                with _in_its_place(number, items):
                    self.change(self._named(blocker, made), _blocks(ids[number]))
        return [ids[number] for number in range(len(items))]

    def _create(self, planned: Mapping[str, Any], made: dict[str, str]) -> str:
        item: dict[str, Any] = dict(planned)
        ref, imported = item.pop("ref", ""), item.pop("imported", None)
        item.pop("blocked_by", None)
        links = []
        if parent := item.pop("parent", None):
            links.append(("parent", self._named(parent, made)))
        for field in LINK_FIELDS:
            for other in item.pop(field, None) or ():
                links.append((field.replace("_", "-"), self._named(other, made)))
        found = changes.create(Plan(item, links), self.context)
        id = self.root(found if imported is None else [_imported(found[0], imported), *found[1:]])
        if ref:
            made[ref.removeprefix("#")] = id
        return id

    def root(self, found: Sequence[Event]) -> str:
        """Stage the root entry of a new issue; returns its id."""
        return self._stage(None, State(), (), (0, 0), found)

    def change(self, id: str, decide: Decide, expect: Sequence[str] = ()) -> str:
        """Stage what `decide` says about the issue that an id or prefix names; returns its id, also where nothing changes."""
        row = read.named(self._db, id, "*")
        id, state = str(row["id"]), write.state(self._db, row)
        if expect and set(expect) != set(state.heads):
            raise Conflict("the issue changed since you read it", "read it again, then decide anew", code="heads_moved")
        try:
            found = decide(state, self.context)
        except (Conflict, Refused) as error:
            if error.code == "claimed":  # that may be news to whoever had claimed it, too
                self._require_no_loss(id, state)
            raise
        if any(event.operation not in ("comment", "claim") for event in found):
            self._require_no_loss(id, state)
        if found:
            circles.require_none(self._db, id, found)
            held = state.claim(self.now_ms)
            under = held.entry if held and held.actor == self.context.actor else ""
            for start in range(0, len(found), format.MAX_EVENTS):
                if start:
                    row = write.stored(self._db, id) or row
                    state = write.state(self._db, row)
                part = found[start : start + format.MAX_EVENTS]
                self._stage(row, state, self._parents(state), self._clock_of(row["key"], state), part, under)
        return id

    def _require_no_loss(self, id: str, state: State) -> None:
        """Refuse work under a claim that somebody else turned out to have made earlier; talking about it is fine."""
        if state.lost_claim(self.now_ms, self.context.actor):
            holder = state.claim(self.now_ms)
            raise Conflict(
                f"{holder.actor if holder else 'somebody'} had claimed {id[:7]} before you did, on another machine",
                "release it to accept that, and claim another", code="claim_lost",
            )  # fmt: skip

    def trust(self, event: Mapping[str, Any], more: Sequence[str] = ()) -> str:
        """Stage an entry of the trust log; returns its id. `more` are further entries it has seen (another root's)."""
        trust, log = self._projection.trust, self._projection.log
        parents = tuple(sorted({*trust.heads, *more}))
        latest = max((found.hlc for id in parents if (found := log.read_one(id))), default=(0, 0))
        hlc = (self.now_ms, 0) if self.now_ms > latest[0] else (latest[0], latest[1] + 1)
        envelope = Envelope([event], hlc, *self._next(), trust.root, trust.heads)
        entry, raw = self._signed(envelope, parents, f"trust: {event['type']} {event.get('person', '')}")
        if trust.root and not self._projection.would_count(entry, self._proof, more):
            raise Refused(
                f"you may not do that here: {event['type']}", "an owner or maintainer can", code="not_allowed"
            )
        self._projection.take_trust(admission(entry, self._proof, trust, "ok", ""))
        self.records.append(Journaled(entry.id, refs.TRUST, self._projection.trust_tip, raw))
        self._wrote(envelope.n, entry.id)
        return entry.id

    def _stage(
        self, row: schema.Row | None, state: State, parents: Sequence[str], after: tuple[int, int],
        found: Sequence[Event], under: str = "",
    ) -> str:  # fmt: skip
        hlc = (self.now_ms, 0) if self.now_ms > after[0] else (after[0], after[1] + 1)
        trust = self._projection.trust
        encoded = [event.encode() for event in found]
        envelope = Envelope(encoded, hlc, *self._next(), trust.root, trust.heads, self._rk, self._by.sid, under)
        summary = "; ".join(event.summary() for event in found[:5])
        entry, raw = self._signed(envelope, parents, summary)
        limited = self._by.delegation is not None and self._by.delegation.scope  # else nobody asks for the parent
        id = row["id"] if row else entry.id
        parent = (rows.created_under(self._db, row["key"]) if limited else None) if row else parent_of(encoded)
        verdict, reason = judge(trust, entry, self._proof, Place(id, (), parent), lambda *_: None)
        if verdict != "ok":
            raise Refused(f"nobody would accept this entry: {reason}", code="not_allowed")
        admitted = admission(entry, self._proof, trust, verdict, reason)
        self._projection.take(id, admitted, state, row)
        self.records.append(Journaled(entry.id, refs.issue(id), row["tip"] if row else None, raw))
        self._wrote(envelope.n, entry.id)
        return id

    def _signed(self, envelope: Envelope, parents: Sequence[str], summary: str) -> tuple[Entry, bytes]:
        who = self._by.identity
        author = commit.author_line(who.name, who.email, self.now_ms // 1000)
        payload = format.payload(envelope, parents, author, summary)
        armour = self._by.sign(payload)
        raw = commit.join(payload, armour)
        try:  # what every reader will do with it
            return format.decode(commit.commit_id(raw), raw), raw
        except Corrupt as error:
            raise Invalid(f"it cannot be stored: {error}", "say it in several smaller changes") from None

    def _next(self) -> tuple[int, str | None]:
        return (self._last[0] + 1, self._last[1]) if self._last else (0, None)

    def _chain_end(self) -> tuple[int, str] | None:
        """Return number and id of what this key wrote last in this clone: in another one it has another chain."""
        if self._by.delegation:  # the key of a session lives in one process
            return rows.chain_end(self._db, self._chain)
        n, _, id = schema.meta(self._db, f"chain {self._chain}").partition(" ")
        return rows.last_after(self._db, self._chain, int(n), id) if id else None

    def _wrote(self, n: int, id: str) -> None:
        self._last = (n, id)
        if not self._by.delegation:
            schema.set_meta(self._db, f"chain {self._chain}", f"{n} {id}")

    def _parents(self, state: State) -> tuple[str, ...]:
        return tuple(sorted(state.heads)[: format.MAX_PARENTS])

    def _clock_of(self, key: int, state: State) -> tuple[int, int]:
        if state.heads == state.updated[2:3]:
            return state.updated[0], state.updated[1]
        marks = ", ".join("?" * len(state.heads))
        rows = self._db.execute(
            f"select ms, count from entries where issue = ? and id in ({marks})", [key, *state.heads]
        )
        return max((row[0], row[1]) for row in rows)

    def _named(self, name: str, made: Mapping[str, str]) -> str:
        if name.startswith("#"):
            if name[1:] not in made:
                raise Invalid(f"no item of the plan has the ref {name[1:]!r}", "give that item a `ref`")
            return made[name[1:]]
        return made.get(name) or self.resolve(name)


def parents_first(items: Sequence[Mapping[str, Any]]) -> list[int]:
    """Order a plan so that every item comes after those whose ids its root entry names."""
    numbers = {item["ref"].removeprefix("#"): number for number, item in enumerate(items) if item.get("ref")}
    if len(numbers) != sum(1 for item in items if item.get("ref")):
        raise Invalid("two items of the plan have the same ref")
    order: list[int] = []
    state: dict[int, int] = {}

    def needs(number: int) -> list[int]:
        item = items[number]
        named = [item.get("parent") or ""] + [other for field in LINK_FIELDS for other in item.get(field) or ()]
        return [numbers[name.removeprefix("#")] for name in named if name.removeprefix("#") in numbers]

    for start in range(len(items)):
        todo = [start]
        while todo:
            number = todo[-1]
            if state.get(number) == 2:
                todo.pop()
                continue
            state[number] = 1
            missing = [other for other in needs(number) if state.get(other) != 2]
            if any(state.get(other) == 1 for other in missing):
                raise Invalid("items of the plan name each other in a circle")
            if missing:
                todo += missing
            else:
                state[number] = 2
                order.append(todo.pop())
    return order


@contextmanager
def _in_its_place(number: int, items: Sequence[object]) -> Iterator[None]:
    """Say of what is wrong with an item of a plan which one it is; where there is only one, that is clear."""
    try:
        yield
    except (Invalid, NotFound, Refused) as error:
        if len(items) > 1:
            error.args = (f"item {number + 1}: {error}",)
        raise


def _blocks(blocked: str) -> Decide:
    return lambda state, context: changes.link(state, "blocks", blocked, False)


def _imported(created: Event, origin: Mapping[str, str]) -> Event:
    return events.Created.decode({**created.encode(), "imported": dict(origin)})

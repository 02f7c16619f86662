"""The state an issue's history adds up to, and the small algebra that events change it with.

Registers keep every maximal write, sets keep the adds that no remove has seen, claims keep what later claims may ask
about. Everything is JSON-like, so that the index can keep it and extend it by one entry.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from git_tracker.store import registers, review, text
from git_tracker.store.canonical import Json

Covers = Callable[[str], bool]  # whether an entry is in the past of the one that takes effect


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
    person: bool = True  # signed with a person's own key
    review: str = ""  # the rule about reviews that the policy it cites has, if any

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
    conflict. `bases`: field -> the write at their common past, where there are several. `sets`: name -> element -> adds
    `[ms, count, entry]` that no remove covers. `conflicts`: document -> the edits of it that collide, as `collision.find`
    returns them. `auth`: the entries of the trust log that the entries cite; `manual`, the fields that wait for somebody
    to choose, is the one value that comes from there and not from the fold.
    """

    __slots__ = (
        "attachments", "auth", "bases", "claims", "comments", "conflicts", "created", "criteria", "events", "evidence",
        "foreign", "heads", "manual", "pending", "registers", "rejections", "sets", "spent", "stored", "texts", "updated",
        "work", "written",
    )  # fmt: skip
    KEPT = (
        "attachments", "auth", "bases", "claims", "conflicts", "created", "criteria", "events", "evidence", "foreign",
        "heads", "manual", "registers", "sets", "spent", "texts", "updated", "work",
    )  # fmt: skip

    def __init__(self, comments: "dict[str, dict[str, Any]] | None" = None) -> None:
        self.attachments: list[Json] = []
        self.auth: list[str] = []
        self.bases: dict[str, registers.Write] = {}
        self.claims: list[dict[str, Any]] = []
        self.comments: dict[str, dict[str, Any]] = {} if comments is None else comments
        self.conflicts: dict[str, dict[str, Any]] = {}
        self.created: dict[str, Any] = {}
        self.criteria: dict[str, dict[str, Any]] = {}
        self.events = 0
        self.evidence: list[Json] = []
        self.foreign = False  # holds muted or uprooted text: the next entry needs a full fold
        self.heads: list[str] = []
        self.manual: list[str] = []
        self.pending: list[tuple[str, str, int, text.Operation, bool]] | None = None
        self.registers: dict[str, list[list[Any]]] = {}
        self.rejections: list[Rejection] = []
        self.sets: dict[str, dict[str, list[list[Any]]]] = {}
        self.spent = 0
        self.stored: tuple[str, str] | None = None  # its sets, encoded, and its description, as the index has them
        self.texts: dict[str, str] = {}
        self.updated: list[Any] = [0, 0, "", 0]  # order of the latest entry, and its time in seconds
        self.work = review.nothing()
        self.written: dict[str, dict[str, registers.Write]] | None = None  # field -> entry -> write, while folding many

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
        own = [stamp.entry, *stamp.hlc, stamp.actor, stamp.at, value]
        self.registers[field] = [*kept, own]
        if not kept:
            self.bases.pop(field, None)
        if self.written is not None and field in registers.BASED:
            self.written.setdefault(field, {})[stamp.entry] = own

    def standing(self, field: str) -> registers.Write | None:
        """Return the write whose value a field has."""
        return registers.standing(self.registers, self.bases, self.manual, field)

    def value(self, field: str, default: Json = None) -> Json:
        """Return the value of a field: of concurrent ones the latest, or what stood before where the field is manual."""
        write = self.standing(field)
        return write[5] if write else default

    def cite(self, auth: Iterable[str]) -> None:
        """Remember what of the trust log an entry cites."""
        for id in auth:
            if id not in self.auth:
                self.auth = sorted([*self.auth, id])

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
            self.conflicts.pop(document, None)

    def text(self, document: str) -> str:
        if document == "description":
            return self.texts.get(document, "")
        return str(self.comments[document]["body"]) if document in self.comments else ""

    def put_text(self, document: str, value: str) -> None:
        if document == "description":
            self.texts[document] = value
        elif document in self.comments:
            self.comments[document] = self.comments[document] | {"body": value}

    def collide(self, document: str, found: dict[str, Any] | None) -> None:
        """Keep what collides of the latest edits of a text; of a redacted comment nothing is kept."""
        self.conflicts.pop(document, None)
        if found and not self.comments.get(document, {}).get("redacted"):
            self.conflicts[document] = found

    # claims

    def claim(self, now: int, covers: Covers = lambda _: True) -> Claim | None:
        """Return the live claim at `now` (ms), as known to somebody who covers `covers`.

        Of concurrent claims the earliest wins, by `(hlc, id)`.
        """
        return next(iter(self.live_claims(now, covers)), None)

    def lost_claim(self, now: int, actor: str) -> Claim | None:
        """Return the claim of an actor that lives, but does not hold: an earlier one was made elsewhere meanwhile."""
        live = self.live_claims(now)
        if not live or live[0].actor == actor:
            return None
        return next((claim for claim in live if claim.actor == actor), None)

    def live_claims(self, now: int, covers: Covers = lambda _: True) -> list[Claim]:
        """Return the claims that have neither ended nor run out, the one that holds first."""
        live = [
            claim
            for claim in self.claims
            if covers(claim["entry"])
            and not any(covers(end) for end, _ in claim["ends"])
            and _until(claim, covers) > now
        ]
        live.sort(key=lambda claim: claim["order"])
        return [Claim(one["entry"], one["actor"], one["order"][0], _until(one, covers)) for one in live]

    def end_claims(self, stamp: Stamp, why: str, only: str = "") -> None:
        for claim in self.claims:
            if stamp.covers(claim["entry"]) and (not only or claim["entry"] == only):
                claim["ends"].append([stamp.entry, why])

    def renew_claims(self, stamp: Stamp) -> None:
        for claim in self.claims:
            if claim["actor"] == stamp.actor and stamp.covers(claim["entry"]):
                if claim["entry"] != stamp.entry and not any(stamp.covers(end) for end, _ in claim["ends"]):
                    claim["renewals"].append([stamp.entry, stamp.hlc[0]])

    def settle(self) -> None:
        """Forget what no later entry can ask for: everything so far is in the past of all that follows."""
        if self.claims:
            for claim in self.claims:
                if claim["renewals"]:
                    claim["until"], claim["renewals"] = _until(claim, lambda _: True), []
            open_or_lost = [c for c in self.claims if not c["ends"] or any(why == "superseded" for _, why in c["ends"])]
            self.claims = open_or_lost or self.claims[-1:]
        review.settle(self.work)


def _until(claim: Mapping[str, Any], covers: Covers) -> int:
    renewed = (at for entry, at in claim["renewals"] if covers(entry))
    return int(max(claim["until"], *(min(at + claim["lease"], claim["cap"]) for at in renewed), 0))

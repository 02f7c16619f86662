"""Events of work: claims, acceptance criteria, evidence, time, files."""

from typing import TYPE_CHECKING

from git_tracker.errors import Invalid, Refused
from git_tracker.store import review
from git_tracker.store.shape import (
    Body,
    Digest,
    Event,
    FileSize,
    Flag,
    IssueRef,
    Line,
    OptionalEntry,
    PartRef,
    Seconds,
    Title,
    Word,
)

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State


class Claimed(Event, type="claimed", operation="claim"):
    """The actor works on the issue; `lease` and `cap` are seconds: until when without a write, and at most."""

    lease: Seconds
    cap: Seconds
    supersedes: OptionalEntry = None

    def check(self, state: "State", stamp: "Stamp") -> None:
        claim = state.claim(stamp.hlc[0], stamp.covers)
        if claim and claim.actor != stamp.actor:
            raise Refused("somebody else holds a claim on the issue", code="claimed")

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.end_claims(stamp, "superseded")
        review.claimed(state.work, stamp)
        began = stamp.hlc[0]
        lease, cap = self.lease * 1000, self.cap * 1000
        state.claims.append({
            "actor": stamp.actor, "cap": began + cap, "ends": [], "entry": stamp.entry, "lease": lease,
            "order": stamp.order, "renewals": [], "until": began + min(lease, cap),
        })  # fmt: skip

    def summary(self) -> str:
        return f"claimed for {self.lease // 60} min"


class ClaimReleased(Event, type="claim-released", operation="claim"):
    claim: IssueRef
    reason: Line = ""

    def check(self, state: "State", stamp: "Stamp") -> None:
        if not any(claim["entry"] == self.claim and stamp.covers(claim["entry"]) for claim in state.claims):
            raise Invalid("no such claim")

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.end_claims(stamp, "released", self.claim)

    def summary(self) -> str:
        return f"released: {self.reason}" if self.reason else "released"


class CriterionAdded(Event, type="criterion-added", operation="edit"):
    text: Title

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.criteria[part] = {"order": [*stamp.order, int(part.partition(".")[2])], "text": self.text}

    def summary(self) -> str:
        return f"criterion: {self.text}"


class CriterionChecked(Event, type="criterion-checked", operation="edit"):
    criterion: PartRef
    checked: Flag = True

    def check(self, state: "State", stamp: "Stamp") -> None:
        if self.criterion not in state.criteria or not stamp.covers(self.criterion.partition(".")[0]):
            raise Invalid(f"no criterion {self.criterion}")

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.write(f"checked:{self.criterion}", self.checked, stamp)

    def summary(self) -> str:
        return "criterion checked" if self.checked else "criterion unchecked"


class EvidenceAdded(Event, type="evidence-added", operation="edit"):
    """Proof of work: `kind` is commit, test, review, url or note."""

    kind: Word
    value: Body

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        found = {"actor": stamp.actor, "at": stamp.at, "kind": self.kind, "value": self.value}
        state.evidence.append({**found, "order": [*stamp.order, int(part.partition(".")[2])]})
        state.evidence.sort(key=lambda item: item["order"])
        if self.kind == "review":
            review.given(state.work, stamp)

    def summary(self) -> str:
        return f"evidence: {self.kind} {' '.join(self.value.split())}"


class TimeLogged(Event, type="time-logged", operation="edit"):
    seconds: Seconds
    note: Line = ""

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.spent += self.seconds

    def summary(self) -> str:
        return f"{self.seconds // 60} min logged"


class Attached(Event, type="attached", operation="edit"):
    """A file: its blob is in the entry's tree, its digest here, because a signature reaches blobs only by SHA-1."""

    name: Title
    sha512: Digest
    size: FileSize

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        found = {"actor": stamp.actor, "at": stamp.at, "entry": stamp.entry, "name": self.name}
        state.attachments.append({**found, "order": stamp.order, "sha512": self.sha512, "size": self.size})
        state.attachments.sort(key=lambda item: item["order"])

    def summary(self) -> str:
        return f"attached: {self.name}"

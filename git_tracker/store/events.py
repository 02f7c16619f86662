"""The vocabulary: everything that can happen to an issue, one class per event type.

To add an event type: write the class here and list it in `EVENTS`. Its shape, its effect, its one-line summary and
the operation that a delegation must allow all stand in the class; nothing else knows the list. Names and fields are
stored forever: docs/FORMAT.md, section 4.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from git_tracker.errors import Invalid, Refused
from git_tracker.store import text
from git_tracker.store.canonical import Json
from git_tracker.store.shape import (
    Anything,
    Body,
    Digest,
    Event,
    FileSize,
    Flag,
    IssueRef,
    Line,
    LinkKind,
    Moment,
    Name,
    Nonce,
    Operation,
    OptionalEntry,
    OptionalSeconds,
    OptionalWord,
    PartRef,
    Priority,
    Seconds,
    Text,
    Title,
    Word,
)

if TYPE_CHECKING:
    from git_tracker.store.fold import Stamp, State


class Write(Event, type="", operation="edit"):
    """An event that writes one register."""

    def register(self) -> tuple[str, Json]:
        raise NotImplementedError

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.write(*self.register(), stamp)

    def summary(self) -> str:
        field, value = self.register()
        return f"{field}: {'none' if value is None else value}"


class Edit(Event, type="", operation="edit"):
    """An event that edits a text."""

    def edits(self, part: str) -> tuple[str, text.Operation]:
        """Return which document (`description` or a comment's part id) and the operation, which may be empty."""
        raise NotImplementedError

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        document, operation = self.edits(part)
        if operation:
            state.edit(document, operation, stamp, part)


class Created(Edit, type="created", operation="create"):
    """The issue came into being; always the first event of a root entry and nowhere else."""

    nonce: Nonce
    title: Title
    kind: Word = "task"
    status: Word = "todo"
    category: Word = "todo"
    priority: Priority = 2
    description: Text = ""

    def check(self, state: "State", stamp: "Stamp") -> None:
        if state.created:
            raise Refused("an issue is created only once")

    def edits(self, part: str) -> tuple[str, text.Operation]:
        return "description", [self.description] if self.description else []

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.created = {"actor": stamp.actor, "at": stamp.at, "entry": stamp.entry, "imported": self.imported}
        for field in ("title", "status", "category", "priority"):
            state.write(field, getattr(self, field), stamp)
        state.write("type", self.kind, stamp)
        super().apply(state, stamp, part)

    def summary(self) -> str:
        return f"created: {self.title}"


class StatusChanged(Write, type="status-changed", operation="status"):
    """`category` tells clones that do not know the status what it means to a board and to claims."""

    to: Word
    category: Word = "active"

    def register(self) -> tuple[str, Json]:
        return "status", self.to

    def check(self, state: "State", stamp: "Stamp") -> None:
        claim = state.claim(stamp.hlc[0], stamp.covers)
        if self.category == "done" and claim and claim.actor != stamp.actor:
            raise Refused("somebody else holds a claim on the issue", code="claimed")

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        super().apply(state, stamp, part)
        state.write("category", self.category, stamp)


class TitleChanged(Write, type="title-changed", operation="edit"):
    title: Title

    def register(self) -> tuple[str, Json]:
        return "title", self.title


class AssigneeChanged(Write, type="assignee-changed", operation="assign"):
    assignee: Name

    def register(self) -> tuple[str, Json]:
        return "assignee", self.assignee


class PriorityChanged(Write, type="priority-changed", operation="edit"):
    priority: Priority

    def register(self) -> tuple[str, Json]:
        return "priority", self.priority


class TypeChanged(Write, type="type-changed", operation="edit"):
    kind: Word

    def register(self) -> tuple[str, Json]:
        return "type", self.kind


class MilestoneSet(Write, type="milestone-set", operation="edit"):
    milestone: OptionalWord

    def register(self) -> tuple[str, Json]:
        return "milestone", self.milestone


class DueSet(Write, type="due-set", operation="edit"):
    """`due` is in seconds since 1970, as are all times in events."""

    due: Moment

    def register(self) -> tuple[str, Json]:
        return "due", self.due


class Deferred(Write, type="deferred", operation="edit"):
    """Not ready before `until`; null makes it ready again."""

    until: Moment

    def register(self) -> tuple[str, Json]:
        return "deferred", self.until


class EstimateSet(Write, type="estimate-set", operation="edit"):
    estimate: OptionalSeconds

    def register(self) -> tuple[str, Json]:
        return "estimate", self.estimate


class BranchLinked(Write, type="branch-linked", operation="edit"):
    branch: Name

    def register(self) -> tuple[str, Json]:
        return "branch", self.branch


class Archived(Write, type="archived", operation="archive"):
    reason: Line = ""

    def register(self) -> tuple[str, Json]:
        return "archived", True

    def summary(self) -> str:
        return f"archived: {self.reason}" if self.reason else "archived"


class Unarchived(Write, type="unarchived", operation="archive"):
    def register(self) -> tuple[str, Json]:
        return "archived", False

    def summary(self) -> str:
        return "unarchived"


class ConflictResolved(Write, type="conflict-resolved", operation="edit"):
    field: Word
    value: Anything

    def register(self) -> tuple[str, Json]:
        return self.field, self.value

    def check(self, state: "State", stamp: "Stamp") -> None:
        if self.field not in state.registers:
            raise Invalid(f"no field named {self.field!r} to resolve")
        check = REGISTER_CHECKS.get(self.field)
        if check and (flaw := check(self.value)):
            raise Invalid(f"{self.field} {flaw}")

    def summary(self) -> str:
        return f"resolved {self.field}: {self.value}"


class Custom(Write, type="custom", operation="edit"):
    """A field of the users' own, such as what an import had no other place for."""

    name: Word
    value: Anything

    def register(self) -> tuple[str, Json]:
        return f"custom:{self.name}", self.value

    def summary(self) -> str:
        return f"custom field: {self.name}"


class DescriptionEdited(Edit, type="description-edited", operation="edit"):
    operations: Operation

    def edits(self, part: str) -> tuple[str, text.Operation]:
        return "description", self.operations

    def summary(self) -> str:
        return "description edited"


class CommentAdded(Edit, type="comment-added", operation="comment"):
    body: Body

    def edits(self, part: str) -> tuple[str, text.Operation]:
        return part, [self.body]

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        note = {"actor": stamp.actor, "at": stamp.at, "body": "", "edited": False, "imported": self.imported}
        state.comments[part] = {**note, "order": [*stamp.order, int(part.partition(".")[2])], "redacted": False}
        super().apply(state, stamp, part)

    def summary(self) -> str:
        return f"comment: {' '.join(self.body.split())}"


class CommentEdited(Edit, type="comment-edited", operation="comment"):
    comment: PartRef
    operations: Operation

    def check(self, state: "State", stamp: "Stamp") -> None:
        _known(state, self.comment, stamp)

    def edits(self, part: str) -> tuple[str, text.Operation]:
        return self.comment, self.operations

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.comments[self.comment] = state.comments[self.comment] | {"edited": True}
        super().apply(state, stamp, part)

    def summary(self) -> str:
        return "comment edited"


class CommentRedacted(Event, type="comment-redacted", operation="redact"):
    """A tombstone that wins over every edit; the history keeps the words."""

    comment: PartRef
    reason: Line = ""

    def check(self, state: "State", stamp: "Stamp") -> None:
        _known(state, self.comment, stamp)

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.comments[self.comment] = state.comments[self.comment] | {"redacted": True}

    def summary(self) -> str:
        return "comment redacted"


def _known(state: "State", comment: str, stamp: "Stamp") -> None:
    if comment not in state.comments or not stamp.covers(comment.partition(".")[0]):
        raise Invalid(f"no comment {comment}")


class LabelAdded(Event, type="label-added", operation="label"):
    label: Word

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.add("labels", self.label, stamp)

    def summary(self) -> str:
        return f"+{self.label}"


class LabelRemoved(Event, type="label-removed", operation="label"):
    label: Word

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.remove("labels", self.label, stamp)

    def summary(self) -> str:
        return f"-{self.label}"


class LinkAdded(Event, type="link-added", operation="link"):
    """This issue blocks, relates to, duplicates or supersedes `issue`, was discovered from it, or has it as parent."""

    kind: LinkKind
    issue: IssueRef

    def check(self, state: "State", stamp: "Stamp") -> None:
        if state.created and self.issue == state.created["entry"]:
            raise Invalid("an issue does not link to itself")

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.add("links", f"{self.kind} {self.issue}", stamp)

    def summary(self) -> str:
        return f"{self.kind} {self.issue[:7]}"


class LinkRemoved(Event, type="link-removed", operation="link"):
    kind: LinkKind
    issue: IssueRef

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.remove("links", f"{self.kind} {self.issue}", stamp)

    def summary(self) -> str:
        return f"no longer {self.kind} {self.issue[:7]}"


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
        if self.criterion not in state.criteria:
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


class Unknown(Event, type="unknown", operation="edit"):
    """An event of a type that this version does not know: kept as it is, shown by name, without effect."""

    fields: Anything

    @classmethod
    def decode(cls, fields: Mapping[str, Json]) -> "Unknown":
        return cls(fields=dict(fields))

    def encode(self) -> dict[str, Json]:
        return dict(self.fields)

    def summary(self) -> str:
        return f"{self.fields.get('type')} (newer client)"


EVENTS: Mapping[str, type[Event]] = {
    event.type: event
    for event in (
        Created, StatusChanged, CommentAdded, LabelAdded, LabelRemoved, TitleChanged, DescriptionEdited,
        AssigneeChanged, PriorityChanged, TypeChanged, CommentEdited, CommentRedacted, LinkAdded, LinkRemoved,
        Claimed, ClaimReleased, CriterionAdded, CriterionChecked, EvidenceAdded, EstimateSet, DueSet, Deferred,
        MilestoneSet, TimeLogged, BranchLinked, Attached, Archived, Unarchived, ConflictResolved, Custom,
    )
}  # fmt: skip

REGISTER_CHECKS = {
    "title": TitleChanged.checks["title"],
    "status": StatusChanged.checks["to"],
    "assignee": AssigneeChanged.checks["assignee"],
    "priority": PriorityChanged.checks["priority"],
    "type": TypeChanged.checks["kind"],
    "milestone": MilestoneSet.checks["milestone"],
    "due": DueSet.checks["due"],
}


def decode(fields: Mapping[str, Json]) -> Event:
    """Build the event behind one JSON object. Raise `Invalid` if a known type has another shape."""
    kind = fields.get("type")
    if not isinstance(kind, str) or not kind:
        raise Invalid("an event has a type")
    return EVENTS.get(kind, Unknown).decode(fields)


def summary(fields: Mapping[str, Json]) -> str:
    """Return one line of at most 120 characters about an event, whatever its shape; unescaped."""
    try:
        line = " ".join(decode(fields).summary().split())
    except Invalid:
        line = str(fields.get("type"))
    return line if len(line) <= 120 else line[:119] + "…"

"""The vocabulary: everything that can happen to an issue, one class per event type.

To add an event type: write the class in the module it belongs to and list it in `EVENTS`. Its shape, its effect, its
one-line summary and the operation that a delegation must allow all stand in the class; nothing else knows the list.
Names and fields are stored forever: docs/FORMAT.md.
"""

from collections.abc import Mapping

from git_tracker.errors import Invalid
from git_tracker.store.canonical import Json
from git_tracker.store.events.fields import (
    Archived,
    AssigneeChanged,
    BranchLinked,
    Custom,
    Deferred,
    DueSet,
    EstimateSet,
    MilestoneSet,
    PriorityChanged,
    StatusChanged,
    TitleChanged,
    TypeChanged,
    Unarchived,
    Write,
)
from git_tracker.store.events.relations import (
    LabelAdded,
    LabelRemoved,
    LinkAdded,
    LinkRemoved,
)
from git_tracker.store.events.resolving import ConflictResolved, document_of
from git_tracker.store.events.texts import (
    CommentAdded,
    CommentEdited,
    CommentRedacted,
    Created,
    DescriptionEdited,
    Edit,
)
from git_tracker.store.events.work import (
    Attached,
    Claimed,
    ClaimReleased,
    CriterionAdded,
    CriterionChecked,
    EvidenceAdded,
    TimeLogged,
)
from git_tracker.store.shape import Anything, Event

__all__ = [
    "EVENTS",
    "Archived",
    "AssigneeChanged",
    "Attached",
    "BranchLinked",
    "ClaimReleased",
    "Claimed",
    "CommentAdded",
    "CommentEdited",
    "CommentRedacted",
    "ConflictResolved",
    "Created",
    "CriterionAdded",
    "CriterionChecked",
    "Custom",
    "Deferred",
    "DescriptionEdited",
    "DueSet",
    "Edit",
    "EstimateSet",
    "EvidenceAdded",
    "LabelAdded",
    "LabelRemoved",
    "LinkAdded",
    "LinkRemoved",
    "MilestoneSet",
    "PriorityChanged",
    "StatusChanged",
    "TimeLogged",
    "TitleChanged",
    "TypeChanged",
    "Unarchived",
    "Unknown",
    "Write",
    "decode",
    "document_of",
    "summary",
]

_LINE, _OPENING = 120, 160  # characters


class Unknown(Event, type="unknown", operation="edit"):
    """An event of a type that this version does not know: kept as it is, shown by name, without effect."""

    fields: Anything

    @classmethod
    def decode(cls, fields: Mapping[str, Json]) -> "Unknown":
        return cls(fields=dict(fields))

    def encode(self) -> dict[str, Json]:
        return dict(self.fields)

    @classmethod
    def of_sound(cls, fields: Mapping[str, Json]) -> "Unknown":
        return cls.decode(fields)

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


def decode(fields: Mapping[str, Json]) -> Event:
    """Build the event behind one JSON object. Raise `Invalid` if a known type has another shape."""
    kind = fields.get("type")
    if not isinstance(kind, str) or not kind:
        raise Invalid("an event has a type")
    return EVENTS.get(kind, Unknown).decode(fields)


def summary(fields: Mapping[str, Json], *, sound: bool = False) -> str:
    """Return one line of at most 120 characters about an event, whatever its shape; unescaped.

    An event that took effect is `sound`: its shape has been looked at.
    """
    try:
        event = EVENTS.get(str(fields["type"]), Unknown).of_sound(fields) if sound else decode(fields)
        whole = event.summary()
    except Invalid:
        whole = str(fields.get("type"))
    line = " ".join(whole[:_OPENING].split())  # of a long text the beginning is enough, if there are words in it
    if len(line) <= _LINE < len(whole):
        line = " ".join(whole.split(None, _LINE)[:_LINE])
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"

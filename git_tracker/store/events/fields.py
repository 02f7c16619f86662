"""Events that write one field: each is a register whose maximal writes are its value."""

from typing import TYPE_CHECKING

from git_tracker.errors import Refused
from git_tracker.store import review
from git_tracker.store.canonical import Json
from git_tracker.store.shape import (
    Anything,
    Event,
    Line,
    Moment,
    Name,
    OptionalSeconds,
    OptionalWord,
    Priority,
    Title,
    Word,
)

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State


class Write(Event, type="", operation="edit"):
    """An event that writes one register."""

    def register(self) -> tuple[str, Json]:
        raise NotImplementedError

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.write(*self.register(), stamp)

    def summary(self) -> str:
        field, value = self.register()
        return f"{field}: {'none' if value is None else value}"


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
        if self.category == "done":
            review.check(state, stamp)

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        super().apply(state, stamp, part)
        state.write("category", self.category, stamp)
        review.moved(state.work, stamp, self.category)


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


class Custom(Write, type="custom", operation="edit"):
    """A field of the users' own, such as what an import had no other place for."""

    name: Word
    value: Anything

    def register(self) -> tuple[str, Json]:
        return f"custom:{self.name}", self.value

    def summary(self) -> str:
        return f"custom field: {self.name}"

"""Events that add to sets and remove from them: labels and links. An add survives every remove that had not seen it."""

from typing import TYPE_CHECKING

from git_tracker.errors import Invalid
from git_tracker.store.shape import (
    Event,
    IssueRef,
    LinkKind,
    Word,
)

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State


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

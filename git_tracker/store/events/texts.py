"""Events that make and edit texts: the issue itself, its description, its comments."""

from typing import TYPE_CHECKING

from git_tracker.errors import Invalid, Refused
from git_tracker.store import review, text
from git_tracker.store.shape import (
    Body,
    Event,
    Line,
    Nonce,
    Operation,
    PartRef,
    Priority,
    Text,
    Title,
    Word,
)

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State


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
        if self.category == "done":
            review.moved(state.work, stamp, self.category)
        super().apply(state, stamp, part)

    def summary(self) -> str:
        return f"created: {self.title}"


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
        return f"comment: {self.body}"


class CommentEdited(Edit, type="comment-edited", operation="comment"):
    comment: PartRef
    operations: Operation

    def check(self, state: "State", stamp: "Stamp") -> None:
        require_comment(state, self.comment, stamp)

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
        require_comment(state, self.comment, stamp)

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        state.comments[self.comment] = state.comments[self.comment] | {"redacted": True}
        state.conflicts.pop(self.comment, None)

    def summary(self) -> str:
        return "comment redacted"


def require_comment(state: "State", comment: str, stamp: "Stamp") -> None:
    """Raise `Invalid` unless the comment is there, in an entry that the author knew."""
    if comment not in state.comments or not stamp.covers(comment.partition(".")[0]):
        raise Invalid(f"no comment {comment}")

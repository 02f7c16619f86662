"""The event that settles a conflict, of a field or of a text."""

from typing import TYPE_CHECKING

from git_tracker.errors import Invalid
from git_tracker.store import text
from git_tracker.store.conflicts import COMMENT
from git_tracker.store.events import fields
from git_tracker.store.events.texts import Edit, require_comment
from git_tracker.store.shape import Anything, Word

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State


class ConflictResolved(Edit, type="conflict-resolved", operation="edit"):
    """`value` is what a field has from now on; of a text, an operation on it, empty where it stays as it was merged."""

    field: Word
    value: Anything

    def edits(self, part: str) -> tuple[str, text.Operation]:
        document = document_of(self.field)
        return document, self.value if document else []

    def check(self, state: "State", stamp: "Stamp") -> None:
        if document := document_of(self.field):
            if document != "description":
                require_comment(state, document, stamp)
            flaw = "" if self.value == [] else text.flaw(self.value)
        elif self.field in state.registers and (self.field in CHECKS or self.field.startswith("custom:")):
            flaw = CHECKS[self.field](self.value) if self.field in CHECKS else ""
        else:
            raise Invalid(f"no field named {self.field!r} to resolve")
        if flaw:
            raise Invalid(f"{self.field} {flaw}")

    def apply(self, state: "State", stamp: "Stamp", part: str) -> None:
        if document := document_of(self.field):
            state.edit(document, self.value, stamp, part)
        else:
            state.write(self.field, self.value, stamp)

    def summary(self) -> str:
        if document := document_of(self.field):
            return f"resolved {'description' if document == 'description' else 'comment'}"
        return f"resolved {self.field}: {self.value}"


def document_of(field: object) -> str:
    """Return the text that a field names, `description` or a comment's part id; empty if it names none."""
    if type(field) is not str:
        return ""
    return field if field == "description" else field.removeprefix(COMMENT) if field.startswith(COMMENT) else ""


CHECKS = {
    "title": fields.TitleChanged.checks["title"],
    "priority": fields.PriorityChanged.checks["priority"],
    "type": fields.TypeChanged.checks["kind"],
    "milestone": fields.MilestoneSet.checks["milestone"],
    "due": fields.DueSet.checks["due"],
    "deferred": fields.Deferred.checks["until"],
    "estimate": fields.EstimateSet.checks["estimate"],
    "branch": fields.BranchLinked.checks["branch"],
}  # what only their own events may write is missing: scopes and policies look at those

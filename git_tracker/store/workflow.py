"""Workflows: which statuses an issue can have and which may follow which, as data.

A workflow is advice that is checked when something is written; the fold never looks at it, so a clone with another
workflow still folds every history to the same state.
"""

from collections.abc import Mapping
from types import MappingProxyType

from git_tracker.errors import Invalid, Refused

CATEGORIES = ("todo", "active", "done")


class Workflow:
    """`statuses` maps each status, in board order, to its category; `moves` maps a status to what may follow it."""

    __slots__ = ("moves", "name", "statuses")

    def __init__(self, name: str, statuses: Mapping[str, str], moves: Mapping[str, tuple[str, ...]]) -> None:
        if not statuses:
            raise Invalid(f"workflow {name!r} has no status")
        for status, category in statuses.items():
            if category not in CATEGORIES:
                raise Invalid(f"status {status!r} has the category {category!r}", f"use one of {', '.join(CATEGORIES)}")
        for status, after in moves.items():
            for unknown in {status, *after} - statuses.keys():
                raise Invalid(f"workflow {name!r} moves to or from {unknown!r}, which is none of its statuses")
        self.name = name
        self.statuses: Mapping[str, str] = MappingProxyType(dict(statuses))
        self.moves: Mapping[str, tuple[str, ...]] = MappingProxyType(dict(moves))

    @property
    def initial(self) -> str:
        """The status of a new issue: the first one."""
        return next(iter(self.statuses))

    def category(self, status: str) -> str:
        """Return the category; a status from another workflow counts as active, so that it is not overlooked."""
        return self.statuses.get(status, "active")

    def first(self, category: str) -> str:
        """Return the first status of a category, or raise `Invalid` if there is none."""
        for status, found in self.statuses.items():
            if found == category:
                return status
        raise Invalid(f"workflow {self.name!r} has no status of category {category!r}")

    def check(self, old: str, new: str) -> None:
        """Raise `Invalid` for an unknown status, `Refused` for a move the workflow does not allow."""
        if new not in self.statuses:
            raise Invalid(f"no status named {new!r}", f"use one of: {', '.join(self.statuses)}")
        if old in self.moves and new != old and new not in self.moves[old]:
            raise Refused(
                f"the workflow does not allow {old} → {new}",
                f"from {old} it allows: {', '.join(self.moves[old]) or 'nothing'}",
                code="illegal_move",
            )


KANBAN = Workflow(
    "kanban",
    {"todo": "todo", "in-progress": "active", "done": "done"},
    {"todo": ("in-progress", "done"), "in-progress": ("todo", "done"), "done": ("todo", "in-progress")},
)

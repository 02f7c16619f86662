"""What an import did, for people and programs: how much, what became of it, and what it could not place."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Report:
    """The outcome of one import.

    `read` = `created` + `updated` + `unchanged` + len(`skipped`). `mapped` counts what became what, `kept` the custom
    fields that hold what had no place of its own, `notes` the values that had to be changed to fit (the original
    is in the custom field that the note names).
    """

    source: str
    dry_run: bool = False
    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # where (a line, an id) and why
    mapped: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON; counts are ordered, the largest first."""
        return {
            "source": self.source, "dry_run": self.dry_run, "read": self.read, "created": self.created,
            "updated": self.updated, "unchanged": self.unchanged,
            "skipped": [{"where": where, "reason": reason} for where, reason in self.skipped],
            "mapped": dict(self.mapped.most_common()), "kept": dict(self.kept.most_common()),
            "notes": dict(self.notes.most_common()),
        }  # fmt: skip

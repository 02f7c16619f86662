"""Whether an index is equal to git, as far as that shows without opening either."""

import time
from collections.abc import Mapping

from git_tracker.store import stamps
from git_tracker.store.standing import Standing
from git_tracker.store.workflow import Workflow

_PATIENCE = 1.0  # seconds that anything may take from the journal into git before a reader looks what is the matter


def is_young(changed: float) -> bool:
    """Return whether `standing` changed so lately that what is on its way will arrive by itself."""
    return time.time() - changed < _PATIENCE


def is_fresh(
    notes: Mapping[str, str], now: Standing, is_alive: bool, common: str, workflow: Workflow, now_ms: int
) -> bool:
    """Return whether no ref of ours changed since the index was last brought up to date, by the same workflow.

    Nor may an entry that claimed a time too far ahead have come of age since. `notes` are those of the index. While what
    the index has is on its way to git, whoever brings it there looks after refs, as long as that one `is_alive`.
    """
    wake = notes.get("wake")
    if wake and int(wake) <= now_ms:
        return False
    if notes.get("epoch") != now.epoch or notes.get("journal") != str(now.journaled):
        return False
    if not same_workflow(notes, workflow):
        return False
    return now.signature == stamps.signature(common) if now.is_settled else is_alive and now.is_moving


def same_workflow(notes: Mapping[str, str], workflow: Workflow) -> bool:
    return notes.get("workflow") == repr(dict(workflow.statuses))

"""The event store: issues as signed events in git. Other packages import from here, never from a module inside.

Names are loaded when first used (PEP 562): `tracker list` must not pay for libgit2.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_tracker.store.bus import Bus, Cue
    from git_tracker.store.events import EVENTS
    from git_tracker.store.identity import Delegation, Identity, Signer
    from git_tracker.store.index.exchange import Told
    from git_tracker.store.place import Place
    from git_tracker.store.place import find as find_place
    from git_tracker.store.query import nearest
    from git_tracker.store.reading import Reader, open_reader
    from git_tracker.store.shape import Event
    from git_tracker.store.store import IssueStore
    from git_tracker.store.text import difference
    from git_tracker.store.watch import Watch
    from git_tracker.store.workflow import KANBAN, Workflow
    from git_tracker.store.writing import Writing

_HOMES = {
    "EVENTS": "events", "KANBAN": "workflow", "Bus": "bus", "Cue": "bus", "Delegation": "identity", "Event": "shape",
    "Identity": "identity", "IssueStore": "store", "Place": "place", "Reader": "reading", "Signer": "identity",
    "Told": "index.exchange", "Workflow": "workflow", "Writing": "writing", "difference": "text", "find_place": "place.find",
    "nearest": "query", "open_reader": "reading",
}  # fmt: skip

__all__ = [
    "EVENTS", "KANBAN", "Bus", "Cue", "Delegation", "Event", "Identity", "IssueStore", "Place", "Reader",
    "Signer", "Told", "Workflow", "Writing", "difference", "open_reader",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, inside = _HOMES[name].partition(".")
    value = getattr(import_module(f"{__name__}.{module}"), inside or name)
    globals()[name] = value
    return value

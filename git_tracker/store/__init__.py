"""The event store: issues as signed events in git. Other packages import from here, never from a module inside.

Names are loaded when first used (PEP 562): `tracker list` must not pay for libgit2.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_tracker.store.bus import Bus, Cue
    from git_tracker.store.checkup import examine, repair
    from git_tracker.store.conflicts import brief as in_brief
    from git_tracker.store.cursors import MOST as LONGEST_CURSOR
    from git_tracker.store.cursors import PATTERN as CURSOR
    from git_tracker.store.cursors import joined as joined_cursor
    from git_tracker.store.cursors import later as is_later
    from git_tracker.store.cursors import start as start_cursor
    from git_tracker.store.digests import Digests
    from git_tracker.store.events import EVENTS
    from git_tracker.store.findings import Check
    from git_tracker.store.handles import Handles, Rested
    from git_tracker.store.identity import Delegation, Identity, Signer, session_id
    from git_tracker.store.index.exchange import Told
    from git_tracker.store.keystore import KINDS, Keyring, Source
    from git_tracker.store.offering import Offer
    from git_tracker.store.offering import named as named_key
    from git_tracker.store.offering import offers as offered_keys
    from git_tracker.store.place import Place
    from git_tracker.store.place import find as find_place
    from git_tracker.store.query import nearest
    from git_tracker.store.reading import Reader, open_reader
    from git_tracker.store.scope import narrowed
    from git_tracker.store.shape import Event
    from git_tracker.store.stockgit import configure as configure_git
    from git_tracker.store.stockgit import settings as git_settings
    from git_tracker.store.stockgit import write_files as write_git_files
    from git_tracker.store.stockgit import write_revocation_list
    from git_tracker.store.store import IssueStore
    from git_tracker.store.sync import Step, Summary, SyncEngine
    from git_tracker.store.text import difference
    from git_tracker.store.tracker import Looked, Tracker, exchange, watching
    from git_tracker.store.upkeep import Tended, tend
    from git_tracker.store.watch import Watch
    from git_tracker.store.workflow import KANBAN, Workflow
    from git_tracker.store.workspace.members import Standing
    from git_tracker.store.workspace.roster import FILE as WORKSPACE_FILE
    from git_tracker.store.workspace.roster import add as add_repository
    from git_tracker.store.workspace.roster import find as find_workspace
    from git_tracker.store.workspace.roster import init as init_workspace
    from git_tracker.store.workspace.roster import remove as remove_repository
    from git_tracker.store.workspace.survey import Survey
    from git_tracker.store.workspace.workspace import Workspace
    from git_tracker.store.writing import Writing

_HOMES = {
    "CURSOR": "cursors:PATTERN",
    "EVENTS": "events:EVENTS",
    "KANBAN": "workflow:KANBAN",
    "KINDS": "keystore:KINDS",
    "LONGEST_CURSOR": "cursors:MOST",
    "WORKSPACE_FILE": "workspace.roster:FILE",
    "Bus": "bus:Bus",
    "Check": "findings:Check",
    "Cue": "bus:Cue",
    "Delegation": "identity:Delegation",
    "Digests": "digests:Digests",
    "Event": "shape:Event",
    "Handles": "handles:Handles",
    "Identity": "identity:Identity",
    "IssueStore": "store:IssueStore",
    "Keyring": "keystore:Keyring",
    "Looked": "tracker:Looked",
    "Offer": "offering:Offer",
    "Place": "place:Place",
    "Reader": "reading:Reader",
    "Rested": "handles:Rested",
    "Signer": "identity:Signer",
    "Source": "keystore:Source",
    "Standing": "workspace.members:Standing",
    "Step": "sync:Step",
    "Summary": "sync:Summary",
    "Survey": "workspace.survey:Survey",
    "SyncEngine": "sync:SyncEngine",
    "Tended": "upkeep:Tended",
    "tend": "upkeep:tend",
    "Told": "index.exchange:Told",
    "Tracker": "tracker:Tracker",
    "Watch": "watch:Watch",
    "Workflow": "workflow:Workflow",
    "Workspace": "workspace.workspace:Workspace",
    "Writing": "writing:Writing",
    "add_repository": "workspace.roster:add",
    "configure_git": "stockgit:configure",
    "difference": "text:difference",
    "examine": "checkup:examine",
    "repair": "checkup:repair",
    "exchange": "tracker:exchange",
    "find_place": "place:find",
    "find_workspace": "workspace.roster:find",
    "git_settings": "stockgit:settings",
    "init_workspace": "workspace.roster:init",
    "is_later": "cursors:later",
    "joined_cursor": "cursors:joined",
    "in_brief": "conflicts:brief",
    "named_key": "offering:named",
    "narrowed": "scope:narrowed",
    "nearest": "query:nearest",
    "offered_keys": "offering:offers",
    "open_reader": "reading:open_reader",
    "remove_repository": "workspace.roster:remove",
    "start_cursor": "cursors:start",
    "watching": "tracker:watching",
    "session_id": "identity:session_id",
    "write_git_files": "stockgit:write_files",
    "write_revocation_list": "stockgit:write_revocation_list",
}

__all__ = [
    "CURSOR",
    "EVENTS",
    "KANBAN",
    "KINDS",
    "LONGEST_CURSOR",
    "WORKSPACE_FILE",
    "Bus",
    "Check",
    "Cue",
    "Delegation",
    "Digests",
    "Event",
    "Handles",
    "Identity",
    "IssueStore",
    "Keyring",
    "Looked",
    "Offer",
    "Place",
    "Reader",
    "Rested",
    "Signer",
    "Source",
    "Standing",
    "Step",
    "Summary",
    "Survey",
    "SyncEngine",
    "Tended",
    "Told",
    "Tracker",
    "Watch",
    "Workflow",
    "Workspace",
    "Writing",
    "add_repository",
    "configure_git",
    "difference",
    "examine",
    "exchange",
    "find_place",
    "find_workspace",
    "git_settings",
    "in_brief",
    "init_workspace",
    "is_later",
    "joined_cursor",
    "named_key",
    "narrowed",
    "nearest",
    "offered_keys",
    "open_reader",
    "remove_repository",
    "repair",
    "session_id",
    "start_cursor",
    "tend",
    "watching",
    "write_git_files",
    "write_revocation_list",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, inside = _HOMES[name].partition(":")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), inside)
    return value

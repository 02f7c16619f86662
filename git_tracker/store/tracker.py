"""What the parts above the store work with: one repository's store, or a workspace's, which answers the same."""

from git_tracker.store.identity import Signer
from git_tracker.store.reading import Reader
from git_tracker.store.store import IssueStore
from git_tracker.store.sync import MAX_BAD, Summary, SyncEngine
from git_tracker.store.watch import Watch
from git_tracker.store.workspace import exchanging
from git_tracker.store.workspace.survey import Survey
from git_tracker.store.workspace.watching import WorkspaceWatch
from git_tracker.store.workspace.workspace import Workspace

Tracker = IssueStore | Workspace
Looked = Reader | Survey


def watching(tracker: Tracker) -> Watch | WorkspaceWatch:
    """Return what keeps a tracker up to date with what others do."""
    return WorkspaceWatch(tracker) if isinstance(tracker, Workspace) else Watch(tracker)


def exchange(tracker: Tracker, by: Signer | None, remote: str = "", *, most_bad: int = MAX_BAD) -> Summary:
    """Exchange a tracker with a remote, `origin` unless named; see `SyncEngine.sync`."""
    if isinstance(tracker, Workspace):
        return exchanging.exchange(tracker, by, remote, most_bad=most_bad)
    return SyncEngine(tracker, most_bad=most_bad).sync(by, remote)

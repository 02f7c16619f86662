"""Exchanging the repositories of a workspace with their remotes, one after the other; one that fails stops no other."""

from git_tracker.errors import NotFound, TrackerError
from git_tracker.store.identity import Signer
from git_tracker.store.sync import MAX_BAD, Summary, SyncEngine
from git_tracker.store.workspace.workspace import Workspace


def exchange(workspace: Workspace, by: Signer | None, remote: str = "", *, most_bad: int = MAX_BAD) -> Summary:
    """Exchange every repository that has a remote (of that name) and return one summary.

    Devices are named `repository#device`; a repository whose exchange failed stands in `refused` by its name.
    """
    done: list[tuple[str, Summary]] = []
    refused: dict[str, str] = {}
    failure: TrackerError | None = None
    for name, store in workspace.stores():
        engine = SyncEngine(store, most_bad=most_bad)
        names = store.objects.remotes()
        if not names or (remote and remote not in names):
            continue
        try:
            done.append((name, engine.sync(by and workspace.acting(by, name), remote)))
        except TrackerError as error:
            failure, refused[name] = failure or error, str(error)
    if not done:
        raise failure or NotFound("no repository of the workspace has that remote", "`git remote add` makes one")
    for name, one in done:
        refused |= {f"{name}#{device}": reason for device, reason in one.refused.items()}
    return Summary(
        remote or ", ".join(dict.fromkeys(one.remote for _, one in done)), sum(one.sent for _, one in done),
        sum(one.received for _, one in done), sum(one.held for _, one in done), sum(one.conflicted for _, one in done),
        tuple(f"{name}#{device}" for name, one in done for device in one.withheld),
        tuple(f"{name}#{device}" for name, one in done for device in one.restored), refused,
        sum(one.devices for _, one in done),
    )  # fmt: skip

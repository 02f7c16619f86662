"""A process that writes and syncs: `python -m tests.store.syncing WHAT REPOSITORY ARGUMENT…`. Prints what came of it."""

import sys

from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, SyncEngine


def main(what: str, path: str, *arguments: str) -> None:
    store = IssueStore.open(path)
    print("ready", flush=True)
    sys.stdin.readline()  # everybody waits for the starting gun
    COMMANDS[what](store, *arguments)
    store.close()


def crowd(store: IssueStore, issue: str, count: str) -> None:
    """Write on a shared issue and on others, and sync in between."""
    agent = store.delegate(store.signer(), client="worker/1", label=store.place.common[-20:])
    engine = SyncEngine(store)
    for number in range(int(count)):
        if number % 2:
            print("made", store.create_issue(agent, {"title": f"{agent.sid} {number}"}), flush=True)
        else:
            store.comment(agent, issue, f"{agent.sid} {number}")
            print("said", f"{agent.sid} {number}", flush=True)
        if number % 10 == 9:
            exchange(store, engine)


def sync(store: IssueStore, times: str = "1", remote: str = "") -> None:
    engine = SyncEngine(store)
    for _ in range(int(times)):
        exchange(store, engine, remote)


def exchange(store: IssueStore, engine: SyncEngine, remote: str = "") -> None:
    try:
        done = engine.sync(store.signer(), remote)
        print("synced", done.sent, done.received, flush=True)
    except TrackerError as error:
        print("refused", error.code, error, flush=True)


COMMANDS = {"crowd": crowd, "sync": sync}

if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process that works on a tracker: `python -m tests.store.worker REPOSITORY WHAT ARGUMENT…`. Prints what it was told."""

import os
import random
import sys
import time

from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, Signer


def say(*words: object) -> None:
    """One line, out of the process's hands before anything else happens."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main(path: str, what: str, *arguments: str) -> None:
    store = IssueStore.open(path)
    ada = store.signer()
    agent = store.delegate(ada, client="worker/1", label=f"worker-{os.getpid()}")
    if arguments and arguments[-1] == "together":  # everybody waits for the starting gun
        say("ready")
        sys.stdin.readline()
        arguments = arguments[:-1]
    COMMANDS[what](store, agent, *arguments)
    store.close()


def write(store: IssueStore, by: Signer, issue: str, count: str) -> None:
    """Comment on a shared issue and create others, in turn."""
    for number in range(int(count)):
        words = f"{os.getpid()}-{number}"
        if number % 2:
            say("created", store.create_issue(by, {"title": words}), words)
        else:
            store.comment(by, issue, words)
            say("said", words)


def claim(store: IssueStore, by: Signer, issue: str) -> None:
    try:
        store.claim(by, issue)
        say("won", by.sid)
    except TrackerError as error:
        say("lost", error.code)


def once(store: IssueStore, by: Signer, rk: str, title: str) -> None:
    try:
        say(store.create_issue(by, {"title": title}, rk=rk))
    except TrackerError as error:
        say(error.code)


def plan(store: IssueStore, by: Signer, rk: str, blocker: str) -> None:
    items = [{"title": "child", "parent": "#p"}, {"title": "parent", "ref": "p", "blocked_by": [blocker]}]
    say(*store.create_issues(by, items, rk=rk))


def reads(store: IssueStore, by: Signer, issue: str) -> None:
    """Answer until the input ends: one read for every line."""
    for _ in sys.stdin:
        say(store.list_issues()["total"], len(store.get_issue(issue)["comments"]))


def jumps(store: IssueStore, by: Signer, issue: str, count: str) -> None:
    """Write while the clock jumps, a year back and most of a day ahead."""
    dice, ahead = random.Random(os.getpid()), 0
    own = IssueStore.open(store.place.common, clock=lambda: time.time_ns() + ahead * 10**9)
    by = own.signer()  # a session's certificate does not hold a year ago
    for number in range(int(count)):
        ahead = dice.choice((0, 1, 3600, 20 * 3600, -1, -3600, -365 * 86400))
        words = f"{os.getpid()}-{number}"
        if number % 2:
            say("created", own.create_issue(by, {"title": words}))
        else:
            say("said", own.comment(by, issue, words), words)
    own.close()


COMMANDS = {
    "write": write, "claim": claim, "once": once, "plan": plan, "reads": reads, "jumps": jumps,
}  # fmt: skip

if __name__ == "__main__":
    main(*sys.argv[1:])

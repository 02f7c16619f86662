"""A process that works on a tracker: `python -m tests.store.worker REPOSITORY WHAT ARGUMENT…`. Prints what it was told."""

import ctypes
import os
import sys

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


def fault(store: IssueStore, by: Signer, issue: str, at: str, mode: str) -> None:
    """One create and one append, with something going wrong at the n-th file-system call."""
    shim = ctypes.CDLL(None)
    store.comment(by, issue, "before")  # everything lazy is open
    shim.fault_arm(int(at), mode.encode())
    try:
        made = store.create_issue(by, {"title": f"fault {at}"})
        shim.fault_pause()
        say("created", made)
        shim.fault_resume()
        store.comment(by, issue, f"fault {at}")
        shim.fault_pause()
        say("said", f"fault {at}")
    except TrackerError as error:
        shim.fault_pause()
        say("refused", error.code)
    say("calls", shim.fault_count())
    os._exit(0)  # a process that was to die does not tidy up


def faults(store: IssueStore, by: Signer, issue: str, mode: str) -> None:
    """The same at every call in turn, in one process, for failures that do not kill."""
    shim = ctypes.CDLL(None)
    store.comment(by, issue, "before")
    at, calls = 1, 10**6
    while at <= calls:
        words = f"{mode} {at}"
        shim.fault_arm(at, mode.encode())
        for done, step in (("created", create_one), ("said", say_one)):
            try:
                told = step(store, by, issue, words)
                shim.fault_pause()
                say(done, told)
                shim.fault_resume()
            except TrackerError as error:
                shim.fault_pause()
                say("refused", done, error.code, words)
                shim.fault_resume()
        shim.fault_pause()
        calls = shim.fault_count() if at == 1 else calls
        at += 1
    say("calls", calls)


def create_one(store: IssueStore, by: Signer, issue: str, words: str) -> str:
    return store.create_issue(by, {"title": words})


def say_one(store: IssueStore, by: Signer, issue: str, words: str) -> str:
    store.comment(by, issue, words)
    return words


COMMANDS = {
    "write": write, "claim": claim, "once": once, "plan": plan, "reads": reads, "fault": fault, "faults": faults,
}  # fmt: skip

if __name__ == "__main__":
    main(*sys.argv[1:])

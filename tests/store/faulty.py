"""A process in which file-system calls fail: `python -m tests.store.faulty REPOSITORY COMMAND …`, under the shim faults.c.

`once OP AT MODE` does one operation with something going wrong at its n-th call, and ends. `each OPS MODE POINTS` does each
operation anew for each of its calls, for what does not kill; POINTS is how many calls of each are chosen, 0 for all. What
is acknowledged is printed before anything else happens.
"""

import ctypes
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, SyncEngine, tend
from git_tracker.store.identity import signer_from_seed
from tests.store.worker import say

END = 10**6

Told = list[tuple[str, ...]]  # what to say once it is done


class Work:
    """The operations: a method makes ready, with nothing armed, and returns what is to be done then."""

    def __init__(self, store: IssueStore) -> None:
        self.store, self.ada = store, store.signer()
        self.agent = store.delegate(self.ada, client="faulty/1", label="faulty")
        self.shared = store.create_issue(self.ada, {"title": "shared"})
        say("created", self.shared)

    def create(self, words: str) -> Callable[[], Told]:
        return lambda: [("created", self.store.create_issue(self.agent, {"title": words, "labels": ["new"]}))]

    def plan(self, words: str) -> Callable[[], Told]:
        items = [{"title": words, "ref": "a"}, {"title": words, "parent": "#a"}, {"title": words, "blocked_by": ["#a"]}]
        return lambda: [("created", id) for id in self.store.create_issues(self.agent, items)]

    def comment(self, words: str) -> Callable[[], Told]:
        return lambda: [("said", self.store.comment(self.agent, self.shared, words), words)]

    def claim(self, words: str) -> Callable[[], Told]:
        id = self.store.create_issue(self.ada, {"title": words})
        return lambda: [("claimed", self.store.claim(self.agent, id, lease_seconds=7 * 86400))]  # longer than any run

    def finish(self, words: str) -> Callable[[], Told]:
        id = self.store.create_issue(self.ada, {"title": words})
        return lambda: [("finished", self.store.finish(self.agent, id, "done"))]

    def member(self, words: str) -> Callable[[], Told]:
        key, person = signer_from_seed("", "", os.urandom(32)).identity.public_key, f"m{os.urandom(4).hex()}"

        def add() -> Told:
            self.store.add_member(self.ada, key, person, "Grace", "grace@example.org")
            return [("member", person)]

        return add

    def removal(self, words: str) -> Callable[[], Told]:
        person = self.member(words)()[0][1]

        def remove() -> Told:
            self.store.remove_member(self.ada, person)
            return [("removed", person)]

        return remove

    def revocation(self, words: str) -> Callable[[], Told]:
        victim = self.store.delegate(self.ada, client="faulty/1", label="victim")
        self.store.comment(victim, self.shared, words)

        def revoke() -> Told:
            self.store.revoke(self.ada, victim.sid)
            return [("revoked", victim.sid)]

        return revoke

    def rebuild(self, words: str) -> Callable[[], Told]:
        def rebuild() -> Told:
            self.store.rebuild()
            return []

        return rebuild

    def upkeep(self, words: str) -> Callable[[], Told]:
        say("created", self.store.create_issue(self.agent, {"title": words}))

        def pack() -> Told:
            tend(self.store.place)
            return []

        return pack

    def sync(self, words: str) -> Callable[[], Told]:
        say("created", self.store.create_issue(self.agent, {"title": words}))
        engine = SyncEngine(self.store)

        def exchange() -> Told:
            engine.sync(self.ada)
            return []

        return exchange


WRITES = ("create", "plan", "comment", "claim", "finish", "member", "removal", "revocation")


def main(path: str, command: str, *arguments: str) -> None:
    work, shim = Work(IssueStore.open(path)), ctypes.CDLL(None)
    if command == "once":
        op, at, mode = arguments
        tried(work, shim, op, int(at), mode)
        say("calls", shim.fault_count())
    elif command == "each":
        each(work, shim, *arguments)
    else:
        in_git(work, *arguments)
    os._exit(0)  # a process that was to die does not tidy up


def tried(work: Work, shim: Any, op: str, at: int, mode: str) -> None:
    """Do one operation with a fault at its n-th call, and say what came of it."""
    words = f"{op} {mode} {at} {os.urandom(3).hex()}"
    act = getattr(work, op)(words)
    shim.fault_arm(at, mode.encode())
    try:
        told = act()
        shim.fault_pause()
        for line in told:
            say(*line)
    except TrackerError as error:
        shim.fault_pause()
        say("refused", error.code, words)


def each(work: Work, shim: Any, ops: str, mode: str, points: str) -> None:
    dice, struck = random.Random(points + mode), 0
    for op in ops.split(","):
        tried(work, shim, op, END, mode)
        calls = shim.fault_count()
        chosen = range(1, calls + 1)
        for at in sorted(dice.sample(chosen, min(int(points), calls))) if int(points) else chosen:
            tried(work, shim, op, at, mode)
            struck += 1
            settle(work.store)
    say("struck", struck)


def in_git(work: Work, op: str, mode: str, points: str) -> None:
    """Let the n-th call fail of whatever git processes an operation starts, until none makes so many."""
    dice, struck, at = random.Random(op + mode), 0, 1
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder, "struck")
        while True:
            act = getattr(work, op)(f"{op} {mode} {at}")
            os.environ.update(FAULT_AT=str(at), FAULT_MODE=mode, FAULT_MARK=str(mark))
            try:
                act()
            except TrackerError as error:
                say("refused", error.code)
            for name in ("FAULT_AT", "FAULT_MODE", "FAULT_MARK"):
                del os.environ[name]
            settle(work.store)
            if not mark.exists():
                break
            mark.unlink()
            struck += 1
            at += dice.randint(1, 2 * (int(points) or 1) - 1)
    say("struck", struck)


def settle(store: IssueStore) -> None:
    """As if some time had passed: nobody holds the locks that are there."""
    for folder, _, names in os.walk(store.place.common):
        for name in names:
            if name.endswith(".lock") and name != "sync.lock":
                os.utime(os.path.join(folder, name), (1, 1))


if __name__ == "__main__":
    main(*sys.argv[1:])

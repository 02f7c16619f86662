"""A worker process that reads, verifies, judges and folds whole issues, for an index that is built anew.

Started by `bulk`, never forked: libgit2 does not survive that. It opens the repository itself and writes what it
finds into a file of its own, or hands it over (`index.shard`).
"""

import json
import marshal
import sys
from typing import Any, NamedTuple

from git_tracker.store import policy, trust
from git_tracker.store.chains import Chains
from git_tracker.store.index.shard import Shard
from git_tracker.store.log import EventLog, links
from git_tracker.store.membership import Seen
from git_tracker.store.objects import GitRepository
from git_tracker.store.place import Place
from git_tracker.store.state import State
from git_tracker.store.workflow import Workflow


class Task(NamedTuple):
    """What a worker must know; crosses the pipe as one line of JSON."""

    place: list[Any]
    shard: str
    number: int
    of: int
    root: str
    trust: list[str]
    statuses: dict[str, str]
    now_ms: int


class _Guess(Chains):
    """The chains of one issue alone: says that an entry stands where it claims to, and remembers that it guessed."""

    def __init__(self) -> None:
        super().__init__(lambda chain: (), lambda id: None)
        self.guessed = False

    def on_chain(self, end: Seen, id: str, n: int) -> bool | None:
        self.guessed = True
        return True


def main() -> None:
    """Take a task, then issues as lines `key id tip`; answer each blank line with what was found before it.

    An answer is the rows of those issues by table, and the ids of those in doubt, in the form of `marshal`.
    """
    task = Task(**json.loads(sys.stdin.readline()))
    objects = GitRepository(Place(*task.place))
    objects.read_frugally()
    log = EventLog(objects)
    trusted = trust.fold(task.root, log.read_trust(task.trust))

    def govern(state: State) -> None:
        state.manual = policy.manual_fields(trusted.policy_at(state.auth))

    shard = Shard(task.shard, task.number, task.of, Workflow("", task.statuses, {}), govern)
    doubts: list[str] = []
    for line in sys.stdin:
        if not line.strip():
            marshal.dump((shard.flush(), doubts), sys.stdout.buffer)
            sys.stdout.flush()
            doubts.clear()
            continue
        key, id, tip = line.split()
        chains = _Guess()
        found = log.read((tip,), ())
        for chain, link in links(found):
            chains.add(chain, link)
        shard.put(int(key), id, tip, log.judge(id, found, {}, trusted, chains, task.now_ms, lambda: None))
        if chains.guessed:
            doubts.append(id)
    shard.close()

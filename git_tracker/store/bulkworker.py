"""A worker process that reads, verifies, judges and folds whole issues, for an index that is built anew.

Started by `bulk`, never forked: libgit2 does not survive that. It opens the repository itself and writes what it
finds into a file of its own, or hands it over (`index.shard`).
"""

import gc
import json
import marshal
import os
import struct
import sys
from array import array
from typing import IO, Any, NamedTuple

from git_tracker.store import ed25519, identity, policy, trust
from git_tracker.store.chains import Chains
from git_tracker.store.identity import Proof
from git_tracker.store.index.shard import Shard
from git_tracker.store.log import EventLog, links
from git_tracker.store.membership import Seen
from git_tracker.store.objects import GitRepository
from git_tracker.store.place import Place
from git_tracker.store.state import State
from git_tracker.store.workflow import Workflow

_EVERY = 4  # signatures, of which one is checked last: so much can be done while the rest is put together
_HELD = 100_000  # of them at once, some 200 bytes each
_HUMBLY = 10  # how much we let the process that puts it together go first
_LENGTH = 8  # bytes of a number that says how many follow
MANY = 100_000  # new objects after which cycles are looked for: nothing here makes any, and all issues come and go


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


class _Signatures:
    """Checks most signatures at once and holds every n-th back, until one process alone has to put the index together.

    Not those of people, and not the first of a session: who wrote at all is never in doubt. Where one that was held
    back turns out to be wrong, its issue has to be judged again.
    """

    def __init__(self) -> None:
        self.issue = 0  # the key of the one at hand
        self._held, self._issues = bytearray(), array("q")
        self._count = self._length = 0
        self._known: set[bytes] = set()  # keys of sessions

    def check(self, proof: Proof, message: bytes, signature: bytes) -> None:
        """Do as `identity.check` does, perhaps later."""
        self._count += 1
        if self._count % _EVERY == 0 and proof.key in self._known and len(self._issues) < _HELD:
            self._held += proof.key + signature + message
            self._issues.append(self.issue)
            self._length = len(message)  # which is a digest with a few words around it
            return
        identity.check(proof, message, signature)
        if proof.delegation:
            self._known.add(proof.key)

    def wrong(self) -> list[int]:
        """Check what was held back; return the keys of issues that hold a wrong signature."""
        held = struct.iter_unpack(f"{ed25519.PUBLIC}s{ed25519.SIGNATURE}s{self._length}s", self._held)
        rights = (ed25519.is_signed(message, signature, key) for key, signature, message in held)
        return [issue for issue, right in zip(self._issues, rights, strict=True) if not right]


def main() -> None:
    """Take a task, then issues as lines `key id tip`; answer each blank line with what was found before it.

    An answer is the rows of those issues by table, and the ids of those in doubt. The last three are that the shard is
    whole, what each actor did, and the keys of issues with a signature that is wrong after all. All for `heard`.
    """
    gc.set_threshold(MANY)
    task = Task(**json.loads(sys.stdin.readline()))
    objects = GitRepository(Place(*task.place))
    objects.read_frugally()
    trusted = trust.fold(task.root, EventLog(objects).read_trust(task.trust))
    signatures = _Signatures()
    log = EventLog(objects, signatures.check)

    def govern(state: State) -> None:
        state.manual = policy.manual_fields(trusted.policy_at(state.auth))

    shard = Shard(task.shard, task.number, task.of, Workflow("", task.statuses, {}), govern)
    doubts: list[str] = []
    for line in sys.stdin:
        if not line.strip():
            _say((shard.flush(), doubts))
            doubts.clear()
            continue
        key, id, tip = line.split()
        signatures.issue = int(key)
        chains = _Guess()
        found = log.read((tip,), ())
        for chain, link in links(found):
            chains.add(chain, link)
        shard.put(signatures.issue, id, tip, log.judge(id, found, {}, trusted, chains, task.now_ms, lambda: None))
        if chains.guessed:
            doubts.append(id)
    shard.close()
    _say(None)
    os.nice(_HUMBLY)
    _say(shard.figures())
    _say(signatures.wrong())


def _say(what: Any) -> None:
    said = marshal.dumps(what)
    sys.stdout.buffer.write(len(said).to_bytes(_LENGTH, "big") + said)
    sys.stdout.flush()


def heard(pipe: IO[bytes]) -> Any:
    """Return what a worker said next; raise `EOFError` if it said nothing more.

    Read as a whole: `marshal.load` would ask the pipe for each of very many values.
    """
    length = int.from_bytes(pipe.read(_LENGTH), "big")
    return marshal.loads(pipe.read(length))

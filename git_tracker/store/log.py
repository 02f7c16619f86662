"""The event log: signed entries in git, read strictly and written by the store's one write path.

Reading walks commits from a tip back to what is known, decodes and verifies each, and gives every one a verdict;
nothing is dropped in silence, and one bad entry does not hide the good ones behind it.
"""

from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping, Sequence
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import commit, graph, identity, policy
from git_tracker.store import entry as format
from git_tracker.store.canonical import Json
from git_tracker.store.chains import Chains, Link
from git_tracker.store.entry import Entry
from git_tracker.store.fold import Record
from git_tracker.store.identity import Proof
from git_tracker.store.objects import GitRepository
from git_tracker.store.trust import Trust
from git_tracker.store.verdicts import MAX_AHEAD_MS, About, Admission, Place, Verdict, actor, judge

AHEAD = "it claims a time more than 24 h ahead"


class Found(NamedTuple):
    """A commit as read: well signed, or with the flaw that keeps it out."""

    id: str
    parents: tuple[str, ...]
    hlc: tuple[int, int]
    entry: Entry | None
    proof: Proof | None
    flaw: str


class EventLog:
    """Entries of one repository; `check` looks at the signature of each."""

    def __init__(self, objects: GitRepository, check: identity.Check = identity.check) -> None:
        self.objects, self._check = objects, check

    def read(self, tips: Iterable[str], known: Container[str]) -> list[Found]:
        """Return every commit reachable from `tips` that is not `known`, parents first, decoded and verified."""
        return graph.topological({item.id: item for item in self._walk(tips, known)})

    def judge(
        self, issue: str, found: Iterable[Found], about: MutableMapping[str, About], trust: Trust, chains: Chains,
        now_ms: int, parent: Callable[[], str | None],
    ) -> list[Admission]:  # fmt: skip
        """Return each commit with its verdict. `about` knows the earlier ones and is extended.

        `chains` must hold the links of everything that is judged together; `parent` tells under which issue this one
        was created, where the root is not among `found`.
        """
        judging = _Judging(issue, about, trust, chains, now_ms, parent)
        return [judging.admit(item) for item in found]

    def read_one(self, id: str) -> Found | None:
        """Return one commit, decoded and verified; None if it is not here."""
        return self._read(id)

    def issues_behind(self, tip: str, known: Callable[[str], Iterable[str]]) -> set[str]:
        """Return the issues that the first known entries behind `tip` belong to; `known` says to which an id does."""
        found, todo, seen = set[str](), [tip], set[str]()
        while todo:
            id = todo.pop()
            if id in seen:
                continue
            seen.add(id)
            if issues := set(known(id)):
                found |= issues
            elif item := self._read(id):
                todo.extend(item.parents)
        return found

    def read_trust(self, tips: Iterable[str]) -> list[tuple[Entry, Proof]]:
        """Return every well-signed entry of the trust log."""
        return [(item.entry, item.proof) for item in self._walk(tips, ()) if item.entry and item.proof]

    def _walk(self, tips: Iterable[str], known: Container[str]) -> list[Found]:
        found, todo, seen = [], list(tips), set[str]()
        first = {*todo}
        while todo:
            id = todo.pop()
            if id in seen or id in known:
                continue
            seen.add(id)
            item = self._read(id, named=id not in first)
            if item is not None:
                found.append(item)
                todo.extend(item.parents)
        return found

    def _read(self, id: str, *, named: bool = False) -> Found | None:
        """Return what a commit holds, with the flaw that keeps it out; None if it is not here."""
        raw = b""
        try:
            read = self.objects.commit(id, named=named)
            if read is None:
                return None
            raw = read
            entry = format.decode(id, raw)
            proof = identity.verify(entry.payload, entry.armour, self._check)
            return Found(id, entry.parents, entry.envelope.hlc, entry, proof, "")
        except Corrupt as error:
            parents = commit.parents(raw) or ()
            return Found(id, tuple(dict.fromkeys(parents[: format.MAX_PARENTS])), (0, 0), None, None, str(error))


def links(found: Iterable[Found]) -> Iterable[tuple[str, Link]]:
    """Return the place of each well-signed commit in the chain of its key."""
    for item in found:
        if item.entry and item.proof:
            envelope = item.entry.envelope
            yield item.proof.key.hex(), Link(item.id, envelope.n, envelope.prev, envelope.auth)


class _Judging:
    """Goes through the entries of one issue, parents first."""

    def __init__(
        self, issue: str, about: MutableMapping[str, About], trust: Trust, chains: Chains, now_ms: int,
        parent: Callable[[], str | None],
    ) -> None:  # fmt: skip
        self._issue, self._about, self._trust, self._chains, self._now_ms = issue, about, trust, chains, now_ms
        self._parent = parent

    def admit(self, item: Found) -> Admission:
        entry, proof = item.entry, item.proof
        if item.id == self._issue and entry:
            created_under = parent_of(entry.envelope.events)
            self._parent = lambda: created_under
        parents = [self._about.get(parent) for parent in item.parents]
        rooted, partial, uprooted = item.id == self._issue, None in parents, False
        for parent in filter(None, parents):
            rooted, partial = rooted or parent.rooted, partial or parent.partial
            uprooted = uprooted or parent.verdict == "quarantined"
        verdict, reason = self._verdict(item, parents, rooted)
        partial = partial and verdict in ("waiting", "quarantined")
        auth = entry.envelope.auth if entry else ()
        self._about[item.id] = About(verdict, item.hlc, rooted, partial, auth)
        if entry is None or proof is None:
            record = Record(item.id, item.parents, (0, 0), "", 0, "", ())
            return Admission(record, None, verdict, reason, "", "", None, rooted, partial)
        return admission(entry, proof, self._trust, verdict, reason, (rooted, partial, uprooted))

    def _verdict(self, item: Found, parents: Sequence[About | None], rooted: bool) -> tuple[Verdict, str]:
        entry, proof, before = item.entry, item.proof, list[tuple[str, ...]]()
        if entry is None or proof is None:
            return "quarantined", item.flaw
        too_early = False
        for id, parent in zip(item.parents, parents, strict=True):
            if parent is None or parent.verdict == "waiting":
                return "waiting", f"its parent {id[:12]} is not here yet"
            if not rooted and parent.partial:
                return "waiting", f"what its parent {id[:12]} builds on is not here yet"
            if parent.verdict != "quarantined":
                too_early |= parent.hlc >= item.hlc
                before.append(parent.auth)
        if not rooted:
            return "quarantined", "it does not descend from its issue's root"
        created = entry.envelope.events[0].get("type") == "created"
        if item.id == self._issue and (not created or item.parents):
            return "quarantined", "a root entry has no parents and begins with a created event"
        if too_early:
            return "quarantined", "its clock does not exceed that of its parents"
        if item.hlc[0] > self._now_ms + MAX_AHEAD_MS:
            return "waiting", AHEAD
        prev = entry.envelope.prev
        if prev is not None and (auth := self._chains.auth_of(proof.key.hex(), prev)) is not None:
            before.append(auth)
        place = Place(self._issue, tuple(before), self._parent())
        return judge(self._trust, entry, proof, place, self._chains.on_chain)


def parent_of(events: Iterable[Mapping[str, Json]]) -> str | None:
    """Return the issue that the events of a root entry name as parent."""
    links = (event for event in events if event.get("type") == "link-added" and event.get("kind") == "parent")
    return next((str(event.get("issue")) for event in links), None)


def admission(
    entry: Entry, proof: Proof, trust: Trust, verdict: Verdict, reason: str,
    stands: tuple[bool, bool, bool] = (True, False, False),
) -> Admission:  # fmt: skip
    """Return what the index keeps of a well-signed entry; `stands` says whether it is rooted, partial and uprooted."""
    who = actor(trust, entry, proof)
    envelope, (rooted, partial, uprooted) = entry.envelope, stands
    record = Record(
        entry.id, entry.parents, envelope.hlc, who[0], entry.seconds, envelope.under, envelope.events, entry.digest,
        verdict == "muted", uprooted, envelope.auth, False, proof.delegation is None,
        policy.review(trust.policy_at(envelope.auth)),
    )  # fmt: skip
    chain, issuer = proof.key.hex(), proof.issuer.hex()
    return Admission(record, entry, verdict, reason, chain, issuer, who, rooted, partial)

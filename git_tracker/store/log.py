"""The event log: signed entries in git, read strictly and written by the store's one write path.

Reading walks commits from a tip back to what is known, decodes and verifies each, and gives every one a verdict;
nothing is dropped in silence, and one bad entry does not hide the good ones behind it.
"""

import re
from collections.abc import Callable, Container, Iterable, MutableMapping
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import entry as format
from git_tracker.store import graph, identity
from git_tracker.store.entry import Entry
from git_tracker.store.fold import Record
from git_tracker.store.identity import Proof
from git_tracker.store.objects import GitRepository
from git_tracker.store.trust import MAX_AHEAD_MS, About, Admission, Trust, Verdict

AHEAD = "it claims a time more than 24 h ahead"

_PARENTS = re.compile(rb"tree [0-9a-f]{40}\n((?:parent [0-9a-f]{40}\n)*)")


class _Found(NamedTuple):
    id: str
    parents: tuple[str, ...]
    hlc: tuple[int, int]
    entry: Entry | None
    proof: Proof | None
    flaw: str


class EventLog:
    """Entries of one repository."""

    def __init__(self, objects: GitRepository) -> None:
        self.objects = objects

    def admit(
        self, issue: str, tips: Iterable[str], about: "MutableMapping[str, About]", trust: Trust, now_ms: int
    ) -> list[Admission]:
        """Return every entry reachable from `tips` that `about` does not know, parents first, each with its verdict.

        `about` is extended by what is found.
        """
        found = self._walk(tips, about)
        return [
            self._judge(issue, item, about, trust, now_ms)
            for item in graph.topological({item.id: item for item in found})
        ]

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

    def _walk(self, tips: Iterable[str], known: Container[str]) -> list[_Found]:
        found, todo, seen = [], list(tips), set[str]()
        while todo:
            id = todo.pop()
            if id in seen or id in known:
                continue
            seen.add(id)
            item = self._read(id)
            if item is not None:
                found.append(item)
                todo.extend(item.parents)
        return found

    def _read(self, id: str) -> _Found | None:
        """Return what a commit holds, with the flaw that keeps it out; None if it is not here."""
        raw = b""
        try:
            read = self.objects.commit(id)
            if read is None:
                return None
            raw = read
            entry = format.decode(id, raw)
            proof = identity.verify(entry.payload, entry.armour)
            return _Found(id, entry.parents, entry.envelope.hlc, entry, proof, "")
        except Corrupt as error:
            head = _PARENTS.match(raw)
            parents = tuple(head[1].decode().split()[1::2]) if head else ()
            return _Found(id, tuple(dict.fromkeys(parents[: format.MAX_PARENTS])), (0, 0), None, None, str(error))

    def _judge(
        self, issue: str, item: _Found, about: MutableMapping[str, About], trust: Trust, now_ms: int
    ) -> Admission:
        known = [about[parent] for parent in item.parents if parent in about]
        rooted = item.id == issue or any(parent.rooted for parent in known)
        partial = len(known) < len(item.parents) or any(parent.partial for parent in known)
        verdict, reason = self._verdict(issue, item, about, trust, now_ms, rooted)
        found = about[item.id] = About(verdict, item.hlc, rooted, partial and verdict in ("waiting", "quarantined"))
        entry, proof = item.entry, item.proof
        if entry is None or proof is None:
            record = Record(item.id, item.parents, (0, 0), "", 0, "", ())
            return Admission(record, None, verdict, reason, "", "", None, rooted, found.partial)
        uprooted = any(parent.verdict == "quarantined" for parent in known)
        made = admission(entry, proof, trust, verdict, reason)
        return made._replace(record=made.record._replace(uprooted=uprooted), rooted=rooted, partial=found.partial)

    def _verdict(
        self, issue: str, item: _Found, about: MutableMapping[str, About], trust: Trust, now_ms: int, rooted: bool
    ) -> tuple[Verdict, str]:
        if item.entry is None or item.proof is None:
            return "quarantined", item.flaw
        for parent in item.parents:
            if parent not in about or about[parent].verdict == "waiting":
                return "waiting", f"its parent {parent[:12]} is not here yet"
            if not rooted and about[parent].partial:
                return "waiting", f"what its parent {parent[:12]} builds on is not here yet"
        if not rooted:
            return "quarantined", "it does not descend from its issue's root"
        created = item.entry.envelope.events[0].get("type") == "created"
        if item.id == issue and (not created or item.parents):
            return "quarantined", "a root entry has no parents and begins with a created event"
        if any(about[parent].verdict != "quarantined" and about[parent].hlc >= item.hlc for parent in item.parents):
            return "quarantined", "its clock does not exceed that of its parents"
        if item.hlc[0] > now_ms + MAX_AHEAD_MS:
            return "waiting", AHEAD
        return trust.judge(item.entry, item.proof)


def admission(entry: Entry, proof: Proof, trust: Trust, verdict: Verdict, reason: str) -> Admission:
    """Return what the index keeps of a well-signed entry."""
    actor = trust.actor(entry, proof)
    envelope = entry.envelope
    record = Record(
        entry.id, entry.parents, envelope.hlc, actor[0], entry.seconds, envelope.under, envelope.events, entry.digest,
        verdict == "muted",
    )  # fmt: skip
    return Admission(record, entry, verdict, reason, proof.key.hex(), proof.issuer.hex(), actor)

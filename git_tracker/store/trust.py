"""Trust: who is a member, what was cut off, what was adopted. A pure function of the set of trust entries.

The trust log is a graph of signed entries below a pinned root; which of them count is settled in `settling`. What
somebody may do follows from what their entry cites, and from what was removed or revoked by people who had seen it.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from git_tracker.store import graph
from git_tracker.store.entry import Entry
from git_tracker.store.identity import Proof
from git_tracker.store.membership import Member, Seen, key_of, member_of, seen_of
from git_tracker.store.settling import NOBODY, Node, Seniority, Settled

Ends = Mapping[str, tuple[Seen, ...]]

_REMEMBERED = 4096


class Added(NamedTuple):
    """A key let in by `entry`; `seen` are chains it had written before, which count from now on."""

    entry: str
    member: Member
    seen: Ends
    by: Seniority


class Cut(NamedTuple):
    """What ended at `entry`: the key of a person (removed), or a session of it. Only what stands in `seen` counts."""

    entry: str
    key: bytes
    seen: Ends


class Lowered(NamedTuple):
    """A key that `entry` gave a lower role; of what it wrote before, only what stands in `seen` counts as before."""

    entry: str
    role: str
    seen: Ends


class Touched(NamedTuple):
    """Whose verdicts a change of the trust log may change: issuers' keys in hexadecimal, session ids, entry ids."""

    issuers: frozenset[str]
    sessions: frozenset[str]
    entries: frozenset[str]


class Trust:
    """What the trust log says, folded. `known` are the ids of all its entries that are here with their whole past."""

    def __init__(self, root: str, nodes: Mapping[str, Node]) -> None:
        self.root = root
        self._nodes = nodes
        self._settled = Settled(root, graph.topological(nodes))
        self.heads = graph.heads(nodes.values())
        self.known = frozenset(nodes)
        self.joined = self._settled.joined
        self.valid = frozenset(id for id in nodes if self._settled.counts(id))
        self.added: dict[bytes, list[Added]] = {}
        self.lowered: dict[bytes, list[Lowered]] = {}
        self.removed: dict[bytes, list[Cut]] = {}
        self.revoked: dict[str, list[Cut]] = {}
        self.adopted: dict[str, str] = {}
        self.policies: list[tuple[str, Mapping[str, Any]]] = []  # by entry, in the order of the log
        self._member_at = lru_cache(maxsize=_REMEMBERED)(self._find_member)  # very many entries cite the same state
        for node in self._settled.order:
            if node.id in self.valid:
                for event in node.events:
                    self._take(node, event)

    @cached_property
    def members(self) -> dict[bytes, Member]:
        """Everybody who is a member now, with the role given last."""
        everything = self._settled.state(self.heads)
        found = {key: self._settled.grant(key, everything) for key in self.added}
        return {key: grant.member for key, grant in found.items() if grant}

    def counts_with(self, entry: Entry, proof: Proof, before: Iterable[tuple[Entry, Proof]] = ()) -> bool:
        """Return whether a further entry would count; `before` are others it has seen, such as another root's."""
        more = [*before, (entry, proof)]
        return entry.id in Trust(self.root, {**self._nodes, **{one.id: _node(one, by) for one, by in more}}).valid

    def touched_since(self, heads: Iterable[str]) -> Touched | None:
        """Return whose entries may count otherwise than in the state that `heads` name; None if that is not known."""
        heads = set(heads)
        if not heads <= self.known:
            return None
        before = self._settled.state(heads)
        nodes = {id: node for id, node in self._nodes.items() if self._settled.bit[id] & before}
        old = Trust(self.root, _ours(self.root, nodes))  # a log that was joined since said nothing then
        if old.joined - self.joined or old.policies != [item for item in self.policies if item[0] in old.known]:
            return None  # it ceased to count, and anybody may have been bound by it
        issuers = _changed(self.added, old.added) | _changed(self.removed, old.removed)
        issuers |= _changed(self.lowered, old.lowered)
        return Touched(
            frozenset(key.hex() for key in issuers), frozenset(_changed(self.revoked, old.revoked)),
            frozenset(self.adopted.keys() ^ old.adopted.keys()),
        )  # fmt: skip

    def member_at(self, key: bytes, auth: Iterable[str]) -> Member | None:
        """Return what a key was in the state that `auth` names, or None. Removals that came later do not show here."""
        return self._member_at(key, tuple(auth))

    def _find_member(self, key: bytes, auth: tuple[str, ...]) -> Member | None:
        grant = self._settled.grant(key, self._state(auth))
        return grant.member if grant else None

    def policy_at(self, auth: Iterable[str]) -> Mapping[str, Any]:
        """Return the latest policy in the state that `auth` names; no rules where there is none."""
        if not self.policies:
            return {}
        state = self._state(auth)
        return next((rules for entry, rules in reversed(self.policies) if self._settled.bit[entry] & state), {})

    def saw(self, auth: Iterable[str], *ids: str) -> bool:
        """Return whether somebody who cites `auth` had seen all these entries of the trust log."""
        state = self._state(auth)
        return all(self._settled.bit.get(id, 0) & state for id in ids)

    def is_revoked(self, sid: str, issuer: bytes) -> bool:
        return any(cut.key == issuer for cut in self.revoked.get(sid, ()))

    def _state(self, auth: Iterable[str]) -> int:
        return self._settled.state(id for id in auth if id in self.known)

    def _take(self, node: Node, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case "root" | "member-added":
                member = member_of(event, node.id)
                if member:
                    rank = self._settled.seniority.get(node.key, NOBODY)
                    self.added.setdefault(member.key, []).append(Added(node.id, member, seen_of(event), rank))
                    if event["type"] == "member-added" and self._settled.lowers(node.id, member.key, member.role):
                        lowered = Lowered(node.id, member.role, seen_of(event))
                        self.lowered.setdefault(member.key, []).append(lowered)
            case "member-removed":
                key = key_of(event)
                self.removed.setdefault(key, []).append(Cut(node.id, key, seen_of(event)))
            case "session-revoked":
                cut = Cut(node.id, key_of(event, "person"), seen_of(event))
                self.revoked.setdefault(str(event["sid"]), []).append(cut)
            case "adopted":
                for id in event["entries"]:
                    self.adopted.setdefault(id, node.id)
            case "policy":
                self.policies.append((node.id, event["rules"]))


def _changed(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> set[Any]:
    return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def _node(entry: Entry, proof: Proof) -> Node:
    envelope = entry.envelope
    return Node(entry.id, entry.parents, envelope.hlc, proof.key, proof.delegation is None, tuple(envelope.events))


def fold(root: str, entries: Iterable[tuple[Entry, Proof]]) -> Trust:
    """Return what the entries say to somebody who pinned `root`. Entries whose past is not here whole say nothing yet."""
    found = {entry.id: _node(entry, proof) for entry, proof in entries}
    whole: dict[str, Node] = {}  # parents first
    for node in graph.topological(found):
        if all(parent in whole for parent in node.parents):
            whole[node.id] = node
    return Trust(root, _ours(root, whole))


def _ours(root: str, nodes: Mapping[str, Node]) -> dict[str, Node]:
    """Return what follows from the root, and what that builds on: another root's log says nothing until it is joined."""
    ours: set[str] = set()
    for id, node in nodes.items():
        if id == root or not ours.isdisjoint(node.parents):
            ours.add(id)
    for id in reversed(list(nodes)):
        if id in ours:
            ours.update(nodes[id].parents)
    return {id: node for id, node in nodes.items() if id in ours}

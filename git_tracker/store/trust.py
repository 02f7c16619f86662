"""Trust: who is a member, what was cut off, what was adopted. A pure function of the set of trust entries.

The trust log is a graph of signed entries below a pinned root. No clock decides anything: what somebody may do follows
from what their entry cites and from what was removed or revoked by people who had seen it. A removal is strong: what
the removed key did and the remover had not seen is void, and of two who remove each other the senior stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from git_tracker.store import graph, sshwire
from git_tracker.store.entry import Entry
from git_tracker.store.identity import Proof
from git_tracker.store.membership import GOVERNS, Member, Seen, is_well_formed, key_of, member_of, seen_of

Order = tuple[int, str]  # depth in the trust log and entry id: who was there first


class Added(NamedTuple):
    """A key let in, by `entry`; `seen` are chains it had written before, which count from now on."""

    entry: str
    member: Member
    seen: Mapping[str, Seen]


class Cut(NamedTuple):
    """What ended at `entry`: a key (removed) or a session (revoked). Only what stands in `seen` still counts."""

    entry: str
    seen: Mapping[str, Seen]


class Touched(NamedTuple):
    """Whose verdicts a change of the trust log may change: issuers' keys in hexadecimal, session ids, entry ids."""

    issuers: frozenset[str]
    sessions: frozenset[str]
    entries: frozenset[str]


class _Node(NamedTuple):
    id: str
    parents: tuple[str, ...]
    hlc: tuple[int, int]
    key: bytes
    person: bool  # signed by a person's key, not by a session's
    events: tuple[Mapping[str, Any], ...]


class Trust:
    """What the trust log says, folded. `known` are the ids of all its entries that are here with their whole past."""

    def __init__(self, root: str, nodes: Mapping[str, _Node]) -> None:
        self.root = root
        self._nodes = nodes
        self._past: dict[str, frozenset[str]] = {}
        for node in graph.topological(nodes):
            self._past[node.id] = frozenset({node.id}).union(*(self._past[parent] for parent in node.parents))
        self._order = sorted(nodes.values(), key=self._place)
        self.heads = graph.heads(nodes.values())
        self.known = frozenset(nodes)
        self.joined: frozenset[str] = frozenset()
        while True:  # a joined root brings members, who may join further ones
            valid, seniority = self._settle()
            joined = (
                frozenset(str(event["root"]) for node, event in self._all(valid) if event["type"] == "root-joined")
                & self.known
            )
            if joined == self.joined:
                break
            self.joined = joined
        self.valid = frozenset(valid)
        self.added: dict[bytes, list[Added]] = {}
        self.removed: dict[bytes, list[Cut]] = {}
        self.revoked: dict[str, list[Cut]] = {}
        self.adopted: dict[str, str] = {}
        self.policies: list[tuple[str, Mapping[str, Any]]] = []  # by entry, in the order of the log
        for node, event in self._all(valid):
            self._take(node, event)
        self._seniority = seniority

    @property
    def members(self) -> dict[bytes, Member]:
        """Everybody who is a member now, with the role given last."""
        found = {}
        for key in self.added:
            if standing := self._standing(key, self.known):
                found[key] = standing[-1].member
        return found

    def counts_with(self, entry: Entry, proof: Proof) -> bool:
        """Return whether a further entry would count."""
        return entry.id in Trust(self.root, {**self._nodes, entry.id: _node(entry, proof)}).valid

    def touched_since(self, heads: Iterable[str]) -> Touched:
        """Return whose entries may count otherwise than in the state that `heads` name."""
        known = [id for id in heads if id in self.known]
        old = Trust(self.root, {id: self._nodes[id] for id in self.past(known)})
        issuers = {key for key in self.added.keys() | old.added.keys() if self.added.get(key) != old.added.get(key)}
        issuers |= {
            key for key in self.removed.keys() | old.removed.keys() if self.removed.get(key) != old.removed.get(key)
        }
        sessions = {
            sid for sid in self.revoked.keys() | old.revoked.keys() if self.revoked.get(sid) != old.revoked.get(sid)
        }
        return Touched(
            frozenset(key.hex() for key in issuers), frozenset(sessions),
            frozenset(self.adopted.keys() ^ old.adopted.keys()),
        )  # fmt: skip

    def member_at(self, key: bytes, auth: Iterable[str]) -> Member | None:
        """Return what a key was in the state that `auth` names, or None. Removals that came later do not show here."""
        standing = self._standing(key, self.past(auth))
        return standing[-1].member if standing else None

    def policy_at(self, auth: Iterable[str]) -> Mapping[str, Any]:
        """Return the latest policy in the state that `auth` names; no rules where there is none."""
        seen = self.past(auth)
        return next((rules for entry, rules in reversed(self.policies) if entry in seen), {})

    def past(self, auth: Iterable[str]) -> frozenset[str]:
        """Return everything that these entries of the trust log had seen, themselves included."""
        return frozenset().union(*(self._past[id] for id in auth))

    def cuts_on(self, key: bytes, auth: Iterable[str]) -> list[Cut]:
        """Return the removals of a key that an entry citing `auth` cannot get around: all not followed by an add it saw."""
        seen = self.past(auth)
        adds = [added.entry for added in self.added.get(key, ()) if added.entry in seen]
        return [cut for cut in self.removed.get(key, ()) if not any(cut.entry in self._past[add] for add in adds)]

    def _standing(self, key: bytes, seen: frozenset[str]) -> list[Added]:
        gone = [cut.entry for cut in self.removed.get(key, ()) if cut.entry in seen]
        return [
            added
            for added in self.added.get(key, ())
            if added.entry in seen and not any(added.entry in self._past[cut] for cut in gone)
        ]

    def _place(self, node: _Node) -> Order:
        return len(self._past[node.id]), node.id

    def _all(self, valid: set[str]) -> Iterable[tuple[_Node, Mapping[str, Any]]]:
        return ((node, event) for node in self._order if node.id in valid for event in node.events)

    def _take(self, node: _Node, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case "root" | "member-added":
                member = member_of(event, node.id)
                if member:
                    self.added.setdefault(member.key, []).append(Added(node.id, member, seen_of(event)))
            case "member-removed":
                self.removed.setdefault(key_of(event), []).append(Cut(node.id, seen_of(event)))
            case "session-revoked":
                self.revoked.setdefault(str(event["sid"]), []).append(Cut(node.id, seen_of(event)))
            case "adopted":
                for id in event["entries"]:
                    self.adopted.setdefault(id, node.id)
            case "policy":
                self.policies.append((node.id, event["rules"]))

    def _settle(self) -> tuple[set[str], dict[bytes, Order]]:
        """Find the entries that count, by repeated removal of what a valid removal makes void."""
        void: set[str] = set()
        for _ in range(len(self._nodes) + 1):
            valid, seniority = self._run(void)
            removals = [
                (seniority.get(node.key, (1 << 60, "")), node.id, key_of(event))
                for node, event in self._all(valid)
                if event["type"] == "member-removed"
            ]
            dead: set[str] = set()
            for _, id, key in sorted(removals):
                if id not in dead:
                    dead |= {other for other in valid if self._nodes[other].key == key and other not in self._past[id]}
            if dead <= void:
                break
            void |= dead
        return self._run(void)

    def _run(self, void: set[str]) -> tuple[set[str], dict[bytes, Order]]:
        """Go through the log in order; an entry counts if its signer may do all it says, in its own causal past."""
        valid: set[str] = set()
        seniority: dict[bytes, Order] = {}
        for node in self._order:
            if node.id in void or not node.person or not node.events:
                continue
            if all(self._may(node, event, valid, seniority) for event in node.events):
                valid.add(node.id)
                for event in node.events:
                    if event["type"] in ("root", "member-added") and (member := member_of(event, node.id)):
                        place = (0, "") if node.id == self.root else self._place(node)
                        seniority.setdefault(member.key, place)
        return valid, seniority

    def _may(self, node: _Node, event: Mapping[str, Any], valid: set[str], seniority: Mapping[bytes, Order]) -> bool:
        kind = event.get("type")
        if kind == "root":
            member = member_of(event, node.id)
            own = node.id == self.root or node.id in self.joined
            return own and not node.parents and member is not None and member.key == node.key
        role = self._role(node.key, node.id, valid)
        if role is None or not is_well_formed(event):
            return False
        if kind == "root-joined":
            return role == "owner"
        if kind == "member-removed":
            senior = seniority.get(key_of(event), (1 << 60, "")) < seniority.get(node.key, (1 << 60, ""))
            return role in GOVERNS and (not senior or key_of(event) == node.key)
        if kind == "session-revoked":
            return role in GOVERNS or event.get("person") == sshwire.public_line(node.key)
        if kind == "adopted":
            return role in ("owner", "maintainer", "writer")
        if kind == "member-added":
            return role in GOVERNS and (event.get("role") != "owner" or role == "owner")
        return kind == "policy" and role in GOVERNS

    def _role(self, key: bytes, at: str, valid: set[str]) -> str | None:
        """Return the role of a key in the causal past of an entry, looking at valid entries only."""
        past = (self._past[at] & valid) - {at}
        removals, adds = [], []
        for id in past:
            for event in self._nodes[id].events:
                if event["type"] in ("root", "member-added"):
                    member = member_of(event, id)
                    if member and member.key == key:
                        adds.append((self._place(self._nodes[id]), member.role, id))
                elif event["type"] == "member-removed" and key_of(event) == key:
                    removals.append(id)
        standing = [add for add in adds if not any(add[2] in self._past[removal] for removal in removals)]
        return max(standing)[1] if standing else None


def _node(entry: Entry, proof: Proof) -> _Node:
    envelope = entry.envelope
    return _Node(
        entry.id, entry.parents, envelope.hlc, proof.key, proof.delegation is None, tuple(envelope.events)
    )  # fmt: skip


def fold(root: str, entries: Iterable[tuple[Entry, Proof]]) -> Trust:
    """Return what the entries say to somebody who pinned `root`. Entries whose past is not here whole say nothing yet."""
    found = {entry.id: _node(entry, proof) for entry, proof in entries}
    whole: dict[str, _Node] = {}
    for node in graph.topological(found):
        if all(parent in whole for parent in node.parents):
            whole[node.id] = node
    return Trust(root, whole)

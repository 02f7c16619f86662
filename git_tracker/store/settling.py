"""Which entries of the trust log count: a pure function of the set of them and of the root that is trusted.

No clock decides. An entry counts if its signer may say all it says, by what the entry itself has seen. Removals are
strong: they make void what the removed key signed without having seen them. They take effect one after the other, that
of the most senior signer first, so of two who remove each other the senior stays; a removal that loses its own ground
that way is void itself, with all it did. Who is let in anew with a lower role is removed in this sense from
whatever that role may not do.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from git_tracker.store.membership import GOVERNS, ROLES, Member, is_well_formed, key_of, member_of

# Who was there first: the round in which one's root was joined (0: our own), the depth in the log, then ids.
Seniority = tuple[int, int, str, int]
NOBODY: Seniority = (1 << 60, 0, "", 0)


class Node(NamedTuple):
    """An entry of the trust log, as far as settling needs it. `person`: signed by a person's key, not a session's."""

    id: str
    parents: tuple[str, ...]
    hlc: tuple[int, int]
    key: bytes
    person: bool
    events: tuple[Mapping[str, Any], ...]


class Grant(NamedTuple):
    """A membership as some entry gives it, signed by the key `by`."""

    entry: str
    position: int
    by: bytes
    member: Member


class Removal(NamedTuple):
    """An event that takes rights from a key; `role` is what it leaves, nothing if it removes the key."""

    entry: str
    by: bytes
    key: bytes
    role: str = ""


class Settled:
    """The log settled. States of the log are numbers whose bits are entries; `past[id]` includes the entry itself."""

    def __init__(self, root: str, topological: Iterable[Node]) -> None:
        self.bit: dict[str, int] = {}
        self.past: dict[str, int] = {}
        nodes = list(topological)
        for number, node in enumerate(nodes):
            self.bit[node.id] = 1 << number
            self.past[node.id] = self.state(node.parents) | 1 << number
        self.root = root
        self.order = sorted(nodes, key=lambda node: (self.past[node.id].bit_count(), node.id))
        self._grants: dict[bytes, list[Grant]] = {}
        self._removals: dict[bytes, list[Removal]] = {}
        self._additions: list[Removal] = []  # each may lower a role
        for node in self.order:
            self._index(node)
        self._round = 0
        self._before: Mapping[bytes, Seniority] = {}  # of the rounds before, which nobody who joined later can change
        self.joined: frozenset[str] = frozenset()
        self.valid, self.seniority = self._settle()
        while more := self._newly_joined():
            self.joined |= more
            self._before, self._round = self.seniority, self._round + 1
            self.valid, self.seniority = self._settle()

    def state(self, ids: Iterable[str]) -> int:
        """Return all that these entries have seen, themselves included."""
        found = 0
        for id in ids:
            found |= self.past[id]
        return found

    def counts(self, id: str) -> bool:
        return bool(self.valid & self.bit[id])

    def grant(self, key: bytes, state: int) -> Grant | None:
        """Return how a key is a member in a state, looking at entries that count."""
        return self._standing(key, state & self.valid, self.seniority)

    def lowers(self, entry: str, key: bytes, role: str) -> bool:
        """Return whether an entry that lets a key in gives it a lower role than it had."""
        return self._lowers(Removal(entry, b"", key, role), self.valid, self.seniority)

    def _lowers(self, removal: Removal, valid: int, seniority: Mapping[bytes, Seniority]) -> bool:
        before = self.past[removal.entry] & ~self.bit[removal.entry] & valid
        grant = self._standing(removal.key, before, seniority)
        return grant is not None and ROLES.index(removal.role) > ROLES.index(grant.member.role)

    def _standing(self, key: bytes, seen: int, seniority: Mapping[bytes, Seniority]) -> Grant | None:
        """Of grants that have seen every removal the latest holds, of concurrent ones that of the senior signer."""
        bit, past = self.bit, self.past
        gone = [cut.entry for cut in self._removals.get(key, ()) if bit[cut.entry] & seen]
        found = [
            grant
            for grant in self._grants.get(key, ())
            if bit[grant.entry] & seen and all(bit[cut] & past[grant.entry] for cut in gone)
        ]
        if len(found) > 1:
            found = [
                grant
                for grant in found
                if not any(bit[grant.entry] & past[other.entry] for other in found if other.entry != grant.entry)
            ]
        return min(
            found, key=lambda grant: (seniority.get(grant.by, NOBODY), grant.entry, -grant.position), default=None
        )

    def _index(self, node: Node) -> None:
        for position, event in enumerate(node.events):
            kind = event.get("type")
            if kind in ("root", "member-added") and (member := member_of(event, node.id)):
                self._grants.setdefault(member.key, []).append(Grant(node.id, position, node.key, member))
                if kind == "member-added":
                    self._additions.append(Removal(node.id, node.key, member.key, member.role))
            elif kind == "member-removed" and (key := key_of(event)):
                self._removals.setdefault(key, []).append(Removal(node.id, node.key, key))

    def _newly_joined(self) -> frozenset[str]:
        named = {
            str(event["root"])
            for node in self.order
            if self.counts(node.id)
            for event in node.events
            if event["type"] == "root-joined"
        }
        return frozenset(named & self.bit.keys()) - self.joined

    def _settle(self) -> tuple[int, dict[bytes, Seniority]]:
        """Let the removals take effect, one after the other, until all that count have."""
        removals = [removal for found in self._removals.values() for removal in found] + self._additions
        decided: set[Removal] = set()
        idle: set[Removal] = set()  # what lowers a role no longer, since what had given it is void
        groundless = 0
        while True:
            void = groundless
            for removal in decided:
                void |= self._kills(removal)
            valid, seniority = self._run(void)
            if lost := {removal for removal in decided if not valid & self.bit[removal.entry]}:
                decided -= lost
                for removal in lost:
                    groundless |= self.bit[removal.entry]
                continue
            if lost := {one for one in decided if one.role and not self._lowers(one, valid, seniority)}:
                decided -= lost
                idle |= lost
                continue
            left = [
                one
                for one in removals
                if valid & self.bit[one.entry] and one not in decided and one not in idle
                and (not one.role or self._lowers(one, valid, seniority))
            ]  # fmt: skip
            if not left:
                return valid, seniority
            for removal in sorted(left, key=lambda one: (seniority[one.by], one.entry, one.key, one.role)):
                decided.add(removal)
                if self._kills(removal) & valid:
                    break

    def _kills(self, removal: Removal) -> int:
        """Return what the key signed, and may not any more, that neither had seen the removal nor was seen by it."""
        found, at = 0, self.bit[removal.entry]
        for node in self.order:
            if node.key == removal.key and not self.past[node.id] & at:
                if not (removal.role and all(_role_may(removal.role, event, node.key) for event in node.events)):
                    found |= self.bit[node.id]
        return found & ~self.past[removal.entry]

    def _run(self, void: int) -> tuple[int, dict[bytes, Seniority]]:
        """Go through the log in order; an entry counts if its signer may do all it says, in its own causal past."""
        valid = 0
        seniority = dict(self._before)
        for node in self.order:
            bit = self.bit[node.id]
            if bit & void or not node.person or not node.events:
                continue
            state = self.past[node.id] & valid
            grant = self._standing(node.key, state, seniority)
            role = grant.member.role if grant else None
            if all(self._may(node, event, role, state, seniority) for event in node.events):
                valid |= bit
                for position, event in enumerate(node.events):
                    if event["type"] in ("root", "member-added") and (member := member_of(event, node.id)):
                        depth = 0 if node.id == self.root else self.past[node.id].bit_count()
                        seniority.setdefault(member.key, (self._round, depth, node.id, position))
        return valid, seniority

    def _may(
        self, node: Node, event: Mapping[str, Any], role: str | None, state: int, seniority: Mapping[bytes, Seniority]
    ) -> bool:
        kind = event.get("type")
        if kind == "root":
            own = node.id == self.root or node.id in self.joined
            return own and not node.parents and is_well_formed(event) and key_of(event) == node.key
        if role is None or not is_well_formed(event) or not _role_may(role, event, node.key):
            return False
        if kind not in ("member-added", "member-removed"):
            return True
        key = key_of(event)
        senior = key != node.key and seniority.get(key, NOBODY) < seniority.get(node.key, NOBODY)
        return not senior or (kind == "member-added" and self._standing(key, state, seniority) is None)


def _role_may(role: str, event: Mapping[str, Any], by: bytes) -> bool:
    """Return whether somebody of that role may say such a thing, whoever it is about."""
    match event.get("type"):
        case "root":
            return True
        case "member-added":
            return role in GOVERNS and (event.get("role") != "owner" or role == "owner")
        case "member-removed" | "policy":
            return role in GOVERNS
        case "root-joined":
            return role == "owner"
        case "session-revoked":
            return role in GOVERNS or key_of(event, "person") == by
        case "adopted":
            return role != "observer"
    return False

"""Trust: who is a member, and what becomes of an entry. Pure functions of two sets of entries, never of a clock.

Verdicts: `ok`; `muted` (well signed, but not allowed: kept, listed, without effect); `quarantined` (bytes, signature or
place in the graph are wrong: kept, listed, never folded); `waiting` (names something that is not here yet).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import graph, sshwire
from git_tracker.store.entry import Entry
from git_tracker.store.fold import Record
from git_tracker.store.identity import CERT_SKEW, Proof

Verdict = Literal["ok", "muted", "quarantined", "waiting"]

ROLES = ("owner", "maintainer", "writer", "observer")
MAX_AHEAD_MS = 24 * 3600 * 1000


class Member(NamedTuple):
    """A person's key that a root or a member-added event names."""

    person: str
    name: str
    email: str
    key: bytes
    role: str
    entry: str


class About(NamedTuple):
    """What judging an entry needs to know of its parents."""

    verdict: Verdict
    hlc: tuple[int, int]
    rooted: bool  # the root is in its past
    partial: bool = False  # some of its past is not here yet


class Admission(NamedTuple):
    """One entry as the index keeps it: what it is to the fold, and the verdict on it."""

    record: Record
    entry: Entry | None
    verdict: Verdict
    reason: str
    chain: str  # the signing key in hexadecimal, or empty
    issuer: str  # the person's key in hexadecimal, or empty
    actor: tuple[Any, ...] | None  # a row for the index's table of actors
    rooted: bool = True  # these two as in `About`
    partial: bool = False


class Trust:
    """The members of the tracker, folded from the trust log below a pinned root."""

    def __init__(
        self, root: str, members: Mapping[bytes, Member], heads: tuple[str, ...], known: frozenset[str]
    ) -> None:
        self.root = root
        self.members = members
        self.heads = heads
        self.known = known  # ids of all entries of the trust log

    def judge(self, entry: Entry, proof: Proof) -> tuple[Verdict, str]:
        """Return the verdict on a well-signed entry and the reason where it is not `ok`."""
        envelope, delegation = entry.envelope, proof.delegation
        if envelope.repo != self.root:
            return "waiting", f"belongs to another tracker, whose root is {envelope.repo[:12] or 'missing'}"
        if not set(envelope.auth) <= self.known:
            return "waiting", "cites trust entries that are not here yet"
        member = self.members.get(proof.issuer)
        if member is None:
            return "muted", f"the key {sshwire.fingerprint(proof.issuer)} is no member's"
        if member.role == "observer":
            return "muted", f"{member.person} may only read"
        if delegation is None:
            return ("muted", "a person's entry names a session") if envelope.sid else ("ok", "")
        if delegation.person != member.person:
            return "muted", f"the certificate speaks for {delegation.person}, its issuer is {member.person}"
        if delegation.sid != envelope.sid:
            return "muted", "the entry names another session than its certificate"
        if not delegation.valid_after - CERT_SKEW <= entry.seconds < delegation.valid_before + CERT_SKEW:
            return "muted", "outside the validity of its certificate"
        return "ok", ""

    def actor(self, entry: Entry, proof: Proof) -> tuple[Any, ...]:
        """Return who wrote an entry, as a row of the index: id, name, session, person, client, key, issuer, …"""
        member, delegation = self.members.get(proof.issuer), proof.delegation
        person = member.person if member else ""
        key, issuer = sshwire.fingerprint(proof.key), sshwire.fingerprint(proof.issuer)
        if delegation is None:
            name = member.name if member else entry.author.partition(" <")[0]
            return (person or key, name, "", person, "", key, issuer, None, "", None, None, "")
        if member is None or delegation.person != person:
            return (key, delegation.label, delegation.sid, "", delegation.client, key, issuer, *_validity(delegation))
        return (
            delegation.sid, delegation.label or delegation.sid, delegation.sid, person, delegation.client, key, issuer,
            *_validity(delegation),
        )  # fmt: skip


def _validity(delegation: Any) -> tuple[Any, ...]:
    serial = delegation.serial - (1 << 64) if delegation.serial >= 1 << 63 else delegation.serial
    limit = 253402300799
    return (
        serial, delegation.label, min(delegation.valid_after, limit), min(delegation.valid_before, limit),
        delegation.scope,
    )  # fmt: skip


def root_event(member: Member, nonce: str) -> dict[str, Any]:
    """Return the first event of a trust log: its owner."""
    return {"type": "root", "nonce": nonce, **_fields(member)}


def member_event(member: Member) -> dict[str, Any]:
    """Return the event by which a member lets another in."""
    return {"type": "member-added", **_fields(member)}


def _fields(member: Member) -> dict[str, Any]:
    return {
        "email": member.email, "key": sshwire.public_line(member.key), "name": member.name, "person": member.person,
        "role": member.role,
    }  # fmt: skip


def fold(root: str, entries: Iterable[tuple[Entry, Proof]]) -> Trust:
    """Return who is a member. Entries that do not descend from the pinned root or are not by a member say nothing."""
    known = {entry.id: _Node(entry.id, entry.parents, entry.envelope.hlc, entry, proof) for entry, proof in entries}
    members: dict[bytes, Member] = {}
    counted: list[_Node] = []
    for node in graph.topological(known):
        if node.id != root and (not node.parents or not all(parent in known for parent in node.parents)):
            continue
        counted.append(node)
        signer = members.get(node.proof.issuer)
        for event in node.entry.envelope.events:
            member = _member(event, node.id)
            if member is None or node.proof.delegation is not None:
                continue
            if (node.id == root and event["type"] == "root" and member.key == node.proof.key) or (
                event["type"] == "member-added" and signer and signer.role in ("owner", "maintainer")
            ):
                members.setdefault(member.key, member)
    return Trust(root, members, graph.heads(counted), frozenset(node.id for node in counted))


class _Node(NamedTuple):
    id: str
    parents: tuple[str, ...]
    hlc: tuple[int, int]
    entry: Entry
    proof: Proof


def _member(event: Mapping[str, Any], entry: str) -> Member | None:
    if event.get("type") not in ("root", "member-added"):
        return None
    values = [event.get(name) for name in ("person", "name", "email", "key", "role")]
    if not all(type(value) is str for value in values) or values[4] not in ROLES or not is_handle(str(values[0])):
        return None
    try:
        key = sshwire.parse_public_line(str(values[3]))
    except Corrupt:
        return None
    return Member(str(values[0]), str(values[1]), str(values[2]), key, str(values[4]), entry)


def is_handle(text: str) -> bool:
    """Return whether a person can be called that: a letter or digit, then up to 31 of a-z, 0-9 and -."""
    return 0 < len(text) <= 32 and not text.strip("abcdefghijklmnopqrstuvwxyz0123456789-") and text[0] != "-"


def handle_for(name: str, email: str) -> str:
    """Return a handle made from an address or a name."""
    source = email.partition("@")[0] or name
    letters = "".join(char if char.isascii() and char.isalnum() else "-" for char in source.lower())
    return "-".join(part for part in letters.split("-") if part)[:32].strip("-") or "person"


def allowed_signers(members: Iterable[Member]) -> str:
    """Return a file for git's gpg.ssh.allowedSignersFile: each person's key, and as issuer of their sessions."""
    lines = []
    for member in members:
        key = sshwire.public_line(member.key)
        lines.append(f'{member.person}@tracker namespaces="git" {key}')
        lines.append(f'*.{member.person}@tracker cert-authority,namespaces="git" {key}')
    return "".join(line + "\n" for line in lines)

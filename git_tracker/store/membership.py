"""What entries of the trust log say: members, chains that somebody had seen, and the shape of each event type.

Shapes only; what they amount to is folded in `trust`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import sshwire

ROLES = ("owner", "maintainer", "writer", "observer")
GOVERNS = ("owner", "maintainer")


class Member(NamedTuple):
    """A person's key that a root or a member-added event names."""

    person: str
    name: str
    email: str
    key: bytes
    role: str
    entry: str

    @property
    def fingerprint(self) -> str:
        return sshwire.fingerprint(self.key)


class Seen(NamedTuple):
    """The end of one chain of entries that somebody had seen: the signing key in hexadecimal, its last n and id."""

    chain: str
    n: int
    id: str


def root_event(member: Member, nonce: str) -> dict[str, Any]:
    """Return the first event of a trust log: its owner."""
    return {"type": "root", "nonce": nonce, **_fields(member)}


def member_added(member: Member, seen: Iterable[Seen] = ()) -> dict[str, Any]:
    """Let a key in; `seen` are the chains it wrote before, which count from now on."""
    return {"type": "member-added", "seen": _listed(seen), **_fields(member)}


def member_removed(key: bytes, seen: Iterable[Seen]) -> dict[str, Any]:
    """Remove a key; what stands in `seen` stays, nothing later enters."""
    return {"type": "member-removed", "key": sshwire.public_line(key), "seen": _listed(seen)}


def session_revoked(sid: str, person: bytes, seen: Iterable[Seen]) -> dict[str, Any]:
    """End a session of a person; of its chains only what stands in `seen` counts, whatever date it claims."""
    return {"type": "session-revoked", "sid": sid, "person": sshwire.public_line(person), "seen": _listed(seen)}


def root_joined(root: str) -> dict[str, Any]:
    """Let another tracker's root, and whom it let in, count here."""
    return {"type": "root-joined", "root": root}


def adopted(entries: Iterable[str]) -> dict[str, Any]:
    """Let muted entries count."""
    return {"type": "adopted", "entries": sorted(set(entries))}


def policy(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Bind every clone to rules; the latest policy holds."""
    return {"type": "policy", "rules": dict(rules)}


def _fields(member: Member) -> dict[str, Any]:
    return {
        "email": member.email, "key": sshwire.public_line(member.key), "name": member.name, "person": member.person,
        "role": member.role,
    }  # fmt: skip


def _listed(seen: Iterable[Seen]) -> list[dict[str, Any]]:
    return [{"chain": end.chain, "id": end.id, "n": end.n} for end in sorted(seen)]


def member_of(event: Mapping[str, Any], entry: str) -> Member | None:
    """Return whom a root or member-added event names, or None if it cannot be read."""
    values = [event.get(name) for name in ("person", "name", "email", "role")]
    if not all(type(value) is str and len(value) <= 256 for value in values) or values[3] not in ROLES:
        return None
    key = key_of(event)
    if len(key) != 32 or not is_handle(str(values[0])):
        return None
    return Member(str(values[0]), str(values[1]), str(values[2]), key, str(values[3]), entry)


def key_of(event: Mapping[str, Any], field: str = "key") -> bytes:
    """Return the raw key that an event names; empty if it cannot be read."""
    line = event.get(field)
    try:
        return sshwire.parse_public_line(line) if type(line) is str else b""
    except Corrupt:
        return b""


def seen_of(event: Mapping[str, Any]) -> dict[str, tuple[Seen, ...]]:
    """Return the ends that an event cites, by chain; a chain that was forked has several."""
    found: dict[str, tuple[Seen, ...]] = {}
    for end in event.get("seen", ()):
        found[end["chain"]] = (*found.get(end["chain"], ()), Seen(end["chain"], end["n"], end["id"]))
    return found


_FIELDS = {
    "root": {"email", "key", "name", "nonce", "person", "role"},
    "root-joined": {"root"},
    "member-added": {"email", "key", "name", "person", "role", "seen"},
    "member-removed": {"key", "seen"},
    "session-revoked": {"person", "seen", "sid"},
    "adopted": {"entries"},
    "policy": {"rules"},
}


def is_well_formed(event: Mapping[str, Any]) -> bool:
    """Return whether an event of the trust log has the shape of its type."""
    kind = event.get("type")
    if type(kind) is not str or kind not in _FIELDS or event.keys() != _FIELDS[kind] | {"type"}:
        return False
    if "seen" in event and not (type(event["seen"]) is list and all(map(_is_end, event["seen"]))):
        return False
    match kind:
        case "root" | "member-added":
            return member_of(event, "") is not None
        case "member-removed":
            return len(key_of(event)) == 32
        case "session-revoked":
            return len(key_of(event, "person")) == 32 and type(event["sid"]) is str
        case "adopted":
            return type(event["entries"]) is list and all(type(id) is str for id in event["entries"])
        case "policy":
            return type(event["rules"]) is dict
        case _:
            return all(type(event[name]) is str for name in _FIELDS[kind] - {"seen"})


def _is_end(end: Any) -> bool:
    return (
        type(end) is dict and end.keys() == {"chain", "id", "n"} and type(end["n"]) is int
        and type(end["id"]) is str and type(end["chain"]) is str
    )  # fmt: skip


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

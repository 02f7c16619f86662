"""Verdicts: what becomes of an entry. A pure function of the entries at hand and of the trust log, never of a clock.

`ok`; `muted` (well signed, but not allowed: kept, listed, without effect); `quarantined` (bytes, signature or place in
the graph are wrong: kept, listed, never folded); `waiting` (names something that is not here yet).
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from git_tracker.store import policy, scope, sshwire
from git_tracker.store.entry import Entry
from git_tracker.store.fold import Record
from git_tracker.store.identity import CERT_SKEW, Delegation, Proof
from git_tracker.store.membership import ROLES, Member, Seen
from git_tracker.store.trust import Ends, Trust

Verdict = Literal["ok", "muted", "quarantined", "waiting"]
Judgement = tuple[Verdict, str]

MAX_AHEAD_MS = 24 * 3600 * 1000
ENDS = "the last entry of its chain that counts is not here yet"

_OK: Judgement = ("ok", "")
_LATEST = 253402300799  # seconds: the end of the year 9999


class About(NamedTuple):
    """What judging an entry needs to know of its parents."""

    verdict: Verdict
    hlc: tuple[int, int]
    rooted: bool  # the issue's root is in its past
    partial: bool = False  # some of its past is not here yet
    auth: tuple[str, ...] = ()  # the trust heads it cites


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


# Whether the entry `id`, number n of a chain, stands on the one chain that ends at `Seen`: None if that end is not here.
OnChain = Callable[[Seen, str, int], bool | None]
Auth = Callable[[str], tuple[str, ...] | None]  # the auth of the previous entry of a chain, None if it is not here


class Place(NamedTuple):
    """Where an entry stands: the issue, the auth of what it builds on, and the parent its issue was created under."""

    issue: str
    before: tuple[tuple[str, ...], ...]
    parent: str | None


def judge(trust: Trust, entry: Entry, proof: Proof, place: Place, on_chain: OnChain) -> Judgement:
    """Return the verdict on a well-signed entry that stands where it should, and the reason where it is not `ok`."""
    envelope = entry.envelope
    if envelope.repo != trust.root and envelope.repo not in trust.joined:
        return "waiting", f"belongs to another tracker, whose root is {envelope.repo[:12] or 'missing'}"
    if not trust.known.issuperset(envelope.auth):
        return "waiting", "cites trust entries that are not here yet"
    if entry.id in trust.adopted:
        return _OK
    for before in place.before:
        if before != envelope.auth and not trust.saw(envelope.auth, *before):
            return "muted", "it cites an older state of the trust log than what it builds on"
    member = _member(trust, entry, proof, on_chain)
    if not isinstance(member, Member):
        return member
    role = least = member.role
    if proof.issuer in trust.lowered:
        role, least = _lowered(trust, entry, proof, on_chain, member.role)
    return (
        _reads_only(role, least)
        or _cut(trust, entry, proof, on_chain)
        or (_delegated(entry, proof, member, place) if proof.delegation else _by_person(entry))
        or _against_policy(trust, entry, proof, role, least)
        or _OK
    )


def _member(trust: Trust, entry: Entry, proof: Proof, on_chain: OnChain) -> Member | Judgement:
    """Return as whom the entry counts: a member in the state it cites, or one let in later who had written it before."""
    auth, issuer = entry.envelope.auth, proof.issuer
    if member := trust.member_at(issuer, auth):
        return ("muted", f"{member.person} may only read") if member.role == "observer" else member
    pending = False
    for added in trust.added.get(issuer, ()):
        if added.member.role != "observer" and not trust.saw(auth, added.entry):
            counts = _stands_in(added.seen, entry, proof, on_chain)
            if counts:
                return added.member
            pending |= counts is None
    if pending:
        return "waiting", ENDS
    if trust.removed.get(issuer) and trust.added.get(issuer):
        return "muted", "its issuer had been removed"
    return "muted", f"the key {sshwire.fingerprint(issuer)} was no member's"


def _lowered(trust: Trust, entry: Entry, proof: Proof, on_chain: OnChain, role: str) -> tuple[str, str]:
    """Return the role an entry counts by, and the least it may turn out to count by once more of its chain is here.

    A role that was lowered holds for all that neither had seen it nor was seen by who did it, whatever it cites.
    """
    least = role
    for cut in trust.lowered.get(proof.issuer, ()):
        again = [added for added in trust.added.get(proof.issuer, ()) if trust.saw((added.entry,), cut.entry)]
        if any(trust.saw(entry.envelope.auth, added.entry) for added in again):
            continue
        seen = [_stands_in(ends, entry, proof, on_chain) for ends in (cut.seen, *(added.seen for added in again))]
        if not any(seen):
            least = max(least, cut.role, key=ROLES.index)
            if None not in seen:
                role = max(role, cut.role, key=ROLES.index)
    return role, least


def _reads_only(role: str, least: str) -> Judgement | None:
    if least != "observer":
        return None
    reason = "its issuer was made an observer, and who did it had not seen it"
    return ("muted", reason) if role == least else ("waiting", ENDS)


def _cut(trust: Trust, entry: Entry, proof: Proof, on_chain: OnChain) -> Judgement | None:
    """Removals and revocations hold whatever an entry cites: only what their author had seen stays."""
    for cut in trust.removed.get(proof.issuer, ()):
        again = [added for added in trust.added.get(proof.issuer, ()) if trust.saw((added.entry,), cut.entry)]
        if any(trust.saw(entry.envelope.auth, added.entry) for added in again):
            continue
        seen = [_stands_in(ends, entry, proof, on_chain) for ends in (cut.seen, *(added.seen for added in again))]
        if not any(seen):
            return _ended(seen, "its issuer was removed, and the remover had not seen it")
    if proof.delegation:
        for cut in trust.revoked.get(proof.delegation.sid, ()):
            if cut.key == proof.issuer and not (counts := _stands_in(cut.seen, entry, proof, on_chain)):
                return _ended([counts], "after the end of its session")
    return None


def _stands_in(ends: Ends, entry: Entry, proof: Proof, on_chain: OnChain) -> bool | None:
    """Return whether an entry stands on one of the chains that end there; None if that cannot be said yet."""
    n = entry.envelope.n
    found = [on_chain(end, entry.id, n) for end in ends.get(proof.key.hex(), ()) if n <= end.n]
    return any(found) or (None if None in found else False)


def _ended(found: Iterable[bool | None], reason: str) -> Judgement:
    return ("waiting", ENDS) if None in found else ("muted", reason)


def _by_person(entry: Entry) -> Judgement | None:
    return ("muted", "a person's entry names a session") if entry.envelope.sid else None


def _delegated(entry: Entry, proof: Proof, member: Member, place: Place) -> Judgement | None:
    delegation = proof.delegation
    assert delegation is not None
    if delegation.person != member.person:
        return "muted", f"the certificate speaks for {delegation.person}, which is not its issuer"
    if delegation.sid != entry.envelope.sid:
        return "muted", "the entry names another session than its certificate"
    if not delegation.valid_after - CERT_SKEW <= entry.seconds < delegation.valid_before + CERT_SKEW:
        return "muted", "outside the validity of its certificate"
    flaw = scope.forbids(delegation.scope, entry.envelope.events, place.issue, place.parent)
    return ("muted", f"out of scope: {flaw}") if flaw else None


def _against_policy(trust: Trust, entry: Entry, proof: Proof, role: str, least: str) -> Judgement | None:
    rules = trust.policy_at(entry.envelope.auth)
    if not rules:
        return None
    events, session = entry.envelope.events, proof.delegation is not None
    if flaw := policy.forbids(rules, events, role, session=session):
        return "muted", f"against the policy: {flaw}"
    return ("waiting", ENDS) if policy.forbids(rules, events, least, session=session) else None


def actor(trust: Trust, entry: Entry, proof: Proof) -> tuple[Any, ...]:
    """Return who wrote an entry, as a row of the index: id, name, session, person, client, key, issuer, …"""
    member = _known_as(trust, proof.issuer, entry.envelope.auth)
    return _row(member, proof, "" if member or proof.delegation else entry.author.partition(" <")[0])


@lru_cache(maxsize=1024)
def _row(member: Member | None, proof: Proof, name: str) -> tuple[Any, ...]:
    delegation, person = proof.delegation, member.person if member else ""
    key, issuer = sshwire.fingerprint(proof.key), sshwire.fingerprint(proof.issuer)
    if delegation is None:
        return (person or key, member.name if member else name, "", person, "", key, issuer, None, "", None, None, "")
    own = member is not None and delegation.person == person
    return (
        delegation.sid if own else key, delegation.label or delegation.sid, delegation.sid, person if own else "",
        delegation.client, key, issuer, *_validity(delegation),
    )  # fmt: skip


def _known_as(trust: Trust, key: bytes, auth: Iterable[str]) -> Member | None:
    """Return as whom a key is known in the state that `auth` names, or else as whom it was let in last."""
    if member := trust.member_at(key, auth):
        return member
    added = trust.added.get(key)
    return added[-1].member if added else None


def _validity(delegation: Delegation) -> tuple[Any, ...]:
    serial = delegation.serial - (1 << 64) if delegation.serial >= 1 << 63 else delegation.serial
    return (
        serial, delegation.label, min(delegation.valid_after, _LATEST), min(delegation.valid_before, _LATEST),
        delegation.scope,
    )  # fmt: skip

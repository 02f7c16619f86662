"""Verdicts: what becomes of an entry. A pure function of the entries at hand and of the trust log, never of a clock.

`ok`; `muted` (well signed, but not allowed: kept, listed, without effect); `quarantined` (bytes, signature or place in
the graph are wrong: kept, listed, never folded); `waiting` (names something that is not here yet).
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from git_tracker.store import policy, scope, sshwire
from git_tracker.store.entry import Entry
from git_tracker.store.fold import Record
from git_tracker.store.identity import CERT_SKEW, Delegation, Proof
from git_tracker.store.membership import Seen
from git_tracker.store.trust import Cut, Trust

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
    if not set(envelope.auth) <= trust.known:
        return "waiting", "cites trust entries that are not here yet"
    if entry.id in trust.adopted:
        return _OK
    seen = trust.past(envelope.auth)
    for before in place.before:
        if not set(before) <= seen:
            return "muted", "it cites an older state of the trust log than what it builds on"
    return (
        _member(trust, entry, proof, on_chain)
        or _cut(trust, entry, proof, on_chain)
        or (_delegated(trust, entry, proof, place) if proof.delegation else _by_person(entry))
        or _against_policy(trust, entry, proof)
        or _OK
    )


def _member(trust: Trust, entry: Entry, proof: Proof, on_chain: OnChain) -> Judgement | None:
    auth = entry.envelope.auth
    member = trust.member_at(proof.issuer, auth)
    if member is not None:
        return ("muted", f"{member.person} may only read") if member.role == "observer" else None
    for added in trust.added.get(proof.issuer, ()):
        if (end := added.seen.get(proof.key.hex())) and added.entry not in trust.past(auth):
            counts = on_chain(end, entry.id, entry.envelope.n)
            if counts is None:
                return "waiting", ENDS
            if counts:
                return None
    if trust.removed.get(proof.issuer) and trust.added.get(proof.issuer):
        return "muted", "its issuer had been removed"
    return "muted", f"the key {sshwire.fingerprint(proof.issuer)} was no member's"


def _cut(trust: Trust, entry: Entry, proof: Proof, on_chain: OnChain) -> Judgement | None:
    """Removals and revocations hold whatever an entry cites: only what their author had seen stays."""
    for cut in trust.cuts_on(proof.issuer, entry.envelope.auth):
        if found := _after(cut, entry, proof, on_chain, "its issuer was removed, and the remover had not seen it"):
            return found
    if proof.delegation:
        for cut in trust.revoked.get(proof.delegation.sid, ()):
            if found := _after(cut, entry, proof, on_chain, "after the end of its session"):
                return found
    return None


def _after(cut: Cut, entry: Entry, proof: Proof, on_chain: OnChain, reason: str) -> Judgement | None:
    end = cut.seen.get(proof.key.hex())
    if end is None or entry.envelope.n > end.n:
        return "muted", reason
    counts = on_chain(end, entry.id, entry.envelope.n)
    if counts is None:
        return "waiting", ENDS
    return None if counts else ("muted", reason)


def _by_person(entry: Entry) -> Judgement | None:
    return ("muted", "a person's entry names a session") if entry.envelope.sid else None


def _delegated(trust: Trust, entry: Entry, proof: Proof, place: Place) -> Judgement | None:
    delegation = proof.delegation
    assert delegation is not None
    member = trust.member_at(proof.issuer, entry.envelope.auth) or trust.members.get(proof.issuer)
    if member is None or delegation.person != member.person:
        return "muted", f"the certificate speaks for {delegation.person}, which is not its issuer"
    if delegation.sid != entry.envelope.sid:
        return "muted", "the entry names another session than its certificate"
    if not delegation.valid_after - CERT_SKEW <= entry.seconds < delegation.valid_before + CERT_SKEW:
        return "muted", "outside the validity of its certificate"
    flaw = scope.forbids(delegation.scope, entry.envelope.events, place.issue, place.parent)
    return ("muted", f"out of scope: {flaw}") if flaw else None


def _against_policy(trust: Trust, entry: Entry, proof: Proof) -> Judgement | None:
    rules = trust.policy_at(entry.envelope.auth)
    if not rules:
        return None
    member = trust.member_at(proof.issuer, entry.envelope.auth)
    role, session = member.role if member else "writer", proof.delegation is not None
    flaw = policy.forbids(rules, entry.envelope.events, role, session=session)
    return ("muted", f"against the policy: {flaw}") if flaw else None


def actor(trust: Trust, entry: Entry, proof: Proof) -> tuple[Any, ...]:
    """Return who wrote an entry, as a row of the index: id, name, session, person, client, key, issuer, …"""
    member, delegation = _known_as(trust, proof.issuer), proof.delegation
    person = member.person if member else ""
    key, issuer = sshwire.fingerprint(proof.key), sshwire.fingerprint(proof.issuer)
    if delegation is None:
        name = member.name if member else entry.author.partition(" <")[0]
        return (person or key, name, "", person, "", key, issuer, None, "", None, None, "")
    own = member is not None and delegation.person == person
    return (
        delegation.sid if own else key, delegation.label or delegation.sid, delegation.sid, person if own else "",
        delegation.client, key, issuer, *_validity(delegation),
    )  # fmt: skip


def _known_as(trust: Trust, key: bytes) -> Any:
    added = trust.added.get(key)
    return added[-1].member if added else None


def _validity(delegation: Delegation) -> tuple[Any, ...]:
    serial = delegation.serial - (1 << 64) if delegation.serial >= 1 << 63 else delegation.serial
    return (
        serial, delegation.label, min(delegation.valid_after, _LATEST), min(delegation.valid_before, _LATEST),
        delegation.scope,
    )  # fmt: skip

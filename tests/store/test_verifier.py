"""The strict verifier: one sequence of bytes for one content, and a reason for everything else (THREATS 1-18, 39-50)."""

import os
import random

import pytest

from git_tracker.errors import Corrupt
from git_tracker.store import commit, entry, identity, sshwire
from git_tracker.store.identity import Proof
from tests.store import forge
from tests.store.bad import BAD

ADA = forge.signer(1)
AGENT = forge.session(ADA, 3)
EVENTS = [forge.label("bug"), {"type": "comment-added", "body": "seen on ärger too"}]


def verified(raw: bytes) -> Proof:
    found = entry.decode(commit.commit_id(raw), raw)
    return identity.verify(found.payload, found.armour)


def payload(number: int = 0) -> bytes:
    parents = [f"{place + 1:040x}" for place in range(number % 4)]
    return forge.unsigned(EVENTS, parents, n=number, prev="9" * 40 if number else None, repo="a" * 40, auth=("b" * 40,))


def test_an_honest_entry_is_accepted_and_says_who_signed_it() -> None:
    raw = forge.signed(ADA, payload(2))
    found = entry.decode(commit.commit_id(raw), raw)

    assert verified(raw) == Proof(ADA.identity.key, None)
    assert found.envelope.events == EVENTS
    assert found.parents == ("0" * 39 + "1", "0" * 39 + "2")
    assert found.payload == payload(2)
    assert commit.join(found.payload, found.armour) == raw


def test_a_session_s_entry_says_who_delegated_it() -> None:
    proof = verified(forge.signed(AGENT, payload()))

    assert proof.key == AGENT.identity.key
    assert proof.issuer == ADA.identity.key
    assert proof.delegation is not None
    assert proof.delegation.sid == AGENT.sid == "000003" + AGENT.sid[6:]
    assert (proof.delegation.client, proof.delegation.label) == ("claude-code/2.1", "fixer")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_entry_is_refused_with_the_reason(name: str) -> None:
    raw = BAD[name].make(ADA, payload(3))
    with pytest.raises(Corrupt) as refusal:
        verified(raw)
    assert str(refusal.value).startswith(BAD[name].reason)


@pytest.mark.parametrize("by", [ADA, AGENT], ids=["person", "session"])
def test_no_bit_can_be_flipped(by: identity.Signer) -> None:
    raw = forge.signed(by, payload(1))
    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Corrupt):
            verified(bytes(flipped))


def test_a_certificate_of_a_stranger_verifies_but_names_the_stranger() -> None:
    eve = forge.signer(5, "Eve", "eve@example.org")
    assert verified(forge.signed(forge.session(eve, 6), payload())).issuer == eve.identity.key


TOKENS = [
    b"\n", b" ", b"\0", b"\r", b"gpgsig", b"parent ", b"tree ", b"author ", b"-----BEGIN SSH SIGNATURE-----", b"AAAA",
    b"=", b"\xff", b"\n\n", b"gpgsig-sha256 x\n", b"encoding x\n", b"\x1b[2J", b'"', b"{", b"[", b"\\u0000", b"1e9",
]  # fmt: skip


def mutated(dice: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(8):
            case 0 if at < len(found):
                found[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(found):
                found[at] = dice.randrange(256)
            case 2:
                found[at:at] = dice.choice(TOKENS)
            case 3:
                del found[at : at + dice.randint(1, 20)]
            case 4:
                start = dice.randrange(len(found) + 1)
                found[at:at] = found[start : start + dice.randint(1, 200)]
            case 5:
                lines = found.split(b"\n")
                one, two = dice.randrange(len(lines)), dice.randrange(len(lines))
                lines[one], lines[two] = lines[two], lines[one]
                found = bytearray(b"\n".join(lines))
            case 6:
                lines = found.split(b"\n")
                lines.insert(dice.randrange(len(lines)), dice.choice(lines))
                found = bytearray(b"\n".join(lines))
            case 7:
                del found[at:]
    return bytes(found)


def mutant(dice: random.Random, honest: list[bytes]) -> bytes:
    raw = dice.choice(honest)
    match dice.randrange(10):
        case 0:  # the signature of one on the payload of another
            return commit.join(forge.split(raw)[0], forge.split(dice.choice(honest))[1])
        case 1:  # well-formed armour around a mutated blob
            unsigned, armour = forge.split(raw)
            return commit.join(unsigned, forge.armoured(mutated(dice, forge.blob(armour)) or b"x"))
        case 2:  # a mutated certificate under an honest signature
            unsigned, _ = forge.split(raw)
            holder = mutated(dice, AGENT.certificate)
            holder = b"x" if holder == AGENT.certificate else holder
            return commit.join(unsigned, sshwire.armour(holder, forge.raw_sign(AGENT, forge.message(unsigned))))
        case _:
            return mutated(dice, raw)


def hunt(count: int, seed: int) -> None:
    dice = random.Random(seed)
    honest = [forge.signed((ADA, AGENT)[number % 2], payload(number)) for number in range(20)]
    for _ in range(count):
        raw = mutant(dice, honest)
        if raw in honest:
            continue
        try:
            verified(raw)
        except Corrupt:
            continue
        pytest.fail(f"accepted: {raw!r}")


def test_no_mutant_of_20000_is_accepted_and_none_ends_in_another_error() -> None:
    hunt(20_000, 1)


def well_signed_mutant(dice: random.Random) -> bytes:
    """A payload mutated before signing: what a member with a broken or hostile client could write."""
    found = mutated(dice, payload(dice.randrange(4)))
    return forge.signed(ADA, found) if b"\n\n" in found else found


def test_what_a_member_mangles_before_signing_ends_in_a_verdict_and_never_in_another_error() -> None:
    dice = random.Random(2)
    for _ in range(4_000):
        try:
            verified(well_signed_mutant(dice))
        except Corrupt:
            continue


@pytest.mark.soak
def test_no_mutant_is_accepted_however_long_one_looks() -> None:
    import time

    end, seed = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "600")), 100
    while time.monotonic() < end:
        hunt(10_000, seed)
        seed += 1

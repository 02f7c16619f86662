"""Identities, signers and certificates.

A person is a key of a device; an agent session is a key of its own with a certificate by the person's key. Private
keys of sessions live in memory only. Entropy and time come in from outside.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import certificate as certifying
from git_tracker.store import ed25519, sshwire

_NONCE = 3  # bytes
CERT_SKEW = 600  # seconds a claimed time may lie outside a certificate's validity, for clocks that differ

RawSign = Callable[[bytes], bytes]


class Identity(NamedTuple):
    """A public key with a name: who somebody is. `key` is the raw 32 bytes of an Ed25519 public key."""

    name: str
    email: str
    key: bytes

    @property
    def fingerprint(self) -> str:
        return sshwire.fingerprint(self.key)

    @property
    def public_key(self) -> str:
        """The key as one line of an authorized_keys or allowed-signers file has it."""
        return sshwire.public_line(self.key)


class Delegation(NamedTuple):
    """What a certificate says: this key acts as session `sid` for the person whose key is `issuer`."""

    sid: str
    person: str
    client: str
    label: str
    key: bytes
    issuer: bytes
    serial: int
    valid_after: int
    valid_before: int
    scope: str


def session_id(issuer: bytes, nonce: bytes) -> str:
    """Return the id of a session: the nonce, and a tag that makes it one of this issuer's key and of no other's.

    It stands in every entry three times, so it is no longer than it must be: 3 bytes that are new to the issuer, and
    5 that nobody meets by chance.
    """
    nonce = nonce[:_NONCE]
    return nonce.hex() + hashlib.sha256(b"git-tracker session\0" + issuer + nonce).hexdigest()[:10]


def session_nonce(sid: str) -> bytes:
    """Return what a session's id was made of besides the issuer's key; raise `ValueError` if it is no such id."""
    return bytes.fromhex(sid[: 2 * _NONCE])


def is_session_of(issuer: bytes, sid: str) -> bool:
    """Return whether a session id was made for sessions of that key."""
    try:
        return session_id(issuer, session_nonce(sid)) == sid
    except ValueError:
        return False


class Signer:
    """An identity with its private key; `certificate` is set for agent sessions."""

    def __init__(self, identity: Identity, sign: RawSign, certificate: bytes = b"") -> None:
        self.identity = identity
        self._sign = sign
        self.certificate = certificate
        self.delegation = delegation(certificate) if certificate else None

    def __repr__(self) -> str:  # never anything of the private key
        return f"Signer({self.identity.name!r}, {self.identity.fingerprint})"

    @property
    def issuer(self) -> bytes:
        """The person's key that stands behind this signer."""
        return self.delegation.issuer if self.delegation else self.identity.key

    @property
    def sid(self) -> str:
        return self.delegation.sid if self.delegation else ""

    def sign(self, payload: bytes) -> str:
        """Return the armoured SSHSIG of a commit payload."""
        holder = self.certificate or sshwire.public_blob(self.identity.key)
        return sshwire.armour(holder, self._sign(sshwire.signed_bytes(payload)))

    def delegate(
        self, *, sid: str, person: str, client: str, label: str, serial: int, valid: tuple[int, int], seed: bytes,
        nonce: bytes, scope: str = "",
    ) -> "Signer":  # fmt: skip
        """Return a session's signer: a new key from `seed` (32 random bytes), certified by this signer's key.

        `valid` is (after, before) in seconds since 1970.
        """
        key, sign = _from_seed(seed)
        words = (sid, _word(client).replace(" ", "_") or "-", _word(label))
        body = certifying.body(
            key=key, issuer=self.identity.key, serial=serial, key_id=" ".join(words).strip(),
            principal=f"{sid}.{person}@tracker", valid=valid, scope=scope, nonce=nonce,
        )  # fmt: skip
        certificate = certifying.join(body, self._sign(body))
        return Signer(Identity(label, f"{sid}.{person}@tracker", key), sign, certificate)


class Proof(NamedTuple):
    """Whose signature a payload carries."""

    key: bytes
    delegation: Delegation | None

    @property
    def issuer(self) -> bytes:
        return self.delegation.issuer if self.delegation else self.key


Check = Callable[[Proof, bytes, bytes], None]  # is given whose signature it is to be, what is signed, the signature


def check(proof: Proof, message: bytes, signature: bytes) -> None:
    """Raise `Corrupt` if that is no signature of the message by that key."""
    _check(proof.key, message, signature)


def verify(payload: bytes, armour: str, check: Check = check) -> Proof:
    """Return who signed `payload`, or raise `Corrupt`. Says nothing about whether they were allowed to."""
    found = sshwire.parse_armour(armour)
    proof = _holder(found.holder)
    check(proof, sshwire.signed_bytes(payload), found.signature)
    return proof


def delegation(certificate: bytes) -> Delegation:
    """Decode a session certificate and check the issuer's signature on it; raise `Corrupt`."""
    found = certifying.parse(certificate)
    _check(found.issuer, found.signed, found.signature)
    sid, _, rest = found.key_id.partition(" ")
    client, _, label = rest.partition(" ")
    owner, _, domain = found.principals[0].partition("@")
    session, _, person = owner.partition(".")
    if session != sid or domain != "tracker" or not person or not sid:
        raise Corrupt("the certificate's principal does not name its session")
    if not is_session_of(found.issuer, sid):
        raise Corrupt("the certificate names a session that is not its issuer's")
    return Delegation(
        sid, person, "" if client == "-" else client, label, found.key, found.issuer, found.serial,
        found.valid_after, found.valid_before, found.scope,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def _holder(blob: bytes) -> Proof:
    """A certificate travels in every signature of its session; it is checked once."""
    if sshwire.Reader(blob).string() == sshwire.CERT_TYPE:
        held = delegation(blob)
        return Proof(held.key, held)
    return Proof(sshwire.parse_public_blob(blob), None)


def _check(key: bytes, message: bytes, signature: bytes) -> None:
    if not ed25519.is_signed(message, signature, key):
        raise Corrupt("the signature does not match")


def _word(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]


def _from_seed(seed: bytes) -> tuple[bytes, RawSign]:
    public, secret = ed25519.key_pair(seed)
    return public, lambda message: ed25519.sign(message, secret)


def signer_from_seed(name: str, email: str, seed: bytes) -> Signer:
    """Return a person's signer from the 32-byte seed of their key."""
    key, sign = _from_seed(seed)
    return Signer(Identity(name, email, key), sign)


def signer_held(identity: Identity, sign: RawSign) -> Signer:
    """Return a person's signer whose key somebody else holds; `sign` asks them, and each signature is checked."""

    def checked(message: bytes) -> bytes:
        signature = sign(message)
        _check(identity.key, message, signature)
        return signature

    return Signer(identity, checked)

"""OpenSSH private key files: written for keys made here, read for those and for people's own. Source: PROTOCOL.key.

The only module that imports `cryptography`, and only to decrypt a key file that has a passphrase.
"""

import base64
import binascii
import os
import stat
import struct
from collections.abc import Callable
from typing import NamedTuple

from git_tracker.errors import Corrupt, Invalid, NotFound, Refused, Unusable
from git_tracker.store import sshwire

Ask = Callable[[str], str]  # a question to the person at the terminal -> what they type, unseen

_MAGIC = b"openssh-key-v1\0"
_BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
_END = "-----END OPENSSH PRIVATE KEY-----"
_MAX = 64 * 1024
_USABLE = "only ssh-ed25519 keys sign; `ssh-keygen -t ed25519` makes one, and `--key device` needs none"


class Outside(NamedTuple):
    """What a key file shows without its passphrase. `key` is the raw public key, empty unless it is ssh-ed25519."""

    type: str
    key: bytes
    encrypted: bool


def encode(seed: bytes, key: bytes, comment: str, check: bytes) -> str:
    """Return an unencrypted OpenSSH private key file; `check` is 4 random bytes."""
    private = check * 2 + sshwire.public_blob(key) + sshwire.string(seed + key) + sshwire.string(comment.encode())
    private += bytes(range(1, 1 + -len(private) % 8))
    blob = b"".join((
        _MAGIC, sshwire.string(b"none"), sshwire.string(b"none"), sshwire.string(b""), struct.pack(">I", 1),
        sshwire.string(sshwire.public_blob(key)), sshwire.string(private),
    ))  # fmt: skip
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join((_BEGIN, *lines, _END, ""))


def decode(text: str) -> bytes:
    """Return the 32-byte seed of an unencrypted Ed25519 key file, or raise `Corrupt`."""
    outside, rest = _opened(text)
    if outside.encrypted:
        raise Corrupt("the key is encrypted")
    private = sshwire.Reader(rest.string())
    if private.u32() != private.u32() or private.string() != sshwire.KEY_TYPE:
        raise Corrupt("the key file does not hold one ssh-ed25519 key")
    key, secret = private.string(), private.string()
    if len(secret) != 64 or secret[32:] != key or outside.key != key:
        raise Corrupt("the key file contradicts itself")
    return secret[:32]


def outside(path: str, *, follow: bool = False) -> Outside:
    """Return what a key file shows to whoever has no passphrase; raise as `seed` does."""
    text = _text(path, follow=follow)
    try:
        return _opened(text)[0]
    except Corrupt as error:
        raise Corrupt(f"the key {path}: {error}") from None


def unusable(what: str, why: str) -> Invalid:
    """Return the error for a key that cannot sign here."""
    return Invalid(f"{what} cannot sign here: {why}", _USABLE, code="unusable_key")


def seed(path: str, ask: Ask | None = None, *, follow: bool = False) -> bytes:
    """Return the 32-byte seed in a key file; `ask` is asked for the passphrase of an encrypted one.

    Raises `NotFound` without a file, `Refused` if others can read it or the passphrase is wrong, `Invalid` for a key
    of another type, `Unusable` if nobody can be asked. With `follow` the path may be a symbolic link.
    """
    text = _text(path, follow=follow)
    try:
        found = _opened(text)[0]
        if not found.encrypted:
            return decode(text)
    except Corrupt as error:
        raise Corrupt(f"the key {path}: {error}") from None
    if ask is None:
        raise Unusable(
            f"the key {path} has a passphrase, and there is nobody to ask for it",
            f"`ssh-add {path}` gives it to the ssh-agent, which is asked first",
            code="locked_key",
        )
    return _decrypted(text, ask(f"Passphrase of {path}: "), path)


def _decrypted(text: str, passphrase: str, path: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        found = load_ssh_private_key(text.encode("ascii", "replace"), passphrase.encode())
    except (ValueError, TypeError):
        raise Refused(f"that is not the passphrase of {path}", "try again", code="wrong_passphrase") from None
    except UnsupportedAlgorithm as error:
        hint = f"`ssh-add {path}` gives it to the ssh-agent, which is asked first"
        raise Unusable(f"the key {path} is encrypted in a way unknown here: {error}", hint, code="locked_key") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise unusable(f"the key {path}", "it is not ssh-ed25519")
    return found.private_bytes_raw()


def _text(path: str, *, follow: bool) -> str:
    """Return what a key file holds, if it is one and nobody else can read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except FileNotFoundError:
        raise NotFound(
            f"there is no key file {path}", "`tracker identity list` shows the keys here", code="no_key"
        ) from None
    except OSError as error:
        raise Unusable(f"the key {path} cannot be read: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unusable(f"{path} is no file")
        if found.st_mode & 0o077:
            raise Refused(f"others can read the key {path}", f"run `chmod 600 {path}`", code="open_key")
        return os.read(descriptor, _MAX).decode("ascii", "replace")
    finally:
        os.close(descriptor)


def _opened(text: str) -> tuple[Outside, sshwire.Reader]:
    """Return the open part of a key file, and what follows it; raise `Corrupt`."""
    lines = text.strip().splitlines()
    if not lines or lines[0] != _BEGIN or lines[-1] != _END:
        raise Corrupt("not an OpenSSH private key")
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):
        raise Corrupt("not an OpenSSH private key") from None
    if not blob.startswith(_MAGIC):
        raise Corrupt("not an OpenSSH private key")
    reader = sshwire.Reader(blob[len(_MAGIC) :])
    cipher, _kdf, _options, count, public = (
        reader.string(), reader.string(), reader.string(), reader.u32(), reader.string()
    )  # fmt: skip
    if count != 1:
        raise Corrupt("the file holds several keys")
    kind = sshwire.Reader(public).string().decode("ascii", "replace")
    key = sshwire.parse_public_blob(public) if kind == sshwire.KEY_TYPE.decode() else b""
    return Outside(kind, key, cipher != b"none"), reader

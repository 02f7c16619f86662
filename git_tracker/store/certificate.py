"""OpenSSH user certificates, which make a key one of a session (OpenSSH PROTOCOL.certkeys).

Pure encoding and strict decoding; nothing here signs or verifies.
"""

import struct
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import sshwire
from git_tracker.store.sshwire import Reader, string

SCOPE = "scope@git-tracker"
MAX_CERT = 4 * 1024


class Certificate(NamedTuple):
    """An OpenSSH user certificate, decoded. Times are seconds since 1970; `key` and `issuer` are raw 32 bytes."""

    key: bytes
    serial: int
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    scope: str
    issuer: bytes
    signed: bytes  # the bytes that `signature` covers
    signature: bytes


def body(
    *,
    key: bytes,
    issuer: bytes,
    serial: int,
    key_id: str,
    principal: str,
    valid: tuple[int, int],
    scope: str,
    nonce: bytes,
) -> bytes:
    """Encode everything of a user certificate but its signature (PROTOCOL.certkeys)."""
    extension = string(SCOPE.encode()) + string(string(scope.encode())) if scope else b""
    return b"".join((
        string(sshwire.CERT_TYPE), string(nonce), string(key), struct.pack(">QI", serial, 1), string(key_id.encode()),
        string(string(principal.encode())), struct.pack(">QQ", *valid), string(b""), string(extension),
        string(b""), string(sshwire.public_blob(issuer)),
    ))  # fmt: skip


def join(body: bytes, signature: bytes) -> bytes:
    """Join a certificate body with the issuer's raw signature over it."""
    return body + string(string(sshwire.KEY_TYPE) + string(signature))


def parse(blob: bytes) -> Certificate:
    """Decode a user certificate; raise `Corrupt` for host certificates, critical options and odd shapes."""
    if len(blob) > MAX_CERT:
        raise Corrupt("the certificate is too long")
    reader = Reader(blob)
    if reader.string() != sshwire.CERT_TYPE:
        raise Corrupt("not an Ed25519 certificate")
    reader.string()  # nonce
    key, serial, kind, key_id = reader.string(), reader.u64(), reader.u32(), reader.text()
    try:
        principals = tuple(name.decode() for name in Reader(reader.string()).strings())
    except UnicodeDecodeError:
        raise Corrupt("a principal is not UTF-8") from None
    valid_after, valid_before = reader.u64(), reader.u64()
    critical, extensions, reserved = reader.string(), reader.string(), reader.string()
    issuer = sshwire.parse_public_blob(reader.string())
    signed = blob[: reader.at]
    signature = sshwire.parse_signature(reader.string())
    reader.end()
    if kind != 1:
        raise Corrupt("not a user certificate")
    if critical or reserved:
        raise Corrupt("the certificate holds a critical option nobody here knows")
    if len(key) != 32 or len(principals) != 1:
        raise Corrupt("the certificate does not name one key and one principal")
    return Certificate(
        key, serial, key_id, principals, valid_after, valid_before, _scope(extensions), issuer, signed, signature
    )


def _scope(extensions: bytes) -> str:
    parts = Reader(extensions).strings()
    if len(parts) % 2 or parts[::2] != sorted(set(parts[::2])):
        raise Corrupt("the certificate's extensions are not in order")
    found = dict(zip(parts[::2], parts[1::2], strict=True)).get(SCOPE.encode())
    if found is None:
        return ""
    reader = Reader(found)
    scope = reader.text()
    reader.end()
    return scope

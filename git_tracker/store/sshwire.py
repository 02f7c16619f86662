"""The bytes of OpenSSH: public keys, certificates and signatures.

Pure encoding and strict decoding; nothing here signs or verifies. Sources: RFC 4251 section 5 (strings and
integers), OpenSSH PROTOCOL.sshsig (signatures), PROTOCOL.certkeys (certificates).
"""

import base64
import binascii
import hashlib
import struct
from functools import lru_cache
from typing import NamedTuple

from git_tracker.errors import Corrupt

KEY_TYPE = b"ssh-ed25519"
CERT_TYPE = b"ssh-ed25519-cert-v01@openssh.com"
NAMESPACE = b"git"
SCOPE = "scope@git-tracker"
MAX_ARMOUR = 16 * 1024
MAX_CERT = 4 * 1024

_MAGIC = b"SSHSIG"
_HASH = b"sha512"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"


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


class Signature(NamedTuple):
    """An SSHSIG, decoded. `holder` is the public key blob or the certificate blob that came with it."""

    holder: bytes
    signature: bytes


def string(data: bytes) -> bytes:
    """Encode an RFC 4251 string."""
    return struct.pack(">I", len(data)) + data


class Reader:
    """Takes RFC 4251 values off the front; raises `Corrupt` when the bytes run out or remain."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self._data):
            raise Corrupt("ssh data ends too early")
        piece = self._data[self.at : end]
        self.at = end
        return piece

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def string(self) -> bytes:
        return self.take(self.u32())

    def strings(self) -> list[bytes]:
        """Take everything that remains, as strings."""
        found = []
        while self.at < len(self._data):
            found.append(self.string())
        return found

    def text(self) -> str:
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise Corrupt("ssh data holds text that is not UTF-8") from None

    def end(self) -> None:
        if self.at != len(self._data):
            raise Corrupt("ssh data has trailing bytes")


def public_blob(key: bytes) -> bytes:
    """Encode a raw 32-byte public key."""
    return string(KEY_TYPE) + string(key)


def public_line(key: bytes, comment: str = "") -> str:
    """Return the key as OpenSSH writes it in `.pub` and allowed-signers files."""
    line = f"{KEY_TYPE.decode()} {base64.b64encode(public_blob(key)).decode()}"
    return f"{line} {comment}" if comment else line


def parse_public_line(line: str) -> bytes:
    """Return the raw key of a `ssh-ed25519 AAAA…` line, or raise `Corrupt`."""
    words = line.split()
    if len(words) < 2 or words[0] != KEY_TYPE.decode():
        raise Corrupt("not an ssh-ed25519 public key")
    try:
        return parse_public_blob(base64.b64decode(words[1], validate=True))
    except binascii.Error:
        raise Corrupt("not an ssh-ed25519 public key") from None


@lru_cache(maxsize=4096)
def fingerprint(key: bytes) -> str:
    """Return `SHA256:…` as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(public_blob(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def parse_public_blob(blob: bytes) -> bytes:
    """Return the raw key of a public key blob, or raise `Corrupt`."""
    reader = Reader(blob)
    if reader.string() != KEY_TYPE:
        raise Corrupt("the key is not ssh-ed25519")
    key = reader.string()
    reader.end()
    if len(key) != 32:
        raise Corrupt("an Ed25519 key has 32 bytes")
    return key


def signed_bytes(message: bytes) -> bytes:
    """Return what an SSHSIG signature over `message` really covers (PROTOCOL.sshsig, section 3)."""
    return _SIGNED + hashlib.sha512(message).digest()


_SIGNED = _MAGIC + string(NAMESPACE) + string(b"") + string(_HASH) + struct.pack(">I", 64)


def armour(holder: bytes, signature: bytes) -> str:
    """Encode a signature; `holder` is a public key blob or a certificate."""
    blob = b"".join((
        _MAGIC, struct.pack(">I", 1), string(holder), string(NAMESPACE), string(b""), string(_HASH),
        string(string(KEY_TYPE) + string(signature)),
    ))  # fmt: skip
    return _armour(blob)


def _armour(blob: bytes) -> str:
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join((_BEGIN, *lines, _END))


def parse_armour(text: str) -> Signature:
    """Decode a signature in the one form that `armour` writes; raise `Corrupt` for every other.

    Stock git accepts many spellings of one signature, and each would be another commit id (docs/FORMAT.md, 2.4).
    """
    if len(text) > MAX_ARMOUR:
        raise Corrupt("the signature is too long")
    body = text[len(_BEGIN) + 1 : -len(_END) - 1]
    joined = body.replace("\n", "")
    try:
        blob = base64.b64decode(joined, validate=True)
    except (binascii.Error, ValueError):
        raise Corrupt("the signature is not base64") from None
    breaks = body[70::71]
    if (
        not text.startswith(f"{_BEGIN}\n") or not text.endswith(f"\n{_END}") or not joined or body[-1] == "\n"
        or breaks != "\n" * len(breaks) or len(joined) + len(breaks) != len(body)
        or base64.b64encode(blob).decode() != joined
    ):  # fmt: skip
        raise Corrupt("the signature is not in its one textual form")
    end = 14 + int.from_bytes(blob[10:14], "big")
    if blob[:10] == _BEFORE and blob[end:-64] == _BETWEEN:
        return Signature(blob[14:end], blob[-64:])
    return _odd(blob)


def _odd(blob: bytes) -> Signature:
    """Say what is wrong with a signature that does not look as ours do."""
    reader = Reader(blob)
    if reader.take(6) != _MAGIC or reader.u32() != 1:
        raise Corrupt("not an SSHSIG version 1")
    holder, namespace, reserved, algorithm, proof = (reader.string() for _ in range(5))
    reader.end()
    if namespace != NAMESPACE:
        raise Corrupt("the signature was made for another namespace")
    if reserved or algorithm != _HASH:
        raise Corrupt("the signature uses another hash or a reserved field")
    return Signature(holder, parse_signature(proof))


# What stands around the two parts of a signature that differ: the holder, and the 64 bytes at the end.
_BEFORE = _MAGIC + struct.pack(">I", 1)
_BETWEEN = b"".join((
    string(NAMESPACE), string(b""), string(_HASH), struct.pack(">I", 4 + len(KEY_TYPE) + 4 + 64), string(KEY_TYPE),
    struct.pack(">I", 64),
))  # fmt: skip


def parse_signature(blob: bytes) -> bytes:
    """Return the raw 64 bytes of a signature blob, or raise `Corrupt`."""
    reader = Reader(blob)
    kind, signature = reader.string(), reader.string()
    reader.end()
    if kind != KEY_TYPE or len(signature) != 64:
        raise Corrupt("not an Ed25519 signature")
    return signature


def certificate_body(
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
        string(CERT_TYPE), string(nonce), string(key), struct.pack(">QI", serial, 1), string(key_id.encode()),
        string(string(principal.encode())), struct.pack(">QQ", *valid), string(b""), string(extension),
        string(b""), string(public_blob(issuer)),
    ))  # fmt: skip


def certificate(body: bytes, signature: bytes) -> bytes:
    """Join a certificate body with the issuer's raw signature over it."""
    return body + string(string(KEY_TYPE) + string(signature))


def parse_certificate(blob: bytes) -> Certificate:
    """Decode a user certificate; raise `Corrupt` for host certificates, critical options and odd shapes."""
    if len(blob) > MAX_CERT:
        raise Corrupt("the certificate is too long")
    reader = Reader(blob)
    if reader.string() != CERT_TYPE:
        raise Corrupt("not an Ed25519 certificate")
    reader.string()  # nonce
    key, serial, kind, key_id = reader.string(), reader.u64(), reader.u32(), reader.text()
    try:
        principals = tuple(name.decode() for name in Reader(reader.string()).strings())
    except UnicodeDecodeError:
        raise Corrupt("a principal is not UTF-8") from None
    valid_after, valid_before = reader.u64(), reader.u64()
    critical, extensions, reserved = reader.string(), reader.string(), reader.string()
    issuer = parse_public_blob(reader.string())
    signed = blob[: reader.at]
    signature = parse_signature(reader.string())
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

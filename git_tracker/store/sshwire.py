"""The bytes of OpenSSH: public keys and signatures (certificates stand in `certificate`).

Pure encoding and strict decoding; nothing here signs or verifies. Sources: RFC 4251 section 5 (strings and
integers), OpenSSH PROTOCOL.sshsig (signatures).
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
MAX_ARMOUR = 16 * 1024

_MAGIC = b"SSHSIG"
_HASH = b"sha512"
_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_FRAME = len(_BEGIN) + len(_END) + 2
_LINE = 70  # letters
_TAIL = 88  # letters that hold the 64 bytes of a signature, and up to two before


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
    text = _base64(blob)
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join((_BEGIN, *lines, _END))


def parse_armour(text: str) -> Signature:
    """Decode a signature in the one form that `armour` writes; raise `Corrupt` for every other.

    Stock git accepts many spellings of one signature, and each would be another commit id (docs/FORMAT.md, 2.4).
    """
    if len(text) > MAX_ARMOUR:
        raise Corrupt("the signature is too long")
    broken = len(text) - _FRAME
    letters = broken - broken // (_LINE + 1) - _TAIL  # without the last ones: the same in all signatures of a holder
    if letters > 0:
        cut = len(_BEGIN) + 1 + letters + letters // _LINE
        if front := _front(text[:cut]):
            holder, rest = front
            try:
                blob = binascii.a2b_base64(text[cut : -len(_END)])
            except binascii.Error:
                blob = b""
            back = _broken(_base64(blob), letters % _LINE)
            if len(blob) == len(rest) + 64 and blob.startswith(rest) and text[cut:] == f"{back}\n{_END}":
                return Signature(holder, blob[-64:])
    return _odd(text)


@lru_cache(maxsize=4096)
def _front(text: str) -> tuple[bytes, bytes] | None:
    """Return the holder that the beginning of an armour names, and what of `_BETWEEN` is left for its end.

    None if it is not what `armour` writes for an Ed25519 key.
    """
    body = text[len(_BEGIN) + 1 :]
    try:
        blob = binascii.a2b_base64(body)
    except binascii.Error:
        return None
    if text[: -len(body)] != f"{_BEGIN}\n" or _broken(_base64(blob), 0) != body.removesuffix("\n"):
        return None
    end = 14 + int.from_bytes(blob[10:14], "big")
    between = blob[end:]
    if blob[:10] != _BEFORE or end > len(blob) or not _BETWEEN.startswith(between):
        return None
    return blob[14:end], _BETWEEN[len(between) :]


def _base64(blob: bytes) -> str:
    return binascii.b2a_base64(blob, newline=False).decode()


def _broken(text: str, at: int) -> str:
    """Break text into lines, the first of which begins at column `at` already."""
    first = _LINE - at
    return "\n".join([text[:first], *(text[start : start + _LINE] for start in range(first, len(text), _LINE))])


def _odd(text: str) -> Signature:
    """Take apart a signature that does not look as ours do, or say what is wrong with it."""
    body = text[len(_BEGIN) + 1 : -len(_END) - 1]
    try:
        blob = binascii.a2b_base64(body.replace("\n", ""), strict_mode=True)
    except (binascii.Error, ValueError):
        raise Corrupt("the signature is not base64") from None
    if _armour(blob) != text:
        raise Corrupt("the signature is not in its one textual form")
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

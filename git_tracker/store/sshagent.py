"""A client of the ssh-agent: which keys it holds, and its signatures. Source: RFC 9987, sections 3 and 5.

The agent is another program: what it sends is bounded in size and time, and its signatures are checked by who asked.
"""

import hashlib
import struct
import time
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from git_tracker.errors import Corrupt, Refused, Unusable
from git_tracker.store import sshwire

if TYPE_CHECKING:
    import socket

_FAILURE, _LIST, _LISTED, _SIGN, _SIGNED = 5, 11, 12, 13, 14
_MAX_REPLY = 256 * 1024
_LIST_SECONDS = 5.0
_HINT = 'start one with `eval "$(ssh-agent)"` and give it a key with `ssh-add`'


class Held(NamedTuple):
    """A key in the agent. `key` is the raw 32 bytes of an ssh-ed25519 key, empty for every other type."""

    type: str
    key: bytes
    comment: str
    fingerprint: str


class Agent:
    """The agent behind a Unix socket (what `SSH_AUTH_SOCK` names; empty: there is none).

    `patience` is for how many seconds a signature may take: an agent may ask its owner first.
    """

    def __init__(self, path: str = "", *, patience: float = 60.0) -> None:
        self.path, self._patience = path, patience

    def held(self) -> list[Held]:
        """Return the keys it holds; raise `Unusable` if there is no agent or it makes no sense."""
        reply = self._ask(bytes([_LIST]), _LISTED, _LIST_SECONDS)
        try:
            return [_held(reply.string(), reply.string()) for _ in range(reply.u32())]
        except Corrupt as error:
            raise _nonsense(str(error)) from None

    def holds(self, key: bytes) -> bool:
        """Return whether it holds a key; without an agent it holds none."""
        try:
            return any(held.key == key for held in self.held())
        except Unusable:
            return False

    def sign(self, key: bytes, message: bytes) -> bytes:
        """Return the raw signature of a message; raise `Refused` if the agent does not give one."""
        request = bytes([_SIGN]) + sshwire.string(sshwire.public_blob(key)) + sshwire.string(message) + bytes(4)
        try:
            reply = self._ask(request, _SIGNED, self._patience)
        except Refused:
            fingerprint = sshwire.fingerprint(key)
            hint = "`ssh-add -l` lists what it holds; it may be locked, or its owner said no"
            raise Refused(f"the ssh-agent refused to sign with {fingerprint}", hint, code="agent_refused") from None
        try:
            return sshwire.parse_signature(reply.string())
        except Corrupt as error:
            raise _nonsense(str(error)) from None

    def _ask(self, request: bytes, expected: int, seconds: float) -> sshwire.Reader:
        if not self.path:
            raise Unusable("there is no ssh-agent: SSH_AUTH_SOCK is not set", _HINT, code="no_agent")
        import socket  # only here: most keys are in files

        try:
            with socket.socket(socket.AF_UNIX) as link:
                until = time.monotonic() + seconds
                link.settimeout(seconds)
                link.connect(self.path)
                link.sendall(sshwire.string(request))
                (size,) = struct.unpack(">I", _received(link, 4, until))
                if not 0 < size <= _MAX_REPLY:
                    raise _nonsense(f"an answer of {size} bytes")
                reply = sshwire.Reader(_received(link, size, until))
        except TimeoutError:
            hint = "is it waiting for its owner? try again"
            raise Unusable(f"the ssh-agent did not answer within {seconds:.0f} s", hint, code="agent_silent") from None
        except OSError as error:
            why = error.strerror or error
            raise Unusable(f"there is no ssh-agent at {self.path}: {why}", _HINT, code="no_agent") from None
        (kind,) = reply.take(1)
        if kind == _FAILURE:
            raise Refused("the ssh-agent refused", "`ssh-add -l` lists what it holds", code="agent_refused")
        if kind != expected:
            raise _nonsense(f"message {kind} in place of {expected}")
        return reply


def _received(link: "socket.socket", size: int, until: float) -> bytes:
    """Return exactly `size` bytes; `until` holds for all of them, however slowly they drip."""
    found = bytearray()
    while len(found) < size:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        link.settimeout(left)
        piece = link.recv(size - len(found))
        if not piece:
            raise _nonsense("it hung up")
        found += piece
    return bytes(found)


def _held(blob: bytes, comment: bytes) -> Held:
    kind = sshwire.Reader(blob).string().decode("ascii", "replace")
    try:
        key = sshwire.parse_public_blob(blob)
    except Corrupt:
        key = b""
    fingerprint = "SHA256:" + b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return Held(kind, key, comment.decode("utf-8", "replace"), fingerprint)


def _nonsense(what: str) -> Unusable:
    return Unusable(f"the ssh-agent makes no sense: {what}", "`ssh-add -l` shows whether it works", code="agent_broken")

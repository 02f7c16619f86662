"""Locks between processes, whatever the worktree: one holder at a time, and the kernel frees them on death."""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from git_tracker.errors import Unusable

_PATIENCE = 2 * 10**9  # nanoseconds without anybody's turn after which one is not waited for any more
_COUNTER, _FIRST = 0, 24  # bytes of a queue's file to lock: that of its head, and that of ticket 0
_HEAD = struct.Struct(
    "<QQQ"
)  # the last ticket, whose turn it was last, and when: in nanoseconds of the monotonic clock
_TURN = struct.Struct("<QQ")  # the second and third of these
_FLOCK = struct.Struct("hhqqi4x")  # of fcntl(2), where numbers have 64 bits


@contextmanager
def held(path: str) -> Iterator[None]:
    """Hold the lock, waiting for it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def queued(path: str) -> Iterator[None]:
    """Hold the lock, waiting for it behind those who came before. With `held`, whoever comes at the right moment goes first.

    The queue keeps order and nobody out: the lock is still one that `held` and `tried` take without it.
    """
    place = _turn(f"{path}.queue")
    try:
        with held(path):
            yield
    finally:
        if place is not None:
            os.close(place)


def _turn(path: str) -> int | None:
    """Return when it is our turn, with what keeps the next one waiting; None where there is no queue to wait in.

    A ticket is a byte of the file, which its holder locks; and waits for the one before it. The kernel unlocks those of
    the dead. Of one that stands still, as a process that was stopped, only those know that are behind it already.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        own = _head(descriptor)[0]
        if not _is_ours(descriptor, own):  # else nobody is there, and whoever comes next waits for this one
            _lock_byte(descriptor, _COUNTER)
            last, _, when = _head(descriptor)
            own = last + 1
            os.pwrite(descriptor, own.to_bytes(8, "little"), 0)
            _lock_byte(descriptor, _FIRST + own)
            _lock_byte(descriptor, _COUNTER, fcntl.F_UNLCK)
            if not _is_ours(descriptor, last) and not 0 <= time.monotonic_ns() - when < _PATIENCE:
                os.close(descriptor)
                return None
            ahead = last
            _lock_byte(descriptor, _FIRST + ahead)
            while (turn := _head(descriptor)[1]) < ahead:  # that one died before its turn: others are ahead of it
                ahead -= 1
                _lock_byte(descriptor, _FIRST + ahead)
            own = max(own, turn)
        os.pwrite(descriptor, _TURN.pack(own, time.monotonic_ns()), 8)
        return descriptor
    except (OSError, AttributeError, OverflowError, struct.error):  # a system or a disk without such locks
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise


def _lock_byte(descriptor: int, at: int, how: int = fcntl.F_WRLCK) -> None:
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLKW, _FLOCK.pack(how, os.SEEK_SET, at, 1, 0))


def _is_ours(descriptor: int, ticket: int) -> bool:
    """Take a ticket if nobody holds it; return whether we do."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _FIRST + ticket, 1, 0))
        return True
    except BlockingIOError:
        return False


def _head(descriptor: int) -> tuple[int, int, int]:
    last, turn, when = _HEAD.unpack(os.pread(descriptor, _HEAD.size, 0).ljust(_HEAD.size, b"\0"))
    return last, turn, when


@contextmanager
def tried(path: str) -> Iterator[bool]:
    """Hold the lock if it is free; yields whether it was."""
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unusable(
            f"the repository cannot be written: {error.strerror}",
            "reads still work; check its permissions",
            code="read_only",
        ) from error

"""Locks between processes, whatever the worktree: one holder at a time, and the kernel frees them on death."""

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from git_tracker.errors import Unusable

_ROOM = 8  # so many may ask the kernel for a lock at once; more wait for their turn to ask
_STEP = 0.0005  # seconds to sleep for each one ahead of us: less than it takes
_IDLE = 200 * 10**6  # nanoseconds in which somebody gets a lock that is in use, as a rule
_LINE = struct.Struct("<QQQ")  # how many came, how many had the lock, and when the last one got it (monotonic, in ns)


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
    """Hold the lock, waiting for it behind those who came long before.

    The kernel wakes who waits longest, but whoever asks at that moment gets the lock: of a hundred, some would wait four
    times as long as others. So only a few ask at once. Who is behind them sleeps, and is kept out by nobody: not by the
    dead, not by one that was stopped, nor by what is wrong in the file, in which they are counted without a lock.
    """
    descriptor = _open(path)
    try:
        with suppress(OSError):
            _wait_in_line(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(OSError):
            came, had, _ = _line(descriptor)
            os.pwrite(descriptor, _LINE.pack(0, min(had + 1, came), time.monotonic_ns())[8:], 8)
        yield
    finally:
        os.close(descriptor)


def _wait_in_line(descriptor: int) -> None:
    came, had, when = _line(descriptor)
    own = came + 1  # two that come at once may be one
    os.pwrite(descriptor, own.to_bytes(8, "little"), 0)
    while (ahead := own - had - _ROOM) > 0:
        if not 0 <= time.monotonic_ns() - when < _IDLE:  # nobody is there, or some who came have died
            os.pwrite(descriptor, own.to_bytes(8, "little"), 8)
            return
        time.sleep(min(ahead * _STEP, 0.05))
        _, had, when = _line(descriptor)


def _line(descriptor: int) -> tuple[int, int, int]:
    came, had, when = _LINE.unpack(os.pread(descriptor, _LINE.size, 0).ljust(_LINE.size, b"\0"))
    return min(came, 1 << 60), had, when


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

"""Locks between processes, whatever the worktree: one holder at a time, and the kernel frees them on death."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from git_tracker.errors import Unusable


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

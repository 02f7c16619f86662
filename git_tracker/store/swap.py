"""Moving one ref by compare and swap, in git's own way (gitrepository-layout(5), git-update-ref(1)).

`<ref>.lock` is created, what the ref holds is looked at, and the lock takes the ref's place. libgit2 does the same, but
looks through all packed refs each time, and needs a part of pygit2 that takes long to import.
"""

import errno
import os
import time
from collections.abc import Callable

from git_tracker.errors import Conflict
from git_tracker.store.replacing import replace

_ATTEMPTS = 200
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


def move(path: str, old: str | None, new: str, look: Callable[[], str | None], stale_seconds: float) -> None:
    """Make the ref whose file is `path` name `new` if `look`, asked under the ref's lock, still finds `old`.

    Raises `Conflict` if it moved, OSError if it cannot be written. A lock older than `stale_seconds` was left by a dead
    process: the caller holds the tracker's own lock, so only stock git can be the other party, and it holds one briefly.
    """
    lock = path + ".lock"
    descriptor = _locked(lock, stale_seconds)
    try:
        try:
            if look() != old:
                raise Conflict(f"{os.path.basename(path)} moved while writing")
            write_all(descriptor, new.encode("ascii") + b"\n")
        finally:
            os.close(descriptor)
        replace(lock, path)
    except BaseException:
        os.unlink(lock)
        raise


def _locked(lock: str, stale_seconds: float) -> int:
    for attempt in range(_ATTEMPTS):
        try:
            return os.open(lock, _NEW, 0o666)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(lock), exist_ok=True)  # never there yet, or pruned by `git pack-refs`
        except FileExistsError:
            if not _cleared(lock, stale_seconds):
                time.sleep(min(0.001 * (attempt + 1), 0.05))
    raise OSError(errno.EBUSY, "it is locked by another process", lock)


def _cleared(lock: str, seconds: float) -> bool:
    try:
        if time.time() - os.stat(lock).st_mtime > seconds:
            os.unlink(lock)
            return True
    except OSError:
        pass
    return False


def write_all(descriptor: int, content: bytes) -> None:
    """Write the whole content or raise OSError: a disk that fills up takes a part and says nothing."""
    if os.write(descriptor, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

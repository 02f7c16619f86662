"""What dead processes and careless copies leave behind: lock files, files half made, secrets that others can read.

Finding changes nothing. What is cleared was never part of anything: a lock that nobody holds, a file under a name that
nobody looks for. The caller of `clear` holds the tracker's lock, so that no writer of ours is among the living.
"""

import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from glob import escape, glob

from git_tracker.store.place import Place

OWN_LOCK = 10.0  # seconds; no write of ours or of git's holds the lock of a ref that long
GIT_LOCK = 600.0  # seconds; git holds the lock of packed-refs or the commit-graph while it writes the file
_HALF_MADE = 60.0  # seconds

_GIT_LOCKS = (
    "packed-refs.lock",
    "packed-refs.new",  # which it fills under that lock, and never without
    "objects/info/commit-graph.lock",
    "objects/info/commit-graphs/commit-graph-chain.lock",
)
_USERS_LOCKS = ("index.lock", "HEAD.lock", "config.lock", "shallow.lock")
_TMP_OBJECT = re.compile(r"tmp_obj_[0-9]+\.[0-9a-f]{8}")  # as `objects` names them, unlike git
_OURS = ("*.new", "*.new[.-]*", "*-token.[0-9]*", "rescue-*")


def locks(common: str) -> list[str]:
    """Return the lock files on refs, packed-refs and the commit-graph that are too old to be anybody's."""
    found = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(os.path.join(common, "refs/git-tracker"))
        for name in names
        if name.endswith(".lock")
    ]
    held = [os.path.join(common, name) for name in _GIT_LOCKS]
    return sorted([*_older(found, OWN_LOCK), *_older(held, GIT_LOCK)])


def users_locks(where: Place) -> list[str]:
    """Return old locks of git that have nothing to do with the tracker."""
    folders = {where.git_dir, where.common}
    return sorted(_older((os.path.join(one, name) for one in folders for name in _USERS_LOCKS), GIT_LOCK))


def half_made(where: Place, keys: str) -> list[str]:
    """Return files that were being made when their process died; `keys` is the folder of people's keys."""
    found = [path for pattern in _OURS for path in glob(os.path.join(escape(where.home), pattern))]
    found.append(os.path.join(where.common, "packed-refs.git-tracker"))
    found += (path for path in glob(os.path.join(escape(where.common), "objects/[0-9a-f][0-9a-f]/tmp_obj_*"))
              if _TMP_OBJECT.fullmatch(os.path.basename(path)))  # fmt: skip
    found += glob(os.path.join(escape(keys), ".*.[0-9a-f]*"))
    return sorted(set(_older(found, _HALF_MADE)))


def readable(where: Place, keys: str) -> list[str]:
    """Return files that hold secrets and that other users of this machine may read or write."""
    secrets = [path for path in _files(keys) if not path.endswith(".pub")]
    secrets += glob(os.path.join(escape(where.home), "*-token"))
    secrets += [os.path.join(where.home, name) for name in ("handles.json", "grants.json")]
    return sorted(path for path in secrets if _mode(path) & 0o077)


def clear(paths: Iterable[str]) -> None:
    """Remove files and folders that `locks` and `half_made` found, as far as that can be done."""
    for path in paths:
        with suppress(OSError):
            if os.path.isdir(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)


def close(paths: Iterable[str]) -> None:
    """Let nobody but their owner read or write these files, as far as that can be done."""
    for path in paths:
        with suppress(OSError):
            os.chmod(path, 0o600, follow_symlinks=True)


def _older(paths: Iterable[str], seconds: float) -> Iterator[str]:
    for path in paths:
        with suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > seconds:
                yield path


def _files(folder: str) -> list[str]:
    try:
        return [entry.path for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []


def _mode(path: str) -> int:
    try:
        return stat.S_IMODE(os.lstat(path).st_mode)
    except OSError:
        return 0

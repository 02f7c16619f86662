"""Upkeep: many small files become few, and what is kept twice is kept once. Nothing that git holds is lost by it.

Stock git packs refs and objects and writes the commit-graph; no object is removed here, only files whose objects lie
in a pack. The journal lets go of what has reached the disk that way, and refs that keep an entry in reach go where an
issue's own ref reaches it by now. One process at a time; writers wait for it no longer than for each other.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import NamedTuple

from git_tracker.errors import TrackerError
from git_tracker.store import leftovers, place, reading, refs
from git_tracker.store.journal import Journal
from git_tracker.store.lock import held, tried
from git_tracker.store.objects import GitRepository
from git_tracker.store.place import Place
from git_tracker.store.usergit import clean_environment

SECONDS = 3600.0
_PAUSE = 60.0  # seconds between two runs that nobody asked for
_START = (  # the fork lets nobody wait for its end, and comes before libgit2, which would not survive it
    "import os, sys; os.fork() and os._exit(0); sys.path[:] = sys.argv[2:];"
    " from git_tracker.store.upkeep import main; main(sys.argv[1])"
)
_STEPS = (
    ("refs packed", ("pack-refs", "--all")),
    ("objects packed", ("repack", "--geometric=2", "-d", "-l", "-q")),
    ("commit-graph written", ("commit-graph", "write", "--reachable", "--split", "--no-progress")),
)
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.fsync=all", "repack.writeBitmaps=false")


class Tended(NamedTuple):
    """What was done: files of refs and objects before and after, what was let go, and what git could not do."""

    busy: bool  # another process is at it, and nothing was done here
    loose_refs: tuple[int, int]
    loose_objects: tuple[int, int]
    journal: int
    kept: int
    failed: list[str]


def tend(where: Place) -> Tended:
    """Do all of it now; raise `Unusable` in a repository that cannot be written."""
    home = reading.home(where)
    with tried(os.path.join(home, "upkeep")) as free:
        if not free:
            return Tended(True, (0, 0), (0, 0), 0, 0, [])
        os.utime(os.path.join(home, "upkeep"))
        objects = GitRepository(where)
        before = _loose_refs(where), _loose_objects(where)
        kept = _drop_reached(where, objects, os.path.join(home, "lock"))
        with held(os.path.join(home, "lock")):
            leftovers.clear(leftovers.locks(where.common))  # of a git that was killed: it would never pack again
        failed = [f"{what}: {why}" for what, argv in _STEPS if (why := _git(where, argv))]
        trimmed = _trim(where, GitRepository(where), home)
        after = _loose_refs(where), _loose_objects(where)
    return Tended(False, (before[0], after[0]), (before[1], after[1]), trimmed, kept, failed)


def start(where: Place, home: str) -> None:
    """Begin upkeep in a process of its own that nobody waits for, unless one was begun a moment ago."""
    try:
        if time.time() - os.stat(os.path.join(home, "upkeep")).st_mtime < _PAUSE:
            return
    except FileNotFoundError:
        pass
    argv = [sys.executable, "-I", "-c", _START, where.common, *filter(None, sys.path)]
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        files = [(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)]
        os.waitpid(os.posix_spawn(sys.executable, argv, os.environ, file_actions=files, setsid=True), 0)
    except OSError:  # it is for later, then
        pass
    finally:
        os.close(null)


def main(path: str) -> None:
    """What the process does that `start` began: all of it, after everybody else's work."""
    os.nice(15)
    try:
        tend(place.find(path))
    except TrackerError:
        sys.exit(1)


def repack(where: Place) -> str:
    """Write all packs anew as one, which takes a good copy where another is damaged; return why it could not be done."""
    return _git(where, ("repack", "-a", "-d", "--keep-unreachable", "-l", "-q"))


def _git(where: Place, argv: Iterable[str]) -> str:
    """Run git; return why it could not, or nothing."""
    settings = [part for setting in _SAFE for part in ("-c", setting)]
    try:
        done = subprocess.run(
            ["git", f"--git-dir={where.common}", *settings, *argv], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=SECONDS, check=False, env=clean_environment(),
        )  # fmt: skip
    except FileNotFoundError:
        return "git is not installed"
    except subprocess.TimeoutExpired:
        return f"git did not end within {SECONDS:.0f} s"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
    return said[-1][:300] if done.returncode else ""


def _drop_reached(where: Place, objects: GitRepository, lock: str) -> int:
    """Remove refs that keep an entry which the ref of an issue, or of the trust log, reaches as well."""
    listing = refs.listing(where.common)
    tips = list(refs.issues(listing).values())
    spare = {name: id for name, id in listing.items() if name.startswith((refs.KEEP, refs.TRUST_HEADS))}
    if not spare:
        return 0
    reached = objects.reached(spare.values(), [*tips, *filter(None, [listing.get(refs.TRUST)])])
    count = 0
    for name, id in spare.items():
        if id in reached:
            with held(lock):
                count += objects.drop(name, id)
    return count


def _trim(where: Place, objects: GitRepository, home: str) -> int:
    """Let the journal forget what lies in a pack, behind a ref in packed-refs, both on disk."""
    path = os.path.join(home, "journal.sqlite")
    packed = refs.packed(where.common)
    if not os.path.exists(path) or not _synced(os.path.join(where.common, "packed-refs")):
        return 0
    with held(os.path.join(home, "lock")):
        journal = Journal(path)
    try:
        safe = [
            number
            for number, record in journal.listed()
            if record.ref in packed and objects.is_packed(record.id)
            and objects.descends_or_is(packed[record.ref], record.id)
        ]  # fmt: skip
        with held(os.path.join(home, "lock")):
            journal.strike(safe)
    finally:
        journal.close()
    return len(safe)


def _synced(path: str) -> bool:
    """Bring a file and its name to the disk; return whether it is there."""
    try:
        for name in (path, os.path.dirname(path)):
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except OSError:
        return False
    return True


def _loose_refs(where: Place) -> int:
    return sum(len(files) for _, _, files in os.walk(os.path.join(where.common, "refs/git-tracker")))


def _loose_objects(where: Place) -> int:
    folder = os.path.join(where.common, "objects")
    return sum(len(os.listdir(os.path.join(folder, name))) for name in os.listdir(folder) if len(name) == 2)

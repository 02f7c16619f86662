"""Mending: what `tracker doctor --repair` does, each step by itself, so that one that fails does not stop the next.

Nothing is thrown away that could be anybody's work: a damaged journal is set aside, a damaged object is written again
under its own id, and a ref moves only where it did not lead to its issue; what it held stays in reach.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from git_tracker.errors import TrackerError
from git_tracker.store import astray, journal, leftovers, pin, reading, refs, salvage, upkeep, usergit
from git_tracker.store.commit import commit_id
from git_tracker.store.keystore import Keyring
from git_tracker.store.lock import held
from git_tracker.store.objects import GitRepository
from git_tracker.store.place import Place
from git_tracker.store.progress import Progress
from git_tracker.store.publishing import Publisher
from git_tracker.store.remotes import Remotes
from git_tracker.store.store import IssueStore
from git_tracker.store.sync import SyncEngine
from git_tracker.store.workflow import Workflow

_ROUNDS = 3

Say = Callable[[str], None]


def mend_files(where: Place, keyring: Keyring, say: Say) -> None:
    """Clear what dead processes left, close what others can read, and begin a new journal in place of a damaged one."""
    leftovers.close(leftovers.readable(where, keyring.folder))
    home = reading.home(where)
    if home != where.home:
        return
    os.makedirs(home, mode=0o700, exist_ok=True)
    with held(os.path.join(home, "lock")):
        leftovers.clear([*leftovers.locks(where.common), *leftovers.half_made(where, keyring.folder)])
        path = os.path.join(home, "journal.sqlite")
        if os.path.exists(path) and journal.flaw(path):
            kept = journal.renew(path, lambda record: commit_id(record.raw) == record.id)
            say(f"a new journal, with {kept} entries of the damaged one, which is now {path}.damaged")


def mend_git(where: Place, say: Say) -> None:
    """Write lost entries again that the journal or a remote has; let refs lead to the latest there is of their issue."""
    home = reading.home(where)
    if home != where.home:
        return
    lock = os.path.join(home, "lock")
    with _opened(where) as objects, held(lock):
        wrong = _wrong_refs(objects, home)  # the journal would give them back, with no more than what was written here
        publisher = Publisher(objects, home, time.time_ns)
        try:
            publisher.settle()
            if count := publisher.restore():
                say(f"{count} objects and refs written again from the journal")
        finally:
            publisher.close()
    for _ in range(_ROUNDS):  # behind what was mended more may be lost
        with _opened(where) as objects:
            lost = salvage.lost(objects, refs.listing(where.common).values())
            count = _fetch(objects, lost, say) if lost else 0
        if lost:
            _repack(where, lost, say)
        if not count:
            break
    with _opened(where) as objects, held(lock):
        astray.put_back(objects, wrong | _wrong_refs(objects, home))


def _wrong_refs(objects: GitRepository, home: str) -> dict[str, str]:
    """Return the refs that do not lead to their issue, or whose issue has none, with its root."""
    listing, root = refs.listing(objects.place.common), pin.read(objects.place)
    astrays = astray.turned(objects, listing) | astray.gone(objects, listing, root, home)
    return salvage.adrift(objects, listing, root) | astrays


def rebuild(where: Place, workflow: Workflow, keyring: Keyring, progress: Progress | None) -> IssueStore:
    """Restore what the journal has, build the index anew, and return the store, to be closed by the caller."""
    store = IssueStore(where, workflow=workflow, keyring=keyring)
    try:
        store.rebuild(progress)
    except BaseException:
        store.close()
        raise
    return store


def tell(store: IssueStore, remote: str, say: Say) -> None:
    """Exchange with a remote that has lost what it knew: each sync puts back what is missing there."""
    try:
        done = SyncEngine(store).sync(store.signer(), remote)
        say(f"{remote}: synced, {len(done.restored)} devices put back")
    except TrackerError as error:
        say(f"{remote}: {error}")


def _fetch(objects: GitRepository, lost: Iterable[str], say: Say) -> int:
    """Take lost commits, and what is lost behind them, from whichever remotes have them; return how many came."""
    home, came = reading.home(objects.place), 0
    remotes = Remotes(objects, home)
    for name in objects.remotes():
        try:
            with _scratch(home) as folder:
                usergit.run(
                    folder, "init", "--quiet", "--bare", folder, seconds=upkeep.SECONDS, cwd=home, environment={}
                )
                remotes.copy(remotes.chosen(name), folder)
                with _opened(Place(folder, folder, None)) as other, held(os.path.join(home, "lock")):
                    count = salvage.supply(objects, lost, other)
        except (TrackerError, OSError) as error:
            say(f"nothing from {name}: {error}")
            continue
        came += count
        say(f"{count} objects from {name}")
    return came


def _repack(where: Place, lost: Iterable[str], say: Say) -> None:
    """Write the packs anew where one holds a bad copy, which libgit2 would find before the good one beside it."""
    if any(os.path.exists(os.path.join(where.common, "objects", id[:2], id[2:])) for id in lost):
        why = upkeep.repack(where)
        say(f"the packs could not be written anew: {why}" if why else "the packs are written anew")


@contextmanager
def _opened(where: Place) -> Iterator[GitRepository]:
    objects = GitRepository(where)
    try:
        yield objects
    finally:
        objects.close()


@contextmanager
def _scratch(home: str) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="rescue-", dir=home)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

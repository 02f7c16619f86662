"""A look over everything the tracker rests on, each part by itself, so that one fault does not hide the next.

Looking changes nothing. Mending is what the store does anyway: complete what a dead writer left, build the index anew.
Neither touches what git holds.
"""

import os
import shutil
import time
from collections.abc import Iterator
from typing import Literal, NamedTuple

from git_tracker.errors import TrackerError
from git_tracker.store import place, reading, refs
from git_tracker.store.index import schema
from git_tracker.store.journal import Journal
from git_tracker.store.place import Place
from git_tracker.store.progress import Progress
from git_tracker.store.store import IssueStore
from git_tracker.store.workflow import KANBAN, Workflow

_STALE_LOCK = 10.0  # seconds; no write of ours or of git's holds a ref's lock that long
_SHOWN = 3


class Check(NamedTuple):
    """One part, how it stands, and what would mend it where it does not stand well."""

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""


def examine(path: str, *, workflow: Workflow = KANBAN, progress: Progress | None = None) -> Iterator[Check]:
    """Yield a check of each part of the tracker around `path`; the parts that need a broken one are left out."""
    try:
        where = place.find(path)
    except TrackerError as error:
        yield _failed("repository", error)
        return
    yield Check("repository", "ok", where.common)
    yield _git()
    yield _access(where)
    yield from _index(where)
    try:
        store = IssueStore(where, workflow=workflow)
    except TrackerError as error:
        yield _failed("store", error)
        return
    try:
        yield from _person(store)
        yield _trust(store)
        yield from _refs(store)
        yield _journal(store)
        yield from _verification(store, progress)
    finally:
        store.close()


def _failed(name: str, error: TrackerError) -> Check:
    return Check(name, "fail", str(error), error.hint)


def _git() -> Check:
    found = shutil.which("git")
    return (
        Check("git", "ok", found) if found else Check("git", "warn", "no git on the PATH", "syncing and upkeep need it")
    )


def _access(where: Place) -> Check:
    if reading.home(where) == where.home and os.access(where.common, os.W_OK):
        return Check("access", "ok", "the repository can be read and written")
    remedy = "writes need the permission to write in it; the index is kept in the cache folder"
    return Check("access", "warn", "the repository can only be read", remedy)


def _index(where: Place) -> Iterator[Check]:
    path = reading.index_path(reading.home(where))
    if not os.path.exists(path):
        yield Check("index", "ok", "not built yet; the first question builds it")
        return
    try:
        db = schema.connect(path, read_only=True)
        try:
            schema.check(db)
        finally:
            db.close()
        yield Check("index", "ok", path)
    except (TrackerError, schema.Error) as error:
        yield Check("index", "fail", str(error), "`tracker doctor --repair` builds it anew from git")


def _person(store: IssueStore) -> Iterator[Check]:
    try:
        name, email = store.objects.person()
        yield Check("identity", "ok", f"{name} <{email}>")
        key = store.identity()
        yield Check("key", "ok", f"{key.fingerprint}, {store.keyring.source(store.who()[0])}")
        store.signer()
    except TrackerError as error:
        if error.code != "locked_key":
            yield _failed("identity" if error.code == "no_identity" else "key", error)
            return
        yield Check("passphrase", "warn", str(error), error.hint)
    if store.root and key.key not in {member.key for member in store.members}:
        remedy = f"an owner can add the key {key.fingerprint}"
        yield Check("membership", "warn", "you are no member: what you write will not count", remedy)


def _trust(store: IssueStore) -> Check:
    if not store.root:
        return Check("root", "warn", "this repository has no tracker yet", "run `tracker init`")
    if not store.members:
        remedy = "fetch refs/git-tracker/trust from where it came; the pin is in git-tracker/root of the git directory"
        return Check("root", "fail", f"the trust log below the pinned root {store.root[:12]} cannot be read", remedy)
    return Check("root", "ok", f"{store.root[:12]}, {len(store.members)} member{'s' * (len(store.members) > 1)}")


def _refs(store: IssueStore) -> Iterator[Check]:
    common = store.place.common
    listing = refs.listing(common)
    lost = [name for name, target in listing.items() if not store.objects.has(target)]
    lost += list(refs.empty_files(common))
    if lost:
        remedy = "`tracker doctor --repair` restores what the journal still has; a fetch may bring the rest"
        yield Check("refs", "fail", f"{_some(lost)} without an object", remedy)
    else:
        yield Check("refs", "ok", f"{len(listing)} refs, all with their objects")
    stale = list(_stale_locks(common))
    if stale:
        yield Check("locks", "warn", f"{_some(stale)} left by a dead process", "the next write to it clears it")
    else:
        yield Check("locks", "ok", "none left behind")


def _stale_locks(common: str) -> Iterator[str]:
    for folder, _, names in os.walk(os.path.join(common, "refs/git-tracker")):
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(".lock") and os.path.exists(path) and time.time() - os.stat(path).st_mtime > _STALE_LOCK:
                yield os.path.relpath(path, common)


def _journal(store: IssueStore) -> Check:
    path = os.path.join(reading.home(store.place), "journal.sqlite")
    if not os.path.exists(path):
        return Check("journal", "ok", "nothing written here yet")
    try:
        journal = Journal(path)
        try:
            left = [record for _, record in journal.open() if not _done(store, record.ref, record.id)]
        finally:
            journal.close()
    except (TrackerError, schema.Error) as error:
        return Check("journal", "fail", str(error), "what it guards is in git as well; move the file away")
    if left:
        remedy = "`tracker doctor --repair` or the next write completes them"
        return Check("journal", "warn", f"{len(left)} entries of a writer that died", remedy)
    return Check("journal", "ok", "nothing unfinished")


def _done(store: IssueStore, ref: str, id: str) -> bool:
    target = store.objects.target(ref)
    return store.objects.has(id) and (target == id or store.objects.descends(target, id))


def _verification(store: IssueStore, progress: Progress | None) -> Iterator[Check]:
    found = store.verify(progress=progress)
    summary = f"{found['verified']} of {found['entries']} entries of {found['issues']} issues verified"
    kinds = {problem["kind"] for problem in found["problems"]}
    if found["ok"]:
        yield Check("verification", "ok", summary)
    elif kinds == {"index"}:
        yield Check("verification", "fail", "the index does not agree with git", "`tracker doctor --repair`")
    else:
        remedy = "`tracker verify` and `tracker quarantine` name them; the rest of the tracker works"
        yield Check("verification", "fail", f"{summary}; {len(found['problems'])} problems", remedy)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

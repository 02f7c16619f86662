"""What a look over the tracker finds in files, refs and objects, before anything is opened for writing."""

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from git_tracker.errors import TrackerError
from git_tracker.store import astray, journal, leftovers, pin, reading, refs, salvage, stamps, standing
from git_tracker.store.index import schema, tables
from git_tracker.store.objects import GitRepository
from git_tracker.store.place import Place

REPAIR = "`tracker doctor --repair`"
_SHOWN = 3
_MOST = 1000  # entries of the journal that are looked at


class Check(NamedTuple):
    """One part and how it stands: `ok`, `warn` (it works all the same), `fail`, or `mended` just now.

    `items` are the files, refs or entries concerned, `mended` those of them that are in order again; `remedy` says what
    would help where something is left.
    """

    name: str
    state: Literal["ok", "warn", "fail", "mended"]
    found: str
    remedy: str = ""
    items: tuple[str, ...] = ()
    mended: tuple[str, ...] = ()


def failed(name: str, error: TrackerError) -> Check:
    return Check(name, "fail", str(error), error.hint)


def git() -> Check:
    found = shutil.which("git")
    return (
        Check("git", "ok", found) if found else Check("git", "warn", "no git on the PATH", "syncing and upkeep need it")
    )


def files(where: Place, keys: str) -> Iterator[Check]:
    """Check what shows without opening the repository."""
    yield _access(where)
    yield listed(
        "secrets", leftovers.readable(where, keys), "fail", "readable by others", "nobody else can read them",
        f"{REPAIR} closes them; whoever read a key can sign with it until an owner removes it",
    )  # fmt: skip
    yield _locks(where)
    yield listed(
        "leftovers", leftovers.half_made(where, keys), "warn", "left half made by a dead process", "none",
        f"{REPAIR} removes them",
    )  # fmt: skip
    yield _index(where)
    yield _journal(where)


def listed(name: str, items: Sequence[str], state: Literal["warn", "fail"], what: str, fine: str, remedy: str) -> Check:
    if not items:
        return Check(name, "ok", fine)
    return Check(name, state, f"{_some(items)} {what}", remedy, tuple(items))


def _access(where: Place) -> Check:
    if reading.home(where) == where.home and os.access(where.common, os.W_OK):
        return Check("access", "ok", "the repository can be read and written")
    remedy = "writes need the permission to write in it; the index is kept in the cache folder"
    return Check("access", "warn", "the repository can only be read", remedy)


def _locks(where: Place) -> Check:
    remedy = f"{REPAIR} clears them"
    if users := leftovers.users_locks(where):
        what = "left by a dead git; the tracker does without them and leaves them alone"
        remedy = "git itself says what to do with them once none is running"
        return listed("locks", [*leftovers.locks(where.common), *users], "warn", what, "", remedy)
    return listed("locks", leftovers.locks(where.common), "warn", "left by a dead process", "none left behind", remedy)


def _index(where: Place) -> Check:
    path = reading.index_path(reading.home(where))
    if not os.path.exists(path):
        return Check("index", "ok", "not built yet; the first question builds it")
    try:
        db = schema.connect(path, read_only=True)
        try:
            schema.check(db)
            version = schema.meta(db, "version")
            stands, _ = standing.read(os.path.join(reading.home(where), "standing"))
            behind = stands.signature != stamps.signature(where.common)
        finally:
            db.close()
    except (TrackerError, schema.Error) as error:
        return Check("index", "fail", str(error), f"the next question, or {REPAIR}, builds it anew from git")
    if version != tables.VERSION:
        return Check(
            "index", "warn", f"of version {version or '?'}, not {tables.VERSION}", "the next question builds it anew"
        )
    return Check("index", "ok", f"{path}{', behind git until the next question' * behind}")


def _journal(where: Place) -> Check:
    path = os.path.join(reading.home(where), "journal.sqlite")
    if not os.path.exists(path):
        return Check("journal", "ok", "nothing written here yet")
    if flaw := journal.flaw(path):
        return Check(
            "journal", "fail", f"{path} is damaged ({flaw}), so nothing can be written",
            f"{REPAIR} sets it aside and begins a new one with what can be read of it; what it held is in git as well,"
            " so that only the latest entries can be missing, and only after a power cut", (path,),
        )  # fmt: skip
    return Check("journal", "ok", path)


def objects(where: Place) -> Iterator[Check]:
    """Check whether all that our refs reach is here."""
    opened = GitRepository(where)
    try:
        listing = refs.listing(where.common)
        lost = salvage.lost(opened, listing.values())
        root = pin.read(where)
        adrift = sorted({*salvage.adrift(opened, listing, root)} | {*refs.empty_files(where.common)})
        turned = astray.turned(opened, listing)
        known = opened.remotes()
        late = _unfinished(opened)
        gone = {*astray.gone(opened, listing, root, reading.home(where))} - {*adrift} - {ref for ref, _ in late}
    finally:
        opened.close()
    remotes = f" or a remote ({', '.join(known)})" if known else ""
    none = "" if known else "; there is no remote, so else a clone or a backup would have to bring them"
    yield listed(
        "objects", [f"{id} {how}" for id, how in lost.items()], "fail", "", "all that our refs reach is here",
        f"{REPAIR} writes again what the journal{remotes} has{none}",
    )  # fmt: skip
    yield _refs(adrift, sorted(turned), sorted(gone), f"{len(listing)} refs, all with their objects")
    yield listed(
        "unfinished", [id for _, id in late], "warn", "written down by a writer that died", "every entry that was begun is complete",
        f"the next write, or {REPAIR}, completes them",
    )  # fmt: skip


def _refs(adrift: Sequence[str], turned: Sequence[str], gone: Sequence[str], fine: str) -> Check:
    said = ((adrift, "lead nowhere"), (turned, "do not lead to their issue"), (gone, "gone, with the issue here"))
    if not any(names for names, _ in said):
        return Check("refs", "ok", fine)
    found = "; ".join(f"{_some(names)} {how}" for names, how in said if names)
    remedy = f"{REPAIR} takes what the journal has, or else the latest entry that is here; a fetch may bring the rest"
    return Check("refs", "fail", found, remedy, (*adrift, *turned, *gone))


def _unfinished(opened: GitRepository) -> list[tuple[str, str]]:
    """Return ref and id of the entries that are in the journal and have not come into git, oldest first."""
    home = reading.home(opened.place)
    path = os.path.join(home, "journal.sqlite")
    if not os.path.exists(path) or journal.flaw(path):
        return []
    found = journal.Journal(path)
    try:
        late = found.after(standing.read(os.path.join(home, "standing"))[0].published, _MOST)
    finally:
        found.close()
    return [(record.ref, record.id) for _, record in late if not _stands(opened, record.ref, record.id)]


def _stands(opened: GitRepository, ref: str, id: str) -> bool:
    target = opened.target(ref)
    return opened.has(id) and (target == id or opened.descends(target, id))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

"""A look over everything the tracker rests on, each part by itself, so that one fault does not hide the next.

Looking changes nothing. `repair` mends what can be mended (`mending`) between two looks; what the first found and the
second does not is mended.
"""

import os
from collections.abc import Iterator

from git_tracker.errors import TrackerError
from git_tracker.store import commit, mending, place, refs
from git_tracker.store.findings import REPAIR, Check, failed, files, git, listed, objects
from git_tracker.store.keystore import Keyring
from git_tracker.store.progress import Progress
from git_tracker.store.remotes import Remotes
from git_tracker.store.store import IssueStore
from git_tracker.store.workflow import KANBAN, Workflow

_SECONDS = 20.0  # to wait for a remote's answer


def examine(
    path: str, *, workflow: Workflow = KANBAN, keyring: Keyring | None = None, progress: Progress | None = None
) -> Iterator[Check]:
    """Yield a check of each part of the tracker around `path`; the parts that need a broken one are left out."""
    try:
        where = place.find(path)
    except TrackerError as error:
        yield failed("repository", error)
        return
    keyring = keyring or Keyring.here()
    yield Check("repository", "ok", where.common)
    yield git()
    yield from files(where, keyring.folder)
    try:
        yield from objects(where)
        store = IssueStore(where, workflow=workflow, keyring=keyring)
    except TrackerError as error:
        yield failed("store", error)
        return
    try:
        yield from _person(store)
        yield _trust(store)
        yield from _remotes(store)
        yield from _verification(store, progress)
    finally:
        store.close()
        store.objects.close()


def repair(
    path: str, *, workflow: Workflow = KANBAN, keyring: Keyring | None = None, progress: Progress | None = None
) -> Iterator[Check]:
    """Mend what can be mended; yield what `examine` then finds, with what was mended, and what was done."""
    keyring = keyring or Keyring.here()
    said = list[str]()
    try:
        where = place.find(path)
        before = {check.name: check for check in [*files(where, keyring.folder), *objects(where)]}
        mending.mend_files(where, keyring, said.append)
        mending.mend_git(where, said.append)
        store = mending.rebuild(where, workflow, keyring, progress)
        try:
            said.append(f"the index is built anew: {store.health()['issues']} issues")
            for check in _remotes(store):
                before[check.name] = check
                if check.state == "fail":
                    mending.tell(store, check.name.partition(" ")[2], said.append)
        finally:
            store.close()
            store.objects.close()
    except TrackerError as error:
        yield failed("repair", error)
    else:
        yield Check("repair", "ok", "; ".join(said))
    for check in examine(path, workflow=workflow, keyring=keyring, progress=progress):
        yield _compared(before.get(check.name, check), check)


def _compared(before: Check, after: Check) -> Check:
    """Return how a part stands now, with what is in order again."""
    mended = tuple(item for item in before.items if item not in after.items)
    if before.state != "ok" and after.state == "ok":
        return Check(before.name, "mended", before.found, items=before.items, mended=mended or (before.found,))
    return after._replace(mended=mended)


def _person(store: IssueStore) -> Iterator[Check]:
    try:
        name, email = store.objects.person()
        yield Check("identity", "ok", f"{name} <{email}>")
        key = store.identity()
        yield Check("key", "ok", f"{key.fingerprint}, {store.keyring.source(store.who()[0])}")
        store.signer()
    except TrackerError as error:
        if error.code != "locked_key":
            yield failed("identity" if error.code == "no_identity" else "key", error)
            return
        yield Check("passphrase", "warn", str(error), error.hint)
    if store.root and key.key not in {member.key for member in store.members}:
        remedy = f"an owner can add the key {key.fingerprint}"
        yield Check("membership", "warn", "you are no member: what you write will not count", remedy)


def _trust(store: IssueStore) -> Check:
    pin = os.path.join(store.place.home, "root")
    if not store.root:
        return Check("root", "warn", "this repository has no tracker yet", "run `tracker init`")
    if not commit.is_id(store.root):
        here = store.objects.target(refs.TRUST)
        remedy = f"it should hold the id that `tracker trust` shows in another clone{f'; {here[:12]} leads to one' if here else ''}"
        return Check("root", "fail", f"{pin} does not hold the id of a trust root", remedy)
    if not store.objects.has(store.root):
        remedy = f"`tracker sync` or `git fetch` from where it came brings it, if {pin} is right"
        return Check("root", "fail", f"the pinned root {store.root[:12]} is not here", remedy)
    if not store.members:
        remedy = f"fetch refs/git-tracker/trust from where it came; the pin is in {pin}"
        return Check("root", "fail", f"the trust log below the pinned root {store.root[:12]} cannot be read", remedy)
    return Check("root", "ok", f"{store.root[:12]}, {len(store.members)} member{'s' * (len(store.members) > 1)}")


def _remotes(store: IssueStore) -> Iterator[Check]:
    """Ask remotes that were synced with whether they still hold what they held then."""
    common, own = store.place.common, store.device
    asking = Remotes(store.objects, store.home, seconds=_SECONDS)
    for name in store.objects.remotes():
        known = {*refs.below(common, refs.of_device(name, ""))}
        if store.exchanged(name).told and own and store.objects.target(refs.DEVICES + own):
            known.add(own)
        if not known or store.home != store.place.home:
            continue
        try:
            lost = sorted(known - asking.devices(asking.chosen(name)).keys())
        except TrackerError as error:
            yield Check(f"remote {name}", "warn", f"it could not be asked: {error}", error.hint)
            continue
        yield listed(
            f"remote {name}", lost, "fail", "lost there: the ref of the device", f"{len(known)} devices, all there",
            f"`tracker sync {name}`, or {REPAIR}, puts them back",
        )  # fmt: skip


def _verification(store: IssueStore, progress: Progress | None) -> Iterator[Check]:
    found = store.verify(progress=progress)
    summary = f"{found['verified']} of {found['entries']} entries of {found['issues']} issues verified"
    kinds = {problem["kind"] for problem in found["problems"]}
    if found["ok"]:
        yield Check("verification", "ok", summary)
    elif kinds == {"index"}:
        yield Check("verification", "fail", "the index does not agree with git", f"{REPAIR} builds it anew")
    else:
        listing = " and `tracker quarantine` name" if "entry" in kinds else " names"
        remedy = f"`tracker verify`{listing} them; the rest of the tracker works"
        yield Check("verification", "fail", f"{summary}; {len(found['problems'])} problems", remedy)

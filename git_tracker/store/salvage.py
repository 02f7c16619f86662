"""What of the tracker's own objects cannot be read, and where it may come from again.

Looks at commits that refs of ours reach; what else a repository holds is for `git fsck`.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

from git_tracker.errors import Corrupt
from git_tracker.store import commit, entry, identity, refs
from git_tracker.store.objectfiles import Damaged
from git_tracker.store.objects import GitRepository
from git_tracker.store.place import Place


def lost(objects: GitRepository, tips: Iterable[str]) -> dict[str, str]:
    """Return the commits behind `tips` that cannot be read: by id, `missing` or `damaged`.

    What lies behind one of them is not known. Where a clone is shallow, it ends on purpose.
    """
    ends, found = shallow(objects.place), dict[str, str]()
    todo, seen = list(tips), set[str]()
    while todo:
        id = todo.pop()
        if id in seen:
            continue
        seen.add(id)
        try:
            raw = objects.commit(id)
        except Damaged:
            found[id] = "damaged"
        except Corrupt:
            continue  # no commit, or too large for one of ours: verification says so
        else:
            if raw is None:
                found[id] = "missing"
            elif id not in ends:
                todo += commit.parents(raw) or ()
    return found


def supply(objects: GitRepository, lost: Iterable[str], other: GitRepository) -> int:
    """Write lost commits again that another repository has, and what is lost behind them; return how many."""
    todo, count = list(lost), 0
    while todo:
        id = todo.pop()
        try:
            raw = other.commit(id)
        except Corrupt:
            continue
        if raw is not None and objects.mend_commit(id, raw):
            count += 1
            todo += commit.parents(raw) or ()
    return count


class Afloat:
    """Every well-signed entry there is, whatever refs say: for the case that none tells any more."""

    def __init__(self, objects: GitRepository) -> None:
        self._parents = dict[str, tuple[str, ...]]()
        made = dict[str, tuple[int, int]]()
        for id in objects.every():
            with suppress(Corrupt):
                if raw := objects.commit(id):
                    found = entry.decode(id, raw)
                    identity.verify(found.payload, found.armour)
                    self._parents[id], made[id] = found.parents, found.envelope.hlc
        self._in_order = sorted(made, key=lambda id: (made[id], id))  # parents have the lower clock

    def heads(self, root: str) -> list[str]:
        """Return the entries descending from `root` that nothing here builds on, the latest first."""
        below = {root} & self._parents.keys()
        for id in self._in_order:
            if not below.isdisjoint(self._parents[id]):
                below.add(id)
        inner = {parent for id in below for parent in self._parents[id]}
        return [id for id in reversed(self._in_order) if id in below and id not in inner]


def adrift(objects: GitRepository, listing: Mapping[str, str], root: str) -> dict[str, str]:
    """Return the refs of issues and of the trust log that hold nothing or name what is not here, with their roots."""
    common = objects.place.common
    names = {*refs.empty_files(common), *(name for name, id in listing.items() if not objects.has(id))}
    found = {name: name.removeprefix(refs.ISSUES) for name in names if name.startswith(refs.ISSUES)}
    if root and (refs.TRUST in names or refs.TRUST not in listing):
        found[refs.TRUST] = root
    return {name: id for name, id in sorted(found.items()) if commit.is_id(id)}


def shallow(where: Place) -> frozenset[str]:
    """Return the commits at which a shallow clone ends."""
    try:
        with open(os.path.join(where.common, "shallow"), encoding="ascii", errors="replace") as file:
            return frozenset(file.read().split())
    except OSError:
        return frozenset()

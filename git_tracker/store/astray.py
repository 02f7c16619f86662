"""Refs of issues that somebody turned elsewhere or removed: found by what git and the journal hold, and put back.

A ref that holds nothing, or names what is not here, is `salvage`'s; here are those that lead to the wrong place.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from git_tracker.errors import Corrupt, TrackerError
from git_tracker.store import commit, entry, identity, journal, libgit2, refs, salvage
from git_tracker.store.commit import EMPTY_TREE
from git_tracker.store.objectfiles import Damaged
from git_tracker.store.objects import GitRepository

_ROOT = f"tree {EMPTY_TREE}\nauthor ".encode()  # a root entry has no parents


def turned(objects: GitRepository, listing: Mapping[str, str]) -> dict[str, str]:
    """Return the refs of issues whose history is here and does not begin with the issue's root, with that root.

    Where something on the way is missing, damaged or left out by a shallow clone, nobody can tell.
    """
    ends = salvage.shallow(objects.place)
    return {
        refs.issue(id): id
        for id, tip in sorted(refs.issues(listing).items())
        if objects.has(tip) and not objects.descends_or_is(tip, id) and _leads_elsewhere(objects, tip, id, ends)
    }


def gone(objects: GitRepository, listing: Mapping[str, str], root: str, home: str) -> dict[str, str]:
    """Return the refs that are not there though the journal, or git's objects, hold their issue, with its root.

    `root` is the pinned trust root: what was written under others is not looked for among the objects.
    """
    known = refs.issues(listing)
    found = {id for id in (*_journaled(home), *_roots(objects, known, root)) if id not in known}
    return {refs.issue(id): id for id in sorted(found) if not objects.target(refs.issue(id))}  # one made meanwhile


def put_back(objects: GitRepository, roots: Mapping[str, str]) -> None:
    """Let these refs name the latest entry of their issue that is here, and keep what they held and the other heads.

    The caller holds the tracker's lock.
    """
    if not roots:
        return
    afloat = salvage.Afloat(objects)
    for name, root in roots.items():
        heads = afloat.heads(root)
        if not heads:
            continue
        try:
            objects.clear_empty(name)
            held = objects.target(name)
            if held != heads[0]:
                objects.move(name, held, heads[0])
            for other in heads[1:]:
                _keep(objects, refs.beside(name, other), other)
            if held and objects.has(held) and not objects.reached((held,), libgit2.tips(objects.repo)):
                _keep(objects, refs.beside(name, held), held)
        except TrackerError:
            continue  # it is found again, and said to be


def _keep(objects: GitRepository, ref: str, id: str) -> None:
    objects.move(ref, objects.target(ref), id)


def _leads_elsewhere(objects: GitRepository, tip: str, root: str, ends: frozenset[str]) -> bool:
    """Return whether everything behind `tip` is here and the root is not among it."""
    todo, seen = [tip], set[str]()
    while todo:
        id = todo.pop()
        if id in seen:
            continue
        seen.add(id)
        if id == root or id in ends:
            return False
        try:
            raw = objects.commit(id)
        except Damaged:
            return False
        except Corrupt:
            continue  # no commit, or none of ours: it has nothing behind it
        if raw is None:
            return False
        todo += commit.parents(raw) or ()
    return True


def _journaled(home: str) -> Iterator[str]:
    """Yield the issues of which the journal has entries."""
    path = os.path.join(home, "journal.sqlite")
    if os.path.exists(path) and not journal.flaw(path):
        opened = journal.Journal(path)
        try:
            yield from refs.issues({record.ref: record.id for _, record in opened.listed()})
        finally:
            opened.close()


def _roots(objects: GitRepository, known: Mapping[str, str], root: str) -> Iterator[str]:
    """Yield the well-signed root entries of further issues under a trust root."""
    for id in objects.every():
        if id in known:
            continue
        with suppress(Corrupt):
            raw = objects.commit(id)
            if raw and raw.startswith(_ROOT):
                found = entry.decode(id, raw)
                envelope = found.envelope
                if envelope.repo == root and envelope.events[0].get("type") == "created":
                    identity.verify(found.payload, found.armour)
                    yield id

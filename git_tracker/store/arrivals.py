"""What other devices know: their fetched checkpoints, taken into our own refs.

An issue's ref is created or fast-forwarded, never moved sideways; a head that runs beside it is kept by a ref of its
own, and the next entry joins the two. Runs under the tracker's lock, before the index catches up. Whether entries
count is not decided here, only whether they can be entries at all: what is taken in is passed on, so nothing else of
this repository may hang on it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import checkpoints, refs
from git_tracker.store import entry as format
from git_tracker.store.checkpoints import Checkpoint
from git_tracker.store.commit import EMPTY_TREE
from git_tracker.store.identity import verify
from git_tracker.store.index import arrived, write
from git_tracker.store.index.schema import Db
from git_tracker.store.objects import GitRepository

_HEADER = re.compile(rb"tree ([0-9a-f]{40})\n((?:parent [0-9a-f]{40}\n)*)")
_ATTACHMENTS = re.compile(rb"40000 attachments\0[\x00-\xff]{20}")


class Refused(NamedTuple):
    """Something in a checkpoint that was not taken in: the ref it came by, and why."""

    ref: str
    reason: str


def pending(db: Db, listing: Mapping[str, str], own: str) -> dict[str, str]:
    """Return the refs of checkpoints, of devices other than `own`, that moved since they were taken in."""
    seen = arrived.tips(db)
    return {ref: tip for ref, tip in refs.checkpoints(listing, own).items() if seen.get(ref) != tip}


def absorb(db: Db, objects: GitRepository, listing: Mapping[str, str], own: str) -> list[Refused]:
    """Take in every checkpoint that moved; return what was refused.

    Of one with a flaw the rest is taken, and all that it says is looked at again when it moves.
    """
    arrivals, refused = _Arrivals(db, objects), list[Refused]()
    for ref, tip in sorted(pending(db, listing, own).items()):
        before = arrived.tree(db, ref)
        try:
            found = _read(objects, tip)
            told = checkpoints.difference(objects, before, found.tree)
        except Corrupt as error:
            flaws, after = [str(error)], before
        else:
            flaws = arrivals.take(told)
            after = before if flaws else found.tree
        arrived.put(db, ref, tip, after, flaws[0] if flaws else "")
        refused += [Refused(ref, flaw) for flaw in flaws]
    objects.move_all(arrivals.moves)
    return refused


def _read(objects: GitRepository, id: str) -> Checkpoint:
    raw = objects.commit(id)
    if raw is None:
        raise Corrupt("the checkpoint is not here")
    return checkpoints.decode(id, raw)


class _Arrivals:
    """Finds out which refs have to move so that they reach all heads; `moves` are by ref: from where, and to where."""

    def __init__(self, db: Db, objects: GitRepository) -> None:
        self._db, self._objects = db, objects
        self.moves: dict[str, tuple[str | None, str]] = {}

    def take(self, told: checkpoints.Told) -> list[str]:
        """Take in what a checkpoint tells; return what was wrong with it."""
        flaws = []
        for head in sorted(told.trust):
            try:
                self._take_trust(head)
            except Corrupt as error:
                flaws.append(f"the head {head[:12]} of a trust log: {error}")
        for issue, heads in told.issues.items():
            for head in sorted(heads):
                try:
                    self._take_head(issue, head)
                except Corrupt as error:
                    flaws.append(f"the head {head[:12]} of {issue[:12]}: {error}")
        return flaws

    def _take_head(self, issue: str, head: str) -> None:
        ref = refs.issue(issue)
        tip = self._target(ref)
        if tip == head:
            return
        if known := write.issues_of(self._db, head):
            if issue not in known:
                raise Corrupt("it belongs to another issue")
            return
        stops = {issue, tip}
        reached = self._past(head, lambda id: id in stops or issue in write.issues_of(self._db, id))
        if not reached:
            raise Corrupt("it does not descend from the issue's root, as far as it is here")
        if tip is None or tip in reached:
            self._move(ref, head)
        elif not self._objects.descends(tip, head):
            self._move(refs.KEEP + head, head)

    def _take_trust(self, head: str) -> None:
        """Let the refs reach one head of a trust log. Which logs count for us is for the fold to say."""
        tip = self._target(refs.TRUST)
        if tip == head or self._target(refs.TRUST_HEADS + head):
            return
        reached = self._past(head, lambda id: id == tip, signed=True)
        if tip is None or tip in reached:
            self._move(refs.TRUST, head)
        elif not self._objects.descends(tip, head):
            self._move(refs.TRUST_HEADS + head, head)

    def _past(self, head: str, stop: Callable[[str], bool], *, signed: bool = False) -> set[str]:
        """Return at which known commits the way back from a head ends; raise `Corrupt` for what can be no entry."""
        reached, todo, seen = set[str](), [head], set[str]()
        while todo:
            id = todo.pop()
            if id in seen:
                continue
            seen.add(id)
            if stop(id):
                reached.add(id)
                if id != head:
                    continue
            todo += self._parents(id, is_head=id == head, signed=signed)
        return reached

    def _parents(self, id: str, *, is_head: bool, signed: bool) -> Iterable[str]:
        raw = self._objects.commit(id)
        if raw is None:
            if is_head:
                raise Corrupt("it is not here")
            return ()
        found = _HEADER.match(raw)
        parents = found[2].decode().split()[1::2] if found else []
        if found is None or len(parents) > format.MAX_PARENTS:
            raise Corrupt(f"{id[:12]} is no entry: it has more than {format.MAX_PARENTS} parents")
        tree = found[1].decode()
        if tree != EMPTY_TREE and not _ATTACHMENTS.fullmatch(self._objects.tree(tree, 64)):
            raise Corrupt(f"{id[:12]} is no entry: it has files")
        if signed:
            entry = format.decode(id, raw)
            verify(entry.payload, entry.armour)
        return parents

    def _target(self, ref: str) -> str | None:
        return self.moves[ref][1] if ref in self.moves else self._objects.target(ref)

    def _move(self, ref: str, new: str) -> None:
        old = self.moves[ref][0] if ref in self.moves else self._objects.target(ref)
        self.moves[ref] = (old, new)

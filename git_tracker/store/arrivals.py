"""What other devices know: their fetched checkpoints, taken into our own refs.

An issue's ref is created or fast-forwarded, never moved sideways; a head that runs beside it is kept by a ref of its
own, and the next entry joins the two. Runs under the tracker's lock, before the index catches up. Whether entries
count is not decided here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import checkpoints, refs
from git_tracker.store.checkpoints import Checkpoint
from git_tracker.store.index import arrived, write
from git_tracker.store.index.schema import Db
from git_tracker.store.objects import GitRepository


class Refused(NamedTuple):
    """Something in a checkpoint that was not taken in: the ref it came by, and why."""

    ref: str
    reason: str


def pending(db: Db, listing: Mapping[str, str], own: str) -> dict[str, str]:
    """Return the refs of checkpoints, of devices other than `own`, that moved since they were taken in."""
    seen = arrived.tips(db)
    return {ref: tip for ref, tip in refs.checkpoints(listing, own).items() if seen.get(ref) != tip}


def absorb(db: Db, objects: GitRepository, listing: Mapping[str, str], own: str) -> list[Refused]:
    """Take in every checkpoint that moved; return what was refused."""
    refused: list[Refused] = []
    for ref, tip in sorted(pending(db, listing, own).items()):
        try:
            found = _read(objects, tip)
            flaws = _take(db, objects, found, arrived.tree(db, ref))
            arrived.put(db, ref, tip, found.tree, flaws[0] if flaws else "")
        except Corrupt as error:
            flaws = [str(error)]
            arrived.put(db, ref, tip, arrived.tree(db, ref), flaws[0])
        refused += [Refused(ref, flaw) for flaw in flaws]
    return refused


def _read(objects: GitRepository, id: str) -> Checkpoint:
    raw = objects.commit(id)
    if raw is None:
        raise Corrupt("the checkpoint is not here")
    return checkpoints.decode(id, raw)


def _take(db: Db, objects: GitRepository, found: Checkpoint, before: str) -> list[str]:
    told = checkpoints.difference(objects, before, found.tree)
    flaws = []
    for head in sorted(told.trust):
        _take_trust(objects, head)
    for issue, heads in told.issues.items():
        for head in sorted(heads):
            if not write.issues_of(db, head):
                if flaw := _take_head(objects, issue, head):
                    flaws.append(flaw)
    return flaws


def _take_head(objects: GitRepository, issue: str, head: str) -> str:
    """Let the refs reach one head of an issue; return why not, if not."""
    if not objects.is_commit(head):
        return f"the head {head[:12]} of {issue[:12]} is not here or no commit"
    if not objects.descends_or_is(head, issue):
        return f"{head[:12]} does not belong to the issue {issue[:12]}"
    ref = refs.issue(issue)
    tip = objects.target(ref)
    if tip is None or objects.descends(head, tip):
        objects.move(ref, tip, head)
    elif not objects.descends_or_is(tip, head):
        objects.move(refs.KEEP + head, objects.target(refs.KEEP + head), head)
    return ""


def _take_trust(objects: GitRepository, head: str) -> None:
    """Let the refs reach one head of a trust log. Which logs count for us is for the fold to say."""
    if not objects.is_commit(head):
        return
    tip = objects.target(refs.TRUST)
    if tip is None or objects.descends(head, tip):
        objects.move(refs.TRUST, tip, head)
    elif not objects.descends_or_is(tip, head):
        name = refs.TRUST_HEADS + head
        objects.move(name, objects.target(name), head)

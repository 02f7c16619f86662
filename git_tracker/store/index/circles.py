"""Issues that would wait for each other: looked for before a link is written, by what the index knows.

An issue waits for what blocks it, and for what its parent waits for. What other clones or an import recorded stays as it
is: such issues are shown as blocked until somebody removes one of the links.
"""

from collections.abc import Iterable

from git_tracker.errors import Refused
from git_tracker.store import events
from git_tracker.store.index import read
from git_tracker.store.index.schema import Db
from git_tracker.store.shape import Event

_MOST = 10_000  # issues looked at for one link

_Step = tuple[str, str, str]  # who waits, how (`blocks`: it is blocked by, `parent`: it is part of), and for whom


def require_none(db: Db, id: str, found: Iterable[Event]) -> None:
    """Raise `Refused` if one of the events, about the issue with the full id, closes a circle of blockers and parents."""
    for event in found:
        if isinstance(event, events.LinkAdded) and event.kind in ("blocks", "parent") and event.imported is None:
            new = (event.issue, "blocks", id) if event.kind == "blocks" else (id, "parent", event.issue)
            if path := _path(db, new[2], new[0]):
                raise Refused(
                    f"that closes a circle: {_told(db, [new, *path])}; none of them would ever be ready",
                    "unlink another of these first, or say `relates`, which keeps nothing waiting", code="circle",
                )  # fmt: skip


def _path(db: Db, start: str, end: str) -> list[_Step]:
    """Return by which steps `start` waits for `end`, the shortest way; nothing if it does not."""
    came: dict[str, _Step | None] = {start: None}
    todo = [start]
    for id in todo:  # grows meanwhile
        if id == end:
            path = list[_Step]()
            while step := came[id]:
                path.insert(0, step)
                id = step[0]
            return path
        for step in _waits(db, id):
            if step[2] not in came and len(came) < _MOST:
                came[step[2]] = step
                todo.append(step[2])
    return []


def _waits(db: Db, id: str) -> list[_Step]:
    parent = db.execute("select parent from issues where id = ? and parent is not null", (id,))
    blockers = db.execute(
        "select issues.id from links join issues on issues.key = links.issue where other = ? and kind = 'blocks'", (id,)
    )
    return [*((id, "parent", row[0]) for row in parent), *((id, "blocks", row[0]) for row in blockers)]


def _told(db: Db, steps: list[_Step]) -> str:
    """Return the circle in words, each step beginning with the issue that the one before ended with, where it can."""
    names = read.shorts(db, {id for step in steps for id in (step[0], step[2])})
    if all(how == "blocks" for _, how, _ in steps):
        steps = [steps[0], *reversed(steps[1:])]
    words = [(names[who], names[whom], how) for who, how, whom in steps]
    return ", ".join(
        f"{whom} blocks {who}" if how == "blocks" else f"{who} is part of {whom}" for who, whom, how in words
    )

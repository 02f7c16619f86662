"""Registers: fields of one value, of which concurrent writes are all kept until somebody writes again.

A write is `[entry, ms, count, actor, at, value]`. Which of several concurrent ones is the value says the strategy of
the field: the latest (`last-writer`), or none of them until somebody chooses (`manual`): then it stays the base, the
value at the common past of the writes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

FIELDS = ("status", "title", "assignee", "priority", "type", "milestone", "due")  # that may be in conflict
BASED = (*FIELDS, "category")  # of which a base is kept; a category goes with its status

Write = Sequence[Any]
Writes = Sequence[Write]


def order(write: Write) -> tuple[int, int, str]:
    return write[1], write[2], write[0]


def latest(writes: Writes) -> Write:
    """Return the write with the highest `(hlc, id)`."""
    return writes[0] if len(writes) == 1 else max(writes, key=order)


def in_conflict(writes: Writes) -> bool:
    """Return whether concurrent writes say different things."""
    return len(writes) > 1 and len({repr(write[5]) for write in writes}) > 1


def standing(
    registers: Mapping[str, Writes], bases: Mapping[str, Write], manual: Collection[str], field: str
) -> Write | None:
    """Return the write whose value a field has, or None if nobody wrote it."""
    decides = "status" if field == "category" else field
    if decides in manual and in_conflict(registers.get(decides, ())):
        return bases.get(field)
    writes = registers.get(field)
    return latest(writes) if writes else None


def base(
    maximal: Writes, earlier: Iterable[Write], before: Write | None, covers: Callable[[str, str], bool]
) -> Write | None:
    """Return the write that stood at the common past of concurrent ones.

    `earlier` are all writes that may be in it, parents first; `before` is what stood before any of them;
    `covers(later, earlier)` says what an entry knows. Where the common past was itself in conflict, its own base stands.
    """
    known = list(earlier)
    while True:
        known = [write for write in known if all(covers(later[0], write[0]) for later in maximal)]
        maximal = tops(known, covers)
        if not maximal:
            return before
        if not in_conflict(maximal):
            return latest(maximal)


def tops(writes: Iterable[Write], covers: Callable[[str, str], bool]) -> list[Write]:
    """Return those of some writes, given parents first, that no other of them knows."""
    found: list[Write] = []
    for write in writes:
        found = [one for one in found if not covers(write[0], one[0])]
        found.append(write)
    return found

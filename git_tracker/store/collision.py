"""Concurrent edits of one text that touch one sentence: merged like all others, but somebody should look.

The merge never fails and may still make nonsense of a sentence that two people changed at once. What collides is a pure
function of the set of entries: of each two edits that no other edit of the text knows, what the one knows and the other
does not is held against the text that both know. docs/FORMAT.md, 5.7.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from git_tracker.store.graph import Ancestry
from git_tracker.store.text import Walk

MOST = 8  # edits that are compared; where more stand side by side, somebody should look in any case

_ENDS = ".!?…。！？"
_CLOSING = "\"'”’»)]}*_`"
_BREAK = re.compile(rf"[.!?…][{re.escape(_CLOSING)}]*[ \t]+|[。！？]|\n")


class Edit(NamedTuple):
    """Who edited a text, in which entry."""

    entry: str
    hlc: tuple[int, int]
    actor: str
    at: int


def find(walk: Walk, edits: Iterable[Edit], ancestry: Ancestry) -> dict[str, Any] | None:
    """Return the base and the sides of the edits that collide, or None.

    `walk` holds all edits of the text since a point that everything passes through; `edits` are the ones that count,
    parents first. A side is `[entry, ms, count, actor, at, text]`, the earliest first.
    """
    open_ends: dict[str, Edit] = {}
    for edit in edits:
        open_ends = {id: one for id, one in open_ends.items() if not ancestry.covers(edit.entry, id)}
        open_ends[edit.entry] = edit
    if len(open_ends) < 2:
        return None
    known = {id: ancestry.past(id) | {id} for id in open_ends}
    colliding = set(open_ends)
    if len(open_ends) <= MOST:
        shown = {id: walk.shown(version) for id, version in known.items()}
        pairs = [pair for pair in combinations(sorted(open_ends), 2) if _collide(walk, known, shown, *pair)]
        colliding = {id for pair in pairs for id in pair}
    if not colliding:
        return None
    others = set[str]().union(*(known[id] for id in open_ends.keys() - colliding))
    base = set.intersection(*(known[id] for id in colliding)) | others
    latest = sorted((open_ends[id] for id in colliding), key=lambda edit: (edit.hlc, edit.entry))[-MOST:]
    return {
        "base": walk.text_at(base),
        "sides": [[*_stamp(edit), walk.text_at(known[edit.entry] | others)] for edit in latest],
    }


def _stamp(edit: Edit) -> list[Any]:
    return [edit.entry, *edit.hlc, edit.actor, edit.at]


def _collide(walk: Walk, known: dict[str, set[str]], shown: dict[str, list[bool]], one: str, two: str) -> bool:
    base = walk.shown(known[one] & known[two])
    chars = walk.chars()
    text, left, right = (_joined(chars, version) for version in (base, shown[one], shown[two]))
    if text in (left, right) or left == right == walk.text_at(known[one] | known[two]):
        return False  # one side changed nothing, or all agree
    number = sentences(text)
    return not touched(text, number, chars, base, shown[one]).isdisjoint(touched(text, number, chars, base, shown[two]))


def _joined(chars: Sequence[str], version: Sequence[bool]) -> str:
    return "".join(char for char, on in zip(chars, version, strict=True) if on)


def sentences(text: str) -> list[int]:
    """Return the number of the sentence that each character of a text belongs to.

    A sentence ends with its line, or with a full stop, question or exclamation mark and the blanks behind it.
    """
    found: list[int] = []
    for number, end in enumerate([*(match.end() for match in _BREAK.finditer(text)), len(text)]):
        found += [number] * (end - len(found))
    return found


def touched(
    text: str, number: Sequence[int], chars: Sequence[str], base: Sequence[bool], side: Sequence[bool]
) -> set[tuple[str, int]]:
    """Return what a side changes of a text: sentences by number, and the places at which it inserts something.

    `base` and `side` say for each of `chars` whether it shows in the text and on the side.
    """
    found: set[tuple[str, int]] = set()
    place, inserted = 0, ""
    for char, before, after in zip(chars, base, side, strict=True):
        if not before:
            inserted += char if after else ""
            continue
        if inserted:
            found |= _around(text, number, place, inserted)
            inserted = ""
        if not after:
            found.add(("sentence", number[place]))
        place += 1
    return found | (_around(text, number, place, inserted) if inserted else set())


def _around(text: str, number: Sequence[int], place: int, inserted: str) -> set[tuple[str, int]]:
    """Return the place of an insertion and the sentences it becomes a part of."""
    found = {("place", place)}
    within = 0 < place < len(text) and number[place - 1] == number[place]
    open_end = place == len(text) > 0 and not _ended(text)
    if within or (open_end and not inserted.startswith("\n")):
        found.add(("sentence", number[place - 1]))
    if not within and place < len(text) and text[place] != "\n" and not _ended(inserted):
        found.add(("sentence", number[place]))
    return found


def _ended(text: str) -> bool:
    """Return whether a text ends with the end of a sentence."""
    text = text.rstrip(" \t")
    return text.endswith("\n") or text.rstrip(_CLOSING)[-1:] in tuple(_ENDS)

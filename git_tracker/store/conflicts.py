"""Conflicts as programs see them, made from folded state. Pure and light: `tracker show` runs through it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from git_tracker.errors import Conflict, Invalid
from git_tracker.store import registers

Json = Any
COMMENT = "comment:"  # before the part id of a comment whose text is in conflict
RESULT, BASE = "result", "base"  # what may be taken besides the entry of a value

_AROUND = 40  # characters shown before and behind what differs
_LONGEST = 280


def of(
    state: Mapping[str, Json], comments: Mapping[str, str], actor: Callable[[str], Json], moment: Callable[[int | None], Json]
) -> list[dict[str, Json]]:  # fmt: skip
    """Return each field in conflict: its values, the latest first, the base they share and what holds meanwhile.

    `comments` are bodies by part id, of those comments at least that are in conflict.
    """
    found = []
    for field in registers.FIELDS:
        writes = state["registers"].get(field, ())
        if registers.in_conflict(writes):
            base = state["bases"].get(field)
            now = registers.standing(state["registers"], state["bases"], state["manual"], field)
            strategy = "manual" if field in state["manual"] else "last-writer"
            found.append(_shown(field, strategy, writes, base and base[5], now and now[5], actor, moment))
    for document, edits in sorted(state["conflicts"].items()):
        whole = document == "description"
        result = state["texts"].get(document, "") if whole else comments[document]
        field = document if whole else COMMENT + document
        found.append(_shown(field, "merge", edits["sides"], edits["base"], result, actor, moment))
    return found


def _shown(
    field: str, strategy: str, writes: registers.Writes, base: Json, result: Json,
    actor: Callable[[str], Json], moment: Callable[[int | None], Json],
) -> dict[str, Json]:  # fmt: skip
    def told(value: Json) -> Json:
        return moment(value) if field == "due" else value

    values = [
        {"value": told(write[5]), "author": actor(write[3]), "at": moment(write[4]), "entry": write[0]}
        for write in sorted(writes, key=registers.order, reverse=True)
    ]
    return {"field": field, "strategy": strategy, "values": values, "base": told(base), "result": told(result)}


def any_in(all_registers: Mapping[str, registers.Writes], texts: Mapping[str, Json]) -> bool:
    """Return whether a state holds a conflict."""
    return bool(texts) or any(registers.in_conflict(all_registers.get(field, ())) for field in registers.FIELDS)


def taken(writes: registers.Writes, base: Json, result: Json, take: str) -> Json:
    """Return the value that `take` names: `result`, `base`, or one of the writes by its entry or the beginning of that."""
    if take in (RESULT, BASE):
        return result if take == RESULT else base
    found = [write[5] for write in writes if len(take) >= 4 and write[0].startswith(take)]
    if len(found) != 1:
        known = ", ".join([write[0][:12] for write in writes] + [RESULT, BASE])
        raise (Invalid if len(take) < 4 else Conflict)(
            f"no value of the conflict is of the entry {take!r}", f"it could be {known}", code="no_conflict"
        )
    return found[0]


def brief(conflict: Mapping[str, Json]) -> dict[str, Json]:
    """Return the same conflict with its texts cut down to where they differ."""
    if conflict["strategy"] != "merge":
        return dict(conflict)
    values = conflict["values"]
    base, result, *texts = passages([conflict[BASE], conflict[RESULT], *(value["value"] for value in values)])
    short = [{**value, "value": text} for value, text in zip(values, texts, strict=True)]
    return {**conflict, "values": short, "base": base, "result": result}


def passages(texts: Sequence[str]) -> list[str]:
    """Return what differs of some texts, with a little around it, at most 280 characters each."""
    start = _alike(texts)
    end = _alike([text[start:][::-1] for text in texts])
    first, last = max(0, start - _AROUND), max(0, end - _AROUND)
    cut = [("…" if first else "") + text[first : len(text) - last] + ("…" if last else "") for text in texts]
    return [text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in cut]


def _alike(texts: Sequence[str]) -> int:
    """Return how many characters all texts begin with."""
    low, high = min(texts), max(texts)
    return next((place for place, char in enumerate(low) if char != high[place]), len(low))

"""Cursors that leave the program: where somebody stands in the events of one repository, or of several at once.

Of one repository it is `<epoch>.<seq>`; of a workspace each member's, by name: `api~<epoch>.<seq>,web~<epoch>.<seq>`.
Both are opaque to whoever holds them, and say nothing but how much of each repository was seen.
"""

from collections.abc import Mapping

NOTHING = "~"  # the cursor of a workspace in which no repository can be read
_NAMED = r"[A-Za-z0-9._-]{1,32}~[0-9a-f]{8}\.[0-9]{1,18}"
PATTERN = rf"^(|~|[0-9a-f]{{8}}\.[0-9]{{1,18}}|{_NAMED}(,{_NAMED}){{0,63}})$"
MOST = 4096  # characters


def split(text: str) -> dict[str, str]:
    """Return the members' cursors by name; that of a single repository stands under an empty name."""
    found = {}
    for part in text.split(","):
        name, mark, place = part.rpartition("~")
        if place:
            found[name if mark else ""] = place
    return found


def join(places: Mapping[str, str]) -> str:
    """Return one cursor for those of several members."""
    return ",".join(f"{name}~{place}" if name else place for name, place in sorted(places.items())) or NOTHING


def later(cursor: str, other: str) -> bool:
    """Return whether a cursor has seen anything that the other has not, or counts in another epoch."""
    seen = split(other)
    return any(_later(place, seen.get(name, "")) for name, place in split(cursor).items())


def joined(cursor: str, other: str) -> str:
    """Return the cursor of who has seen what both have; where epochs differ, the other's counts."""
    found = split(cursor)
    for name, place in split(other).items():
        if _later(place, found.get(name, "")):
            found[name] = place
    return join(found)


def start(cursor: str) -> str:
    """Return the cursor from which everything is still to be seen, in the same epochs."""
    return join({name: f"{place.partition('.')[0]}.0" for name, place in split(cursor).items()})


def before(place: str) -> str:
    """Return the cursor of a single repository just before the event at `place`."""
    epoch, _, seq = place.partition(".")
    return f"{epoch}.{int(seq) - 1}"


def _later(place: str, other: str) -> bool:
    epoch, _, seq = place.partition(".")
    other_epoch, _, other_seq = other.partition(".")
    return epoch != other_epoch or _number(seq) > _number(other_seq)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0

"""The order in which packs hold objects: roughly that of their time, and the one they are read in most quickly.

Only a hint. An index file that is not as gitformat-pack(5) has it, in version 2, tells nothing.
"""

import mmap
import os
from collections.abc import Iterable

_MAGIC = b"\xfftOc\0\0\0\2"
_FAN, _NAMES = 8, 8 + 256 * 4  # where the parts of an index file begin


def oldest_first(common: str, ids: Iterable[str]) -> list[str]:
    """Return ids, those that packs hold first, as git packs commits: the newest of a pack come first in it."""
    left, found = list(ids), list[str]()
    for path in _indexes(os.path.join(common, "objects", "pack")):
        try:
            with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as index:
                places = {id: place for id in left if (place := _offset(index, bytes.fromhex(id))) is not None}
        except (OSError, ValueError):  # repacked meanwhile, or empty
            continue
        found += sorted(places, key=places.__getitem__, reverse=True)
        left = [id for id in left if id not in places]
    return found + left


def _indexes(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name.endswith(".idx")]
    except OSError:
        return []
    return [path for _, path in sorted(found)]


def _offset(index: mmap.mmap, name: bytes) -> int | None:
    """Return where in its pack an object begins; offsets beyond 2 GiB are as good as the number that stands for them."""
    count = _number(index, _FAN + 255 * 4)
    if index[:_FAN] != _MAGIC or len(index) < _NAMES + count * 28:
        return None
    low = _number(index, _FAN + (name[0] - 1) * 4) if name[0] else 0
    high = end = _number(index, _FAN + name[0] * 4)
    while low < high:
        middle = (low + high) // 2
        at = _NAMES + middle * 20
        if index[at : at + 20] < name:
            low = middle + 1
        else:
            high = middle
    at = _NAMES + low * 20
    if low == end or index[at : at + 20] != name:
        return None
    return _number(index, _NAMES + count * 24 + low * 4)


def _number(index: mmap.mmap, at: int) -> int:
    return int.from_bytes(index[at : at + 4], "big")

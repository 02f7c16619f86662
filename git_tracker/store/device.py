"""The device: a random id per common git directory, so that two clones of one person are two devices.

It names the ref by which others fetch what this clone knows. A clone that was copied as files shares it with its twin;
whoever finds its ref on a remote somewhere else than where it left it takes a new id.
"""

import os
import re
from collections.abc import Callable

_ID = re.compile(r"[0-9a-f]{16}")


def own(home: str) -> str:
    """Return the id of this device, or an empty string if it has none yet."""
    try:
        with open(os.path.join(home, "device"), encoding="ascii", errors="replace") as file:
            found = file.read(64).strip()
    except OSError:
        return ""
    return found if is_id(found) else ""


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def renew(home: str, entropy: Callable[[int], bytes]) -> str:
    """Give this device a new id and return it."""
    id = entropy(8).hex()
    path = os.path.join(home, "device")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(id + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    return id

"""The pinned trust root: whose trust log this clone goes by, in a file of one line."""

import os
from typing import TYPE_CHECKING

from git_tracker.store.place import Place

if TYPE_CHECKING:  # a reader needs none of it
    from git_tracker.store.log import EventLog


def read(where: Place) -> str:
    """Return the id of the trust root that this clone pinned, or an empty string."""
    try:
        with open(os.path.join(where.home, "root"), encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def save(home: str, root: str) -> None:
    """Trust a root from now on, whatever happens to the machine."""
    path = os.path.join(home, "root")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(root + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def oldest(log: "EventLog", tip: str) -> str:
    """Return the root of a trust log; of several that joined, the one that its latest entry belongs to."""
    entries = log.read_trust((tip,))
    roots = sorted(entry.id for entry, _ in entries if not entry.parents)
    own = next((entry.envelope.repo for entry, _ in entries if entry.id == tip), "")
    return own if own in roots else roots[0] if roots else tip

"""Creating many refs in one step, in the file packed-refs (gitrepository-layout(5)).

One by one a thousand new refs take a second or two, each a file and its lock; a first clone brings ten times as many.
"""

import os
import time
from collections.abc import Mapping

from git_tracker.errors import Unusable

_HEADER = b"# pack-refs with:"
_FULL = b"# pack-refs with: peeled fully-peeled sorted \n"
_PATIENCE = 5.0  # seconds to wait for git, which writes the file whole and at once


def create(common: str, new: Mapping[str, str]) -> None:
    """Create refs that do not exist, neither here nor as files; the caller holds the tracker's lock.

    They point to commits, never to tags, so there is nothing to peel. A loose ref that git makes meanwhile wins.
    """
    path = os.path.join(common, "packed-refs")
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        before = _state(path)
        header, lines = _read(path)
        lines = {name.encode(): f"{id} {name}\n".encode() for name, id in new.items()} | lines
        if _replaced(path, before, header + b"".join(lines[name] for name in sorted(lines))):
            return
        time.sleep(0.02)
    raise Unusable("another git process holds packed-refs", "try again when it has ended", code="busy")


def _replaced(path: str, before: tuple[int, ...], content: bytes) -> bool:
    """Put the new content in place unless somebody else is about to, or has since it was read.

    Git's lock is held for two calls only, so that a process that is killed hardly ever leaves it behind.
    """
    new, lock = path + ".git-tracker", path + ".lock"
    try:
        with open(new, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # other people's branches are in it too
        try:
            os.link(new, lock)
        except FileExistsError:
            return False
        if _state(path) != before:
            os.unlink(lock)
            return False
        os.rename(lock, path)
        return True
    finally:
        os.unlink(new)


def _state(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: str) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the header and, by ref, the lines that say where it points and what it peels to."""
    header, lines, last = _FULL, dict[bytes, bytes](), b""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file):
                if number == 0 and line.startswith(_HEADER):
                    header = line if b" sorted" in line else line.rstrip() + b" sorted \n"
                elif number == 0:
                    header = _HEADER + b" sorted \n"  # says nothing of peeling: git looks itself
                if line.startswith(b"^") and last:
                    lines[last] += line
                elif not line.startswith(b"#"):
                    last = line.rstrip(b"\n").partition(b" ")[2]
                    lines[last] = line if line.endswith(b"\n") else line + b"\n"
    except FileNotFoundError:
        pass
    return header, lines

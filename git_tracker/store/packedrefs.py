"""The file packed-refs (gitrepository-layout(5)): looking refs up in it, comparing it, and creating many in one step.

Its lines are sorted by name, so one of a great many is found in a few steps, and what differs between two states of
it without taking either apart.
"""

import os
import re
import time
from bisect import bisect_left
from collections.abc import Mapping

from git_tracker.errors import Unusable

_HEADER = b"# pack-refs with:"
_FULL = b"# pack-refs with: peeled fully-peeled sorted \n"
_PATIENCE = 5.0  # seconds to wait for git, which writes the file whole and at once
_LINE = re.compile(rb"^([0-9a-f]{40}) ([^\n]+)$", re.MULTILINE)
_NAME = 41  # where a name begins in its line
_PART = 1 << 15  # bytes that are compared at a time: few parts are unlike where few refs moved


class PackedRefs:
    """What the file says at one time, or would say: lines sorted by name, each with its end, perhaps after a header."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self._start = content.find(b"\n") + 1 if content.startswith(b"#") else 0

    @classmethod
    def read(cls, common: str) -> "PackedRefs":
        """Read the file of a repository; nothing is in it if it is not there."""
        try:
            with open(os.path.join(common, "packed-refs"), "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return cls()
        if b" sorted" not in content[: content.find(b"\n") + 1]:  # older git, and other programs
            found = sorted(_LINE.findall(content), key=lambda line: line[1])
            content = b"".join(b"%b %b\n" % line for line in found)
        return cls(content if not content or content.endswith(b"\n") else content + b"\n")

    def target(self, name: str) -> str:
        """Return what a ref points to, or nothing if it is not here."""
        wanted = name.encode()
        at = self._at(wanted)
        found = _LINE.match(self.content, at)
        return found[1].decode() if found and found[2] == wanted else ""

    def below(self, prefix: str, *, but: str = "") -> dict[str, str]:
        """Return the refs whose names begin so, and where they point; those apart that begin like `but` within it."""
        begin, end = self._span(prefix)
        first, last = self._span(but) if but else (end, end)
        return _targets(self.content[begin:first] + self.content[last:end])

    def differing(self, other: "PackedRefs", prefix: str) -> set[str]:
        """Return the names, of those that begin so, that only one of the two has, or that point elsewhere in the other."""
        (low, high), (low2, high2) = self._span(prefix), other._span(prefix)
        parts, found = (high - low) // _PART + 1, set[bytes]()
        for left in range(parts, 0, -1):
            cut, cut2 = high, high2
            if left > 1:
                cut = self._begin(low + (high - low) // left)
                cut2 = other._at(self._name(cut), cut + low2 - low)
            mine, theirs = self.content[low:cut], other.content[low2:cut2]
            if mine != theirs:
                found |= {*mine.split(b"\n")} ^ {*theirs.split(b"\n")}
            low, low2 = cut, cut2
        return {*_targets(b"\n".join(found))}

    def _span(self, prefix: str) -> tuple[int, int]:
        """Return where the lines of refs begin and end whose names begin so."""
        start = prefix.encode()
        return self._at(start), self._at(start[:-1] + bytes([start[-1] + 1]))

    def _at(self, name: bytes, guess: int = -1) -> int:
        """Return where the line of a name begins, or of the first one after it; looked for at `guess` first."""
        if 0 <= guess < len(self.content) and self._begin(guess) == guess and self._name(guess) == name:
            return guess
        return bisect_left(range(len(self.content)), name, self._start, key=self._name)

    def _name(self, at: int) -> bytes:
        """Return the name in the line that a byte belongs to."""
        begin = self._begin(at)
        return self.content[begin + _NAME : self.content.find(b"\n", begin)]

    def _begin(self, at: int) -> int:
        begin = self.content.rfind(b"\n", 0, at) + 1
        while begin and self.content.startswith(b"^", begin):  # that says what the tag before it leads to
            begin = self.content.rfind(b"\n", 0, begin - 1) + 1
        return begin


def _targets(lines: bytes) -> dict[str, str]:
    return {name.decode("utf-8", "replace"): id.decode() for id, name in _LINE.findall(lines)}


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

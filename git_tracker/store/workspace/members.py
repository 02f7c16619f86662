"""The repositories of a workspace, each opened when it is there. What is missing or broken is said, and tried again."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from git_tracker.errors import TrackerError
from git_tracker.store import place
from git_tracker.store.place import Place
from git_tracker.store.reading import Reader
from git_tracker.store.workspace import roster

_AGAIN = 2.0  # seconds until a broken repository is tried again

log = logging.getLogger(__name__)

Open = Callable[[Place], Reader]


class Standing(NamedTuple):
    """How a repository stands: `empty` has no tracker yet, `missing` is no folder, `broken` says in `reason` why."""

    name: str
    path: str  # as the file has it
    state: Literal["ok", "empty", "missing", "broken"]
    reason: str


class Member:
    """One repository of a workspace."""

    def __init__(self, name: str, written: str, path: str) -> None:
        self.name, self.written, self.path = name, written, path
        self.opened: Reader | None = None
        self.state: Literal["ok", "missing", "broken"] = "missing"
        self.reason = ""
        self.tried = -_AGAIN

    def standing(self) -> Standing:
        if self.opened is not None and not self.opened.root:
            return Standing(self.name, self.written, "empty", "it has no tracker yet: run `tracker init` in it")
        return Standing(self.name, self.written, self.state, self.reason)

    def fails(self, error: Exception) -> None:
        """Leave this repository out for a while."""
        if not isinstance(error, (TrackerError, OSError)):
            log.error("the repository %s failed", self.name, exc_info=error)
        self.state, self.reason, self.tried = "broken", str(error) or type(error).__name__, time.monotonic()
        self._close()

    def look(self, open: Open) -> Reader | None:
        """Return the repository if it can be asked now; it may have come or gone since the last time."""
        if self.opened is not None and os.path.isdir(self.opened.place.common):
            return self.opened
        self._close()
        if not os.path.isdir(self.path):
            self.state, self.reason = "missing", "there is no such folder"
            return None
        if self.state == "broken" and time.monotonic() - self.tried < _AGAIN:
            return None
        try:
            where = place.find(self.path)
            if os.path.realpath(self.path) not in {os.path.realpath(path) for path in where if path}:
                self.state, self.reason = "missing", "the folder holds no git repository"
                return None
            self.opened = open(where)
        except Exception as error:  # whatever is wrong with one, the others go on
            self.fails(error)
            return None
        self.state, self.reason = "ok", ""
        return self.opened

    def _close(self) -> None:
        if self.opened is not None:
            opened, self.opened = self.opened, None
            try:
                opened.close()
            except Exception:
                log.exception("the repository %s could not be closed", self.name)


class Members:
    """All repositories of one workspace, as its file names them now."""

    def __init__(self, folder: str, open: Open) -> None:
        self.folder, self._open = folder, open
        self._lock = threading.RLock()
        self._signature: object = None
        self._members: dict[str, Member] = {}

    def close(self) -> None:
        """Give back every repository."""
        with self._lock:
            for member in self._members.values():
                member._close()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._read())

    def all(self) -> list[Member]:
        """Return every repository of the file, in its order, looked at just now."""
        with self._lock:
            self._look()
            return list(self._members.values())

    def present(self) -> Iterator[tuple[Member, Reader]]:
        """Return the repositories that can be asked now."""
        with self._lock:
            return iter(self._look())

    def _look(self) -> list[tuple[Member, Reader]]:
        found: list[tuple[Member, Reader]] = []
        seen: dict[str, str] = {}
        for member in self._read().values():
            reader = member.look(self._open)
            if reader is None:
                continue
            if reader.place.common in seen:
                member.fails(TrackerError(f"it is the same repository as {seen[reader.place.common]}"))
                continue
            seen[reader.place.common] = member.name
            found.append((member, reader))
        return found

    def _read(self) -> dict[str, Member]:
        """Read the file again if it changed; one that cannot be read any more leaves things as they are."""
        with self._lock:
            try:
                status = os.stat(os.path.join(self.folder, roster.FILE))
                signature = (status.st_mtime_ns, status.st_ino, status.st_size)
                if signature != self._signature:
                    self._take(roster.read(self.folder))
                    self._signature = signature
            except (OSError, TrackerError) as error:
                if self._signature is None:
                    raise
                log.warning("the workspace stays as it was: %s", error)
            return self._members

    def _take(self, named: dict[str, str]) -> None:
        before = self._members
        self._members = {}
        for name, written in named.items():
            path = os.path.normpath(os.path.join(self.folder, written))
            kept = before.get(name)
            self._members[name] = kept if kept and kept.path == path else Member(name, written, path)
        for name, member in before.items():
            if self._members.get(name) is not member:
                member._close()

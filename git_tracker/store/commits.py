"""Commits and trees looked up, and the past of commits. Bytes and hex ids, never issues."""

import os
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from git_tracker.errors import Corrupt, Unusable
from git_tracker.store import libgit2
from git_tracker.store.commit import MAX_COMMIT, parents
from git_tracker.store.libgit2 import ObjectType
from git_tracker.store.objectfiles import ObjectFiles, TooLarge

_REMEMBERED = 50_000  # commits whose parents are


class Commits:
    """What one repository holds, opened for this process. Not to be carried across a fork: libgit2 does not survive one."""

    forks: ClassVar[int] = 0  # between the process that began and this one; to ask for its id takes a system call

    def __init__(self, common: str) -> None:
        self._forks = Commits.forks
        self._files = ObjectFiles(common)
        self._parents: dict[str, tuple[str, ...]] = {}

    def close(self) -> None:
        """Give back the packs."""
        del self._files

    def require_own_process(self) -> None:
        """Raise `Unusable` in a process that was forked off after the repository was opened."""
        if Commits.forks != self._forks:
            raise Unusable("the store was opened before a fork", "open it in the process that uses it", code="forked")

    def read_frugally(self) -> None:
        """Keep little in memory from now on, and expect most in packs: for a process that reads everything once."""
        libgit2.read_once()
        self._files.read_once()

    def has(self, id: str) -> bool:
        """Return whether an object is here and can be read."""
        self.require_own_process()
        try:
            return self._files.read(id, MAX_COMMIT) is not None
        except TooLarge:
            return True
        except Corrupt:
            return False

    def commit(self, id: str, *, named: bool = False) -> bytes | None:
        """Return a commit's raw bytes, or None if it is not here.

        `named` if another commit names it as a parent: git read it whole when it took that one in, to see that it is a
        commit. Its size is not asked for before it is read, which takes as long as a third of reading it.

        Raises `Corrupt` if it is another kind of object, damaged or too large.
        """
        self.require_own_process()
        try:
            kind, content = self._files.read(id, MAX_COMMIT, ask=not named) or (ObjectType.COMMIT, None)
        except TooLarge as error:
            large = error.found == ObjectType.COMMIT
            raise Corrupt(f"the commit is larger than {MAX_COMMIT} bytes" if large else "not a commit") from None
        if kind != ObjectType.COMMIT:
            raise Corrupt("not a commit")
        return content

    def is_commit(self, id: str) -> bool:
        """Return whether a commit with that id is here."""
        self.require_own_process()
        return self._files.kind(id) == ObjectType.COMMIT

    def tree(self, id: str, most_bytes: int) -> bytes:
        """Return a tree's raw bytes; raise `Corrupt` if it is missing, something else or larger than that."""
        self.require_own_process()
        try:
            found = self._files.read(id, most_bytes)
        except TooLarge:
            raise Corrupt(f"{id[:12]} is no tree of at most {most_bytes} bytes") from None
        if found is None:
            raise Corrupt(f"the tree {id[:12]} is not here")
        if found[0] != ObjectType.TREE:
            raise Corrupt(f"{id[:12]} is no tree of at most {most_bytes} bytes")
        return found[1]

    def parents(self, id: str) -> tuple[str, ...] | None:
        """Return the parents of a commit; None if it is not here or cannot be read."""
        known = self._parents.get(id)
        if known is None:
            with suppress(Corrupt):
                known = parents(self.commit(id) or b"")
                if known is not None:
                    if len(self._parents) >= _REMEMBERED:
                        self._parents.clear()
                    self._parents[id] = known
        return known

    def reached(self, ids: Iterable[str], tips: Iterable[str]) -> set[str]:
        """Return those of the given commits that can be reached from one of the tips."""
        wanted, found = {id for id in ids if self.is_commit(id)}, set[str]()
        todo, seen = {*tips}, set[str]()
        while todo and wanted - found:
            id = todo.pop()
            if id not in seen:
                seen.add(id)
                found |= {id} & wanted
                todo |= {*(self.parents(id) or ())} - seen
        return found

    def descends(self, later: str | None, earlier: str) -> bool:
        """Return whether `earlier` is in the past of `later`, and both are here.

        Goes back from both by turns: in a line it takes as long as the way between them, whichever comes first.
        """
        if later is None or later == earlier or not (self.has(later) and self.has(earlier)):
            return False
        ways = [(deque([later]), {later}, earlier), (deque([earlier]), {earlier}, later)]
        while ways[0][0]:
            for todo, seen, wanted in ways:
                for parent in (self.parents(todo.popleft()) or ()) if todo else ():
                    if parent == wanted:
                        return wanted == earlier
                    if parent not in seen:
                        seen.add(parent)
                        todo.append(parent)
        return False

    def descends_or_is(self, later: str, earlier: str) -> bool:
        """Return whether `earlier` is `later` or in its past."""
        return later == earlier or self.descends(later, earlier)


def _forked() -> None:
    Commits.forks += 1


os.register_at_fork(after_in_child=_forked)

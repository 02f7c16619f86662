"""Git objects and refs. Speaks bytes, hex ids and ref names, never issues.

`commits` reads; commits and refs are written as files here, in the form and by the protocol of git.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from git_tracker.errors import Corrupt
from git_tracker.store import gituser, libgit2, packedrefs, refs, swap
from git_tracker.store.commit import EMPTY_TREE, commit_id, loose
from git_tracker.store.commits import Commits
from git_tracker.store.place import Place, unusable

Oid, ObjectType = libgit2.Oid, libgit2.ObjectType
_MANY = 32  # new refs that are cheaper to create at once, and files to keep open
_STALE_LOCK = 10.0  # seconds after which a ref's lock file counts as left behind by a dead process
_ATTEMPTS = 20


class GitRepository(Commits):
    """One repository, opened for this process. Not to be carried across a fork: libgit2 does not survive one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._replaced: list[int] = []
        try:
            super().__init__(place.common)
            self._repo = libgit2.opened(place.git_dir)
        except libgit2.GitError as error:
            raise unusable(error, place) from error

    @property
    def repo(self) -> Any:
        self.require_own_process()
        return self._repo

    def close(self) -> None:
        """Give back all of it: while one is open, libgit2 keeps to the packs that it knows."""
        self._repo.free()
        super().close()

    def every(self) -> Iterator[str]:
        """Yield the id of each object that is here, of whatever kind."""
        yield from map(str, self.repo.odb)

    def write_commit(self, raw: bytes) -> str:
        """Write a commit object as a loose file; a damaged one in its place is replaced."""
        self.require_own_process()
        id = commit_id(raw)
        path = self._loose_path(id)
        part = os.path.join(os.path.dirname(path), f"tmp_obj_{os.getpid()}.{id[-8:]}")  # `git gc` clears such names
        content = loose(raw)
        try:
            for attempt in range(_ATTEMPTS):
                try:
                    self._put(content, part, path)
                    return id
                except FileNotFoundError:  # no such folder yet, or git gc removed it meanwhile
                    if attempt == _ATTEMPTS - 1:
                        raise
                    os.makedirs(os.path.dirname(path), exist_ok=True)
        except OSError as error:
            raise unusable(error, self.place) from error
        raise AssertionError("unreachable")

    def _put(self, content: bytes, part: str, path: str) -> None:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o444)
        try:
            try:
                swap.write_all(descriptor, content)
            finally:
                os.close(descriptor)
            os.rename(part, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise

    def mend_commit(self, id: str, raw: bytes) -> bool:
        """Write the commit again if it is missing or damaged; return whether that was needed."""
        try:
            if self.commit(id) == raw:
                return False
        except Corrupt:
            pass
        self.write_commit(raw)
        return True

    def write_empty_tree(self) -> None:
        """Entries name the empty tree; `git fsck` wants it on disk."""
        if Oid(hex=EMPTY_TREE) not in self.repo.odb or not self._stored(EMPTY_TREE):
            self.repo.odb.write(ObjectType.TREE, b"")

    def _stored(self, id: str) -> bool:
        return os.path.exists(self._loose_path(id)) or os.path.isdir(os.path.join(self.place.common, "objects/pack"))

    def _loose_path(self, id: str) -> str:
        return os.path.join(self.place.common, "objects", id[:2], id[2:])

    def write_tree(self, raw: bytes) -> str:
        """Write a tree; return its id."""
        try:
            return str(self.repo.odb.write(ObjectType.TREE, raw))
        except (OSError, libgit2.GitError) as error:
            raise unusable(error, self.place) from error

    def is_packed(self, id: str) -> bool:
        """Return whether an object lies in a pack, and only there."""
        return self.has(id) and not os.path.exists(self._loose_path(id))

    def drop(self, ref: str, id: str) -> bool:
        """Remove a ref that still points at `id`; return whether it is gone. The caller holds the tracker's lock."""
        try:
            if self.target(ref) == id:
                self.repo.lookup_reference(ref).delete()
                return True
        except (KeyError, OSError, libgit2.GitError):
            pass
        return False

    def target(self, ref: str) -> str | None:
        """Return the id a ref holds, or None; a symbolic ref has no place among ours."""
        try:
            found = self.repo.lookup_reference(ref)
            return str(found.target) if isinstance(found.target, Oid) else None
        except (libgit2.GitError, ValueError, KeyError):
            return None

    def move(self, ref: str, old: str | None, new: str, *, stale_seconds: float = _STALE_LOCK) -> None:
        """Point `ref` at `new` if it still points at `old`; raise `Conflict` if it moved meanwhile.

        The caller holds the tracker's own lock: only stock git can be the other party.
        """
        self.require_own_process()
        if len(self._replaced) >= _MANY:
            self.let_go()
        try:
            swap.move(os.path.join(self.place.common, ref), old, new, lambda: self._held(ref), stale_seconds)
        except OSError as error:
            raise unusable(error, self.place) from error

    def _held(self, ref: str) -> str | None:
        """Return what a ref holds; its file stays open until `let_go`."""
        descriptor, id = refs.opened(self.place.common, ref)
        if descriptor is not None:
            self._replaced.append(descriptor)
        return id or self.target(ref)

    def let_go(self) -> None:
        """Close the files of refs that were replaced: then the kernel frees them, and nobody should wait for that."""
        replaced, self._replaced = self._replaced, []
        for descriptor in replaced:
            os.close(descriptor)

    def move_all(self, moves: Mapping[str, tuple[str | None, str]]) -> None:
        """Move refs (name -> from where, to where) as `move` does; many new ones are created in one step."""
        created = {ref: new for ref, (old, new) in moves.items() if old is None}
        if len(created) >= _MANY:
            packedrefs.create(self.place.common, created)
        else:
            created = {}
        for ref, (old, new) in moves.items():
            if ref not in created:
                self.move(ref, old, new)

    def remotes(self) -> list[str]:
        """Return the names of the configured remotes."""
        return libgit2.remotes(self.place.git_dir)

    def clear_empty(self, ref: str) -> None:
        """Remove a ref's file that holds nothing, as a power cut leaves it: libgit2 would refuse to write over it."""
        path = os.path.join(self.place.common, ref)
        try:
            with open(path, "rb") as file:
                empty = not file.read(64).strip(b"\0 \n")
            if empty:
                os.unlink(path)
        except OSError:
            pass

    def uncover(self, ref: str) -> bool:
        """Let a ref fall back to what packed-refs says of it, if that is here; return whether it did."""
        path = os.path.join(self.place.common, ref)
        try:
            os.rename(path, path + ".lock")
        except OSError:
            return False
        packed = self.target(ref)
        if packed is None or not self.has(packed):
            os.rename(path + ".lock", path)
            return False
        os.unlink(path + ".lock")
        return True

    def person(self) -> tuple[str, str]:
        """Return `(user.name, user.email)` as git is configured; raise `NotFound` if a part is missing."""

        def known() -> tuple[str, str] | None:
            with suppress(libgit2.GitError, KeyError, ValueError):
                who = self.repo.default_signature
                return str(who.name), str(who.email)
            return None

        return gituser.person(self.place.git_dir, known)

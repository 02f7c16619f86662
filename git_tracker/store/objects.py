"""Git objects and refs. Speaks bytes, hex ids and ref names, never issues.

libgit2 reads; commits and refs are written as files here, in the form and by the protocol of git.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from git_tracker.errors import Corrupt, Unusable
from git_tracker.store import gituser, libgit2, packedrefs, refs, swap
from git_tracker.store.commit import EMPTY_TREE, MAX_COMMIT, commit_id, loose
from git_tracker.store.place import Place, unusable

Oid, ObjectType = libgit2.Oid, libgit2.ObjectType
_UNREADABLE = (KeyError, ValueError, libgit2.GitError)  # not here, or damaged, in a pack beyond recognition
_MANY = 32  # new refs that are cheaper to create at once, and files to keep open
_STALE_LOCK = 10.0  # seconds after which a ref's lock file counts as left behind by a dead process
_ATTEMPTS = 20


class Damaged(Corrupt):
    """The file of an object is there and cannot be read."""


class GitRepository:
    """One repository, opened for this process. Not to be carried across a fork: libgit2 does not survive one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._process = os.getpid()
        self._replaced: list[int] = []
        try:
            self._repo = libgit2.opened(place.git_dir)
        except libgit2.GitError as error:
            raise unusable(error, place) from error

    def require_own_process(self) -> None:
        """Raise `Unusable` in a process that was forked off after the repository was opened."""
        if os.getpid() != self._process:
            raise Unusable("the store was opened before a fork", "open it in the process that uses it", code="forked")

    @property
    def repo(self) -> Any:
        self.require_own_process()
        return self._repo

    def read_frugally(self) -> None:
        """Keep little in memory from now on: for a process that reads everything once."""
        libgit2.use_little_memory()

    def close(self) -> None:
        """Give back all of it: while one is open, libgit2 keeps to the packs that it knows."""
        self._repo.free()

    def every(self) -> Iterator[str]:
        """Yield the id of each object that is here, of whatever kind."""
        yield from map(str, self.repo.odb)

    def has(self, id: str) -> bool:
        """Return whether an object is here and can be read."""
        try:
            return self.repo.git_object_lookup_prefix(Oid(hex=id)) is not None
        except _UNREADABLE:
            return False

    def commit(self, id: str) -> bytes | None:
        """Return a commit's raw bytes, or None if it is not here.

        Raises `Corrupt` if it is another kind of object or too large; the size is looked up before anything is read.
        """
        oid, odb = Oid(hex=id), self.repo.odb
        try:
            kind, size = odb.read_header(oid)
        except _UNREADABLE:
            self._refuse_damage(id)
            return None
        if kind != ObjectType.COMMIT:
            raise Corrupt("not a commit")
        if size > MAX_COMMIT:
            raise Corrupt(f"the commit is larger than {MAX_COMMIT} bytes")
        try:
            return bytes(odb.read(oid)[1])
        except _UNREADABLE:
            self._refuse_damage(id)
            return None

    def _refuse_damage(self, id: str) -> None:
        if os.path.exists(self._loose_path(id)):
            raise Damaged("the object's file is damaged")

    def write_commit(self, raw: bytes) -> str:
        """Write a commit object as a loose file; a damaged one in its place is replaced."""
        self.require_own_process()
        id = commit_id(raw)
        path = self._loose_path(id)
        part = os.path.join(os.path.dirname(path), f"tmp_obj_{self._process}.{id[-8:]}")  # `git gc` clears such names
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
        path = self._loose_path(id)
        if os.path.exists(path):
            os.unlink(path)  # libgit2 would only refresh its time stamp
            self._repo = libgit2.opened(self.place.git_dir)
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

    def is_commit(self, id: str) -> bool:
        """Return whether a commit with that id is here."""
        try:
            return bool(self.repo.odb.read_header(Oid(hex=id))[0] == ObjectType.COMMIT)
        except _UNREADABLE:
            return False

    def tree(self, id: str, most_bytes: int) -> bytes:
        """Return a tree's raw bytes; raise `Corrupt` if it is missing, something else or larger than that."""
        oid = Oid(hex=id)
        try:
            kind, size = self.repo.odb.read_header(oid)
            if kind != ObjectType.TREE or size > most_bytes:
                raise Corrupt(f"{id[:12]} is no tree of at most {most_bytes} bytes")
            return bytes(self.repo.odb.read(oid)[1])
        except _UNREADABLE as error:
            raise Corrupt(f"the tree {id[:12]} is not here") from error

    def write_tree(self, raw: bytes) -> str:
        """Write a tree; return its id."""
        try:
            return str(self.repo.odb.write(ObjectType.TREE, raw))
        except (OSError, libgit2.GitError) as error:
            raise unusable(error, self.place) from error

    def is_packed(self, id: str) -> bool:
        """Return whether an object lies in a pack, and only there."""
        return self.has(id) and not os.path.exists(self._loose_path(id))

    def reached(self, ids: Iterable[str], tips: Iterable[str]) -> set[str]:
        """Return those of the given commits that can be reached from one of the tips."""
        wanted, found = {id for id in ids if self.is_commit(id)}, set[str]()
        todo = {id for id in tips if self.is_commit(id)}
        seen: set[str] = set()
        while todo and wanted - found:
            id = todo.pop()
            if id not in seen:
                seen.add(id)
                found |= {id} & wanted
                parents = self.repo.git_object_lookup_prefix(Oid(hex=id)).parent_ids
                todo |= {str(parent) for parent in parents if self.has(str(parent))}
        return found

    def drop(self, ref: str, id: str) -> bool:
        """Remove a ref that still points at `id`; return whether it is gone. The caller holds the tracker's lock."""
        try:
            if self.target(ref) == id:
                self.repo.lookup_reference(ref).delete()
                return True
        except (KeyError, OSError, libgit2.GitError):
            pass
        return False

    def descends(self, later: str | None, earlier: str) -> bool:
        """Return whether `earlier` is in the past of `later`."""
        if later is None or later == earlier or not (self.has(later) and self.has(earlier)):
            return False
        try:
            return bool(self.repo.descendant_of(Oid(hex=later), Oid(hex=earlier)))
        except _UNREADABLE:  # something on the way is missing or damaged
            return False

    def descends_or_is(self, later: str, earlier: str) -> bool:
        """Return whether `earlier` is `later` or in its past."""
        return later == earlier or self.descends(later, earlier)

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

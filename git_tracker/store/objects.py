"""Git objects and refs: the only module that imports pygit2. Speaks bytes, hex ids and ref names, never issues."""

import os
import time
from collections.abc import Iterable, Mapping

import pygit2
from pygit2.enums import ObjectType, ReferenceType

from git_tracker.errors import Conflict, Corrupt, NotFound, TrackerError, Unusable
from git_tracker.store import packedrefs
from git_tracker.store.commit import EMPTY_TREE, MAX_COMMIT
from git_tracker.store.place import Place

Oid = pygit2.Oid

_ATTEMPTS = 200
_MANY = 32  # new refs that are cheaper to create at once
_WINDOW = 1024 * 1024  # bytes of a pack mapped at once by who reads frugally
_STALE_LOCK = 10.0  # seconds after which a ref's lock file counts as left behind by a dead process


class GitRepository:
    """One repository, opened for this process. Not to be carried across a fork: libgit2 does not survive one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._process = os.getpid()
        try:
            self._repo = pygit2.Repository(place.git_dir)
        except pygit2.GitError as error:
            raise _translated(error, place) from error

    def require_own_process(self) -> None:
        """Raise `Unusable` in a process that was forked off after the repository was opened."""
        if os.getpid() != self._process:
            raise Unusable("the store was opened before a fork", "open it in the process that uses it", code="forked")

    @property
    def repo(self) -> "pygit2.Repository":
        self.require_own_process()
        return self._repo

    def read_frugally(self) -> None:
        """Keep little in memory from now on: for a process that reads everything once."""
        pygit2.settings.enable_caching(False)
        pygit2.settings.mwindow_size = _WINDOW
        pygit2.settings.mwindow_mapped_limit = 64 * _WINDOW

    def has(self, id: str) -> bool:
        return Oid(hex=id) in self.repo

    def commit(self, id: str) -> bytes | None:
        """Return a commit's raw bytes, or None if it is not here.

        Raises `Corrupt` if it is another kind of object or too large; the size is looked up before anything is read.
        """
        oid, odb = Oid(hex=id), self.repo.odb
        try:
            kind, size = odb.read_header(oid)
        except (KeyError, pygit2.GitError):
            self._refuse_damage(id)
            return None
        if kind != ObjectType.COMMIT:
            raise Corrupt("not a commit")
        if size > MAX_COMMIT:
            raise Corrupt(f"the commit is larger than {MAX_COMMIT} bytes")
        try:
            return odb.read(oid)[1]
        except (KeyError, pygit2.GitError):
            self._refuse_damage(id)
            return None

    def _refuse_damage(self, id: str) -> None:
        if os.path.exists(self._loose_path(id)):
            raise Corrupt("the object's file is damaged")

    def write_commit(self, raw: bytes) -> str:
        """Write a commit object; a damaged file in its place is replaced."""
        try:
            for attempt in range(20):
                try:
                    return str(self.repo.odb.write(ObjectType.COMMIT, raw))
                except (OSError, pygit2.GitError) as error:
                    if "rename" not in str(error) or attempt == 19:  # git gc may remove the folder meanwhile
                        raise
                    time.sleep(0.001 * attempt)
        except (OSError, pygit2.GitError) as error:
            raise _translated(error, self.place) from error
        raise AssertionError("unreachable")

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
            self._repo = pygit2.Repository(self.place.git_dir)
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
        except (KeyError, pygit2.GitError):
            return False

    def tree(self, id: str, most_bytes: int) -> bytes:
        """Return a tree's raw bytes; raise `Corrupt` if it is missing, something else or larger than that."""
        oid = Oid(hex=id)
        try:
            kind, size = self.repo.odb.read_header(oid)
            if kind != ObjectType.TREE or size > most_bytes:
                raise Corrupt(f"{id[:12]} is no tree of at most {most_bytes} bytes")
            return self.repo.odb.read(oid)[1]
        except (KeyError, pygit2.GitError) as error:
            raise Corrupt(f"the tree {id[:12]} is not here") from error

    def write_tree(self, raw: bytes) -> str:
        """Write a tree; return its id."""
        try:
            return str(self.repo.odb.write(ObjectType.TREE, raw))
        except (OSError, pygit2.GitError) as error:
            raise _translated(error, self.place) from error

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
                commit = self.repo[Oid(hex=id)]
                assert isinstance(commit, pygit2.Commit)
                todo |= {str(parent) for parent in commit.parent_ids if parent in self.repo}
        return found

    def drop(self, ref: str, id: str) -> bool:
        """Remove a ref that still points at `id`; return whether it is gone. The caller holds the tracker's lock."""
        try:
            if self.target(ref) == id:
                self.repo.references.delete(ref)
                return True
        except (KeyError, OSError, pygit2.GitError):
            pass
        return False

    def descends(self, later: str | None, earlier: str) -> bool:
        """Return whether `earlier` is in the past of `later`."""
        if later is None or later == earlier or not (self.has(later) and self.has(earlier)):
            return False
        try:
            return self.repo.descendant_of(Oid(hex=later), Oid(hex=earlier))
        except (KeyError, pygit2.GitError):  # something on the way is missing or damaged
            return False

    def descends_or_is(self, later: str, earlier: str) -> bool:
        """Return whether `earlier` is `later` or in its past."""
        return later == earlier or self.descends(later, earlier)

    def target(self, ref: str) -> str | None:
        """Return the id a ref holds, or None; a symbolic ref has no place among ours."""
        try:
            found = self.repo.references.get(ref)
        except (pygit2.GitError, ValueError):
            return None
        return str(found.target) if found is not None and found.type == ReferenceType.DIRECT else None

    def move(self, ref: str, old: str | None, new: str, *, stale_seconds: float = _STALE_LOCK) -> None:
        """Point `ref` at `new` if it still points at `old`; raise `Conflict` if it moved meanwhile.

        libgit2 never waits for a lock, so we do, and a lock that a dead process left is cleared. The caller holds
        the tracker's own lock: only stock git can be the other party.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self.repo.transaction() as change:
                    change.lock_ref(ref)
                    if self.target(ref) != old:
                        raise Conflict(f"{ref} moved while writing")
                    change.set_target(ref, Oid(hex=new), message="git-tracker")
                return
            except (OSError, pygit2.GitError) as error:
                if "lock" not in str(error) or attempt == _ATTEMPTS - 1:
                    raise _translated(error, self.place) from error
                if not self._clear_stale_lock(ref, stale_seconds):
                    time.sleep(min(0.001 * (attempt + 1), 0.05))

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
        return [name for name in self.repo.remotes.names() if name]

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

    def _clear_stale_lock(self, ref: str, seconds: float) -> bool:
        path = os.path.join(self.place.common, ref + ".lock")
        try:
            if time.time() - os.stat(path).st_mtime > seconds:
                os.unlink(path)
                return True
        except OSError:
            pass
        return False

    def person(self) -> tuple[str, str]:
        """Return `(user.name, user.email)` as git is configured; raise `NotFound` if a part is missing."""
        config = self._config()
        found: list[str] = []
        for key, sample in (("user.name", "Your Name"), ("user.email", "you@example.org")):
            override = os.environ.get(f"GIT_AUTHOR_{key[5:].upper()}")
            if not override and key not in config:
                raise NotFound(
                    f"git does not know who you are: {key} is not set",
                    f'run `git config --global {key} "{sample}"`',
                    code="no_identity",
                )
            found.append(str(override or config[key]))
        return found[0], found[1]

    def _config(self) -> "Mapping[str, str] | pygit2.Config":
        """Return git's configuration; stock git is asked where it is steered by variables that libgit2 ignores."""
        if not any(name.startswith("GIT_CONFIG") for name in os.environ):
            return self.repo.config
        import subprocess

        argv = ["git", "--git-dir", self.place.git_dir, "config", "--null", "--get-regexp", r"^user\."]
        try:
            told = subprocess.run(argv, capture_output=True, check=False).stdout.decode("utf-8", "replace")
        except OSError:
            return self.repo.config
        return dict(item.split("\n", 1) for item in told.split("\0") if "\n" in item)


def _translated(error: Exception, place: Place) -> TrackerError:
    text = str(error)
    if "owned by current user" in text or "owner" in text:
        return Unusable(f"the repository at {place.common} belongs to another user", "ask its owner", code="not_owner")
    if "read-only" in text.lower() or "permission denied" in text.lower() or "failed to create" in text.lower():
        return Unusable(
            f"the repository cannot be written: {text}", "reads still work; check its permissions", code="read_only"
        )
    if "no space left" in text.lower():
        return Unusable("the disk is full", "free some space and run it again; nothing was written", code="disk_full")
    return Unusable(f"libgit2 could not do it: {text}")

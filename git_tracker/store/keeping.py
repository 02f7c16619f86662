"""A store that keeps its index in step with git: it opens it, catches up with others, and rings the bus.

What `IssueStore` adds is writing; everything here may run in any number of processes at once.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

from git_tracker.errors import TrackerError, Unusable
from git_tracker.store import device, freshness, objects, pin, place, reading, refs
from git_tracker.store.bus import Bus, Cue
from git_tracker.store.index import read, schema
from git_tracker.store.keystore import Keyring
from git_tracker.store.lock import held, tried
from git_tracker.store.log import EventLog
from git_tracker.store.place import Place
from git_tracker.store.progress import Progress
from git_tracker.store.projection import Projection
from git_tracker.store.publishing import Publisher
from git_tracker.store.reading import Reader
from git_tracker.store.workflow import KANBAN, Workflow

_PATIENCE = 1.0  # seconds that a reader waits for another process to catch up
_PAUSE = 0.001


class Keeper(Reader):
    """One repository's index, kept up to date.

    `clock` returns nanoseconds since 1970 and `entropy(n)` n random bytes; both come in from outside for tests.
    `progress` is told how far the first catching up is. `upkeep_after` so many writes upkeep begins by itself; 0 is
    never. `keyring` finds the keys of people; by default those of this user, with nobody to ask for a passphrase.
    """

    def __init__(
        self,
        where: Place,
        *,
        workflow: Workflow = KANBAN,
        clock: Callable[[], int] = time.time_ns,
        entropy: Callable[[int], bytes] = os.urandom,
        progress: Progress | None = None,
        keyring: Keyring | None = None,
        upkeep_after: int = 0,
    ) -> None:
        self.home = reading.home(where)  # in the repository, or in the user's cache if that cannot be written
        super().__init__(where, reading.index_path(self.home), workflow=workflow, clock=clock)
        self._upkeep_after = upkeep_after
        self.keyring = keyring or Keyring.here()
        self.bus = Bus()
        self._entropy = entropy
        self._lock = threading.RLock()
        self._objects = objects.GitRepository(where)
        self._db: schema.Db
        self._projection: Projection
        self._publisher = Publisher(self._objects, self.home, clock)
        self._open_index()
        self._rung = Cue("", 0)
        self._is_patient = True
        self.refresh(progress=progress)

    @classmethod
    def open(cls, path: str = ".", **options: Any) -> Self:
        """Open the tracker of the repository around `path`."""
        return cls(place.find(path), **options)

    def close(self) -> None:
        """Give back files; the store must not be used afterwards."""
        super().close()
        with self._lock:
            self._objects.let_go()
            self._publisher.close()
            self._db.close()

    @property
    def root(self) -> str:
        """The id of the pinned trust root, or an empty string before `init`."""
        return self._projection.trust.root

    @property
    def objects(self) -> objects.GitRepository:
        return self._objects

    def refresh(self, *, force: bool = False, wait: bool = False, progress: Progress | None = None) -> None:
        """Catch up with other processes, worktrees and syncs; ring the bus for what is new.

        A reader that finds somebody at it waits a second at most, then answers from what there is: neither a long
        catching up nor a process that stopped while publishing holds it up.
        """
        self._objects.require_own_process()
        until = time.monotonic() + (_PATIENCE if self._is_patient else 0)
        while force or self._stale or not self._is_fresh():
            must = wait or force or self._stale
            with self._lock, held(self._lock_path) if must else tried(self._lock_path) as free:
                if free is not False and (settled := self._settled(must)) is not None:
                    if settled:
                        self._catch_up(force=force, progress=progress)
                    break
            if time.monotonic() >= until:
                self._is_patient = False  # until that one is done
                break
            time.sleep(_PAUSE)
        else:
            self._is_patient = True
        self._ring()

    def _is_fresh(self) -> bool:
        if self._is_replaced():
            self._stale = True
            return False
        try:
            notes = schema.notes(self.reader)
            now = self._publisher.standing()
            is_alive = now.is_settled or self._publisher.is_alive()
            fresh = freshness.is_fresh(notes, now, is_alive, self.place.common, self.workflow, self.now_ms)
            return fresh and self._projection.knows_trust(notes)
        except (schema.Error, TrackerError):
            self._stale = True
            return False

    def _settled(self, wait: bool) -> bool | None:
        """Bring into git what is on its way, for nobody reads refs before; None while somebody is at it.

        Where that cannot be done, as on a full disk, whoever only reads is answered from the index as it is.
        """
        try:
            self._publisher.settle(wait=wait)
        except TrackerError as error:
            return None if error.code == "busy" and not wait else False
        return True

    def _is_replaced(self) -> bool:
        """Return whether the index file that is open is no longer the one that others see."""
        try:
            return os.stat(self._index_path).st_ino != self._inode
        except OSError:
            return True

    def _mend(self) -> None:
        """Throw a damaged index away and build it anew."""
        with self._lock, held(self._lock_path):
            self._attach(damaged=not self._is_replaced())
            self._catch_up(force=True)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Complete what a dead writer left and restore what the disk lost; then fill the index anew, as a new epoch."""
        with self._lock, held(self._lock_path):
            if self._writable():
                self._publisher.settle()
                self._publisher.restore()
            if self._is_replaced():
                self._attach()
            try:
                built = self._build(progress)
            except schema.Error as error:
                if not schema.is_damage(error):
                    raise self._failed(error) from error
                built = False
            if not built:
                self._clear()
            self._catch_up(force=True, progress=progress)
        self._ring()

    def _clear(self) -> None:
        try:
            self._db.execute("begin immediate")
            schema.clear(self._db, self._entropy(4).hex())
            self._db.execute("commit")
        except schema.Error:
            self._attach(damaged=True)

    def _catch_up(self, *, force: bool, progress: Progress | None = None) -> None:
        """Make the index equal to git. Must run under the tracker's lock."""
        if self._is_replaced():
            self._attach()
        try:
            self._absorb(force, progress)
        except schema.Error as error:
            if not schema.is_damage(error):
                raise self._failed(error) from error
            self._attach(damaged=True)
            self._absorb(True, progress)
        self._stale = False

    def _build(self, progress: Progress | None) -> bool:
        """Replace the index by one that several processes make, if there is enough to do; return whether it was."""
        from git_tracker.store import bulk  # needed once in the life of an index

        try:
            self._db.execute("begin immediate")
            here = self._projection.look(self._clock())
            if not self.root and (tips := self._projection.trust_tips):
                self._pin_first(tips)
                self._projection.look(self._clock())
            self._db.execute("commit")
        except BaseException:
            schema.roll_back(self._db)
            raise
        if here < bulk.WORTH or not self.root:
            return False
        path = f"{self._index_path}.new"
        try:
            self._projection.build(path, progress)
        except (Unusable, schema.Error):  # alone it takes longer, but it does not need as much
            schema.remove(path)
            return False
        self._db.close()
        try:
            return bulk.install(path, self._index_path)
        finally:
            self._attach()

    def _absorb(self, force: bool, progress: Progress | None = None) -> None:
        if not self.root and (root := pin.read(self.place)):
            self._projection.pin(root)  # somebody else made this a tracker
        if self._projection.is_empty():
            self._build(progress)
        try:
            self._db.execute("begin immediate")
            self._projection.catch_up(self._clock(), force=force, progress=progress)
            if not self.root and (tips := self._projection.trust_tips):  # first use of a tracker that came with a fetch
                self._pin_first(tips)
                self._projection.catch_up(self._clock(), force=True, progress=progress)
            self._db.execute("commit")
            self._projection.committed()
        except BaseException:
            schema.roll_back(self._db)
            raise

    def _failed(self, error: schema.Error) -> TrackerError:
        """Say what a failure of the index means; one that was opened for reading alone is opened anew next time."""
        if schema.is_unwritable(error):
            self._inode = 0
        return schema.failed(error)

    def _ring(self, cue: Cue | None = None) -> None:
        try:
            cue = cue or self._newest(self.reader)
        except schema.Error:  # whoever asks next mends it
            return
        with self._lock:
            if cue == self._rung:
                return
            self._rung = cue
        self.bus.ring(cue)

    def _newest(self, db: schema.Db) -> Cue:
        return Cue(read.epoch(db), read.last_seq(db))

    def _open_index(self) -> None:
        os.makedirs(self.home, mode=0o700, exist_ok=True)
        self._lock_path = os.path.join(self.home, "lock")
        with held(self._lock_path):
            self._db = self._prepared()
        self._generation = self._db
        self._stale = True
        root = pin.read(self.place)
        self._projection = Projection(
            self._db, EventLog(self._objects), root, self.workflow, lambda: self.now_ms, lambda: self._entropy(4).hex(),
            lambda: device.own(self.home) if self._writable() else None, self._publisher,
        )  # fmt: skip
        if not self._projection.is_current():
            self._projection.read_trust(refs.listing(self.place.common) if root else {})

    def _attach(self, *, damaged: bool = False) -> None:
        """Open the index file anew, an empty one in place of a damaged one. Must run under the tracker's lock."""
        self._inode = 0  # where that fails, whoever comes next tries again
        with suppress(schema.Error):
            self._db.close()
        if damaged:
            schema.remove(self._index_path)
        self._db = self._projection.db = self._generation = self._prepared()

    def _prepared(self) -> schema.Db:
        db = schema.opened(self._index_path, lambda: self._entropy(4).hex())
        self._inode = os.stat(self._index_path).st_ino
        return db

    def _pin_first(self, tips: Sequence[str]) -> None:
        """Trust the root of the log that our ref of it points to; what belongs to others waits until it is joined."""
        root = pin.oldest(EventLog(self._objects), tips[0])
        if self._writable():
            pin.save(self.home, root)
        self._projection.pin(root)

    def _writable(self) -> bool:
        return self.home == self.place.home and os.access(self.place.common, os.W_OK)

    def _require_writable(self) -> None:
        if not self._writable():
            raise Unusable(
                "the repository cannot be written", "reads still work; check its permissions", code="read_only"
            )

"""Making entries visible and durable: journal, objects, refs, in this order, and then the disk.

A process that dies after the journal loses nothing; with `sync`, no power cut does either.

Runs under the tracker's lock. Knows commits and refs, not what they mean.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache

from git_tracker.errors import Conflict, TrackerError, Unusable
from git_tracker.store import refs
from git_tracker.store.journal import Journal, Record
from git_tracker.store.objects import GitRepository

_DEAD = 0.3  # seconds after which the lock on a ref that a dead writer was moving counts as its own


class Moved(Exception):
    """A ref moved between reading and swapping: decide again."""


class _Note:
    """Whether whoever published last came to the end, in a file of a few bytes: else the next one has to look.

    Only what was written since the machine started counts: after a power cut everybody looks.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def ended(self) -> bool:
        """Return whether nothing was left half done."""
        return bool(_boot()) and os.pread(self._file(), 64, 0) == _boot()

    def begin(self) -> None:
        os.pwrite(self._file(), bytes(len(_boot())), 0)

    def end(self) -> None:
        with suppress(OSError):  # then the next one looks
            os.pwrite(self._file(), _boot(), 0)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _file(self) -> int:
        if self._descriptor is None:
            how = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, how, 0o600)
        return self._descriptor


@cache
def _boot() -> bytes:
    """Return what the kernel calls the time since the machine started, or nothing if it has no name for it."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read(64)
    except OSError:
        return b""


class Publisher:
    """Writes what was decided, and completes what a dead writer could not finish."""

    def __init__(self, objects: GitRepository, journal_path: str) -> None:
        self._objects, self._path = objects, journal_path
        self._opened: Journal | None = None
        self._note = _Note(f"{journal_path}-ended")
        self._settled: set[int] = set()  # records whose refs moved, to be marked with the next ones

    @property
    def _journal(self) -> Journal:
        if self._opened is None:
            self._opened = Journal(self._path)
        return self._opened

    def close(self) -> None:
        """Give back the files."""
        self._note.close()
        if self._opened is not None:
            with suppress(TrackerError):  # whoever finds them unmarked sees that all is done
                self._opened.done(self._settled)
            self._opened.close()
            self._opened = None

    def sync(self) -> None:
        """Return when everything published so far would survive a power cut; needs no lock."""
        self._journal.sync()

    def publish(
        self, records: Sequence[Record], *, sync: bool = True, alone: Callable[[], bool] = lambda: False
    ) -> bool:
        """Publish the entries of one request; raise `Moved`, with nothing acknowledged, if a ref moved meanwhile.

        Without `sync` the caller does that, before it acknowledges anything. `alone` says whether nobody else moved a
        ref; it is asked at the last moment, and its answer returned.
        """
        journal = self._journal
        self._begin()
        numbers = journal.add(records, self._settled)
        self._settled.clear()
        first: dict[str, str | None] = {}
        heads: dict[str, bytes] = {}
        last: dict[str, str] = {}
        for record in records:
            first.setdefault(record.ref, record.old)
            heads.setdefault(record.ref, record.raw)
            last[record.ref] = record.id
        try:
            for record in records:
                self._objects.write_commit(record.raw)
            undisturbed = alone()
            for ref in sorted(last, key=lambda ref: first[ref] is None):
                self._swap(ref, first[ref], last[ref], heads[ref])
        except Exception as error:
            moved = {ref for ref in last if self._objects.target(ref) == last[ref]}
            if isinstance(error, Conflict):
                moved -= {ref for ref in moved if self._undo(ref, last[ref], first[ref])}
            if len(moved) < len(last):  # else it failed after the last step: all is done
                left = [n for n, record in zip(numbers, records, strict=True) if record.ref not in moved]
                if isinstance(error, Conflict) or not moved:
                    self._strike(left)
                if isinstance(error, Conflict):
                    raise Moved from error
                raise
        self._settled.update(numbers)
        self._note.end()
        if sync:
            self.sync()
        return undisturbed

    def _undo(self, ref: str, new: str, old: str | None) -> bool:
        try:
            if old is not None:
                self._objects.move(ref, new, old)
            return old is not None
        except TrackerError:
            return False

    def _strike(self, numbers: Iterable[int]) -> None:
        """Take back what nobody was told of; where even that fails, the next writer completes it."""
        with suppress(TrackerError):
            self._journal.strike(numbers)

    def _swap(self, ref: str, old: str | None, new: str, raw: bytes, **how: float) -> None:
        """Move a ref, keeping in reach what the first new entry (`raw`) does not build on, such as a bad one."""
        if old is not None and f"\nparent {old}\n".encode() not in raw.partition(b"\n\n")[0]:
            self._keep(old)
        self._objects.move(ref, old, new, **how)

    def _keep(self, id: str) -> None:
        if self._objects.has(id):
            self._objects.move(refs.KEEP + id, self._objects.target(refs.KEEP + id), id)

    def kept(self) -> int:
        """Return about how many entries the journal holds."""
        return self._journal.span()

    def restore(self) -> int:
        """Write again what the file system lost of all that was acknowledged, as after a power cut; return how much.

        Objects that are missing or damaged, and refs that hold nothing or name what is not here.
        """
        last: dict[str, str] = {}
        count = 0
        for _, record in self._journal.all():
            count += self._objects.mend_commit(record.id, record.raw)
            last[record.ref] = record.id
        for ref, id in last.items():
            self._objects.clear_empty(ref)
            target = self._objects.target(ref)
            if target is None or not self._objects.has(target):
                self._objects.move(ref, target, id)
                count += 1
        for ref, target in refs.listing(self._objects.place.common).items():
            if ref not in last and not self._objects.has(target):  # moved, but the power failed before the disk had it
                count += self._objects.uncover(ref)
        return count

    def recover(self, *, force: bool = False) -> bool:
        """Complete what a dead writer journaled and could not finish; return whether there was anything.

        With `force` also where the one before came to its end.
        """
        with suppress(OSError):
            if not force and self._note.ended():
                return False
        journal = self._journal
        done, changed = [], False
        for number, record in journal.open():
            if number in self._settled:
                continue
            done.append(number)
            target = self._objects.target(record.ref)
            if target == record.id and self._objects.has(record.id):
                continue
            changed = self._objects.mend_commit(record.id, record.raw) or changed
            if target == record.old:
                changed = True
                self._swap(record.ref, target, record.id, record.raw, stale_seconds=_DEAD)  # its lock may be there
            elif target != record.id and not self._objects.descends(target, record.id):
                changed = True
                self._keep(record.id)
        self._settled.update(done)
        self._note.end()
        return changed

    def _begin(self) -> None:
        try:
            self._note.begin()
        except OSError as error:
            raise Unusable(f"the repository cannot be written: {error.strerror}", code="read_only") from error

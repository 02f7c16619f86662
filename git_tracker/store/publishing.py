"""Making entries durable and visible: into the journal under the tracker's lock, then into git and onto the disk without it.

Two stages, so that many writers go through each together. Who holds the tracker's lock decides, signs and journals, one
after the other. Publishing is for whoever has the publishers' turn, for all who wait: objects, one move for each ref,
one turn of the disk. Nobody is told that something was written before both are done.

From the journal on an entry is in: a process that dies, or a disk that fails, leaves it to whoever publishes next.
Should somebody else have moved its ref meanwhile, as `git fetch` can, the entry is kept beside what is there now, and
is one of the issue's heads like any that was written elsewhere at the same time.

Knows commits and refs, not what they mean.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from git_tracker.errors import Conflict, Unusable
from git_tracker.store import freshness, refs, stamps, standing
from git_tracker.store.journal import Journal, Record
from git_tracker.store.lock import held, queued, tried
from git_tracker.store.objects import GitRepository
from git_tracker.store.standing import DISTURBED, QUIET, Standing, StandingFile

_DEAD = 0.3  # seconds after which the lock on a ref that a dead publisher was moving counts as its own
_MOST = 500  # records published in one turn
_ATTEMPTS = 5  # to move a ref that somebody else is moving, too

Numbered = list[tuple[int, Record]]


class Publisher:
    """Journals what was decided, and publishes what was journaled, by whomever. `clock` returns nanoseconds since 1970."""

    def __init__(self, objects: GitRepository, home: str, clock: Callable[[], int]) -> None:
        self._objects, self._clock = objects, clock
        self.path = os.path.join(home, "journal.sqlite")
        self._turn = os.path.join(home, "publishing")
        self._opened: Journal | None = None
        self._standing = StandingFile(os.path.join(home, "standing"))

    @property
    def _journal(self) -> Journal:
        self.ready()
        assert self._opened is not None
        return self._opened

    def close(self) -> None:
        """Give back the files."""
        self._standing.close()
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def ready(self) -> None:
        """Open what a write needs, before it holds a lock that others wait for."""
        if self._opened is None:
            self._opened = Journal(self.path)

    # under the tracker's lock

    def standing(self) -> Standing:
        """Return how things stand; raise `Unusable` where that cannot be read."""
        try:
            return self._standing.read()
        except OSError as error:
            raise Unusable(f"the repository cannot be written: {error.strerror}", code="read_only") from error

    def journal(self, records: Sequence[Record]) -> Numbered:
        """Write down the entries of one request, all or none; return them as numbered. `publish` has to follow."""
        last = self.standing().journaled if self._opened else max(self.standing().journaled, self._journal.last())
        numbered = list(enumerate(records, last + 1))
        try:
            self._standing.journal(last + len(records))
        except OSError as error:
            raise Unusable(f"the repository cannot be written: {error.strerror}", code="read_only") from error
        self._journal.add(records, last + 1)
        return numbered

    def settle(self, *, wait: bool = True) -> int:
        """Publish whatever is left, so that refs stand still; return the number of the last record there is.

        Raises what keeps it from being published: also, unless it is to `wait` for that, that somebody else is at it.
        Afterwards nobody moves a ref of ours without the tracker's lock.
        """
        now = self.standing()
        if not os.path.exists(self.path):
            return now.journaled
        if now.boot != standing.boot():  # what was on its way may be lost
            with self._own_turn(wait):
                self.restore(whole=True)
                last = self._journal.last()
                self._note(last)
            return last
        if now.published != now.journaled or now.state == standing.BEGUN:
            with self._own_turn(wait):
                published = self._publish([])
            if published != now.journaled:  # whoever was about to journal more is dead
                self._note(published)
            return published
        return now.journaled

    @contextmanager
    def _own_turn(self, wait: bool) -> Iterator[None]:
        with held(self._turn) if wait else tried(self._turn) as free:
            if free is False:
                raise Unusable("somebody else is publishing", "try again", code="busy")
            yield

    def _note(self, number: int) -> None:
        """Say that the journal ends there and all of it stands in git, for somebody to look at."""
        with suppress(OSError):
            self._standing.journal(number)
            self._standing.end(number, DISTURBED, "", "")

    def agree(self, published: int, epoch: str, signature: stamps.Signature) -> None:
        """Say that the index of this epoch is equal to git, whose refs have stood so since `settle` returned `published`."""
        with suppress(OSError):  # then whoever asks looks again
            self._standing.end(published, QUIET, epoch, signature)

    def is_alive(self) -> bool:
        """Return whether what is on its way can still be expected to arrive by itself."""
        return freshness.is_young(self._standing.changed())

    def is_stuck(self) -> bool:
        """Return whether somebody who published did not come to the end for a while, and nobody is at it now."""
        if self.standing().state != standing.BEGUN or self.is_alive():
            return False
        with tried(self._turn) as free:
            return free

    def restore(self, *, whole: bool = False) -> int:
        """Write again what the file system lost of all that was acknowledged, as after a power cut; return how much.

        Objects that are missing or damaged, and refs that hold nothing or name what is not here; with `whole` also refs
        that name something older, which is else the business of whoever moved them back.
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
            elif whole and target != id and not self._objects.descends(target, id):
                self._place(ref, {id}, id)
                count += 1
        for ref, target in refs.listing(self._objects.place.common).items():
            if ref not in last and not self._objects.has(target):  # moved, but the power failed before the disk had it
                count += self._objects.uncover(ref)
        return count

    def kept(self) -> int:
        """Return about how many entries the journal holds."""
        return self._journal.span()

    # without it

    def publish(self, upto: int, own: Numbered) -> None:
        """Return when the records up to a number, of which `own` are here already, stand in git and on the disk.

        Of all who ask at once one does it for everybody. The others queue for the turn behind it, and find theirs done.
        Raises `TrackerError` where it cannot be done or is not certain.
        """
        if self.standing().published < upto:
            with queued(self._turn):
                if self.standing().published < upto and self._publish(own) < upto:
                    raise Unusable("the journal was replaced while it was written", "try again", code="busy")
            self._objects.let_go()

    def _publish(self, own: Numbered) -> int:
        """Publish all that is left; return up to which number. Must have the publishers' turn."""
        now = self.standing()
        while now.published < now.journaled:
            is_own = bool(own) and own[0][0] == now.published + 1 and own[-1][0] == now.journaled
            left = own if is_own else self._journal.after(now.published, _MOST)
            if not left:  # somebody is about to journal them
                return now.published
            upto = left[-1][0]
            self._publish_some([record for _, record in left], now, upto)
            now = self.standing()
            if now.published != upto:  # it could not be noted down
                return upto
        return now.published

    def _publish_some(self, records: Sequence[Record], before: Standing, upto: int) -> None:
        common = self._objects.place.common
        undisturbed = before.state == QUIET and before.signature == stamps.signature(common)
        with suppress(OSError):  # then it takes longer to see that we died
            self._standing.begin()
        for record in records:
            self._objects.write_commit(record.raw)
        paths: dict[str, list[Record]] = {}
        for record in records:
            paths.setdefault(record.ref, []).append(record)
        how = {"stale_seconds": _DEAD} if before.state == standing.BEGUN else {}
        for ref, path in sorted(paths.items(), key=lambda item: item[1][0].old is None):
            undisturbed &= self._move(ref, path, **how)
        self._journal.sync()
        # A trust log that grew is for everybody to look at: no index has it yet.
        undisturbed &= all(ref.startswith(refs.ISSUES) for ref in paths)
        signature = stamps.mark_issues(common, before.signature, self._clock()) if undisturbed else before.signature
        state = QUIET if undisturbed else DISTURBED
        with suppress(OSError):  # then whoever is next does it again, which does no harm
            self._standing.end(upto, state, before.epoch, signature)

    def _move(self, ref: str, path: Sequence[Record], **how: float) -> bool:
        """Let a ref go from what the first record builds on to the last one; return whether nobody else had moved it."""
        first, last = path[0], path[-1].id
        if first.old is not None and f"\nparent {first.old}\n".encode() not in first.raw.partition(b"\n\n")[0]:
            self._keep(ref, first.old)  # such as a bad one
        try:
            self._objects.move(ref, first.old, last, **how)
        except Conflict:
            return self._place(ref, {record.id for record in path}, last)
        return True

    def _place(self, ref: str, path: set[str], new: str) -> bool:
        """Let `new` be reached where the ref is not at what it builds on; return whether it is only further on its path."""
        for _ in range(_ATTEMPTS):
            target = self._objects.target(ref)
            if target == new:
                return True
            on_path = target in path
            if target is not None and not on_path:
                if self._objects.descends(target, new):
                    return False
                if not self._objects.descends(new, target):
                    self._keep(ref, new)
                    return False
            with suppress(Conflict):
                self._objects.move(ref, target, new)
                return on_path
        self._keep(ref, new)
        return False

    def _keep(self, ref: str, id: str) -> None:
        if self._objects.has(id):
            beside = refs.beside(ref, id)
            with suppress(Conflict):  # its name says what it holds
                self._objects.move(beside, self._objects.target(beside), id)

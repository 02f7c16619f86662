"""Building an index of very many issues at once: several processes verify and fold, this one puts it all together.

The file is made beside the index and takes its place when it is finished, so that readers go on with the old one.
What the workers could not say by themselves, since a chain runs through several issues, is named as doubtful.
"""

import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from queue import SimpleQueue
from typing import IO, Self, TypeVar

from git_tracker.errors import Unusable
from git_tracker.store import packorder
from git_tracker.store.bulkworker import MANY, Task, heard
from git_tracker.store.index import schema
from git_tracker.store.index.counts import Figures
from git_tracker.store.index.merge import Merging
from git_tracker.store.index.shard import Rows
from git_tracker.store.place import Place
from git_tracker.store.progress import Progress
from git_tracker.store.trust import Trust

WORTH = 500  # issues; below, starting processes costs more than it saves
_PORTION = 40  # issues handed out at once
_MOST = 8  # processes; an index cannot be joined of more than ten files
_START = "import sys; sys.path[:] = sys.argv[1:]; from git_tracker.store.bulkworker import main; main()"

Portion = list[tuple[int, str, str]]  # key, id and tip of issues
Done = tuple[Rows, list[str]]  # rows of issues, and the ids of those in doubt
_Found = TypeVar("_Found")


def build(
    path: str, epoch: str, where: Place, trust: Trust, tips: Mapping[str, str], trust_tips: Sequence[str],
    statuses: Mapping[str, str], now_ms: int, progress: Progress | None,
) -> set[str]:  # fmt: skip
    """Write a new index file; return the issues to be judged again. Raises `Unusable` if a worker fails."""
    count = max(1, min(len(os.sched_getaffinity(0)), _MOST))
    shards = [f"{path}.{number}" for number in range(count)]
    merging, doubtful, done = Merging(path, epoch), set[str](), 0
    tasks = [
        Task([*where], shard, number, count, trust.root, [*trust_tips], dict(statuses), now_ms)
        for number, shard in enumerate(shards)
    ]
    often = gc.get_threshold()
    gc.set_threshold(MANY)
    try:
        with _Workers(tasks) as workers:
            # What was written at one time is read at one time: certificates are checked once, rows found close together.
            place = {tip: number for number, tip in enumerate(packorder.oldest_first(where.common, {*tips.values()}))}
            workers.give(sorted(tips.items(), key=lambda issue: place[issue[1]]))
            for rows, doubts in workers.found():
                merging.take(rows)
                doubtful.update(doubts)
                done += len(rows["issues"])
                if progress:
                    progress(done, len(tips))
            merging.finish(shards, workers.figures)
            doubtful |= {merging.id_of(key) for key in workers.wrongly_signed()}
        for key, own, before in merging.hasty():
            if not trust.saw(own.split(), *before.split()):
                doubtful.add(merging.id_of(key))
    except schema.Error as error:
        raise schema.failed(error) from error
    finally:
        gc.set_threshold(*often)
        merging.db.close()
        for shard in shards:
            schema.remove(shard)
    return doubtful


def install(new: str, path: str) -> bool:
    """Put a new index file in the place of one that nobody here has open; return whether the disk let us."""
    schema.remove(path)  # with its log, which must not be taken for that of the new one
    try:
        os.replace(new, path)
    except OSError:
        schema.remove(new)
        return False
    return True


class _Workers:
    """Processes, a thread each that hands out work; what they find is there to be taken."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._todo: Iterator[tuple[int, str, str]] = iter(())
        self._given, self._lock = threading.Event(), threading.Lock()
        self._done: SimpleQueue[Done | Exception | None] = SimpleQueue()
        self._figures: SimpleQueue[list[Figures] | Exception] = SimpleQueue()
        self._wrong: SimpleQueue[list[int] | Exception] = SimpleQueue()
        self._room = threading.Semaphore(2 * len(tasks))  # what is done and not taken yet stays in memory
        self._threads = [threading.Thread(target=self._lead, args=(task,), daemon=True) for task in tasks]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._todo = iter(())
        self._given.set()
        self._room.release(len(self._threads))
        for thread in self._threads:
            thread.join()

    def give(self, todo: Iterable[tuple[str, str]]) -> None:
        """Say which issues there are, id and tip; the processes have begun to begin meanwhile."""
        self._todo = iter([(key, id, tip) for key, (id, tip) in enumerate(todo, 1)])
        self._given.set()

    def found(self) -> Iterator[Done]:
        """Yield what has been found, a portion of issues at a time, until all shards are whole."""
        for _ in self._threads:
            while (done := _taken(self._done)) is not None:
                yield done
                self._room.release()

    def figures(self) -> list[list[Figures]]:
        """Wait for what each actor did, counted by each of the processes."""
        return [_taken(self._figures) for _ in self._threads]

    def wrongly_signed(self) -> set[int]:
        """Wait for the signatures that were to be checked last; return the keys of the issues with a wrong one."""
        return {key for _ in self._threads for key in _taken(self._wrong)}

    def _portion(self) -> Portion:
        with self._lock:
            return list(islice(self._todo, _PORTION))

    def _lead(self, task: Task) -> None:
        argv = [sys.executable, "-I", "-c", _START, *filter(None, sys.path)]
        pipe = subprocess.PIPE
        try:
            with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(json.dumps(task._asdict()).encode() + b"\n")
                process.stdin.flush()
                self._given.wait()
                given = self._hand(process.stdin)
                while given:
                    more = self._hand(process.stdin)  # to begin with at once
                    done = heard(process.stdout)
                    self._room.acquire()
                    self._done.put(done)
                    given = more
                process.stdin.close()
                self._done.put(heard(process.stdout))  # None: its shard is whole
                self._figures.put(heard(process.stdout))
                wrong = heard(process.stdout)
            if process.returncode:
                raise RuntimeError(f"it ended with {process.returncode}")
            self._wrong.put(wrong)
        except (EOFError, OSError, RuntimeError, TypeError, ValueError) as error:
            for queue in (self._done, self._figures, self._wrong):
                queue.put(error)

    def _hand(self, to: IO[bytes]) -> bool:
        """Give a worker its next issues; return whether there are any."""
        portion = self._portion()
        if portion:
            lines = "".join(f"{key} {id} {tip}\n" for key, id, tip in portion)
            to.write(f"{lines}\n".encode())
            to.flush()
        return bool(portion)


def _taken(queue: "SimpleQueue[_Found | Exception]") -> _Found:
    found = queue.get()
    if isinstance(found, Exception):
        raise Unusable(f"a worker process failed: {found}", "run `tracker doctor`") from found
    return found

"""Durable writes: one in process against a raw SQLite insert with fsync, and many processes at once beside `git gc`."""

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import measure
from grounds import Grounds, thousands
from measure import Row, Samples

WRITES = 200
RACES = ((10, "one issue"), (100, "one issue"), (10, "200 issues"))
TOGETHER = 3000  # writes of one race, shared by its processes
_RAW = os.urandom(1100)  # as large as the entry of a short comment


def rows(grounds: Grounds) -> Iterator[Row]:
    for size in grounds.sizes:
        yield from _alone(grounds, size)
    yield from _together(grounds, grounds.sizes[-1])


def _alone(grounds: Grounds, size: int) -> Iterator[Row]:
    from git_tracker.store import IssueStore

    store = IssueStore.open(grounds.repo(size))
    signer = store.delegate(store.signer(), client="bench/1", label="alone")
    ids = itertools.cycle([item["id"] for item in store.list_issues("is:open", limit=200)["items"]])
    insert = durable_insert(grounds.scratch / f"raw-{size}.sqlite")
    works = {
        "comment": lambda: store.comment(signer, next(ids), "It takes about as long as the last one."),
        "create": lambda: store.create_issue(signer, {"title": "Measure how long a write takes"}),
    }
    for name, work in works.items():
        bare, whole = measure.in_turn(grounds.rounds(WRITES), insert, work)
        yield Row(
            f"{name}, acknowledged = durable, in process", thousands(size), measure.shown(whole),
            f"raw SQLite insert with fsync {measure.shown(bare)}", measure.times(measure.ratio(whole, bare)),
            "p50 ≤ 1.5 ms",
        )  # fmt: skip
    store.close()


def durable_insert(path: Path):
    """Return a work that inserts one row and has it on disk."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode=wal")
    db.execute("pragma synchronous=full")
    db.execute("create table raw (number integer primary key, raw blob)")
    return lambda: db.execute("insert into raw (raw) values (?)", (_RAW,))


def _together(grounds: Grounds, size: int) -> Iterator[Row]:
    from git_tracker.store import IssueStore

    store = IssueStore.open(grounds.repo(size))
    ids = [item["id"] for item in store.list_issues("is:open", limit=200)["items"]]
    store.close()
    insert = durable_insert(grounds.scratch / "raw-together.sqlite")
    for (processes, name), beside in itertools.product(RACES, ("", ", `git gc` running")):
        bare = measure.in_turn(100, insert)[0]
        rate, took, lost = _race(grounds, size, processes, ids[:1] if name == "one issue" else ids, bool(beside))
        alone = 1 / measure.median(bare)
        yield Row(
            f"{processes} processes write to {name}{beside}", thousands(size),
            f"{rate:.0f} events/s (p99 {measure.duration(measure.percentile(took, 0.99))}, {lost} lost)",
            f"raw SQLite inserts with fsync, one process {alone:.0f}/s", measure.times(alone / rate),
            "≥ 500/s, p99 < 400 ms, 0 lost",
        )  # fmt: skip


def _race(grounds: Grounds, size: int, processes: int, ids: list[str], collecting: bool) -> tuple[float, Samples, int]:
    """Let writers run at once; return events a second, the seconds of every write, and how many are missing.

    `collecting` lets stock git take both cores for one `git gc` after the other meanwhile.
    """
    from git_tracker.store import IssueStore

    repo, each = grounds.repo(size), grounds.rounds(TOGETHER // processes)
    before = _entries(IssueStore.open(repo))
    command = [sys.executable, str(Path(__file__).with_name("writer.py")), repo]
    writers = [
        subprocess.Popen(
            [*command, str(number), str(each), *ids], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(processes)
    ]
    for writer in writers:
        writer.stdout.readline()
    with _collecting(repo) if collecting else nullcontext():
        start = time.perf_counter()
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        took = [seconds for writer in writers for seconds in json.loads(writer.stdout.readline())]
        elapsed = time.perf_counter() - start
    for writer in writers:
        writer.communicate()
    written = _entries(IssueStore.open(repo)) - before
    return len(took) / elapsed, took, processes * (1 + each) - written


@contextmanager
def _collecting(repo: str) -> Iterator[None]:
    """Let stock git collect garbage beside, one `git gc` after the other."""
    end = threading.Event()

    def collect() -> None:
        while not end.is_set():
            # With all that it starts: `pack-objects` would go on for long beside what is measured next.
            process = subprocess.Popen(
                ["git", "-C", repo, "gc", "--quiet"], stderr=subprocess.DEVNULL, start_new_session=True
            )
            while process.poll() is None:
                if end.wait(0.02):
                    os.killpg(process.pid, signal.SIGTERM)
                    process.wait()

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _entries(store) -> int:
    try:
        return int(store.health()["entries"])
    finally:
        store.close()

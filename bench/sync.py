"""Exchanging with a bare repository, next to what stock git needs to fetch one ref into an empty repository."""

import itertools
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import generate
import measure
from grounds import Grounds, thousands
from measure import Row

ROUNDS = 25
FIRST = 10_000  # events of a first clone that the bar is about


def rows(grounds: Grounds) -> Iterator[Row]:
    from git_tracker.store import IssueStore, SyncEngine

    floor = _floor(grounds.scratch / "floor")
    for size in grounds.sizes:
        hub = grounds.scratch / f"hub-{size}.git"
        generate.git(".", "init", "--quiet", "--bare", str(hub))
        there, here = grounds.repo(size, "telling"), grounds.repo(size, "hearing")
        for repo in (there, here):
            generate.git(repo, "remote", "add", "hub", str(hub))
            generate.git(repo, "repack", "-adq")
        stores = [IssueStore.open(repo) for repo in (there, here)]
        person = stores[0].signer()
        writer = stores[0].delegate(person, client="bench/1", label="elsewhere")
        tell, hear = (SyncEngine(store) for store in stores)
        ids = itertools.cycle([item["id"] for item in stores[0].list_issues("is:open", limit=100)["items"]])
        for engine in (tell, hear, tell):
            engine.sync(person)
        for repo in (there, here, str(hub)):  # as upkeep does in the background, and a host of repositories
            generate.git(repo, "commit-graph", "write", "--reachable")

        idle, bare = measure.in_turn(grounds.rounds(ROUNDS), partial(tell.sync, person), floor)
        yield Row(
            "sync: nothing new", thousands(size), measure.shown(idle), f"bare `git fetch` {measure.shown(bare)}",
            measure.times(measure.ratio(idle, bare)), "≤ 4×",
        )  # fmt: skip
        sent, received, bare = [], [], []
        for turn in range(grounds.rounds(ROUNDS) + 1):
            id = stores[0].comment(writer, next(ids), f"from another clone, {turn}")
            marks = [time.perf_counter()]
            tell.sync(person)
            marks.append(time.perf_counter())
            hear.sync(person)
            marks.append(time.perf_counter())
            floor()
            marks.append(time.perf_counter())
            if turn:
                for samples, start, end in zip((sent, received, bare), marks[:-1], marks[1:], strict=True):
                    samples.append(end - start)
        assert stores[1].get_issue(id)["comments"][-1]["body"].endswith(str(turn))
        both = [one + other for one, other in zip(sent, received, strict=True)]
        yield Row(
            "sync: one change sent and received", thousands(size),
            f"{measure.shown(both)} ({measure.shown(sent)} + {measure.shown(received)})",
            f"bare `git fetch` {measure.shown(bare)}", measure.times(measure.ratio(both, bare)), "≤ 10×",
        )  # fmt: skip
        yield from _first(grounds, size, hub)
        for store in stores:
            store.close()


def _first(grounds: Grounds, size: int, hub: Path) -> Iterator[Row]:
    """A first clone: everything is fetched, verified, folded and indexed."""
    from git_tracker.store import IssueStore, SyncEngine

    repo = grounds.scratch / f"first-{size}"
    generate.git(".", "init", "--quiet", str(repo))
    generate.git(str(repo), "remote", "add", "hub", str(hub))
    store = IssueStore.open(str(repo))
    start = time.perf_counter()
    SyncEngine(store).sync(None)
    took = time.perf_counter() - start
    events = store.health()["events"]
    store.close()
    yield Row(
        "sync: first clone, verified and folded", thousands(size), measure.duration(took), f"{events:,} events",
        f"{took / events * FIRST:.1f} s per {FIRST:,}", f"{FIRST:,} events < 3 s",
    )  # fmt: skip


def _floor(folder: Path):
    """Return a fetch of one ref that is there already, into a repository that holds nothing else."""
    source, target = folder / "source.git", folder / "target.git"
    for path in (source, target):
        generate.git(".", "init", "--quiet", "--bare", str(path))
    tree = generate.git(str(source), "mktree").strip()
    commit = generate.git(
        str(source), "-c", "user.name=x", "-c", "user.email=x", "commit-tree", "-m", "x", tree
    ).strip()
    generate.git(str(source), "update-ref", "refs/heads/x", commit)
    return lambda: generate.git(str(target), "fetch", "--quiet", str(source), "refs/heads/x:refs/heads/x")

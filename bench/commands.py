"""The command line against a bare interpreter start."""

from collections.abc import Iterator

import measure
from grounds import Grounds, thousands
from measure import Row

RUNS = 25
BARS = {"list": 4.0, "show": 4.0, "board": 4.0, "ready": 4.0, "new": 14.0, "status": 14.0}


def rows(grounds: Grounds) -> Iterator[Row]:
    from git_tracker.store import IssueStore

    rounds = grounds.rounds(RUNS)
    found: dict[tuple[str, int], tuple[list[float], list[float]]] = {}
    for size in grounds.sizes:
        repo = grounds.repo(size)
        with_store = IssueStore.open(repo)
        id = with_store.list_issues("is:open")["items"][0]["id"]
        with_store.close()
        tracker = [*grounds.tracker, "-C", repo]
        works = {
            "list": ["list"], "show": ["show", id], "board": ["board"], "ready": ["ready"],
            "new": ["new", "Measure how long this takes"], "status": ["status", id, "in-progress"],
        }  # fmt: skip
        floor = measure.spawned(grounds.floor, grounds.environ)
        for verb, words in works.items():
            command = measure.spawned([*tracker, *words], grounds.environ)
            if verb == "status":
                back = measure.spawned([*tracker, "status", id, "todo"], grounds.environ)
                moves = iter([command, back] * (rounds + 1))
                command = lambda moves=moves: next(moves)()  # noqa: E731  # each run moves it, to and fro
            bare, whole = measure.in_turn(rounds, floor, command)
            found[verb, size] = whole, bare
    for verb, bar in BARS.items():
        for size in grounds.sizes:
            whole, bare = found[verb, size]
            yield Row(
                f"`tracker {verb}`", thousands(size), measure.shown(whole),
                f"`python -I -c pass` {measure.shown(bare)}", measure.times(measure.ratio(whole, bare)), f"≤ {bar:g}×",
            )  # fmt: skip

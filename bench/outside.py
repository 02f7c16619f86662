"""A change that arrives through git alone: another clone writes, stock git fetches, our store notices and folds."""

import itertools
import time
from collections.abc import Iterator

import generate
import measure
from grounds import Grounds, thousands
from measure import Row

ROUNDS = 25


def rows(grounds: Grounds) -> Iterator[Row]:
    from git_tracker.store import IssueStore

    for size in grounds.sizes:
        there, here = grounds.repo(size, "there"), grounds.repo(size, "here")
        writer, reader = IssueStore.open(there), IssueStore.open(here)
        signer = writer.delegate(writer.signer(), client="bench/1", label="elsewhere")
        ids = itertools.cycle([item["id"] for item in writer.list_issues("is:open", limit=100)["items"]])
        folded, idle = [], []
        for turn in range(grounds.rounds(ROUNDS) + 1):
            id = writer.comment(signer, next(ids), f"from another clone, {turn}")
            ref = f"refs/git-tracker/issues/{id}"
            generate.git(here, "fetch", "--quiet", there, f"{ref}:{ref}")
            start = time.perf_counter()
            reader.refresh()
            middle = time.perf_counter()
            reader.refresh()
            if turn:
                folded.append(middle - start)
                idle.append(time.perf_counter() - middle)
        assert reader.get_issue(id)["comments"][-1]["body"].endswith(str(turn))
        writer.close()
        reader.close()
        yield Row(
            "one outside change noticed, verified, folded", thousands(size), measure.shown(folded),
            f"nothing new {measure.shown(idle)}", measure.times(measure.ratio(folded, idle)), "≤ 5 ms",
        )  # fmt: skip

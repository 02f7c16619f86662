"""The hot questions in process, each size in turn: what matters is that the answer does not take longer as work grows."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import measure
from grounds import Grounds, thousands
from measure import Row

ROUNDS = 100
EVENTS = 10  # of the issue that is asked for, about
AGENTS = 20  # of a page; there are more at every size
HITS = 800  # of the word that is searched for, about: at 100,000 issues of these texts there is no rarer one


def rows(grounds: Grounds) -> Iterator[Row]:
    from git_tracker.store import IssueStore

    stores = [IssueStore.open(grounds.repo(size)) for size in grounds.sizes]
    asked = [_questions(store, grounds.rounds(ROUNDS)) for store in stores]
    for name, bar in BARS.items():
        found = measure.in_turn(grounds.rounds(ROUNDS), *(questions[name] for questions in asked))
        for size, samples in zip(grounds.sizes, found, strict=True):
            first = size == grounds.sizes[0]
            yield Row(
                name, thousands(size), measure.shown(samples),
                "" if first else f"{thousands(grounds.sizes[0])} {measure.shown(found[0])}",
                "" if first else measure.times(measure.ratio(samples, found[0])),
                bar if first else f"{bar}{', ' if bar else ''}≤ 1.5× of {thousands(grounds.sizes[0])}",
            )  # fmt: skip
    for store in stores:
        store.close()


BARS = {
    "get": "", "list page": "", "list page, one label": "", "search page": "≤ 3 ms", "ready page": "≤ 3 ms",
    "claim next (a durable write)": "≤ 3 ms", "board": "", "events after a cursor": "", "newest events": "",
    "history of one issue": "", "trail of one agent": "", "agents": "", "nothing new": "",
}  # fmt: skip


def _questions(store: Any, rounds: int) -> dict[str, Callable[[], object]]:
    items = store.list_issues("is:open", limit=200)["items"]
    whole = [store.get_issue(item["id"]) for item in store.list_issues("sort:created", limit=200)["items"]]
    id = min(whole, key=lambda issue: abs(issue["events"] - EVENTS))["id"]  # as long at every size
    labels = Counter(label for item in items for label in item["labels"])
    label = max(labels, key=lambda label: labels[label])  # on more issues than a page holds, at every size
    words = sorted({word for issue in whole for word in issue["title"].split() if word.isalpha()})
    word = min(words, key=lambda word: abs(store.list_issues(word, limit=1)["total"] - HITS))
    feed = store.events(limit=200)["items"]
    cursor = feed[0]["cursor"]
    agent = next(item["actor"]["id"] for item in feed if item["actor"]["session"])
    claimer = store.delegate(store.signer(), client="bench/1", label="claimer")

    store.create_issues(claimer, [{"title": f"To be claimed {number}"} for number in range(rounds + 1)])

    return {
        "get": lambda: store.get_issue(id),
        "list page": lambda: store.list_issues("is:open", limit=50),
        "list page, one label": lambda: store.list_issues(f"label:{label}", limit=50),
        "search page": lambda: store.list_issues(word, limit=50),
        "ready page": lambda: store.list_issues("is:ready", limit=50),
        "claim next (a durable write)": lambda: store.claim(claimer),
        "board": store.board,
        "events after a cursor": lambda: store.events(since=cursor, limit=100),
        "newest events": lambda: store.events(limit=100),
        "history of one issue": lambda: store.history(id),
        "trail of one agent": lambda: store.audit(agent),
        "agents": lambda: store.agents(limit=AGENTS),
        "nothing new": store.refresh,
    }

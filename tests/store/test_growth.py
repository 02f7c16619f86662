"""What does not grow with the work: steps of the database for a question or a write, and totals that nobody counts."""

import random
from collections.abc import Callable

from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, Signer
from tests.store.forge import Forge

SMALL, LARGE = 210, 480


def grown(store: IssueStore, ada: Signer, issues: int) -> None:
    """Issues of every kind, in the same mixture whatever their number; few of them claimed or deferred."""
    made: list[str] = []
    for start in range(0, issues, 30):
        plan = [
            {"title": f"Issue {number}", "priority": number % 5, "labels": ["all", f"l{number % 3}"]}
            for number in range(start, start + 30)
        ]
        ids = store.create_issues(ada, plan)
        store.link(ada, ids[0], "blocks", ids[1])
        store.update_issue(ada, ids[2], {"status": "in-progress"})
        for id in ids[3:9]:
            store.finish(ada, id, "done")
        made += ids
    store.claim(ada, made[10])
    store.update_issue(ada, made[11], {"deferred_until": "2099-01-01"})
    store.create_issue(ada, {"title": "Rhubarb"})


def at_work(store: IssueStore, ada: Signer, issue: str, number: int) -> None:
    """Agents, each with an entry of its own."""
    for _ in range(number):
        store.comment(store.delegate(ada, client="worker/1", label="one of many"), issue, "here I am")


def written_lately(store: IssueStore, ada: Signer, issue: str) -> None:
    """As many texts that search has to look into by themselves as there ever are."""
    for _ in range(40):
        store.comment(ada, issue, "one of many")
        if store.reader.execute("select count(*) from outstanding").fetchone()[0] == 32:
            return
    raise AssertionError("search looks into more texts, or fewer")


def steps(store: IssueStore, question: Callable[[], object]) -> int:
    """Return how many instructions SQLite takes for a question, in tens."""
    question()
    count = 0

    def tick() -> None:
        nonlocal count
        count += 1

    store.reader.set_progress_handler(tick, 10)
    try:
        question()
    finally:
        store.reader.set_progress_handler(None, 0)
    return count


def test_no_hot_question_takes_more_steps_as_work_grows(store: IssueStore, ada: Signer, agent: Signer) -> None:
    questions: dict[str, Callable[[], object]] = {
        "open": lambda: store.list_issues("is:open", limit=10),
        "all": lambda: store.list_issues("", limit=10),
        "label": lambda: store.list_issues("label:all", limit=10),
        "label and status": lambda: store.list_issues("label:l1 status:todo", limit=10),
        "ready": lambda: store.list_issues("is:ready", limit=10),
        "ready with a label": lambda: store.list_issues("is:ready label:all", limit=10),
        "search": lambda: store.list_issues("rhubarb", limit=10),
        "board": lambda: store.board(limit=10),
        "feed": lambda: store.events(limit=10),
        "issue": lambda: store.get_issue(known),
        "history": lambda: store.history(known),
        "trail": lambda: store.audit(agent.sid),
        "agents": lambda: store.agents(limit=10),
        "health": store.health,
    }
    known = store.create_issue(agent, {"title": "Known"})
    made_by_many = store.create_issue(ada, {"title": "Made by many"})
    at_work(store, ada, made_by_many, 12)
    grown(store, ada, SMALL)
    written_lately(store, ada, made_by_many)
    before = {name: steps(store, question) for name, question in questions.items()}
    grown(store, ada, LARGE)
    at_work(store, ada, made_by_many, 60)
    written_lately(store, ada, made_by_many)
    after = {name: steps(store, question) for name, question in questions.items()}

    assert {name: (before[name], after[name]) for name in questions if after[name] > before[name] * 1.3 + 20} == {}


def test_a_word_that_stands_everywhere_makes_looking_for_duplicates_no_longer(store: IssueStore, ada: Signer) -> None:
    store.create_issue(ada, {"title": "Tokens expire during upload"})
    for start in range(0, LARGE, 48):
        plan = [{"title": f"Issue {start + n}", "description": "may expire " * 9} for n in range(48)]
        store.create_issues(ada, plan)

    assert store.similar("Tokens expire during every upload")
    everywhere = steps(store, lambda: store.similar("Tokens expire during every upload"))
    assert everywhere <= steps(store, lambda: store.similar("Tokens perish during every upload")) * 1.5 + 20


def test_a_write_takes_no_more_steps_in_a_long_history(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})

    def taken() -> int:
        count = 0

        def tick() -> None:
            nonlocal count
            count += 1

        store._db.set_progress_handler(tick, 10)  # writing has a connection of its own
        store.comment(ada, issue, "one more of many")
        store._db.set_progress_handler(None, 0)
        return count

    store.comment(ada, issue, "the first")
    before = min(taken() for _ in range(3))
    for number in range(200):
        store.comment(ada, issue, f"comment {number}")
    assert min(taken() for _ in range(3)) <= before * 1.2 + 10


def test_totals_and_figures_hold_whatever_happens(store: IssueStore, ada: Signer, agent: Signer) -> None:
    forged = Forge(store)
    dice = random.Random(11)
    ids = store.create_issues(ada, [{"title": f"Issue {n}", "labels": [dice.choice("ab")]} for n in range(12)])
    acts: list[Callable[[str, str], object]] = [
        lambda id, other: store.update_issue(ada, id, {"status": dice.choice(["todo", "in-progress", "done"])}),
        lambda id, other: store.update_issue(ada, id, {"add_labels": [dice.choice("abc")]}),
        lambda id, other: store.update_issue(ada, id, {"remove_labels": [dice.choice("abc")]}),
        lambda id, other: store.update_issue(ada, id, {"archived": dice.random() < 0.5}),
        lambda id, other: store.update_issue(ada, id, {"deferred_until": dice.choice(["2099-01-01", None])}),
        lambda id, other: store.link(ada, id, dice.choice(["blocks", "parent"]), other, remove=dice.random() < 0.4),
        lambda id, other: store.claim(agent, id),
        lambda id, other: store.release(ada, id),
        lambda id, other: store.comment(agent, id, "a word about it"),
        lambda id, other: forged.point(id, forged.add(agent, [{"type": "created", "title": "x"}], [forged.tip(id)])),
    ]
    for turn in range(160):
        id, other = dice.sample(ids, 2)
        try:
            dice.choice(acts)(id, other)
        except TrackerError:
            continue
        if turn % 20 == 0:
            check_totals(store)
    check_totals(store)
    store.rebuild()
    check_totals(store)


def check_totals(store: IssueStore) -> None:
    queries = [
        f"{words} {label}".strip()
        for words in ("", "is:open", "is:done", "is:ready", "is:blocked", "is:archived", "status:todo", "-status:todo")
        for label in ("", "label:a", "label:c")
    ]
    for text in queries:
        page = store.list_issues(text, limit=2)
        seen = list(page["items"])
        while page["next"]:
            page = store.list_issues(text, limit=2, cursor=page["next"])
            seen += page["items"]
        assert page["total"] == store.list_issues(text, limit=2)["total"] == len({row["id"] for row in seen}), text
        assert len(seen) == len({row["id"] for row in seen}), text
    rows = store.list_issues("", limit=200)["items"]
    assert {column["status"]: column["total"] for column in store.board()["columns"] if column["total"]} == {
        status: sum(row["status"] == status for row in rows) for status in {row["status"] for row in rows}
    }
    assert store.list_issues("is:ready", limit=200)["total"] == sum(row["ready"] for row in rows)
    feed = store.events(limit=500)
    assert feed["total"] == len(feed["items"]) == store.health()["events"]
    everybody = store.agents(limit=3)
    while everybody["next"] and len(everybody["items"]) < everybody["total"]:
        following = store.agents(limit=3, cursor=everybody["next"])
        everybody = {**following, "items": everybody["items"] + following["items"]}
    assert everybody["items"] == store.agents()["items"]
    assert everybody["total"] == len(everybody["items"])
    for who in everybody["items"]:
        trail = store.audit(who["id"], limit=500)
        assert who["entries"] == trail["total"] == len(trail["items"])
        assert who["events"] == sum(len(item["events"]) for item in trail["items"])
        assert who["issues"] == len({item["issue"] for item in trail["items"]})
        for verdict in ("ok", "muted", "quarantined"):
            assert who[verdict] == sum(item["verdict"] == verdict for item in trail["items"])
        assert who["last_at"] == max(item["at"] for item in trail["items"])

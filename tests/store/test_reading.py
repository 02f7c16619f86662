"""What a tracker answers: queries, pages, cursors, what is ready, who holds what, and what happened."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Ambiguous, Conflict, EpochChanged, Invalid, NotFound, Refused
from git_tracker.store import IssueStore, Signer
from git_tracker.store.lock import held
from tests.store.forge import Forge
from tests.store.hubs import Cloning, hub

START = 1_800_000_000  # 2027-01-15T08:00:00Z


class Clock:
    """A clock that stands still until it is moved; never twice the same nanosecond."""

    def __init__(self) -> None:
        self.now = START * 10**9

    def __call__(self) -> int:
        self.now += 1000
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * 10**9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(repo: Path, clock: Clock) -> Iterator[IssueStore]:
    found = IssueStore.open(str(repo), clock=clock)
    found.init()
    yield found
    found.close()


@pytest.fixture
def world(store: IssueStore, ada: Signer, agent: Signer, clock: Clock) -> dict[str, str]:
    """Issues to ask for, by a word each."""
    names = ["leak", "drip", "epic", "child", "old", "gone"]
    plan: list[dict[str, Any]] = [
        {"title": "Pipe leaks water", "labels": ["bug", "wet"], "priority": 0, "description": "Under the café sink"},
        {
            "title": "Tap drips",
            "labels": ["bug"],
            "priority": 1,
            "assignee": "ada",
            "milestone": "v1",
            "due": "2027-01-10",
        },
        {"title": "Renew the kitchen", "type": "epic", "priority": 3, "ref": "epic"},
        {"title": "Choose tiles", "parent": "#epic", "type": "feature", "assignee": "Grace Hopper"},
        {"title": "Fridge hums", "labels": ["noise"]},
        {"title": "Broken window"},
    ]
    ids = dict(zip(names, store.create_issues(ada, plan), strict=True))
    clock.forward(3600)
    store.update_issue(agent, ids["old"], {"status": "in-progress"})
    store.comment(agent, ids["leak"], "The gasket is worn")
    store.finish(ada, ids["gone"], "mended", [{"kind": "note", "value": "glass"}])
    store.link(ada, ids["leak"], "relates", ids["drip"])
    return ids


def found(store: IssueStore, text: str, world: dict[str, str], me: str = "ada") -> set[str]:
    names = {id: name for name, id in world.items()}
    return {names[row["id"]] for row in store.list_issues(text, me=me)["items"]}


def test_each_filter_finds_what_it_names(store: IssueStore, world: dict[str, str], agent: Signer) -> None:
    wanted = {
        "": {"leak", "drip", "epic", "child", "old", "gone"},
        "status:todo": {"leak", "drip", "epic", "child"},
        "status:todo,in-progress": {"leak", "drip", "epic", "child", "old"},
        "-status:todo": {"old", "gone"},
        "label:bug": {"leak", "drip"},
        "label:bug label:wet": {"leak"},
        "label:wet,noise": {"leak", "old"},
        "label:bug -label:wet": {"drip"},
        "type:epic": {"epic"},
        "assignee:ada": {"drip"},
        "assignee:me": {"drip"},
        "assignee:none": {"leak", "epic", "old", "gone"},
        'assignee:"Grace Hopper"': {"child"},
        "-assignee:me": {"leak", "epic", "child", "old", "gone"},
        "author:ada": {"leak", "drip", "epic", "child", "old", "gone"},
        "author:me type:feature": {"child"},
        f"agent:{agent.sid}": {"leak", "old"},
        "milestone:v1": {"drip"},
        f"parent:{world['epic'][:9]}": {"child"},
        "parent:none label:noise": {"old"},
        f"id:{world['leak'][:10]}": {"leak"},
        f"relates:{world['drip']}": {"leak"},
        "priority:0": {"leak"},
        "priority:<=1": {"leak", "drip"},
        "priority:0,3": {"leak", "epic"},
        "-priority:2": {"leak", "drip", "epic"},
        "due:<2027-01-11": {"drip"},
        "due:2027-01-10": {"drip"},
        "is:overdue": {"drip"},
        "is:open": {"leak", "drip", "epic", "child", "old"},
        "is:done": {"gone"},
        "-is:done -status:todo": {"old"},
        "is:ready": {"leak", "drip", "epic", "child"},
        "is:claimed": set(),
        "is:blocked": set(),
        "is:conflicted,done": {"gone"},
        "created:2027-01-15": {"leak", "drip", "epic", "child", "old", "gone"},
        "created:<2027-01-15": set(),
        "created:>=2027-01-15T08:00": {"leak", "drip", "epic", "child", "old", "gone"},
        "updated:<30m": {"leak", "old", "gone"},
        "updated:>30m": {"drip", "epic", "child"},
        "leak": {"leak"},
        "gask": {"leak"},
        "cafe": {"leak"},
        '"gasket is"': {"leak"},
        "-leaks label:bug": {"drip"},
        "hums OR window": {"old", "gone"},
        "label:noise OR type:epic OR priority:0": {"old", "epic", "leak"},
        "status:done OR status:todo label:wet": {"gone", "leak"},
        '"OR"': set(),
        "type:nothing": set(),
    }
    assert {text: found(store, text, world) for text in wanted} == wanted


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("staus:todo", "no filter named 'staus'", "the nearest is status:"),
        ("lable:x", "no filter named 'lable'", "the nearest is label:"),
        ("is:redy", "no state named 'redy'", "ready, blocked"),
        ("status:", "status: stands without a value", "status:VALUE"),
        ("priority:9", "priority '9' is not 0 to 4", "priority:<=1"),
        ("created:yesterday", "'yesterday' is no date", "2026-01-31"),
        ("sort:size", "cannot sort by 'size'", "updated, created"),
        ('"open', "a quote \" that is not closed", "close it"),
        ("OR x", "OR stands without terms", "status:todo OR label:bug"),
        ("x OR", "OR stands without terms", "status:todo OR label:bug"),
        ("status:todo status:done", "contradict each other", "status:A,B"),
        ("label:x -label:x", "both asked for and excluded", "leave one"),
        ("id:xyz", "'xyz' is no id", "hexadecimal"),
        ("x" * 1025, "longer than 1024", "fewer words"),
        ("a\0b", "NUL", ""),
        ("\ud800", "lone surrogate", ""),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_meant_says_what_would_work(
    store: IssueStore, text: str, message: str, hint: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        store.list_issues(text)
    assert message in str(refusal.value)
    assert hint in refusal.value.hint


@pytest.mark.parametrize(
    "text",
    ['"', "(", "*", "AND", "NOT", "NEAR(a b)", "a*b", "col:x", "-", "--", "...", "'", "^x", "{", "%", "\\", '"""'],
)
def test_no_query_reaches_the_search_engine_s_own_syntax(store: IssueStore, ada: Signer, text: str) -> None:
    issue = store.create_issue(ada, {"title": "NEAR and NOT (far)"})
    before = store.health()["epoch"]
    with suppress(Invalid):
        assert store.list_issues(text)["total"] in (0, 1)
    assert store.health()["epoch"] == before, "a bad query is not taken for a damaged index"
    assert store.list_issues("NOT")["items"][0]["id"] == issue


def test_a_url_is_words_and_not_a_filter(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "See https://example.org/x?a=b for the log"})
    assert [row["id"] for row in store.list_issues("https://example.org/x")["items"]] == [issue]


@pytest.mark.parametrize("sort", ["updated", "created", "priority", "title", "status", "title-desc", "priority-asc"])
def test_pages_follow_on_one_another_whatever_the_order(
    store: IssueStore, ada: Signer, clock: Clock, sort: str
) -> None:
    plan = [{"title": f"Issue {n % 7}", "priority": n % 5} for n in range(23)]
    ids = []
    for item in plan:
        ids.append(store.create_issue(ada, item))
        clock.forward(n) if (n := len(ids) % 3) else None
    whole = [row["id"] for row in store.list_issues(f"sort:{sort}", limit=200)["items"]]
    pages, cursor = [], ""
    while True:
        page = store.list_issues(f"sort:{sort}", limit=5, cursor=cursor)
        assert page["total"] == 23
        pages += [row["id"] for row in page["items"]]
        if not page["next"]:
            break
        cursor = page["next"]

    assert pages == whole
    assert sorted(whole) == sorted(ids)


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_page_has_a_size(store: IssueStore, limit: int) -> None:
    with pytest.raises(Invalid):
        store.list_issues(limit=limit)


@pytest.mark.parametrize("cursor", ["x", "99", "..", "\ud800"])
def test_a_cursor_that_is_none_of_ours_is_refused(store: IssueStore, ada: Signer, cursor: str) -> None:
    store.create_issue(ada, {"title": "A leak"})
    epoch = store.health()["epoch"]
    for ask in (store.list_issues, store.events):
        for text in (cursor, f"{epoch}.{cursor}.updated", f"{epoch}.1.size", f"{epoch}.1.title"):
            with pytest.raises((Invalid, EpochChanged)):
                ask(**{"cursor" if ask == store.list_issues else "since": text})


def test_a_cursor_of_an_earlier_numbering_says_where_to_begin(
    store: IssueStore, ada: Signer, world: dict[str, str]
) -> None:
    page, since = store.list_issues(limit=2), store.cursor()
    history = store.history(world["leak"], limit=1)
    store.rebuild()

    for again in (
        lambda: store.list_issues(limit=2, cursor=page["next"]), lambda: store.events(since=since),
        lambda: store.history(world["leak"], cursor=history["next"]),
    ):  # fmt: skip
        with pytest.raises(EpochChanged) as refusal:
            again()
        assert store.events(since=refusal.value.start, limit=500)["total"] == store.health()["events"]


def test_events_follow_on_one_another_and_none_is_missed(store: IssueStore, ada: Signer, world: dict[str, str]) -> None:
    everything = store.events(limit=500)["items"]
    start = f"{store.health()['epoch']}.0"
    seen, since = [], start
    while items := store.events(since=since, limit=3)["items"]:
        seen += items
        since = items[-1]["cursor"]

    assert seen == everything
    store.comment(ada, world["drip"], "one more")
    assert [event["summary"] for event in store.events(since=since)["items"]] == ["comment: one more"]
    assert store.events(since=store.cursor())["items"] == []


def test_a_history_reads_from_the_beginning(store: IssueStore, world: dict[str, str], agent: Signer) -> None:
    items = store.history(world["leak"])["items"]
    assert [item["type"] for item in items] == ["created", "label-added", "label-added", "comment-added", "link-added"]
    assert [item["actor"]["id"] for item in items][-2:] == [agent.sid, "ada"]
    assert {item["verdict"] for item in items} == {"ok"}


def test_an_id_may_be_cut_short_as_long_as_it_is_unique(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    assert store.get_issue(issue[:7])["id"] == issue
    assert store.get_issue(issue[:20].upper())["id"] == issue
    assert store.get_issue(issue)["short"] == issue[:7]


def test_two_issues_that_begin_alike_are_told_apart_by_more_digits(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    twin = issue[:9] + ("0" if issue[9] != "0" else "1") + issue[10:]
    row = dict(store._db.execute("select * from issues where id = ?", (issue,)).fetchone()) | {"id": twin, "key": None}
    store._db.execute(f"insert into issues ({', '.join(row)}) values ({', '.join('?' * len(row))})", [*row.values()])

    with pytest.raises(Ambiguous):
        store.get_issue(issue[:8])
    assert store.get_issue(issue[:10])["id"] == issue
    assert store.get_issue(issue)["short"] == issue[:10]


def ready(store: IssueStore) -> list[str]:
    return sorted(row["title"] for row in store.list_issues("is:ready")["items"])


def test_what_is_blocked_directly_through_others_or_through_its_parents_is_not_ready(
    store: IssueStore, ada: Signer
) -> None:
    a, b, c, epic, child, grandchild = store.create_issues(ada, [
        {"title": "a"}, {"title": "b"}, {"title": "c"}, {"title": "epic", "ref": "e"},
        {"title": "child", "parent": "#e", "ref": "c"}, {"title": "grandchild", "parent": "#c"},
    ])  # fmt: skip
    store.link(ada, a, "blocks", b)
    store.link(ada, b, "blocks", c)
    store.link(ada, c, "blocks", epic)
    assert ready(store) == ["a"]
    assert store.row(grandchild)["blocked"] is True

    store.finish(ada, a)
    assert ready(store) == ["b"], "c is still blocked by b"
    store.finish(ada, b)
    assert ready(store) == ["c"]
    store.update_issue(ada, c, {"archived": True})
    assert ready(store) == ["child", "epic", "grandchild"]
    store.update_issue(ada, c, {"archived": False})
    assert ready(store) == ["c"]
    store.link(ada, c, "blocks", epic, remove=True)
    assert ready(store) == ["c", "child", "epic", "grandchild"]
    store.update_issue(ada, b, {"status": "todo"})
    assert ready(store) == ["b", "child", "epic", "grandchild"], "reopening blocks again"
    store.link(ada, b, "blocks", child)
    store.update_issue(ada, grandchild, {"parent": None})
    assert ready(store) == ["b", "epic", "grandchild"]
    before = {row["id"]: row for row in store.list_issues(limit=200)["items"]}
    store.rebuild()
    assert {row["id"]: row for row in store.list_issues(limit=200)["items"]} == before


def test_a_link_that_would_let_issues_wait_for_each_other_is_refused_and_named(store: IssueStore, ada: Signer) -> None:
    a, b, c, epic, part = store.create_issues(ada, [
        {"title": "a", "ref": "a"}, {"title": "b", "ref": "b", "blocked_by": ["#a"]}, {"title": "c", "blocked_by": ["#b"]},
        {"title": "epic", "ref": "e"}, {"title": "part", "parent": "#e"},
    ])  # fmt: skip
    before = {row["id"]: row for row in store.list_issues(limit=200)["items"]}
    with pytest.raises(Refused, match=f"{b[:7]} blocks {a[:7]}, {a[:7]} blocks {b[:7]}") as refused:
        store.link(ada, b, "blocks", a)
    assert refused.value.code == "circle"
    with pytest.raises(
        Refused, match=f"{c[:7]} blocks {a[:7]}, {a[:7]} blocks {b[:7]}, {b[:7]} blocks {c[:7]}; none of them"
    ):
        store.link(ada, c, "blocks", a)
    with pytest.raises(Refused, match=f"{epic[:7]} is part of {part[:7]}, {part[:7]} is part of {epic[:7]}"):
        store.update_issue(ada, epic, {"parent": part})
    with pytest.raises(Refused, match=f"{part[:7]} blocks {epic[:7]}, {part[:7]} is part of {epic[:7]}"):
        store.link(ada, part, "blocks", epic)
    with pytest.raises(Refused, match="circle"):
        store.create_issues(ada, [
            {"title": "x", "ref": "x", "blocked_by": ["#z"]}, {"title": "y", "ref": "y", "blocked_by": ["#x"]},
            {"title": "z", "ref": "z", "blocked_by": ["#y"]},
        ])  # fmt: skip
    with pytest.raises(Invalid):
        store.link(ada, a, "blocks", a)
    assert {row["id"]: row for row in store.list_issues(limit=200)["items"]} == before

    store.link(ada, a, "blocks", c)
    store.link(ada, c, "relates", a)
    store.link(ada, a, "blocks", b, remove=True)
    store.link(ada, b, "blocks", a)
    assert ready(store) == ["b", "epic", "part"]


def test_circles_that_clones_close_without_knowing_of_each_other_end_nothing(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    a, b, c = one.store.create_issues(one.ada, [{"title": "a"}, {"title": "b"}, {"title": "c"}])
    one.sync()
    two = clones("two", origin=at).begin()
    two.sync()
    one.store.link(one.ada, a, "blocks", b)
    two.store.link(two.ada, b, "blocks", a)
    one.store.update_issue(one.ada, c, {"parent": a})
    two.store.update_issue(two.ada, a, {"parent": c})
    for clone in (one, two, one):
        clone.sync()
    for store in (one.store, two.store):
        assert ready(store) == []
        store.rebuild()
        assert ready(store) == []

    one.store.link(one.ada, a, "blocks", b, remove=True)
    one.store.link(one.ada, b, "blocks", a, remove=True)
    assert ready(one.store) == ["a", "b", "c"]
    one.store.rebuild()
    assert ready(one.store) == ["a", "b", "c"]


def test_deferred_work_becomes_ready_when_its_day_comes(store: IssueStore, ada: Signer, clock: Clock) -> None:
    issue = store.create_issue(ada, {"title": "later"})
    store.update_issue(ada, issue, {"deferred_until": "2027-01-16"})
    assert ready(store) == []
    assert store.row(issue)["ready"] is False
    clock.forward(86400)
    assert ready(store) == ["later"]
    assert store.row(issue)["ready"] is True


def claimer(store: IssueStore, ada: Signer, name: str) -> Signer:
    return store.delegate(ada, client="c/1", label=name, valid_seconds=30 * 86400)


def test_a_claim_is_exclusive_until_its_lease_runs_out(store: IssueStore, ada: Signer, clock: Clock) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    one, two = claimer(store, ada, "one"), claimer(store, ada, "two")
    store.claim(one, issue, lease_seconds=600)
    claim = store.get_issue(issue)["claim"]
    assert (claim["actor"]["name"], claim["until"]) == ("one", "2027-01-15T08:10:00Z")
    assert store.get_issue(issue)["status"] == "in-progress"
    with pytest.raises(Conflict) as refusal:
        store.claim(two, issue)
    assert refusal.value.code == "claimed"
    with pytest.raises((Conflict, Refused)):
        store.finish(two, issue)
    with pytest.raises(Refused):
        store.release(two, issue)
    store.comment(two, issue, "a claim forbids nothing else")

    clock.forward(601)
    assert store.get_issue(issue)["claim"] is None
    store.claim(two, issue)
    assert store.get_issue(issue)["claim"]["actor"]["name"] == "two"


def test_every_write_renews_the_lease_up_to_its_cap(store: IssueStore, ada: Signer, clock: Clock) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    one = claimer(store, ada, "one")
    store.claim(one, issue, lease_seconds=7200)
    for _ in range(30):
        clock.forward(3600)
        claim = store.get_issue(issue)["claim"]
        if claim is None:
            break
        store.comment(one, issue, "still at it")
    else:
        pytest.fail("the cap never came")

    assert clock.now // 10**9 - START <= 25 * 3600, "a day, whatever one writes"
    comments = len(store.get_issue(issue)["comments"])
    assert comments >= 22
    store.claim(claimer(store, ada, "two"), issue)


def test_somebody_else_s_writes_renew_nothing(store: IssueStore, ada: Signer, clock: Clock) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    store.claim(claimer(store, ada, "one"), issue, lease_seconds=600)
    clock.forward(500)
    store.comment(ada, issue, "how is it going?")
    clock.forward(101)
    assert store.get_issue(issue)["claim"] is None


def test_a_released_claim_is_free_and_a_finished_one_done(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    one, two = claimer(store, ada, "one"), claimer(store, ada, "two")
    store.claim(one, issue)
    store.release(one, issue, "no tools")
    assert (store.get_issue(issue)["claim"], store.get_issue(issue)["status"]) == (None, "todo")
    assert ready(store) == ["A leak"]
    with pytest.raises(NotFound):
        store.release(one, issue)
    store.claim(two, issue)
    store.release(ada, issue, "I need it myself")
    store.claim(one, issue)
    store.finish(one, issue, "mended")
    assert (store.get_issue(issue)["claim"], store.get_issue(issue)["status"]) == (None, "done")
    with pytest.raises(Refused):
        store.claim(two, issue)


def test_the_best_ready_issue_is_handed_out_once_each(store: IssueStore, ada: Signer) -> None:
    store.create_issues(ada, [{"title": f"p{p}", "priority": p, "labels": ["x"] if p else []} for p in (3, 0, 1, 2)])
    taken = [store.row(store.claim(claimer(store, ada, f"a{n}"), text="label:x"))["title"] for n in range(3)]
    assert taken == ["p1", "p2", "p3"]
    with pytest.raises(NotFound) as refusal:
        store.claim(claimer(store, ada, "late"), text="label:x")
    assert refusal.value.code == "nothing_ready"
    assert store.row(store.claim(claimer(store, ada, "other")))["title"] == "p0"


def test_a_board_counts_everything_and_shows_the_first(store: IssueStore, world: dict[str, str]) -> None:
    columns = store.board(limit=2)["columns"]
    assert [(column["status"], column["total"], len(column["items"])) for column in columns] == [
        ("todo", 4, 2), ("in-progress", 1, 1), ("done", 1, 1)
    ]  # fmt: skip
    assert [row["priority"] for row in columns[0]["items"]] == [0, 1]
    assert [column["total"] for column in store.board("label:bug")["columns"]] == [2, 0, 0]


def test_open_issues_are_similar_that_share_most_words_of_a_title_the_nearest_first(
    store: IssueStore, ada: Signer
) -> None:
    first, _, third, fourth, last = store.create_issues(ada, [
        {"title": "Upload loses tokens silently"},
        {"title": "Tokens expire during upload", "description": "It loses tokens silently"},
        {"title": "Upload of tokens fails silently"},
        {"title": "Tokens, silently"},
        {"title": "Upload silently loses old tokens"},
    ])  # fmt: skip

    assert store.similar("upload LOSES tokens, silently!") == [last, first, third]
    assert store.similar("Upload of tokens breaks silently") == [last, third, first]
    store.finish(ada, last, "done")
    assert store.similar("upload loses tokens silently") == [first, third]
    assert store.similar('upload" OR tokens OR (silently*') == [third, first, fourth]
    assert store.similar("tokens") == store.similar("") == store.similar("a of b") == []


def test_archived_issues_are_hidden_unless_asked_for(store: IssueStore, ada: Signer, world: dict[str, str]) -> None:
    store.update_issue(ada, world["leak"], {"archived": True})
    assert "leak" not in found(store, "", world)
    assert found(store, "is:archived", world) == {"leak"}
    assert store.get_issue(world["leak"])["archived"] is True


def test_the_index_is_the_same_step_by_step_and_built_anew(store: IssueStore, world: dict[str, str]) -> None:
    asked = [
        lambda: sorted(store.every_issue(), key=lambda issue: str(issue["id"])), store.agents,
        lambda: {agent["id"]: store.audit(agent["id"])["chain"] for agent in store.agents()["items"]},
        lambda: {row["id"]: row for row in store.list_issues(limit=200)["items"]}, store.quarantine,
    ]  # fmt: skip
    before = [ask() for ask in asked]
    store.rebuild()
    assert [ask() for ask in asked] == before


def test_listeners_hear_of_every_change_whoever_made_it(
    store: IssueStore, ada: Signer, repo: Path, clock: Clock
) -> None:
    heard: list[int] = []
    stop = store.bus.subscribe(lambda cue: heard.append(cue.seq))
    store.bus.subscribe(lambda cue: 1 / 0)
    issue = store.create_issue(ada, {"title": "A leak"})
    other = IssueStore.open(str(repo), clock=clock)
    other.comment(ada, issue, "from elsewhere")
    store.refresh()
    stop()
    store.comment(ada, issue, "unheard")
    other.close()

    assert heard == [1, 2]


def test_an_answer_holds_what_stood_when_it_was_asked_for_though_another_process_is_catching_up(
    store: IssueStore, ada: Signer
) -> None:
    id = store.create_issue(ada, {"title": "A leak"})
    done = threading.Event()
    with held(os.path.join(store.home, "lock")):
        Forge(store).point(id, Forge(store).add(ada, [{"type": "title-changed", "title": "A flood"}], [id]))
        threading.Timer(0.1, done.set).start()
        answers: list[str] = []
        reader = threading.Thread(target=lambda: answers.append(store.get_issue(id)["title"]))
        reader.start()
        assert done.wait(20)
    reader.join(20)
    assert answers == ["A flood"]


def test_a_long_catching_up_holds_readers_up_once(store: IssueStore, ada: Signer) -> None:
    id = store.create_issue(ada, {"title": "A leak"})
    with held(os.path.join(store.home, "lock")):
        Forge(store).point(id, Forge(store).add(ada, [{"type": "title-changed", "title": "A flood"}], [id]))
        began = time.monotonic()
        assert store.get_issue(id)["title"] == "A leak"
        waited = time.monotonic() - began
        began = time.monotonic()
        assert [store.get_issue(id)["title"] for _ in range(3)] == ["A leak"] * 3
        assert time.monotonic() - began < waited
    assert store.get_issue(id)["title"] == "A flood"


def test_what_others_move_while_an_issue_is_written_is_seen_with_the_next_answer(
    store: IssueStore, ada: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, other = (store.create_issue(ada, {"title": title}) for title in ("A leak", "A pump"))
    forge = Forge(store)
    entry = forge.add(ada, [{"type": "title-changed", "title": "A flood"}], [id])
    sign = Signer.sign

    def slowly(signer: Signer, payload: bytes) -> str:  # a key that takes its time: a plain fetch comes in between
        forge.point(id, entry)
        return sign(signer, payload)

    monkeypatch.setattr(Signer, "sign", slowly)
    store.comment(ada, other, "Noted.")
    monkeypatch.undo()
    assert store.get_issue(id)["title"] == "A flood"


def test_threads_read_and_write_one_store_together(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    failures: list[BaseException] = []

    def work(number: int) -> Callable[[], None]:
        def run() -> None:
            try:
                for turn in range(15):
                    if number % 2:
                        store.comment(ada, issue, f"{number}.{turn}")
                    else:
                        page = store.list_issues()
                        assert page["total"] == 1
                        seen = store.get_issue(issue)
                        assert seen["events"] == len(seen["comments"]) + 1, "one state, not two"
            except BaseException as error:
                failures.append(error)

        return run

    threads = [threading.Thread(target=work(number)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    assert len(store.get_issue(issue)["comments"]) == 45
    assert store.audit("ada")["chain"]["ok"]


def test_a_read_changes_nothing_in_git(store: IssueStore, world: dict[str, str], repo: Path) -> None:
    def state() -> Any:
        return {
            str(path): path.read_bytes()
            for folder in ("refs", "objects") for path in (repo / ".git" / folder).rglob("*") if path.is_file()
        }  # fmt: skip

    before = state()
    store.list_issues("leak")
    store.board()
    store.get_issue(world["leak"])
    store.verify()
    store.rebuild()
    again = IssueStore.open(str(repo), clock=time.time_ns)
    again.health()
    again.close()
    assert state() == before

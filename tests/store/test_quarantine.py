"""Bad entries inside a real repository: listed with their reason, the issue opens, honest descendants survive."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import NotFound, Refused
from git_tracker.store import IssueStore, Signer, commit
from tests.conftest import settle
from tests.store import forge
from tests.store.bad import BAD
from tests.store.forge import Forge, created, label


@pytest.fixture
def forged(store: IssueStore) -> Forge:
    return Forge(store)


def odd(store: IssueStore) -> dict[str, tuple[str, str]]:
    """Every entry that does not count: id to verdict and reason."""
    return {item["entry"]: (item["verdict"], item["reason"]) for item in store.quarantine(limit=500)["items"]}


def named_by_verify(store: IssueStore) -> dict[str, tuple[str, str]]:
    problems = store.verify()["problems"]
    assert [problem for problem in problems if problem["kind"] == "index"] == []
    return {item["entry"]: (item["verdict"], item["reason"]) for item in problems if item["kind"] == "entry"}


def everything(store: IssueStore) -> Any:
    return sorted(store.every_issue(), key=lambda issue: str(issue["id"])), sorted(odd(store).items())


def settled(store: IssueStore) -> None:
    """What the index came to step by step is what git alone says, and `verify` says the same."""
    before = everything(store)
    assert named_by_verify(store) == odd(store)
    store.rebuild()
    assert everything(store) == before
    assert named_by_verify(store) == odd(store)


class Zoo:
    """One repository with an issue for each bad entry, and an honest entry on top of each."""

    def __init__(self, path: Path) -> None:
        subprocess.run(["git", "init", "--quiet", path], check=True)
        self.store = IssueStore.open(str(path))
        ada, _ = self.store.init()
        forged = Forge(self.store)
        issues = self.store.create_issues(ada, [{"title": name.replace("\t", " ")} for name in BAD])
        self.issue, self.bad = dict(zip(BAD, issues, strict=True)), dict[str, str]()
        updates = []
        for name, case in BAD.items():
            issue = self.issue[name]
            payload = forged.payload(ada, [label("bad")], [issue])
            self.bad[name] = forged.put(case.make(ada, payload))
            honest = forged.add(ada, [label("after")], [issue, self.bad[name]])
            updates.append(f"update refs/git-tracker/issues/{issue} {honest}\n")
        forged.git("update-ref", "--stdin", stdin="".join(updates).encode())
        self.odd = odd(self.store)
        self.verified = named_by_verify(self.store)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    with pytest.MonkeyPatch.context() as patch:
        settle(tmp_path_factory.mktemp("home"), patch)
        found = Zoo(tmp_path_factory.mktemp("zoo") / "repo")
        yield found
        found.store.close()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_entry_is_listed_and_the_issue_opens_with_what_honest_people_wrote(zoo: Zoo, name: str) -> None:
    verdict, reason = zoo.odd[zoo.bad[name]]
    issue = zoo.store.get_issue(zoo.issue[name])

    assert verdict == "quarantined"
    assert reason.startswith(BAD[name].reason)
    assert zoo.verified[zoo.bad[name]] == (verdict, reason)
    assert issue["labels"] == ["after"]
    assert issue["quarantined"] == 1


def test_nothing_else_is_listed_and_a_rebuild_says_the_same(zoo: Zoo) -> None:
    assert set(zoo.odd) == set(zoo.bad.values())
    settled(zoo.store)


@pytest.mark.parametrize(
    "name", ["signature: unsigned", "commit: 10,000 parents", "json: a float", "certificate: host certificate"]
)
def test_an_honest_entry_that_knew_only_the_bad_one_still_counts(
    forged: Forge, store: IssueStore, ada: Signer, name: str
) -> None:
    issue = store.create_issue(ada, {"title": "A leak", "description": "one"})
    bad = forged.put(BAD[name].make(ada, forged.payload(ada, [label("bad")], [issue])))
    edit = {"type": "description-edited", "operations": [3, " two"]}
    honest = forged.add(ada, [label("after"), edit], [bad])
    forged.point(issue, honest)

    found = store.get_issue(issue)
    assert (found["labels"], found["description"]) == (["after"], "one"), "its text rests on the bad entry"
    assert set(odd(store)) == {bad}
    settled(store)


@pytest.mark.parametrize("name", ["signature: unsigned", "commit: 10,000 parents"])
def test_an_issue_whose_last_entry_is_bad_still_opens_and_can_be_written(
    forged: Forge, store: IssueStore, ada: Signer, name: str
) -> None:
    issue = store.create_issue(ada, {"title": "A leak", "labels": ["wet"]})
    bad = forged.put(BAD[name].make(ada, forged.payload(ada, [label("bad")], [issue])))
    honest = forged.add(ada, [label("after")], [issue])
    forged.point(issue, honest)
    assert store.get_issue(issue)["labels"] == ["after", "wet"]
    bad = forged.put(BAD[name].make(ada, forged.payload(ada, [label("bad")], [honest])))
    forged.point(issue, bad)

    assert store.get_issue(issue)["labels"] == ["after", "wet"]
    store.comment(ada, issue, "still here")
    store.update_issue(ada, issue, {"status": "done"})

    assert store.get_issue(issue)["comments"][0]["body"] == "still here"
    assert odd(store)[bad][0] == "quarantined", "a write on top does not drop it in silence"
    settled(store)


def test_flipping_any_bit_of_a_stored_entry_quarantines_it(forged: Forge, store: IssueStore, ada: Signer) -> None:
    import random

    dice = random.Random(3)
    issues = store.create_issues(ada, [{"title": f"Leak {n}"} for n in range(40)])
    bad = []
    for issue in issues:
        raw = bytearray(forge.signed(ada, forged.payload(ada, [label("bad")], [issue])))
        bit = dice.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        bad.append(forged.put(bytes(raw)))
        forged.point(issue, forged.add(ada, [label("after")], [issue, bad[-1]]))

    assert {entry: verdict for entry, (verdict, _) in odd(store).items()} == dict.fromkeys(bad, "quarantined")
    assert store.list_issues("label:after")["total"] == 40
    assert store.list_issues("label:bad")["total"] == 0


def test_a_well_signed_entry_of_a_stranger_is_muted_and_listed(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak", "description": "one"})
    eve = forge.signer(9, "Eve", "eve@example.org")
    for end, by in ((3, eve), (4, forge.session(eve, 10))):
        text = {"type": "description-edited", "operations": ["EVIL "]}
        said = {"type": "comment-added", "body": "buy now"}
        muted = forged.add(by, [label("evil"), said, text], [forged.tip(issue)])
        honest = forged.add(ada, [{"type": "description-edited", "operations": [end, "!"]}], [muted])
        forged.point(issue, honest)
        assert odd(store)[muted][0] == "muted"
        assert "no member" in odd(store)[muted][1]

    found = store.get_issue(issue)
    assert (found["labels"], found["comments"], found["quarantined"]) == ([], [], 2)
    assert found["description"] == "one!!"
    assert store.list_issues("buy")["total"] == 0
    settled(store)


def test_a_certificate_must_speak_for_its_issuer_and_for_the_session_that_writes(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    now = store.now_ms // 1000
    valid = (now - 60, now + 60)
    cases = {
        "speaks for bob": (forge.session(ada, 20, person="bob", valid=valid), {}),
        "names another session than its certificate": (forge.session(ada, 21, valid=valid), {"sid": "0" * 12}),
        "outside the validity": (forge.session(ada, 22, valid=(now - 9000, now - 8000)), {}),
        "a person's entry names a session": (ada, {"sid": "0" * 12}),
    }
    wanted = {}
    for reason, (by, changed) in cases.items():
        id = forged.add(by, [label("bad")], [forged.tip(issue)], **changed)
        forged.point(issue, id)
        wanted[id] = reason

    for id, reason in wanted.items():
        verdict, said = odd(store)[id]
        assert (verdict, reason in said) == ("muted", True), said
    assert store.get_issue(issue)["labels"] == []
    settled(store)


def test_an_entry_of_another_issue_does_not_count_here(forged: Forge, store: IssueStore, ada: Signer) -> None:
    one, two = store.create_issues(ada, [{"title": "One"}, {"title": "Two"}])
    store.update_issue(ada, one, {"add_labels": ["replayed"]})
    foreign = forged.tip(one)
    joined = forged.add(ada, [label("after")], [two, foreign])
    forged.point(two, joined)

    assert store.get_issue(two)["labels"] == ["after"]
    assert {id: odd(store)[id][1] for id in (one, foreign)} == dict.fromkeys(
        (one, foreign), "it does not descend from its issue's root"
    )
    assert store.get_issue(one)["labels"] == ["replayed"]
    settled(store)


def test_a_ref_that_points_into_another_issue_s_history_shows_nothing_of_it(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:
    one, two = store.create_issues(ada, [{"title": "One"}, {"title": "Two"}])
    forged.point(two, one)

    assert store.get_issue(one)["title"] == "One"
    with pytest.raises(NotFound):
        store.get_issue(two)
    assert store.list_issues()["total"] == 1
    assert odd(store)[one][0] == "quarantined"
    settled(store)
    forged.point(two, two)
    assert store.get_issue(two)["title"] == "Two"
    settled(store)


def test_entries_of_another_tracker_wait(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    foreign = forged.add(ada, [label("foreign")], [issue], repo="c" * 40)
    forged.point(issue, foreign)

    assert odd(store)[foreign][0] == "waiting"
    assert store.get_issue(issue)["labels"] == []
    store.comment(ada, issue, "we go on")
    assert odd(store)[foreign][0] == "waiting"
    settled(store)


def test_one_payload_under_two_ids_counts_once(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    now = store.now_ms // 1000
    one = forge.session(ada, 30, valid=(now - 60, now + 600))
    two = forge.session(ada, 30, valid=(now - 60, now + 600), nonce=b"x" * 32)
    payload = forged.payload(one, [{"type": "comment-added", "body": "once"}], [issue])
    ids = [forged.put(forge.signed(by, payload)) for by in (one, two)]
    assert ids[0] != ids[1]
    joined = forged.add(ada, [label("after")], ids)
    forged.point(issue, joined)

    found = store.get_issue(issue)
    assert [comment["body"] for comment in found["comments"]] == ["once"]
    assert found["labels"] == ["after"]
    assert store.list_issues("once")["total"] == 1
    settled(store)


def test_the_summary_line_decides_nothing(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    forged.point(issue, forged.add(ada, [label("wet")], [issue], summary="closed as invalid"))

    assert store.get_issue(issue)["labels"] == ["wet"]
    assert store.get_issue(issue)["status"] == "todo"
    assert odd(store) == {}
    assert "closed as invalid" in forged.git("log", "-1", "--format=%s", f"refs/git-tracker/issues/{issue}")


def test_a_second_root_does_not_count(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    second = forged.add(ada, [created("Another")], [])
    below = forged.add(ada, [label("theirs")], [second])
    forged.point(issue, forged.add(ada, [label("after")], [issue, below]))

    assert store.get_issue(issue)["title"] == "A leak"
    assert store.get_issue(issue)["labels"] == ["after"]
    assert {id: odd(store)[id][0] for id in (second, below)} == dict.fromkeys((second, below), "quarantined")
    settled(store)


def test_a_root_must_begin_with_its_creation(forged: Forge, store: IssueStore, ada: Signer) -> None:
    root = forged.add(ada, [label("wet")], [])
    forged.point(root, root)

    assert odd(store)[root] == ("quarantined", "a root entry has no parents and begins with a created event")
    assert store.list_issues()["total"] == 0
    settled(store)


def test_an_entry_waits_for_its_parent_and_counts_when_it_comes(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    parent = forge.signed(ada, forged.payload(ada, [label("parent")], [issue]))

    id = commit.commit_id(parent)
    child = forged.add(ada, [label("child")], [id])
    grandchild = forged.add(ada, [label("grandchild")], [child, issue])
    forged.place(issue, grandchild)

    assert store.get_issue(issue)["labels"] == []
    assert {verdict for verdict, _ in odd(store).values()} == {"waiting"}
    assert set(odd(store)) == {child, grandchild}
    settled(store)

    assert forged.put(parent) == id
    store.refresh(force=True)
    assert store.get_issue(issue)["labels"] == ["child", "grandchild", "parent"]
    assert odd(store) == {}
    settled(store)


@pytest.mark.parametrize("below", ["waiting", "missing"])
def test_what_hangs_behind_a_bad_entry_on_a_missing_parent_is_found_when_it_comes(
    forged: Forge, store: IssueStore, ada: Signer, below: str
) -> None:

    issue = store.create_issue(ada, {"title": "A leak"})
    parent = forge.signed(ada, forged.payload(ada, [label("parent")], [issue]))
    id = commit.commit_id(parent)
    if below == "waiting":
        id = forged.add(ada, [label("middle")], [id])
    bad = forged.put(BAD["signature: unsigned"].make(ada, forged.payload(ada, [label("bad")], [id])))
    top = forged.add(ada, [label("top")], [bad])
    forged.place(issue, top)
    assert odd(store)[bad][0] == "quarantined"
    assert odd(store)[top][0] == "waiting"

    forged.put(parent)
    store.refresh(force=True)
    found = store.get_issue(issue)["labels"]
    assert found == (["middle", "parent", "top"] if below == "waiting" else ["parent", "top"])
    assert set(odd(store)) == {bad}
    settled(store)


def test_a_clock_that_does_not_exceed_the_parents_is_refused(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    ms, _count = forged.clock([])
    early = forged.add(ada, [label("early")], [issue], hlc=(1, 0))
    honest = forged.add(ada, [label("after")], [issue, early], hlc=(ms + 5, 0))
    forged.point(issue, honest)

    assert odd(store) == {early: ("quarantined", "its clock does not exceed that of its parents")}
    assert store.get_issue(issue)["labels"] == ["after"]
    settled(store)


def test_a_time_more_than_a_day_ahead_waits_until_its_day_comes(repo: Path) -> None:
    import time

    now = [time.time_ns()]
    store = IssueStore.open(str(repo), clock=lambda: now[0])
    ada, _ = store.init()
    forged = Forge(store)
    issue = store.create_issue(ada, {"title": "A leak"})
    ahead = forged.add(ada, [label("ahead")], [issue], hlc=(store.now_ms + 25 * 3600 * 1000, 0))
    forged.point(issue, ahead)

    assert odd(store)[ahead] == ("waiting", "it claims a time more than 24 h ahead")
    assert store.get_issue(issue)["labels"] == []
    now[0] += 2 * 3600 * 10**9
    assert store.get_issue(issue)["labels"] == ["ahead"]
    assert odd(store) == {}
    settled(store)
    store.close()


def deep(forged: Forge, by: Signer, issue: str, count: int) -> str:
    import pygit2

    odb = pygit2.Repository(forged.git_dir).odb
    tip, prev, (ms, _) = issue, issue, forged.clock([issue])
    for number in range(count):
        unsigned = forge.unsigned(
            [{"type": "comment-added", "body": f"{number}"}], [tip], hlc=(ms + 1, number), n=number + 1, prev=prev,
            repo=forged.store.root, auth=(forged.store.root,), sid=by.sid,
            author=commit.author_line("Ada", "ada@example.org", forged.store.now_ms // 1000),
        )  # fmt: skip
        tip = prev = str(odb.write(1, forge.signed(by, unsigned)))
    return tip


@pytest.mark.parametrize("count", [1_500, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_deep_history_is_read_without_recursion(forged: Forge, store: IssueStore, ada: Signer, count: int) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    forged.point(issue, deep(forged, ada, issue, count))

    assert store.row(issue)["comment_count"] == count
    assert store.health()["quarantined"] == 0


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_a_ref_to_something_else_than_a_commit_is_skipped_and_listed(
    forged: Forge, store: IssueStore, ada: Signer, kind: str
) -> None:
    keep, lost = store.create_issues(ada, [{"title": "Keep"}, {"title": "Lost"}])
    odd_ones = {"blob": forged.git("hash-object", "-w", "--stdin", stdin=b"x"), "tree": forged.put(b"", 2)}
    if kind == "tag":
        tagger = "tagger Ada <ada@example.org> 1 +0000"
        odd_ones["tag"] = forged.put(f"object {lost}\ntype commit\ntag v1\n{tagger}\n\nx\n".encode(), 4)
    forged.point(lost, odd_ones[kind])
    forged.point("a" * 40, odd_ones[kind])

    assert [row["id"] for row in store.list_issues()["items"]] == [keep]
    assert odd(store)[odd_ones[kind]] == ("quarantined", "not a commit")
    store.comment(ada, keep, "we go on")
    settled(store)


def test_a_ref_to_an_object_that_is_not_here_hides_the_issue_until_it_comes(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:

    raw = forge.signed(ada, forged.payload(ada, [created("Later")], []))
    id = commit.commit_id(raw)
    forged.place(id, id)
    assert store.list_issues()["total"] == 0
    assert [problem["kind"] for problem in store.verify()["problems"]] == ["ref"]

    forged.put(raw)
    store.refresh(force=True)
    assert store.get_issue(id)["title"] == "Later"
    settled(store)


def test_a_symbolic_ref_in_our_namespace_is_refused(forged: Forge, store: IssueStore, ada: Signer) -> None:
    keep, lost = store.create_issues(ada, [{"title": "Keep"}, {"title": "Lost"}])
    forged.git("symbolic-ref", f"refs/git-tracker/issues/{lost}", f"refs/git-tracker/issues/{keep}")

    assert [row["id"] for row in store.list_issues()["items"]] == [keep]
    assert {"kind": "ref", "ref": f"refs/git-tracker/issues/{lost}", "reason": "its file holds no id"} in (
        store.verify()["problems"]
    )
    store.comment(ada, keep, "we go on")


def test_names_that_are_no_ids_are_left_alone(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    for name in ("main", "-rf", "A" * 40, f"{issue}/below" if False else "sub/below", "@", issue[:39], issue + "0"):
        path = Path(store.place.common, "refs/git-tracker/issues", name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(issue + "\n", encoding="ascii")

    store.refresh(force=True)
    assert [row["id"] for row in store.list_issues()["items"]] == [issue]
    store.comment(ada, issue, "we go on")
    settled(store)


def test_an_event_of_a_newer_client_is_kept_and_shown_without_effect(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    new = {"type": "teleported", "to": "Mars", "deep": {"a": [1, None, True]}}
    forged.point(issue, forged.add(ada, [new, label("wet")], [issue]))

    assert store.get_issue(issue)["labels"] == ["wet"]
    shown = store.history(issue)["items"][-2]
    assert (shown["type"], shown["to"], shown["deep"], shown["verdict"]) == (
        "teleported",
        "Mars",
        {"a": [1, None, True]},
        "ok",
    )
    assert "newer client" in shown["summary"]
    settled(store)


@pytest.mark.parametrize("fields", [{"priority": "high"}, {}, {"priority": 1, "self": 1}], ids=repr)
def test_a_known_event_of_a_wrong_shape_takes_no_effect_and_says_so(
    forged: Forge, store: IssueStore, ada: Signer, fields: dict[str, object]
) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    bad = forged.add(ada, [label("wet"), {"type": "priority-changed", **fields}], [issue])
    forged.point(issue, bad)

    assert store.get_issue(issue)["labels"] == []
    assert "no effect" in store.history(issue)["items"][-1]["reason"]
    settled(store)


def test_a_text_operation_that_does_not_fit_is_rejected_by_itself(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:
    issue = store.create_issue(ada, {"title": "A leak", "description": "short"})
    far = {"type": "description-edited", "operations": [10**6, "x"]}
    forged.point(issue, forged.add(ada, [far, label("wet")], [issue]))

    assert store.get_issue(issue)["description"] == "short"
    assert store.get_issue(issue)["labels"] == ["wet"]
    settled(store)


def test_fields_of_any_status_and_category_still_list(forged: Forge, store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    event = {"type": "status-changed", "to": "shipping", "category": "banana"}
    forged.point(issue, forged.add(ada, [event], [issue]))

    row = store.row(issue)
    assert (row["status"], row["category"]) == ("shipping", "active")
    assert [column["status"] for column in store.board()["columns"]] == ["todo", "in-progress", "done", "shipping"]


def test_a_ref_moved_back_shows_what_it_reaches_and_blocks_nothing_more(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:
    one, two = store.create_issues(ada, [{"title": "One"}, {"title": "Two"}])
    store.link(ada, one, "blocks", two)
    assert store.get_issue(two)["blocked"] is True
    forged.point(one, one)

    assert store.get_issue(one)["links"] == []
    assert store.get_issue(two)["blocked"] is False
    settled(store)


def test_two_branches_of_one_issue_fold_to_one_state_however_they_meet(
    forged: Forge, store: IssueStore, ada: Signer
) -> None:
    issue = store.create_issue(ada, {"title": "A leak", "description": "It leaks."})
    eve = store.delegate(ada, client="c/1", label="other")
    left = forged.add(ada, [label("left"), {"type": "title-changed", "title": "Left"}], [issue])
    right = forged.add(eve, [label("right"), {"type": "title-changed", "title": "Right"}], [issue])
    joined = forged.add(ada, [{"type": "comment-added", "body": "joined"}], [left, right])
    states = []
    for tips in ([left, joined], [right, joined], [joined]):
        forged.point(issue, issue)
        store.refresh(force=True)
        for tip in tips:
            forged.point(issue, tip)
            store.refresh(force=True)
        states.append(store.get_issue(issue))
        settled(store)

    assert states[0] == states[1] == states[2]
    assert states[0]["labels"] == ["left", "right"]
    assert [value["value"] for value in states[0]["conflicts"][0]["values"]] == ["Right", "Left"] or states[0][
        "conflicts"
    ]
    store.update_issue(ada, issue, {"title": "Settled"})
    assert store.get_issue(issue)["conflicts"] == []


def test_two_clones_meet_in_one_state(forged: Forge, store: IssueStore, ada: Signer, tmp_path: Path) -> None:
    issue = store.create_issue(ada, {"title": "A leak", "description": "It leaks."})
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", clone], check=True)
    fetch = ["git", "-C", clone, "fetch", "--quiet", store.place.common]
    subprocess.run([*fetch, "refs/git-tracker/*:refs/git-tracker/*"], check=True)
    other = IssueStore.open(str(clone))
    assert other.root == store.root

    store.update_issue(ada, issue, {"description": "It leaks badly.", "add_labels": ["here"]})
    other.update_issue(ada, issue, {"description": "Look: It leaks.", "add_labels": ["there"]})
    here, there = forged.tip(issue), Forge(other).tip(issue)
    subprocess.run([*fetch, f"{here}:refs/git-tracker/keep/{here}"], check=False)
    subprocess.run([*fetch, f"refs/git-tracker/issues/{issue}:refs/theirs"], check=True)
    joined = Forge(other).add(ada, [label("joined")], [here, there])
    Forge(other).point(issue, joined)
    subprocess.run(
        ["git", "-C", store.place.common, "fetch", "--quiet", clone, f"{joined}:refs/git-tracker/issues/{issue}"],
        check=False,
    )
    forged.git("fetch", "--quiet", str(clone), f"refs/git-tracker/issues/{issue}:refs/git-tracker/issues/{issue}")

    assert store.get_issue(issue) == other.get_issue(issue)
    assert store.get_issue(issue)["description"] == "Look: It leaks badly."
    assert store.get_issue(issue)["labels"] == ["here", "joined", "there"]
    other.close()


def test_a_stranger_cannot_write_and_leaves_no_trace(store: IssueStore, forged: Forge, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    before = forged.git("for-each-ref")
    with pytest.raises(Refused) as refusal:
        store.comment(forge.signer(9, "Eve", "eve@example.org"), issue, "hello")

    assert refusal.value.code == "not_a_member"
    assert forged.git("for-each-ref") == before
    assert os.path.exists(store.place.home)

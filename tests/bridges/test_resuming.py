"""An import may be broken off, run again, and run on a changed file; people may have gone on working meanwhile."""

import json
from pathlib import Path

import pytest

from git_tracker.bridges import IMPORTS, carrying
from git_tracker.store import IssueStore, Signer
from tests.bridges.conftest import Import, nothing
from tests.bridges.snapshot import cursor, snapshot


class Enough(Exception):
    pass


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "BATCH", 5)


def lines(*records: dict) -> str:
    base = {"title": "One", "status": "open", "priority": 2, "issue_type": "task", "created_at": "2026-01-01T00:00:00Z"}
    return "".join(json.dumps({"id": f"x-{n}"} | base | record) + "\n" for n, record in enumerate(records, 1))


def test_a_second_run_writes_nothing(store: IssueStore, beads: Import, sample: str) -> None:
    beads(sample)
    before = cursor(store)
    again = beads(sample)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 42)
    assert cursor(store) == before


def test_an_import_that_was_broken_off_is_finished_by_the_next(
    tmp_path: Path, repo: Path, store: IssueStore, beads: Import, sample: str, small_batches: None
) -> None:
    ticks: list[tuple[int, int]] = []
    beads(sample, lambda done, total: ticks.append((done, total)))
    whole = snapshot(store)
    assert len(ticks) > 12
    assert ticks[-1][0] == ticks[-1][1]
    for stop in range(1, len(ticks), 3):
        other = IssueStore.open(str(_repository(tmp_path / f"stopped-{stop}")))
        ada, _ = other.init()
        calls = iter(range(1, 1000))

        def break_off(done: int, total: int, stop: int = stop, calls: object = calls) -> None:
            if next(calls) == stop:  # type: ignore[call-overload]
                raise Enough

        with pytest.raises(Enough):
            IMPORTS["beads"](other, ada, sample, break_off)
        assert snapshot(other) != whole
        IMPORTS["beads"](other, ada, sample, nothing)
        assert snapshot(other) == whole
        assert other.verify()["ok"]
        other.close()


@pytest.mark.parametrize("moves", [1, 7, 23, 45])
def test_an_import_that_dies_while_refs_move_loses_and_doubles_nothing(
    tmp_path: Path, store: IssueStore, beads: Import, sample: str, small_batches: None, moves: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    beads(sample)
    path = str(_repository(tmp_path / "dying"))
    other = IssueStore.open(path)
    ada, _ = other.init()
    count = iter(range(1, 10_000))
    move = type(other.objects).move

    def die(self: object, ref: str, old: str | None, new: str) -> None:
        if next(count) > moves:
            raise SystemExit
        move(self, ref, old, new)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(type(other.objects), "move", die)
        with pytest.raises(SystemExit):
            IMPORTS["beads"](other, ada, sample, nothing)
    revived = IssueStore.open(path)
    IMPORTS["beads"](revived, revived.signer(), sample, nothing)
    assert snapshot(revived) == snapshot(store)
    assert revived.verify()["ok"]
    revived.close()


def test_a_changed_file_writes_what_differs_and_only_that(store: IssueStore, beads: Import) -> None:
    note = {"id": 1, "issue_id": "x-1", "author": "mira", "text": "first", "created_at": "2026-01-01T00:00:00Z"}
    link = {
        "issue_id": "x-1",
        "depends_on_id": "x-2",
        "type": "blocks",
        "created_at": "2026-01-01T00:00:00Z",
        "created_by": "m",
    }
    before = {
        "description": "one two three",
        "labels": ["a", "b"],
        "comments": [note],
        "owner": "mira",
        "dependencies": [link],
    }
    beads(lines(before, {}, {}))
    at = cursor(store)
    after = {
        "title": "Uno", "description": "one 2 three", "status": "closed", "closed_at": "2026-02-01T00:00:00Z", "priority": 0,
        "labels": ["b", "c"], "comments": [note | {"text": "first, mended"}, note | {"id": 2, "text": "second"}],
        "assignee": "jonas", "issue_type": "bug", "notes": "new", "dependencies": [link | {"depends_on_id": "x-3"}],
    }  # fmt: skip
    report = beads(lines(after, {}, {}, {"title": "Four"}))
    assert (report.created, report.updated, report.unchanged) == (1, 3, 0)
    ids = store.find_imported("beads")
    seen = store.get_issue(ids["x-1"])
    assert {name: seen[name] for name in ("title", "description", "status", "priority", "labels", "assignee", "type")} == {
        "title": "Uno", "description": "one 2 three", "status": "done", "priority": 0, "labels": ["b", "c"],
        "assignee": "jonas", "type": "bug",
    }  # fmt: skip
    assert [item["body"] for item in seen["comments"]] == ["first, mended", "second"]
    assert (seen["custom"]["beads:owner"], seen["custom"]["beads:notes"]) == (None, "new")
    assert seen["links"] == [{"kind": "blocks", "issue": ids["x-3"], "direction": "in"}]
    events = [(e["type"], e["imported"]["from"]) for e in store.events(since=at, limit=500)["items"]]
    assert len(events) == 15
    assert {source for _, source in events} == {"beads"}
    at = cursor(store)
    assert beads(lines(after, {}, {}, {"title": "Four"})).unchanged == 4
    assert cursor(store) == at


def test_what_people_changed_here_stays_while_the_file_says_what_it_said(
    store: IssueStore, ada: Signer, beads: Import
) -> None:
    file = lines({"description": "one two three", "labels": ["a"]})
    beads(file)
    id = store.find_imported("beads")["x-1"]
    mine = {
        "title": "Mine", "description": "one two three four", "status": "in-progress", "priority": 0,
        "add_labels": ["b"], "remove_labels": ["a"], "archived": True,
    }  # fmt: skip
    store.update_issue(ada, id, mine)
    at = cursor(store)
    assert beads(file).unchanged == 1
    assert cursor(store) == at
    beads(lines({"description": "zero one two three", "labels": ["a"]}))
    seen = store.get_issue(id)
    assert (seen["title"], seen["status"], seen["labels"], seen["archived"]) == ("Mine", "in-progress", ["b"], True)
    assert seen["description"] == "zero one two three"
    at = cursor(store)
    store.update_issue(ada, id, {"description": "mine again"})
    assert beads(lines({"description": "zero one two three", "labels": ["a"]})).unchanged == 1
    assert store.get_issue(id)["description"] == "mine again"


def test_a_file_of_some_records_leaves_the_others_alone(store: IssueStore, beads: Import) -> None:
    link = {
        "issue_id": "x-2",
        "depends_on_id": "x-1",
        "type": "blocks",
        "created_at": "2026-01-01T00:00:00Z",
        "created_by": "m",
    }
    beads(lines({}, {"dependencies": [link]}, {}))
    ids = store.find_imported("beads")
    report = beads(lines({"title": "New"}))
    assert (report.created, report.updated, report.unchanged) == (0, 1, 0)
    assert store.get_issue(ids["x-1"])["links"] == [{"kind": "blocks", "issue": ids["x-2"], "direction": "out"}]
    beads(lines({"title": "New"}, {}))
    assert store.get_issue(ids["x-1"])["links"] == []


def test_two_imports_at_once_double_nothing(
    store: IssueStore, ada: Signer, sample: str, repo: Path, small_batches: None
) -> None:
    other = IssueStore.open(str(repo))
    began = []

    def meanwhile(done: int, total: int) -> None:
        if not began:
            began.append(True)
            IMPORTS["beads"](other, ada, sample, nothing)

    IMPORTS["beads"](store, ada, sample, meanwhile)
    assert store.list_issues("is:imported")["total"] == 40
    assert store.list_issues("is:imported is:archived")["total"] == 2
    assert IMPORTS["beads"](store, ada, sample, nothing).unchanged == 42
    other.close()


def test_an_agent_may_import_as_well(store: IssueStore, agent: Signer, sample: str) -> None:
    assert IMPORTS["beads"](store, agent, sample, nothing).created == 42
    assert store.verify()["ok"]


def _repository(path: Path) -> Path:
    import subprocess

    subprocess.run(["git", "init", "--quiet", path], check=True)
    return path

"""What goes out as JSON Lines comes in again; tables and documents are safe to open."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from git_tracker.bridges import EXPORTS, IMPORTS
from git_tracker.store import IssueStore, Signer
from tests.bridges.conftest import Import, nothing
from tests.bridges.snapshot import cursor


def exported(store: IssueStore, name: str) -> str:
    pieces: list[str] = []
    EXPORTS[name](store, pieces.append)
    return "".join(pieces)


@pytest.fixture
def full(store: IssueStore, ada: Signer, agent: Signer) -> IssueStore:
    """A tracker with one issue of every kind of field, by a person and an agent."""
    first, second = store.create_issues(ada, [
        {"ref": "a", "title": "Écluse", "description": "one\ntwo", "labels": ["x", "y"], "assignee": "ada",
         "criteria": ["opens", "closes"], "due": "2036-01-01", "milestone": "m1", "priority": 0, "type": "bug"},
        {"ref": "b", "title": "=1+1", "parent": "#a", "blocked_by": ["#a"], "relates": ["#a"]},
    ])  # fmt: skip
    part = store.get_issue(first)["criteria"][0]["id"]
    store.update_issue(agent, first, {"check_criteria": [part], "estimate": 3600, "branch": "fix/it"})
    store.comment(agent, first, "from an *agent*")
    store.comment(ada, second, "from a person")
    store.update_issue(ada, second, {"deferred_until": "2036-02-01", "archived": True})
    third = store.create_issue(agent, {"title": "Third"})
    store.finish(agent, third, "done it", [{"kind": "test", "value": "all green"}])
    return store


@pytest.fixture
def elsewhere(tmp_path: Path) -> IssueStore:
    import subprocess

    subprocess.run(["git", "init", "--quiet", tmp_path / "elsewhere"], check=True)
    found = IssueStore.open(str(tmp_path / "elsewhere"))
    found.init()
    return found


SAME = (
    "title description status category type priority labels assignee branch estimate due milestone deferred_until"
    " archived criteria evidence".split()
)


def test_an_export_comes_in_elsewhere_as_it_was(full: IssueStore, elsewhere: IssueStore, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(exported(full, "jsonl"), encoding="utf-8")
    report = IMPORTS["jsonl"](elsewhere, elsewhere.signer(), str(path), nothing)
    assert (report.read, report.created, report.skipped) == (3, 3, [])
    ids = elsewhere.find_imported("git-tracker")
    for line in path.read_text(encoding="utf-8").splitlines():
        old = json.loads(line)
        new = elsewhere.get_issue(ids[old["id"]])

        def plain(issue: dict, name: str) -> object:
            drop = {"id", "author", "at"}
            value = issue[name]
            return (
                [{k: v for k, v in item.items() if k not in drop} for item in value]
                if name in ("criteria", "evidence")
                else value
            )

        assert {name: plain(new, name) for name in SAME} == {name: plain(old, name) for name in SAME}
        assert [note["body"] for note in new["comments"]] == [note["body"] for note in old["comments"]]
        assert new["imported"] == {
            "from": "git-tracker", "id": old["id"], "by": old["author"]["name"], "at": old["created_at"]
        }  # fmt: skip
        assert new["parent"] == (ids[old["parent"]] if old["parent"] else None)
        assert {(link["kind"], link["issue"], link["direction"]) for link in new["links"]} == {
            (link["kind"], ids[link["issue"]], link["direction"]) for link in old["links"]
        }
    before = cursor(elsewhere)
    assert IMPORTS["jsonl"](elsewhere, elsewhere.signer(), str(path), nothing).unchanged == 3
    assert cursor(elsewhere) == before
    assert elsewhere.verify()["ok"]


def test_an_export_is_not_taken_into_the_tracker_it_came_from(full: IssueStore, ada: Signer, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text(exported(full, "jsonl"), encoding="utf-8")
    before = cursor(full)
    report = IMPORTS["jsonl"](full, ada, str(path), nothing)
    assert (report.created, len(report.skipped)) == (0, 3)
    assert "is an issue of this tracker" in report.skipped[0][1]
    assert cursor(full) == before


def test_what_was_imported_once_is_carried_on_with_its_custom_fields(
    store: IssueStore, beads: Import, elsewhere: IssueStore, tmp_path: Path, sample: str
) -> None:
    beads(sample)
    path = tmp_path / "out.jsonl"
    path.write_text(exported(store, "jsonl"), encoding="utf-8")
    report = IMPORTS["jsonl"](elsewhere, elsewhere.signer(), str(path), nothing)
    assert (report.created, report.skipped) == (42, [])
    ids = elsewhere.find_imported("git-tracker")
    for origin, id in store.find_imported("beads").items():
        old, new = store.get_issue(id), elsewhere.get_issue(ids[id])
        custom = {name: value for name, value in new["custom"].items() if not name.startswith("git-tracker:")}
        assert custom == old["custom"]
        assert new["custom"]["git-tracker:imported"]["id"] == origin


@pytest.mark.parametrize(
    "change",
    [{"title": ""}, {"title": 3}, {"priority": 9}, {"labels": [[]]}, {"labels": "x"}, {"comments": [{}]}, {"due": "soon"},
     {"links": [{"kind": "eats", "issue": "0" * 40, "direction": "out"}], "id": "0" * 40}, {"links": "x"}, {"parent": 7},
     {"status": "x" * 100}, {"criteria": [{"text": "a\nb"}]}, {"custom": {"": 1}}, {"spent": -1}, {"author": []}],
)  # fmt: skip
def test_a_line_that_is_no_issue_is_skipped_with_the_reason(
    full: IssueStore, elsewhere: IssueStore, tmp_path: Path, change: dict
) -> None:
    path = tmp_path / "out.jsonl"
    first, *others = exported(full, "jsonl").splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | change), *others]), encoding="utf-8")
    report = IMPORTS["jsonl"](elsewhere, elsewhere.signer(), str(path), nothing)
    assert (report.created, len(report.skipped)) == (2, 1), report.skipped
    assert elsewhere.verify()["ok"]


def test_csv_is_a_table_without_formulas(store: IssueStore, beads: Import, sample: str) -> None:
    beads(sample)
    text = exported(store, "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 42
    evil = next(row for row in rows if row["imported_id"] == "gh-35")
    assert evil["title"].startswith("'=HYPERLINK(")
    assert not [cell for row in rows for cell in row.values() if re.match(r"\s*[=+@-]", cell) and cell[0] != "'"]
    long = next(row for row in rows if row["imported_id"] == "gh-36")
    assert long["description"].count("Zeile für Zeile.\n") == 400


def test_the_document_keeps_hostile_words_in_their_place(store: IssueStore, beads: Import, sample: str) -> None:
    beads(sample)
    text = exported(store, "markdown")
    assert text.startswith(
        "# Issues of repo\n\n- todo: 33\n- in-progress: 2\n- done: 5\n- archived, not shown here: 2\n"
    )
    outside, inside, fence = [], [], ""
    for line in text.splitlines():
        mark = re.match(r"> (`{3,})", line)
        if mark and (not fence or line == f"> {fence}"):
            fence = "" if fence else mark[1]
        (inside if fence else outside).append(line)
    assert fence == ""
    assert not [line for line in outside if re.search(r"(?<!\\)<[A-Za-z/!?]", line)]
    assert any("<img src=x" in line for line in inside)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len([line for line in headings if line.startswith("### ")]) == 40
    assert not [line for line in headings if line.startswith("# ")][1:]


def test_a_third_party_bridge_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata
    import types

    theirs = types.SimpleNamespace(import_file=lambda *arguments: "read")
    point = types.SimpleNamespace(name="theirs", load=lambda: theirs)
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: [point] if group == "git_tracker.bridges" else []
    )
    assert list(IMPORTS) == ["beads", "jsonl", "theirs"]
    assert IMPORTS["theirs"]() == "read"
    with pytest.raises(KeyError):
        EXPORTS["theirs"]

"""Conflicts on the command line: seen, and settled by saying once what it is."""

from pathlib import Path

import pytest

from git_tracker.cli import exits
from git_tracker.store import IssueStore, Signer
from tests.cli.conftest import Tracker
from tests.store.forge import Forge, edited

OLD = "It stays empty."


@pytest.fixture
def sides(store: IssueStore, ada: Signer, agent: Signer, issue: str) -> list[str]:
    """Two who wrote title and description of the issue at once; their entries."""
    return Forge(store).apart(
        issue,
        (ada, [{"type": "title-changed", "title": "Login is slow"}, edited(OLD, "It stays white.")]),
        (agent, [{"type": "title-changed", "title": "No login \x1b[31m"}, edited(OLD, "It stays grey.")]),
    )


def test_nothing_in_conflict_is_said_and_is_no_failure(tracker: Tracker, issue: str) -> None:
    answer = tracker("conflicts")
    assert (answer.code, answer.out) == (exits.DONE, "")
    assert "nothing is in conflict" in answer.err
    assert tracker("--json", "conflicts").json == {"items": [], "next": None, "total": 0}


def test_conflicts_are_listed_with_authors_times_and_entries(tracker: Tracker, issue: str, sides: list[str]) -> None:
    answer = tracker("conflicts")
    assert answer.code == exits.DONE
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0][0] == issue[:7]
    assert next(words for words in lines if words[0] == sides[0][:12])[1:3] == ["Ada", "Lovelace"]
    assert "fixer (claude-code/2.1 for ada)" in answer.out
    for text in ("Login is slow", "It stays white.", "It stays grey.", OLD, "\\x1b[31m"):
        assert text in answer.out
    assert "\x1b" not in answer.out
    (row,) = tracker("--json", "conflicts").json["items"]
    assert [conflict["field"] for conflict in row["conflicts"]] == ["title", "description"]
    assert {value["entry"] for value in row["conflicts"][0]["values"]} == set(sides)
    assert "conflicts:" in tracker("show", issue).out


def test_a_value_is_taken_given_or_read_from_a_file(
    tracker: Tracker, issue: str, sides: list[str], tmp_path: Path
) -> None:
    done = tracker("--json", "resolve", issue, "title", "--take", sides[0][:12])
    assert (done.code, done.json["title"]) == (exits.DONE, "Login is slow")
    text = tmp_path / "text"
    text.write_text("It stays\nwhite or grey.\n")
    done = tracker("--json", "resolve", issue, "description", "-F", str(text), "--rk", "once")
    assert (done.json["description"], done.json["conflicts"]) == ("It stays\nwhite or grey.", [])
    assert tracker("resolve", issue, "description", "-F", str(text), "--rk", "once").code == exits.DONE
    assert tracker("conflicts").out == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("title",), exits.USAGE),
        (("title", "Both", "--take", "base"), exits.USAGE),
        (("title", ""), exits.USAGE),
        (("colour", "red"), exits.NOT_FOUND),
        (("status", "done"), exits.LOST),
        (("title", "--take", "ffffffff"), exits.LOST),
    ],
)
def test_what_settles_nothing_is_refused_and_leaves_no_trace(
    tracker: Tracker, store: IssueStore, issue: str, sides: list[str], words: tuple[str, ...], code: int
) -> None:
    store.refresh(force=True)
    before = store.health()["entries"]
    answer = tracker("resolve", issue, *words)
    assert answer.code == code
    assert len(answer.err.strip().splitlines()) == 2
    store.refresh()
    assert store.health()["entries"] == before


def test_doctor_says_which_strategy_waits_for_a_signature(tracker: Tracker, repo: Path, issue: str) -> None:
    (repo / "git-tracker.toml").write_text('[merge]\nstatus = "manual"\ntitle = "last-writer"\n')
    checks = {check["name"]: check for check in tracker("--json", "doctor").json["checks"]}
    assert checks["merge"]["state"] == "warn"
    policy = checks["merge"]["remedy"].partition("'")[2].rstrip("'")
    assert tracker("trust", "policy", policy).code == exits.DONE
    assert "merge" not in {check["name"] for check in tracker("--json", "doctor").json["checks"]}
    (repo / "git-tracker.toml").write_text('[merge]\nstatus = "maybe"\n')
    assert {check["name"]: check["state"] for check in tracker("--json", "doctor").json["checks"]}["settings"] == "fail"

"""Several repositories from the command line: found, changed and looked after as one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.workspace.land import Land


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def tracker(land: Land, *words: str, cwd: Path | None = None, **environ: str) -> Said:
    """Run the program in the folder of the workspace."""
    process = land.tracker(*words) if cwd is None and not environ else _elsewhere(land, words, cwd, environ)
    out, err = process.communicate(timeout=60)
    return Said(process.returncode, out, err)


def _elsewhere(land: Land, words: tuple[str, ...], cwd: Path | None, environ: dict[str, str]) -> Any:
    argv = [sys.executable, "-m", "git_tracker", *words]
    env = {**land.env, "PYTHONPATH": str(Path(__file__).parents[2]), **environ}
    return subprocess.Popen(
        argv, cwd=cwd or land.place, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_workspace_is_made_listed_and_taken_apart(tmp_path: Path, land: Land) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    for words in (
        ("workspace", "init"), ("workspace", "init"), ("workspace", "add", str(land.repo), "--name", "one"),
        ("workspace", "add", "../land/web"),
    ):  # fmt: skip
        done = tracker(land, *words, cwd=folder)
        assert done.code == 0, done.err
    listed = tracker(land, "workspace", "list", "--json", cwd=folder).json["items"]
    assert [(one["name"], one["path"], one["state"]) for one in listed] == [
        ("one", "../land/repo", "ok"), ("web", "../land/web", "ok"),
    ]  # fmt: skip
    assert tracker(land, "workspace", "remove", "web", cwd=folder).code == 0
    assert (folder / ".git-tracker/config.toml").read_text() == '[repositories]\n"one" = "../land/repo"\n'
    near = tracker(land, "workspace", "remove", "oen", cwd=folder)
    assert (near.code, "the nearest is one" in near.err) == (3, True)
    twice = tracker(land, "workspace", "add", str(land.repo), "--name", "again", cwd=folder)
    assert (twice.code, "already" in twice.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[repos]\n", "repositories"),
        ("[repositories]\napi = 3\n", "api"),
        ('[repositories]\n"a b" = "api"\n', "a b"),
        ("[repositories\n", "TOML"),
        ('repositories = "api"\n', "no table"),
    ],
)
def test_a_file_that_says_anything_else_is_refused_with_what_would_work(land: Land, text: str, hint: str) -> None:
    (land.place / ".git-tracker/config.toml").write_text(text)
    said = tracker(land, "list")
    assert said.code == 2
    assert hint in said.err


def test_the_nearest_of_repository_and_workspace_is_meant_and_a_repository_is_never_made_one(land: Land) -> None:
    land.store.create_issue(land.ada, {"title": "in api"})
    land.web.create_issue(land.ada, {"title": "in web"})
    assert {row["title"] for row in tracker(land, "list", "--json").json["items"]} == {"in api", "in web"}
    inside = tracker(land, "list", "--json", cwd=land.repo).json["items"]
    assert [(row["title"], "repository" in row, "#" in row["short"]) for row in inside] == [("in api", False, False)]
    refused = tracker(land, "workspace", "init", cwd=land.repo)
    assert (refused.code, "above" in refused.err) == (2, True)
    hostile = land.repo / ".git-tracker"
    hostile.mkdir()
    (hostile / "config.toml").write_text('[repositories]\nother = "../web"\n')
    assert [row["title"] for row in tracker(land, "list", "--json", cwd=land.repo).json["items"]] == ["in api"]


def test_lists_boards_and_logs_merge_in_order_and_page_without_loss_or_doubles(land: Land) -> None:
    for number in range(7):
        store = land.store if number % 2 else land.web
        store.create_issue(land.ada, {"title": f"issue {number}", "priority": number % 3})
    whole = tracker(land, "list", "--sort", "title", "--json").json
    assert [row["title"] for row in whole["items"]] == [f"issue {number}" for number in range(7)]
    assert {row["short"].partition("#")[0] for row in whole["items"]} == {"api", "web"}
    seen: list[str] = []
    cursor: list[str] = []
    while True:
        page = tracker(land, "list", "--sort", "priority", "--limit", "2", *cursor, "--json").json
        seen += [row["title"] for row in page["items"]]
        assert page["total"] == 7
        if not page["next"]:
            break
        cursor = ["--cursor", page["next"]]
    assert sorted(seen) == [f"issue {number}" for number in range(7)]
    board = tracker(land, "board", "--json").json["columns"]
    assert [(column["status"], column["total"]) for column in board] == [("todo", 7), ("in-progress", 0), ("done", 0)]
    assert [row["priority"] for row in board[0]["items"]] == sorted(number % 3 for number in range(7))
    log = tracker(land, "log", "--json").json
    first = tracker(land, "log", "--since", log["items"][2]["cursor"], "--limit", "2", "--json").json
    assert [one["title"] for one in first["items"]] == [one["title"] for one in log["items"][3:5]]
    rest = tracker(land, "log", "--since", first["next"], "--json").json
    assert {one["entry"] for one in first["items"]} | {one["entry"] for one in rest["items"]} == {
        one["entry"] for one in log["items"][3:]
    }


def test_the_log_of_one_issue_or_agent_goes_on_from_its_own_cursor(land: Land) -> None:
    id = land.web.create_issue(land.ada, {"title": "followed"})
    land.store.create_issue(land.ada, {"title": "other"})
    land.web.comment(land.web.delegate(land.ada, client="shell", label="fixer"), id, "one")
    of_issue = tracker(land, "log", id, "--json").json
    of_agent = tracker(land, "log", "--agent", "fixer", "--json").json
    assert [len(of_issue["items"]), len(of_agent["items"])] == [2, 1]
    land.store.create_issue(land.ada, {"title": "unrelated"})
    land.web.comment(land.ada, id, "two")
    following = tracker(land, "log", f"web#{id[:7]}", "--since", of_issue["next"], "--json").json["items"]
    assert [item["body"] for item in following] == ["two"]
    assert tracker(land, "log", "--agent", "fixer", "--since", of_agent["next"], "--json").json["items"] == []
    assert tracker(land, "log", "--agent", "nobody").code == 3


def test_queries_narrow_to_a_repository_and_name_the_nearest_for_a_wrong_one(land: Land) -> None:
    parent = land.store.create_issue(land.ada, {"title": "parent"})
    land.store.create_issue(land.ada, {"title": "child", "parent": parent})
    land.web.create_issue(land.ada, {"title": "other"})

    def found(*query: str) -> set[str]:
        said = tracker(land, "list", *query, "--json")
        assert said.code == 0, said.err
        return {row["title"] for row in said.json["items"]}

    assert found("repo:api") == {"parent", "child"}
    assert found("-repo:api") == {"other"}
    assert found("repo:api,web") == {"parent", "child", "other"}
    assert found("repo:web", "OR", "child") == {"other", "child"}
    assert found(f"parent:api#{parent[:8]}") == {"child"}
    assert found(f"parent:{parent}") == {"child"}
    wrong = tracker(land, "list", "repo:wbe")
    assert (wrong.code, "the nearest is web" in wrong.err) == (3, True)


def test_a_change_goes_to_the_repository_of_its_issue_signed_there(land: Land) -> None:
    id = land.web.create_issue(land.ada, {"title": "styled"})
    assert tracker(land, "comment", f"web#{id[:7]}", "seen").code == 0
    assert tracker(land, "status", id[:9], "in-progress").code == 0
    assert [note["body"] for note in land.web.get_issue(id)["comments"]] == ["seen"]
    assert land.web.verify()["ok"]
    unsaid = tracker(land, "new", "where?")
    assert (unsaid.code, "api, web" in unsaid.err) == (2, True)
    made = tracker(land, "new", "here", "--repository", "web").out.strip()
    assert made.startswith("web#")
    under = tracker(land, "new", "below", "--parent", made).out.strip()
    assert under.startswith("web#")
    assert {row["title"] for row in land.web.list_issues()["items"]} == {"styled", "here", "below"}
    assert land.store.list_issues()["total"] == 0
    mixed = tracker(land, "new", "both", "--parent", made, "--repository", "api")
    assert (mixed.code, "several repositories" in mixed.err) == (2, True)


def test_an_agent_is_one_session_in_every_repository_and_keeps_one_trail(land: Land) -> None:
    land.store.create_issue(land.ada, {"title": "second", "priority": 3})
    land.web.create_issue(land.ada, {"title": "first", "priority": 0})
    who = {"TRACKER_AGENT": "fixer"}
    taken = [tracker(land, "claim", "--json", **who).json for _ in range(2)]
    assert [(one["title"], one["repository"]) for one in taken] == [("first", "web"), ("second", "api")]
    assert tracker(land, "claim", **who).code == 3
    for one in taken:
        assert tracker(land, "finish", one["short"], "-m", "done", **who).code == 0
    agents = tracker(land, "agents", "--json").json["items"]
    fixer = next(agent for agent in agents if agent["name"] == "fixer")
    assert (fixer["issues"], sorted(fixer["repositories"])) == (2, ["api", "web"])
    trail = tracker(land, "audit", "fixer", "--json").json
    assert len(trail["items"]) == 4
    assert {item["repository"] for item in trail["items"]} == {"api", "web"}
    assert {item["verdict"] for item in trail["items"]} == {"ok"}
    assert trail["chain"]["ok"]


def test_a_claim_repeated_with_its_key_takes_nothing_more(land: Land) -> None:
    land.store.create_issue(land.ada, {"title": "one"})
    land.web.create_issue(land.ada, {"title": "two"})
    first, again = (tracker(land, "claim", "--rk", "k1", "--json").json for _ in range(2))
    assert first["id"] == again["id"]
    assert len(tracker(land, "list", "is:claimed", "--json").json["items"]) == 1


def test_an_open_issue_elsewhere_blocks_until_it_is_done_and_the_tree_below_too(land: Land) -> None:
    blocker = land.store.create_issue(land.ada, {"title": "api first"})
    blocked = land.web.create_issue(land.ada, {"title": "then web"})
    land.web.create_issue(land.ada, {"title": "and its child", "parent": blocked})
    linked = tracker(land, "link", f"api#{blocker[:7]}", "blocks", f"web#{blocked[:7]}")
    assert linked.code == 0, linked.err

    def titles(*query: str) -> set[str]:
        return {row["title"] for row in tracker(land, "list", *query, "--json").json["items"]}

    assert titles("is:ready") == {"api first"}
    assert titles("is:blocked") == titles("-is:ready") == {"then web", "and its child"}
    assert titles(f"blocks:{blocked}") == {"api first"}
    shown = tracker(land, "show", blocked, "--json").json
    assert shown["links"] == [{"kind": "blocks", "issue": blocker, "direction": "in", "repository": "api"}]
    assert (shown["blocked"], shown["ready"]) == (True, False)
    other = tracker(land, "show", blocker, "--json").json
    assert other["links"] == [{"kind": "blocks", "issue": blocked, "direction": "out", "repository": "web"}]
    assert "blocked by" in tracker(land, "show", blocked).out
    assert land.web.get_issue(blocked)["ready"]  # by itself the repository does not know
    assert tracker(land, "finish", blocker, "-m", "done").code == 0
    assert titles("is:ready") == {"then web", "and its child"}
    assert titles("is:blocked") == set()
    assert tracker(land, "unlink", blocker, "blocks", f"web#{blocked[:7]}").code == 0
    assert tracker(land, "show", blocked, "--json").json["links"] == []


def test_a_parent_lies_in_the_same_repository(land: Land) -> None:
    one = land.store.create_issue(land.ada, {"title": "one"})
    two = land.web.create_issue(land.ada, {"title": "two"})
    for words in (("link", two, "parent", one), ("edit", two, "--parent", one)):
        refused = tracker(land, *words)
        assert (refused.code, "same repository" in refused.err) == (2, True)


def test_a_missing_and_a_broken_repository_are_named_and_stop_no_other(land: Land) -> None:
    id = land.web.create_issue(land.ada, {"title": "gone with it"})
    land.store.create_issue(land.ada, {"title": "still here"})
    broken = land.another("broken")
    broken.create_issue(land.ada, {"title": "unreadable"})
    assert tracker(land, "workspace", "add", "broken").code == 0
    (land.folder_of("broken") / ".git/config").write_text("[extensions]\n\tobjectFormat = sha256\n")
    land.hide("web")
    said = tracker(land, "list", "--json")
    assert [row["title"] for row in said.json["items"]] == ["still here"]
    assert "web is missing" in said.err
    assert "broken is broken" in said.err
    listed = tracker(land, "workspace", "list", "--json").json["items"]
    assert [(one["name"], one["state"]) for one in listed] == [("api", "ok"), ("web", "missing"), ("broken", "broken")]
    assert "SHA-256" in listed[2]["reason"]
    doctor = tracker(land, "doctor", "--json")
    states = {check["name"].partition(":")[0]: check["state"] for check in doctor.json["checks"]}
    assert (doctor.code, states["api"], states["web"], states["broken"]) == (1, "ok", "fail", "fail")
    lost = tracker(land, "show", f"web#{id[:7]}")
    assert (lost.code, "no such folder" in lost.err) == (1, True)
    assert "web" in tracker(land, "show", id).err
    land.show("web")
    assert {row["title"] for row in tracker(land, "list", "--json").json["items"]} == {"still here", "gone with it"}


def test_a_repository_without_a_tracker_is_said_and_does_no_harm(land: Land) -> None:
    land.store.create_issue(land.ada, {"title": "here"})
    land.git("init", "--quiet", land.folder_of("bare"))
    assert tracker(land, "workspace", "add", "bare").code == 0
    said = tracker(land, "list", "--json")
    assert [row["title"] for row in said.json["items"]] == ["here"]
    assert "bare is empty" in said.err


def test_what_is_about_one_repository_says_so_in_a_workspace(land: Land) -> None:
    for verb in ("init", "verify", "trust", "quarantine"):
        words = (verb, "list") if verb in ("trust", "quarantine") else (verb,)
        refused = tracker(land, *words)
        assert (refused.code, "-C" in refused.err) == (2, True), refused.err

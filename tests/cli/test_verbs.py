"""Each verb does what its page says, for people and for programs."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_tracker.cli.main import VERBS
from git_tracker.errors import Refused
from git_tracker.store import IssueStore, Signer
from tests.cli.conftest import EMPTY_TREE, ROOT, Tracker, git, program
from tests.store import forge
from tests.store.governed import TrustForge


def test_init_makes_a_tracker_once(repo: Path) -> None:
    first = program("init", "--json", cwd=repo)
    again = program("init", "--json", cwd=repo)

    assert (first.code, again.code) == (0, 0)
    assert first.json["person"] == "ada"
    assert first.json["new"]
    assert again.json == {**first.json, "new": False}


def test_new_prints_the_short_id_of_what_it_made(tracker: Tracker, store: IssueStore) -> None:
    made = tracker(
        "new", "Login fails", "-t", "bug", "-p1", "-l", "auth", "--label=ui", "-d", "Empty.", "--due", "2027-01-31"
    )

    found = store.get_issue(made.out.strip())
    assert made.code == 0
    assert [found[name] for name in ("title", "type", "priority", "labels", "description", "due")] == [
        "Login fails", "bug", 1, ["auth", "ui"], "Empty.", "2027-01-31T00:00:00Z",
    ]  # fmt: skip


def test_new_takes_the_description_from_a_file_or_a_pipe(repo: Path, tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text("From a\nfile.\n")

    assert tracker("new", "A", "-F", str(tmp_path / "text.md"), "--json").json["description"] == "From a\nfile."
    assert (
        program("new", "B", "-F", "-", "--json", cwd=repo, text="From a pipe.\n").json["description"] == "From a pipe."
    )


def test_a_repeated_request_key_creates_nothing_twice(tracker: Tracker) -> None:
    first, again = (tracker("new", "Once", "--rk", "k1").out for _ in range(2))

    assert first == again
    assert tracker("list", "--json").json["total"] == 1


def test_new_knows_its_parent_and_what_blocks_it(tracker: Tracker, issue: str) -> None:
    made = tracker("new", "Part", "--parent", issue[:7], "--blocked-by", issue, "--json").json

    assert made["parent"] == issue
    assert made["blocked"]
    assert [(link["kind"], link["direction"], link["issue"]) for link in made["links"]] == [("blocks", "in", issue)]


def test_list_shows_open_issues_unless_asked_for_others(tracker: Tracker, issue: str) -> None:
    tracker("new", "Done already", "-s", "done")

    assert [row["title"] for row in tracker("list", "--json").json["items"]] == ["Login fails"]
    assert tracker("list", "--all", "--json").json["total"] == 2
    assert [row["title"] for row in tracker("list", "--status", "done", "--json").json["items"]] == ["Done already"]
    assert [row["title"] for row in tracker("list", "status:done", "--json").json["items"]] == ["Done already"]


def test_a_line_of_list_can_be_cut_by_scripts(tracker: Tracker, issue: str) -> None:
    tracker("assign", issue, "me")

    assert tracker("list").out == f"{issue[:7]}  todo  P2  task  Login fails  (auth)  @ada\n"


def test_list_takes_queries_with_negated_terms(tracker: Tracker, issue: str) -> None:
    tracker("new", "Other", "-l", "ui")

    assert [row["title"] for row in tracker("list", "-label:ui", "--json").json["items"]] == ["Login fails"]
    assert [row["title"] for row in tracker("list", "label:ui OR login", "--json").json["items"]] == [
        "Other",
        "Login fails",
    ]


def test_assignee_me_is_the_person_who_asks(tracker: Tracker, issue: str) -> None:
    tracker("assign", issue, "me")

    assert tracker("list", "assignee:me", "--json").json["total"] == 1
    assert tracker("list", "assignee:me", "--as", "bob", "--json").json["total"] == 0


def test_list_pages_over_what_the_index_gives_at_a_time(tracker: Tracker, store: IssueStore, ada: Signer) -> None:
    store.create_issues(ada, [{"title": f"Issue {number}"} for number in range(230)])

    page = tracker("list", "--limit", "210", "--json").json
    rest = tracker("list", "--cursor", page["next"], "--json").json
    told = tracker("list", "--limit", "3")

    assert len({row["id"] for row in page["items"] + rest["items"]}) == 230
    assert (page["total"], rest["next"]) == (230, None)
    assert len(told.out.splitlines()) == 3
    assert "3 of 230 shown" in told.err


def test_ready_leaves_out_what_is_blocked_deferred_or_claimed(tracker: Tracker, issue: str) -> None:
    tracker("new", "Blocked", "--blocked-by", issue)
    deferred = tracker("new", "Deferred").out.strip()
    tracker("defer", deferred, "2w")
    claimed = tracker("new", "Claimed").out.strip()
    tracker("claim", claimed)

    assert [row["title"] for row in tracker("ready", "--json").json["items"]] == ["Login fails"]


def test_board_has_a_column_for_each_status(tracker: Tracker, issue: str) -> None:
    tracker("status", issue, "in-progress")

    assert [(column["status"], column["total"]) for column in tracker("board", "--json").json["columns"]] == [
        ("todo", 0), ("in-progress", 1), ("done", 0),
    ]  # fmt: skip
    assert (
        tracker("board").out
        == f"Todo (0)\n\nIn progress (1)\n  {issue[:7]}  P2  task  Login fails  (auth)\n\nDone (0)\n"
    )


def test_show_tells_everything_about_an_issue(
    tracker: Tracker, store: IssueStore, ada: Signer, agent: Signer, issue: str
) -> None:
    other = tracker("new", "Rotate keys", "--parent", issue).out.strip()
    tracker("link", issue, "blocks", other)
    store.comment(agent, issue, "Reproduced.\nTwice.")
    store.claim(agent, issue)

    shown = tracker("show", issue[:9], "--history").out
    for text in (
        "Login fails", "It stays empty.", f"blocks  {other}  todo  Rotate keys", "fixer (claude-code/2.1 for ada)",
        "    Twice.", "children:", "claimed for 30 min",
    ):  # fmt: skip
        assert text in shown
    assert len(tracker("show", issue, "--history", "--json").json["history"]) == 6


def test_status_comment_label_assign_and_archive_change_an_issue(
    tracker: Tracker, store: IssueStore, issue: str
) -> None:
    assert tracker("status", issue, "in-progress").out == f"{issue[:7]}  in-progress  Login fails\n"
    assert tracker("comment", issue, "Seen.").code == 0
    assert tracker("label", issue, "+ui", "web", "-auth").out == f"{issue[:7]}  labels: ui, web\n"
    assert tracker("assign", issue, "me").out == f"{issue[:7]}  assigned to ada\n"
    assert tracker("archive", issue, "--json").json["archived"]
    assert not tracker("archive", issue, "--undo", "--json").json["archived"]
    found = store.get_issue(issue)
    assert [note["body"] for note in found["comments"]] == ["Seen."]


def test_a_link_can_be_made_and_taken_back(tracker: Tracker, issue: str) -> None:
    other = tracker("new", "Other").out.strip()

    assert len(tracker("link", issue, "relates", other, "--json").json["links"]) == 1
    assert tracker("unlink", issue, "relates", other, "--json").json["links"] == []
    assert tracker("unlink", issue, "relates", other).code == 3


def test_edit_changes_fields_without_an_editor(tracker: Tracker, issue: str) -> None:
    words = ["--title", "Login works", "--replace", "empty", "full", "-p", "0", "-t", "feature", "--due", "2027-02-01"]
    found = tracker("edit", issue, *words, "--milestone", "2.4", "--criterion", "Tested", "--json").json

    assert [found[name] for name in ("title", "description", "priority", "type", "due", "milestone")] == [
        "Login works", "It stays full.", 0, "feature", "2027-02-01T00:00:00Z", "2.4",
    ]  # fmt: skip
    assert tracker("edit", issue, "--milestone", "none", "--check", "1", "--json").json["criteria"][0]["checked"]


def test_edit_never_opens_an_editor_in_a_pipe(tracker: Tracker, issue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_EDITOR", "false")

    assert tracker("edit", issue) == (
        2, "", "tracker: nothing to change\nhint: name a field, for example --title; an editor opens on a terminal only\n",
    )  # fmt: skip


def test_edit_on_a_terminal_takes_what_the_editor_leaves(
    repo: Path, store: IssueStore, ada: Signer, issue: str
) -> None:
    script = repo / "editor.sh"
    script.write_text("#!/bin/sh\nsed -i -e '1s/fails/works/' -e 's/empty/full/' \"$1\"\n")
    script.chmod(0o755)
    out = terminal(f"edit {issue}", repo, GIT_EDITOR=str(script))

    found = store.get_issue(issue)
    assert f"{issue[:7]}  todo  Login works" in out
    assert (found["title"], found["description"]) == ("Login works", "It stays full.")


def terminal(words: str, cwd: Path, **environ: str) -> str:
    """Run the program on a pseudo-terminal and return what it showed."""
    command = f"{sys.executable} -m git_tracker {words}"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100", **environ}
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"], cwd=cwd, env=env, capture_output=True, stdin=subprocess.DEVNULL,
        encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def test_a_terminal_gets_colours_and_a_pipe_does_not(repo: Path, store: IssueStore, issue: str) -> None:
    assert "\x1b[" in terminal("list", repo)
    assert "\x1b[" in terminal("board", repo)
    assert "\x1b[" in terminal(f"show {issue} --history", repo)
    assert "\x1b[" not in terminal("list", repo, NO_COLOR="1")
    assert "\x1b[" not in terminal("list", repo, TERM="dumb")
    assert "\x1b[" not in program("list", cwd=repo).out


def test_claims_are_won_by_one_and_given_back(tracker: Tracker, issue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKER_AGENT", "first")
    assert (
        tracker("claim", "--query", "label:auth", "--lease", "1h", "--json").json["claim"]["actor"]["name"] == "first"
    )
    monkeypatch.setenv("TRACKER_AGENT", "second")
    lost = tracker("claim", issue)
    nothing = tracker("claim")
    monkeypatch.setenv("TRACKER_AGENT", "first")

    assert (lost.code, nothing.code) == (4, 3)
    assert tracker("release", issue, "--reason", "no time", "--json").json["claim"] is None


def test_an_agent_in_a_shell_is_one_session_over_many_commands(
    tracker: Tracker, store: IssueStore, issue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_AGENT", "fixer")
    tracker("claim", issue)
    done = tracker("finish", issue, "-m", "Kept the state", "--evidence", "commit=9fceb02", "--json").json
    trail = tracker("audit", "fixer", "--json").json

    assert (done["status"], done["claim"], done["comments"][0]["author"]["name"]) == ("done", None, "fixer")
    assert [(item["kind"], item["value"]) for item in done["evidence"]] == [("commit", "9fceb02")]
    assert (trail["agent"]["client"].partition("/")[0], trail["delegation"]["person"]) == ("tracker", "ada")
    assert {item["verdict"] for item in trail["items"]} == {"ok"}
    assert trail["chain"]["ok"]


def test_log_tells_what_happened_newest_last(tracker: Tracker, issue: str) -> None:
    tracker("status", issue, "done")
    events = tracker("log", "--json").json["items"]

    assert [event["type"] for event in events] == ["created", "label-added", "status-changed"]
    assert [event["type"] for event in tracker("log", "--limit", "1", "--json").json["items"]] == ["status-changed"]
    since = tracker("log", "--since", events[0]["cursor"], "--json").json
    assert [event["type"] for event in since["items"]] == ["label-added", "status-changed"]
    assert tracker("log", issue[:8], "--agent", "ada").out.splitlines()[-1].endswith("Ada Lovelace  status: done")


def test_log_follows_what_others_do(repo: Path, store: IssueStore, ada: Signer, issue: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "git_tracker", "log", "--follow", "--json"]
    with subprocess.Popen(argv, cwd=repo, env=env, stdout=subprocess.PIPE, encoding="utf-8") as following:
        assert following.stdout
        try:
            before = [json.loads(following.stdout.readline())["type"] for _ in range(2)]
            store.comment(ada, issue, "Just now")
            after = json.loads(following.stdout.readline())
        finally:
            following.terminate()
    assert before == ["created", "label-added"]
    assert (after["type"], after["issue"]) == ("comment-added", issue)


def test_agents_lists_people_and_sessions(tracker: Tracker, store: IssueStore, agent: Signer, issue: str) -> None:
    store.comment(agent, issue, "Hello")

    assert {(item["name"], item["client"]) for item in tracker("agents", "--json").json["items"]} == {
        ("Ada Lovelace", ""), ("fixer", "claude-code/2.1"),
    }  # fmt: skip
    assert "claude-code/2.1" in tracker("agents").out


def test_agents_tells_a_stranger_from_a_person(tracker: Tracker, store: IssueStore, issue: str) -> None:
    stranger = forge.signer(33, "Ada Lovelace", "ada@example.org")
    TrustForge(store).write(stranger, issue, {"type": "label-added", "label": "wet"})

    (row,) = (row for row in tracker("agents").out.splitlines() if stranger.identity.fingerprint in row)
    assert "no member" in row


def test_audit_names_the_papers_and_each_entry(tracker: Tracker, store: IssueStore, agent: Signer, issue: str) -> None:
    store.comment(agent, issue, "Hello")
    shown = tracker("audit", "fixer").out

    assert "acts for    Ada Lovelace (ada), key SHA256:" in shown
    assert "chain       1 entries, whole" in shown
    assert "comment: Hello" in shown


def test_verify_passes_what_is_right_and_fails_what_is_not(repo: Path, tracker: Tracker, issue: str) -> None:
    right = tracker("verify", "--json")
    ref = f"refs/git-tracker/issues/{issue}"
    forged = git(repo, "commit-tree", EMPTY_TREE, "-p", issue, "-m", "forged")
    git(repo, "update-ref", ref, forged)
    wrong = tracker("verify", issue, "--json")

    assert (right.code, right.json["ok"]) == (0, True)
    assert (wrong.code, wrong.json["ok"]) == (6, False)
    assert tracker("show", issue).code == 0


def test_quarantine_lists_and_shows_what_did_not_take_effect(repo: Path, tracker: Tracker, issue: str) -> None:
    assert tracker("quarantine", "list", "--json").json == {"items": [], "next": None, "total": 0}
    forged = git(repo, "commit-tree", EMPTY_TREE, "-p", issue, "-m", "forged\x1b[31m")
    git(repo, "update-ref", f"refs/git-tracker/issues/{issue}", forged)

    assert [item["entry"] for item in tracker("quarantine", "--json").json["items"]] == [forged]
    assert "1970" not in tracker("log", issue).out
    assert forged[:12] in tracker("quarantine", "list").out
    assert "forged\\x1b[31m" in tracker("quarantine", "show", forged[:10]).out
    shown = tracker("quarantine", "show", forged, "--json").json
    assert "forged" in shown["raw"]
    assert (shown["issue"], shown["signer"], shown["adoptable"]) == (issue, None, False)
    assert "signed by   nobody" in tracker("quarantine", "show", forged).out
    assert tracker("quarantine", "show", "abcdef1").code == 3


def test_identity_shows_and_exports_the_keys(tracker: Tracker, store: IssueStore, ada: Signer) -> None:
    shown = tracker("identity", "--json").json

    assert (shown["person"], shown["role"], shown["fingerprint"]) == ("ada", "owner", ada.identity.fingerprint)
    assert tracker("identity", "export").out == f"{ada.identity.public_key}\n"
    assert tracker("identity", "export", "--allowed-signers").out == store.allowed_signers()


def test_what_is_exported_can_be_imported_elsewhere(repo: Path, tracker: Tracker, tmp_path: Path, issue: str) -> None:
    tracker("comment", issue, "Seen.")
    file = tmp_path / "issues.jsonl"
    assert tracker("export", "jsonl", "-o", str(file)).code == 0
    elsewhere = tmp_path / "elsewhere"
    subprocess.run(["git", "init", "--quiet", elsewhere], check=True)
    program("init", cwd=elsewhere)

    tried = program("import", "jsonl", str(file), "--dry-run", "--json", cwd=elsewhere)
    done = program("import", "jsonl", str(file), "--json", cwd=elsewhere)
    again = program("import", "jsonl", str(file), cwd=elsewhere)

    assert (tried.json["created"], done.json["created"]) == (1, 1)
    assert again.out.startswith("1 read: 0 created, 0 updated, 1 unchanged")
    assert [row["title"] for row in program("list", "--json", cwd=elsewhere).json["items"]] == ["Login fails"]


def test_show_says_in_words_where_an_issue_came_from(tracker: Tracker, tmp_path: Path) -> None:
    file = tmp_path / "beads.jsonl"
    said = {"created_at": "2026-01-01T00:00:00Z", "created_by": "mayor"}
    file.write_text(json.dumps({"id": "hq-1", "title": "One", "status": "open", "issue_type": "task", **said}) + "\n")
    tracker("import", "beads", str(file))

    id = tracker("list", "--json").json["items"][0]["id"]
    assert "beads hq-1 by mayor at 2026-01-01T00:00:00Z\n" in tracker("show", id).out


def test_export_writes_tables_and_pages(tracker: Tracker, issue: str) -> None:
    rows = list(csv.DictReader(io.StringIO(tracker("export", "csv").out)))

    assert [row["title"] for row in rows] == ["Login fails"]
    assert "Login fails" in tracker("export", "markdown", "--json").json["text"]
    assert tracker("export", "nonsense").code == 2


def test_doctor_finds_nothing_wrong_where_nothing_is(tracker: Tracker, issue: str) -> None:
    found = tracker("doctor", "--json")

    assert (found.code, found.json["ok"]) == (0, True)
    assert {check["state"] for check in found.json["checks"]} == {"ok"}


def test_doctor_finds_and_mends_a_damaged_index(repo: Path, tracker: Tracker, store: IssueStore, issue: str) -> None:
    store.close()
    (index,) = repo.glob(".git/git-tracker/index-*.sqlite")
    index.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    sick = tracker("doctor", "--json")
    mended = tracker("doctor", "--repair", "--json")

    assert [check["name"] for check in sick.json["checks"] if check["state"] == "fail"] == ["index"]
    assert (mended.code, mended.json["ok"]) == (0, True)
    assert tracker("list", "--json").json["total"] == 1


def test_a_damaged_index_is_built_anew_by_whoever_finds_it(
    repo: Path, tracker: Tracker, store: IssueStore, issue: str
) -> None:
    store.close()
    (index,) = repo.glob(".git/git-tracker/index-*.sqlite")
    with sqlite3.connect(index) as db:
        db.execute("drop table labels")
    db.close()
    found = tracker("list", "--json")

    assert (found.code, found.json["items"][0]["labels"]) == (0, ["auth"])
    assert found.err == ""
    assert {check["state"] for check in tracker("doctor", "--json").json["checks"]} == {"ok"}


def test_doctor_names_a_ref_without_an_object_and_a_lock_left_behind(repo: Path, tracker: Tracker, issue: str) -> None:
    lost = repo / ".git/refs/git-tracker/issues" / ("a" * 40)
    lost.write_text("b" * 40 + "\n")
    lock = repo / f".git/refs/git-tracker/issues/{issue}.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60,) * 2)
    found = {check["name"]: check for check in tracker("doctor", "--json").json["checks"]}

    assert (found["refs"]["state"], found["locks"]["state"]) == ("fail", "warn")
    assert lost.name in found["refs"]["found"]
    assert lock.name in found["locks"]["found"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_verb(shell: str, tracker: Tracker) -> None:
    script = tracker("completion", shell).out

    assert [verb for verb in VERBS if verb not in script] == []
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_mcp_and_serve_are_there_to_be_started(repo: Path, store: IssueStore) -> None:
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
    }  # fmt: skip
    told = program("mcp", cwd=repo, text=json.dumps(hello) + "\n")
    assert json.loads(told.out.splitlines()[0])["result"]["serverInfo"]["name"]
    assert program("serve", "--port", "many", cwd=repo).code == 2


def test_every_read_answers_with_json_in_a_repository_without_tracker(repo: Path) -> None:
    for words in (["list"], ["ready"], ["board"], ["log"], ["agents"], ["quarantine"], ["list", "--all"]):
        found = program(*words, "--json", cwd=repo)
        assert found.code == 0, words
        assert found.json
        assert "`tracker init` makes one" in found.err
    assert not (repo / ".git/git-tracker").exists()


def test_quarantine_shows_who_signed_what_is_not_allowed(
    repo: Path, tracker: Tracker, store: IssueStore, ada: Signer, issue: str
) -> None:
    narrow = store.delegate(ada, client="c/1", label="\x1b[2Jnarrow", scope={"operations": ["comment"]})
    muted = TrustForge(store).write(narrow, issue, {"type": "label-added", "label": "wet"})
    shown = tracker("quarantine", "show", muted[:9])

    assert "verdict     muted: out of scope: label is not among its operations" in shown.out
    assert f"key {ada.identity.fingerprint}" in shown.out
    assert 'may do      {"operations":["comment"]}' in shown.out
    assert "\x1b" not in shown.out
    found = tracker("quarantine", "show", muted, "--json").json
    assert (found["signer"]["session"], found["signer"]["person"], found["adoptable"]) == (narrow.sid, "ada", True)


def test_a_policy_asks_for_a_review_and_edit_gives_one(
    tracker: Tracker, store: IssueStore, agent: Signer, issue: str
) -> None:
    assert tracker("trust", "policy", '{"review": "person"}').code == 0
    store.claim(agent, issue)
    with pytest.raises(Refused):
        store.finish(agent, issue, "fixed")

    assert tracker("edit", issue, "--evidence", "review=looks right").code == 0
    store.finish(agent, issue, "fixed")
    assert "evidence" in tracker("show", issue).out
    assert tracker("show", issue, "--json").json["status"] == "done"
    wrong = tracker("trust", "policy", '{"review": "everybody"}')
    assert "use one of none, another, person" in wrong.err

"""Bad input ends in one line that says what is wrong and one that says what would work, and leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from git_tracker.cli import exits, overview
from git_tracker.cli.main import VERBS, main
from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, Signer
from tests.cli.conftest import EMPTY_TREE, ROOT, Answer, Tracker, git, program
from tests.web.serving import until


def refused(answer: Answer, code: int, about: str) -> None:
    """Expect an error: its exit code, `about` in its first line, a hint, and nothing on stdout."""
    first, *hints = answer.err.splitlines()
    assert (answer.code, answer.out) == (code, "")
    assert first.startswith("tracker: ")
    assert about in first
    assert [hint.startswith("hint: ") for hint in hints] == [True]


@pytest.mark.parametrize(
    ("words", "code", "about"),
    [
        ("show abcdef1", 3, "no issue abcdef1"),
        ("show xyz", 3, "no issue 'xyz'"),
        ("show", 2, "ID is missing"),
        ("shwo abcdef1", 2, "no verb 'shwo'"),
        ("list --limt 3", 2, "the nearest is --limit"),
        ("list --limit", 2, "--limit needs a value"),
        ("list --limit 0", 2, "--limit takes a number from 1"),
        ("list --limit 9999999999999999999999", 2, "--limit takes a number from 1"),
        ("list --all=yes", 2, "--all takes no value"),
        ("list -x", 2, "list has no option -x"),
        ("list labell:bug", 2, "no filter named 'labell'"),
        ("list status:todo status:done", 2, "contradict"),
        ("list --sort nothing", 2, "cannot sort by 'nothing'"),
        ("list --cursor nonsense", 2, "the cursor is not one of ours"),
        ("list --cursor 00000000.1.updated", 1, "rebuilt since this cursor"),
        ("log --since 00000000.1", 1, "rebuilt since this cursor"),
        ("new one two", 2, "has no use for 'two'"),
        ("new x --priority 7", 2, "--priority takes a number from 0 to 4"),
        ("new x -d one -d two", 2, "-d is given twice"),
        ("new x --due someday", 2, "'someday' is no date"),
        ("new x --parent abcdef1", 3, "no issue abcdef1"),
        ("new x -s nowhere", 2, "no status named 'nowhere'"),
        ("new x --rk bad#key", 2, "request key"),
        ("claim --lease soon", 2, "'soon' is no span of time"),
        ("claim --lease 1m30", 2, "'1m30' is no span of time"),
        ("audit nobody", 3, "no agent 'nobody'"),
        ("quarantine burn", 2, "quarantine cannot 'burn'"),
        ("quarantine show", 2, "ENTRY is missing"),
        ("identity burn", 2, "identity cannot 'burn'"),
        ("completion tcsh", 2, "no completion for 'tcsh'"),
        ("import beads /nowhere/at-all", 1, "no file"),
        ("import nonsense /dev/null", 2, "no format 'nonsense'"),
        ("identity --as nobody", 1, "no key for nobody"),
    ],
)
def test_it_says_what_is_wrong_and_what_would_work(tracker: Tracker, words: str, code: int, about: str) -> None:
    refused(tracker(*words.split()), code, about)


def test_an_unknown_option_is_told_a_near_name_or_those_there_are(tracker: Tracker) -> None:
    near, far, none = (tracker(*words.split()).err for words in ("edit x --titel y", "agents --bogus", "mcp --bogus"))

    assert near.startswith("tracker: edit has no option --titel; the nearest is --title\n")
    assert far == "tracker: agents has no option --bogus\nhint: its options are --limit, --cursor; more with --help\n"
    assert none == "tracker: mcp has no option --bogus\nhint: `tracker mcp`; more with --help\n"


def test_with_json_the_error_is_a_document_as_well(tracker: Tracker) -> None:
    answer = tracker("show", "abcdef1", "--json")

    assert answer.json == {
        "error": {"code": "not_found", "message": "no issue abcdef1", "hint": "`tracker list` shows them"}
    }
    assert answer.code == 3
    assert answer.err.startswith("tracker: no issue abcdef1\nhint: ")


def test_an_ambiguous_prefix_asks_for_more_digits(repo: Path, tracker: Tracker, issue: str) -> None:
    for number in range(17):  # one more than there are first digits
        tip = git(repo, "rev-parse", f"refs/git-tracker/issues/{issue}")
        forged = git(repo, "commit-tree", EMPTY_TREE, "-p", tip, "-m", str(number))
        git(repo, "update-ref", f"refs/git-tracker/issues/{issue}", forged)
    first = [item["entry"][0] for item in tracker("quarantine", "--json").json["items"]]
    twice = next(digit for digit in first if first.count(digit) > 1)

    refused(tracker("quarantine", "show", twice), 3, f"{twice} names {first.count(twice)} entries")


def test_an_illegal_move_is_refused_and_leaves_no_trace(repo: Path, tracker: Tracker, issue: str) -> None:
    (repo / "git-tracker.toml").write_text(
        '[workflow]\nstatuses = { todo = "todo", doing = "active", done = "done" }\nmoves = { todo = ["doing"] }\n'
    )
    before = tracker("show", issue, "--json").json

    refused(tracker("status", issue, "done"), 5, "does not allow todo → done")
    refused(tracker("status", issue, "in-progress"), 2, "no status named 'in-progress'")
    assert tracker("show", issue, "--json").json == before
    assert tracker("status", issue, "doing").code == 0


def test_finishing_without_proof_is_refused(tracker: Tracker) -> None:
    made = tracker("new", "Proven", "--criterion", "Tested").out.strip()

    refused(tracker("finish", made), 5, "one acceptance criterion is not checked")
    refused(tracker("finish", made, "--evidence", "sure"), 2, "'sure' is no evidence")


def test_a_changed_issue_is_not_overwritten_by_a_stale_claim(
    tracker: Tracker, store: IssueStore, agent: Signer, issue: str
) -> None:
    store.claim(agent, issue)

    refused(tracker("claim", issue), 4, "holds a claim")
    refused(tracker("finish", issue), 4, "holds a claim")


@pytest.mark.parametrize("title", ["", "  ", "x" * 100_000, "nul\0byte", "lone \udc80 surrogate", "line\ud800"])
def test_a_title_that_cannot_be_is_refused_and_leaves_no_trace(tracker: Tracker, store: IssueStore, title: str) -> None:
    before = store.health()

    refused(tracker("new", title), 2, "title")
    assert store.health() == before


def test_a_flaw_is_told_of_the_field_not_of_the_stored_event(tracker: Tracker, issue: str) -> None:
    refused(tracker("new", "x" * 100_000), 2, "tracker: title is longer than 512 characters")
    refused(tracker("comment", issue, " "), 2, "tracker: body is empty")
    refused(tracker("link", issue, "eats", issue), 2, "tracker: kind is none of blocks")


@pytest.mark.parametrize("body", ["", "nul\0byte", "lone \udcff surrogate", "x" * 700_000])
def test_a_comment_that_cannot_be_is_refused_and_leaves_no_trace(tracker: Tracker, issue: str, body: str) -> None:
    before = tracker("show", issue, "--json").json
    answer = tracker("comment", issue, body)

    assert answer.code == 2
    assert tracker("show", issue, "--json").json == before


def test_bytes_that_are_no_utf8_are_refused_wherever_they_come_from(
    repo: Path, store: IssueStore, tmp_path: Path
) -> None:
    (tmp_path / "latin1").write_bytes(b"caf\xe9")

    refused(program("new", b"caf\xe9", cwd=repo), 2, "title")
    refused(program("new", "x", "-F", str(tmp_path / "latin1"), cwd=repo), 2, "is not UTF-8")
    refused(program("show", b"\xff\xfe", cwd=repo), 3, "no issue")
    refused(program(b"-C", b"caf\xe9", "list", cwd=repo), 1, "no folder caf\\xe9")
    assert store.health()["issues"] == 0


def test_a_missing_file_is_named(tracker: Tracker) -> None:
    refused(tracker("new", "x", "-F", "/nowhere/at-all"), 1, "No such file or directory: /nowhere/at-all")


def test_hostile_text_reaches_the_terminal_spelled_out(tracker: Tracker, store: IssueStore, ada: Signer) -> None:
    title = "red \x1b[31m \x9b2J back \u202etxet\u2066 zero\u200bwidth tag\U000e0041 soft\u00adhyphen"
    id = store.create_issue(
        ada, {"title": title, "description": "a\x1b]8;;http://evil\x07b\nnext\rline", "labels": ["l\x1b[m"]}
    )
    store.comment(ada, id, "\x1b[2J\u202e")

    for words in (["list"], ["board"], ["show", id, "--history"], ["log"], ["ready"]):
        out = tracker(*words).out
        assert not any((char < " " and char not in "\n") or "\x7f" <= char <= "\xa0" for char in out)
        assert not any(char in out for char in "\u202e\u2066\u200b\u00ad\U000e0041")
    assert "\\x1b[31m \\x9b2J back \\u{202e}txet\\u{2066} zero\\u{200b}width tag\\u{e0041}" in tracker("list").out
    assert tracker("list", "--json").json["items"][0]["title"] == " ".join(title.split())
    assert tracker("list", "--json").out.isascii()


def test_a_reader_that_goes_away_and_an_interrupt_end_it_quietly(repo: Path, store: IssueStore, ada: Signer) -> None:
    store.create_issues(ada, [{"title": f"Issue {number}" * 20} for number in range(250)])
    command = f"{sys.executable} -m git_tracker list --limit 250 | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=repo, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] in ("0", "141")
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


def test_an_interrupt_ends_it_quietly(repo: Path, store: IssueStore, issue: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "git_tracker", "log", "--follow"]
    with subprocess.Popen(
        argv, cwd=repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout
        following.stdout.readline()
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=30)
    assert (following.returncode, err) == (130, "")


def test_an_import_that_is_interrupted_says_how_it_goes_on(repo: Path, store: IssueStore, tmp_path: Path) -> None:
    file = tmp_path / "issues.jsonl"
    base = {"status": "open", "priority": 2, "issue_type": "task", "created_at": "2026-01-01T00:00:00Z"}
    file.write_text("".join(json.dumps({"id": f"x-{n}", "title": f"no. {n}", **base}) + "\n" for n in range(2000)))
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "git_tracker", "import", "beads", str(file)]
    with subprocess.Popen(
        argv, cwd=repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as importing:
        until(lambda: store.health()["issues"] > 0)
        importing.send_signal(signal.SIGINT)
        answer = importing.communicate(timeout=30)

    assert (importing.returncode, *answer) == (
        130, "", "tracker: interrupted; what was brought in stays\nhint: run it again to bring in the rest\n"
    )  # fmt: skip
    assert program("import", "beads", str(file), cwd=repo).code == 0
    assert store.health()["issues"] == 2000


def test_what_nobody_foresaw_is_told_without_a_traceback(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    answer = tracker("new", "x", "-F", "-")

    refused(answer, 1, "AttributeError: 'NoneType' object has no attribute 'buffer'")
    assert "TRACKER_DEBUG=1" in answer.err
    assert tracker("new", "x", "-F", "-", "--json").json["error"]["code"] == "bug"


def test_every_error_class_has_an_exit_code() -> None:
    def below(kind: type[TrackerError]) -> list[type[TrackerError]]:
        return [kind, *(found for child in kind.__subclasses__() for found in below(child))]

    for kind in below(TrackerError):
        assert 1 <= exits.code(kind("x")) <= 6


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    page = capsys.readouterr().out

    assert page.startswith(f"tracker {verb}")
    assert "\nExample: " in page
    assert "--json" in page
    assert max(len(line) for line in page.splitlines()) <= 80


def test_the_overview_names_every_verb_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out

    assert max(len(line) for line in told.splitlines()) <= 80
    assert sorted(name for _, names in overview.GROUPS for name in names.split()) == sorted(VERBS)
    assert [verb for verb, (_, _, what) in VERBS.items() if what not in told] == []
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tracker ")


def test_global_options_may_stand_before_and_behind_the_verb(
    repo: Path, store: IssueStore, issue: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["-C", str(repo), "--json", "list"],
        ["list", "--json", f"-C{repo}"],
        ["list", f"--directory={repo}", "--json"],
    ):
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out)["total"] == 1


def test_words_behind_two_dashes_are_no_options(tracker: Tracker) -> None:
    made = tracker("new", "--", "--json").out.strip()

    assert tracker("show", made, "--json").json["title"] == "--json"


@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0, reason="needs setpriv and root to become nobody")
def test_in_a_read_only_repository_reads_work_and_writes_say_why(
    repo: Path, store: IssueStore, issue: str, tmp_path: Path
) -> None:
    store.close()
    for folder in (tmp_path, *tmp_path.parents):
        if os.stat(folder).st_uid == os.geteuid() and str(folder) != "/":
            folder.chmod(folder.stat().st_mode | 0o055)
    home = tmp_path / "nobody"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    (home / ".gitconfig").write_text(f"[user]\n\tname = N\n\temail = n@example.org\n[safe]\n\tdirectory = {repo}\n")

    def as_nobody(*words: str) -> Answer:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            sys.executable,
            "-m",
            "git_tracker",
            *words,
        ]
        done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    assert [row["title"] for row in as_nobody("list", "--json").json["items"]] == ["Login fails"]
    assert as_nobody("show", issue).code == 0
    refused(as_nobody("init"), 1, "the repository cannot be written")
    refused(as_nobody("new", "x"), 1, "")

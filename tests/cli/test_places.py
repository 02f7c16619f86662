"""Where a command may be started, and what it says where it cannot work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from git_tracker.store import IssueStore
from tests.cli.conftest import ROOT, Answer, Tracker, git, program


def works(folder: Path, **environ: str) -> None:
    """Expect that one can write and read from here."""
    made = program("new", "From here", cwd=folder, **environ)
    assert (made.code, made.err) == (0, "")
    assert program("show", made.out.strip(), "--json", cwd=folder, **environ).json["title"] == "From here"
    assert program("list", "--json", cwd=folder, **environ).json["total"] >= 1


def test_a_repository_without_commits_works(repo: Path, store: IssueStore) -> None:
    works(repo)


def test_a_subfolder_and_a_linked_worktree_see_the_same_issues(repo: Path, store: IssueStore, issue: str) -> None:
    git(repo, "commit", "--allow-empty", "-m", "first")
    git(repo, "worktree", "add", "-q", str(repo.parent / "linked"))
    below = repo / "a" / "b"
    below.mkdir(parents=True)

    works(below)
    works(repo.parent / "linked")
    assert program("list", "--json", cwd=repo).json["total"] == 3


def test_a_bare_repository_works(tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)

    assert program("init", cwd=bare).out.startswith("Made a tracker: bare")
    works(bare)


def test_a_path_in_an_unusual_folder_works(tmp_path: Path) -> None:
    folder = tmp_path / "übel %41?#&'\" $x"
    subprocess.run(["git", "init", "--quiet", folder], check=True)

    program("init", cwd=folder)
    works(folder)


def test_a_hook_may_call_it(repo: Path, store: IssueStore, tmp_path: Path) -> None:
    git_variables = {"GIT_DIR": str(repo / ".git"), "GIT_INDEX_FILE": str(repo / ".git/index"), "GIT_PREFIX": ""}

    works(tmp_path, **git_variables)
    assert program("-C", str(tmp_path), "list", cwd=repo, **git_variables).code == 1  # who names a folder means it


def refused(answer: Answer, code: int, about: str, hint: str) -> None:
    first, *hints = answer.err.splitlines()
    assert (answer.code, answer.out) == (code, "")
    assert about in first
    assert hint in " ".join(hints)


def test_no_repository_is_said_with_what_would_help(tmp_path: Path) -> None:
    for words in (["list"], ["new", "x"], ["init"], ["verify"], ["-C", "nowhere", "list"]):
        refused(program(*words, cwd=tmp_path), 1, "no ", "git init")


def test_formats_that_libgit2_cannot_open_are_named(tmp_path: Path) -> None:
    sha256, reftable = tmp_path / "sha256", tmp_path / "reftable"
    subprocess.run(["git", "init", "--quiet", "--object-format=sha256", sha256], check=True)
    subprocess.run(["git", "init", "--quiet", reftable], check=True)
    git(reftable, "config", "core.repositoryformatversion", "1")
    git(reftable, "config", "extensions.refstorage", "reftable")

    for words in (["list"], ["init"], ["new", "x"]):
        refused(program(*words, cwd=sha256), 1, "SHA-256", "sha1")
        refused(program(*words, cwd=reftable), 1, "reftable", "files")
    assert not list(tmp_path.glob("*/.git/git-tracker"))


def test_without_a_git_identity_it_says_how_to_set_one(repo: Path, isolated: Path) -> None:
    (isolated / "gitconfig").write_text("")

    hint = 'git config --global user.email "you@example.org"`'
    refused(program("init", cwd=repo), 1, "user.name and user.email are not set", hint)
    (isolated / "gitconfig").write_text("[user]\n\temail = ada@example.org\n")
    refused(
        program("init", cwd=repo), 1, "user.name is not set", 'hint: run `git config --global user.name "Your Name"`'
    )
    assert not list((isolated / "config").glob("**/*"))


def test_before_init_reads_are_empty_and_writes_say_so(repo: Path) -> None:
    assert program("list", cwd=repo).code == 0
    refused(program("new", "x", cwd=repo), 1, "", "tracker init")
    refused(program("show", "abcdef1", cwd=repo), 3, "no tracker yet", "`tracker list`")


def test_another_persons_key_signs_with_as(repo: Path, store: IssueStore) -> None:
    program("init", "--as", "bob", cwd=repo)

    assert program("identity", "--as", "bob", "--json", cwd=repo).json["role"] is None
    refused(program("new", "x", "--as", "bob", cwd=repo), 5, "no member", "tracker trust add")
    assert program("new", "x", cwd=repo, TRACKER_PERSON="ada").code == 0


def test_settings_of_the_project_give_the_workflow(repo: Path, tracker: Tracker, issue: str) -> None:
    settings = repo / "git-tracker.toml"
    settings.write_text('[workflow]\nstatuses = { open = "todo", wip = "active", shut = "done" }\n')
    assert [column["status"] for column in tracker("board", "--json").json["columns"]] == [
        "open",
        "wip",
        "shut",
        "todo",
    ]
    assert tracker("new", "x", "--json").json["status"] == "open"

    settings.write_text("[workflow]\nstatusses = {}\n")
    refused(tracker("list"), 2, "workflow.statusses", "workflow.statuses")
    assert tracker("doctor").code == 1


@pytest.mark.parametrize("words", [["list"], ["show"], ["board"], ["ready"], ["log"]])
def test_a_verb_that_only_looks_loads_nothing_heavy(
    words: list[str], repo: Path, store: IssueStore, issue: str
) -> None:
    heavy = "mcp pydantic pygit2 rich asyncio starlette nacl logging argparse difflib subprocess inspect".split()
    probe = (
        "import sys; from git_tracker.cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    )
    argv = [sys.executable, "-c", probe, *words, *([issue] if words == ["show"] else [])]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=True)

    assert "Login fails" in done.stdout
    assert {name.partition(".")[0] for name in done.stderr.split()} & {*heavy} == set()


@pytest.mark.parametrize("words", [["new", "Second"], ["status", "ID", "in-progress"], ["comment", "ID", "seen"]])
def test_a_verb_that_writes_loads_of_libgit2_and_sodium_the_extension_alone(
    words: list[str], repo: Path, store: IssueStore, issue: str
) -> None:
    heavy = (
        "mcp pydantic rich asyncio starlette logging argparse difflib subprocess socket inspect cryptography"
        " pygit2 pygit2.repository pygit2.enums _cffi_backend.ffi nacl.bindings nacl.signing"
    ).split()
    probe = (
        "import sys; from git_tracker.cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    )
    argv = [sys.executable, "-c", probe, *(issue if word == "ID" else word for word in words)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=True)

    assert "pygit2._pygit2" in done.stderr.split()
    assert set(done.stderr.split()) & {*heavy} == set()


def test_pygit2_imported_after_the_program_is_whole(repo: Path) -> None:
    code = (
        "import git_tracker.store.libgit2 as ours, pygit2\n"
        "found = pygit2.Repository('.')\n"
        "print(ours.GitError is pygit2.GitError, found.is_bare, found.path.endswith('.git/'))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=repo, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "False", "True"], done.stderr


@pytest.mark.parametrize("words", [["list"], ["new", "Second"]])
def test_no_type_is_named_in_text_that_has_to_be_compiled_at_every_start(
    words: list[str], repo: Path, store: IssueStore, issue: str
) -> None:
    probe = (
        "import builtins, sys; plain = builtins.compile\n"
        "def told(*args, **options):\n"
        "    print('compiles for', sys._getframe(1).f_globals['__name__'], file=sys.stderr)\n"
        "    return plain(*args, **options)\n"
        "builtins.compile = told\n"
        "from git_tracker.cli.main import main; main(sys.argv[1:])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", probe, *words]
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert "compiles for typing" not in done.stderr


def test_a_write_reads_no_certificates_and_leaves_the_environment_as_it_was(
    repo: Path, store: IssueStore, tmp_path: Path
) -> None:
    pipe = tmp_path / "certificates"
    os.mkfifo(pipe)  # whoever opens it waits for ever
    probe = "import os, git_tracker.store.libgit2; print(os.environ.get('SSL_CERT_FILE'))"
    plain = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    for environ, left in (({"SSL_CERT_FILE": str(pipe)}, str(pipe)), ({}, "None")):
        env = {**plain, "PYTHONPATH": str(ROOT), **environ}
        done = subprocess.run([sys.executable, "-c", probe], env=env, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == left, done.stderr
    assert program("new", "x", cwd=repo, SSL_CERT_FILE=str(pipe)).code == 0


def test_the_program_ends_at_once_unless_somebody_asked_to_be_called(repo: Path, store: IssueStore, issue: str) -> None:
    end = "from git_tracker.cli.main import program; program()"
    whole = program("show", issue, cwd=repo)
    for before, more in (("", ""), ("import atexit; atexit.register(print, 'called at exit');", "called at exit\n")):
        argv = [sys.executable, "-c", f"{before}{end}", "show", issue]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, whole.out + more, "")
    assert program("show", "0000000", cwd=repo).code == 3
    with open("/dev/full", "wb") as full:
        argv = [sys.executable, "-m", "git_tracker", "show", issue]
        assert subprocess.run(argv, cwd=repo, env=env, stdout=full, stderr=subprocess.DEVNULL, timeout=60).returncode

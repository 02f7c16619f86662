"""`tracker sync`, `tracker init` beside a remote, and `serve --sync-every`, as people and scripts meet them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from git_tracker.store import IssueStore
from tests.cli.conftest import ROOT, Answer, git, program
from tests.web.serving import Served, World, until


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    path = tmp_path / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    return path


@pytest.fixture
def clone(tmp_path: Path, hub: Path) -> Path:
    """A second clone, in which nobody has called the tracker yet."""
    path = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", hub, path], check=True, capture_output=True)
    return path


@pytest.fixture
def first(repo: Path, store: IssueStore, hub: Path, issue: str) -> Path:
    """A repository with a tracker of one issue, and the hub as its remote."""
    git(repo, "remote", "add", "origin", str(hub))
    return repo


def refused(answer: Answer, code: int, about: str, hint: str) -> None:
    head, *hints = answer.err.splitlines()
    assert (answer.code, answer.out) == (code, "")
    assert about in head
    assert hint in " ".join(hints)


def test_sync_says_what_it_did_and_a_second_clone_joins(first: Path, clone: Path, issue: str) -> None:
    assert program("sync", cwd=first).out == "origin: 2 sent, 0 received; 1 device\n"

    made = program("init", cwd=clone)
    assert "this tracker came from origin" in made.err
    assert program("show", issue, "--json", cwd=clone).json["title"] == "Login fails"
    program("comment", issue, "From the clone", cwd=clone)
    assert program("sync", cwd=clone).out == "origin: 1 sent, 0 received; 2 devices\n"
    done = program("sync", "origin", "--json", cwd=first).json
    assert done == {
        "items": [
            {"remote": "origin", "sent": 0, "received": 1, "held": 0, "conflicted": 0, "withheld": [], "restored": [],
             "refused": {}, "devices": 2}
        ],
        "next": None,
        "total": 1,
    }  # fmt: skip
    assert program("sync", cwd=first).err == ""


def test_sync_in_a_fresh_clone_brings_the_tracker_without_a_key(first: Path, clone: Path, issue: str) -> None:
    empty = program("sync", cwd=clone)
    assert "holds no tracker" in empty.err

    program("sync", cwd=first)
    came = program("sync", cwd=clone)
    assert came.out == "origin: 0 sent, 2 received; 1 device\n"
    assert "this tracker came from origin" in came.err
    assert program("list", "--json", cwd=clone).json["total"] == 1


def test_fetch_only_sends_nothing(first: Path, hub: Path) -> None:
    assert program("sync", "--fetch-only", cwd=first).out == "origin: 0 sent, 0 received; 0 devices\n"
    assert git(hub, "for-each-ref") == ""


def test_what_went_wrong_has_a_reason_a_hint_and_an_exit_code(first: Path, tmp_path: Path) -> None:
    refused(program("sync", "upstream", cwd=first), 3, "no remote 'upstream'", "origin")
    refused(program("sync", "--", "--upload-pack=touch ran", cwd=first), 2, "no name of a remote", "git remote -v")
    refused(program("sync", "ext::sh -c x", cwd=first), 2, "no name of a remote", "git remote -v")
    refused(program("sync", "https://example.org/x.git", cwd=first), 2, "no name of a remote", "git remote -v")
    git(first, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
    refused(program("sync", cwd=first), 1, "origin: there is no repository", "git remote -v")
    told = program("sync", "--json", cwd=first)
    assert told.json["error"]["code"] == "no_remote_repository"
    git(first, "remote", "set-url", "origin", "http://127.0.0.1:9/x.git")
    refused(program("sync", cwd=first), 1, "origin: it cannot be reached", "sync again later")
    git(first, "remote", "remove", "origin")
    refused(program("sync", cwd=first), 3, "no remote is configured", "git remote add")


def test_init_beside_a_remote_that_is_not_there_makes_a_root_and_says_so(repo: Path, tmp_path: Path) -> None:
    git(repo, "remote", "add", "origin", str(tmp_path / "gone.git"))

    made = program("init", cwd=repo)

    assert made.code == 0
    assert "an owner can join the two later" in made.err
    assert made.out.startswith("Made a tracker")


def test_what_a_remote_says_cannot_act_on_the_terminal(first: Path, hub: Path) -> None:
    hook = hub / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nprintf '\\033]0;owned\\007\\033[2J no\\n' >&2; exit 1\n")
    hook.chmod(0o755)

    told = program("sync", cwd=first)

    assert told.code == 1
    assert "it refuses refs of this kind" in told.err
    assert "\x1b" not in told.err
    assert "\x07" not in told.err


def test_the_remotes_of_the_settings_are_synced_where_none_is_named(first: Path, hub: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.git"
    subprocess.run(["git", "init", "--quiet", "--bare", second], check=True)
    git(first, "remote", "add", "second", str(second))
    (first / "git-tracker.toml").write_text('[sync]\nremotes = ["second", "origin"]\n')

    lines = program("sync", cwd=first).out.splitlines()

    assert [line.partition(":")[0] for line in lines] == ["second", "origin"]
    assert git(second, "for-each-ref")


def test_a_terminal_shows_what_is_being_done_and_is_left_clean(first: Path) -> None:
    command = [sys.executable, "-m", "git_tracker", "sync"]
    done = subprocess.run(
        [sys.executable, ROOT / "tests/cli/terminal.py", json.dumps({}), *command],
        cwd=first, capture_output=True, timeout=60, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout.decode()  # fmt: skip
    assert "asking origin …" in done
    assert "telling origin …" in done
    assert screen(done) == ["origin: 2 sent, 0 received; 1 device"]
    assert done.endswith("\x1b[Korigin: 2 sent, 0 received; 1 device\r\n")


def screen(text: str) -> list[str]:
    """What is left on a screen, of text that only returns to the line's start and clears it."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        cells = ""
        for part in line.split("\r"):
            cells = "" if part.startswith("\x1b[K") else cells
            part = part.removeprefix("\x1b[K")
            cells = part + cells[len(part) :]
        lines.append(cells)
    return [line for line in lines if line.strip()]


def test_while_serving_what_others_sync_appears_by_itself(tmp_path: Path, hub: Path) -> None:
    world = World(tmp_path / "world")
    try:
        world.git("-C", world.repo, "remote", "add", "origin", hub)
        with world.serve("--sync-every", "1s") as served:
            assert isinstance(served, Served)
            until(lambda: git(hub, "for-each-ref"))
            other = tmp_path / "other"
            world.git("clone", "--quiet", hub, other)
            world.git("-C", other, "config", "user.name", "Ada Lovelace")
            program("init", cwd=other, **world.settings)
            made = program("new", "From elsewhere", cwd=other, **world.settings).out.strip()
            program("sync", cwd=other, **world.settings)

            until(lambda: served.request("GET", f"/api/issues/{made}").status == 200)
            id = served.request("POST", "/api/issues", {"title": "From here"}).json["id"]

            def arrived() -> bool:
                program("sync", cwd=other, **world.settings)
                return program("show", id, "--json", cwd=other, **world.settings).code == 0

            until(arrived)
            world.git("-C", world.repo, "remote", "set-url", "origin", str(tmp_path / "gone.git"))
            until(lambda: "there is no repository" in served.errors)
            assert served.request("GET", "/api/health").status == 200
    finally:
        world.close()

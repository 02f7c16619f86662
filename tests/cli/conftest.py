"""The command line in tests: in this process where that says enough, as a program of its own where it matters."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from git_tracker.cli.main import main
from git_tracker.store import IssueStore, Signer

ROOT = Path(__file__).resolve().parents[2]
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


class Answer(NamedTuple):
    """What a command did: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Tracker = Callable[..., Answer]


@pytest.fixture
def tracker(repo: Path, store: IssueStore, ada: Signer, capsys: pytest.CaptureFixture[str]) -> Tracker:
    """Runs `tracker …` on `repo`, where Ada's tracker stands, in this process."""

    def run(*words: str) -> Answer:
        capsys.readouterr()
        code = main(["-C", str(repo), *words])
        return Answer(code, *capsys.readouterr())

    return run


def program(*words: str | bytes, cwd: Path, text: str = "", **environ: str) -> Answer:
    """Run the program as a shell would."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    done = subprocess.run(
        [sys.executable, "-m", "git_tracker", *words],
        cwd=cwd, env=env, input=text, capture_output=True, encoding="utf-8", timeout=60, check=False,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout, done.stderr)


def git(repo: Path, *words: str) -> str:
    """Run stock git in a repository and return what it says; commits are by somebody who is no member."""
    argv = ["git", "-C", repo, "-c", "user.name=Mallory", "-c", "user.email=m@example.org", *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def issue(store: IssueStore, ada: Signer) -> str:
    """The id of an issue."""
    return store.create_issue(ada, {"title": "Login fails", "labels": ["auth"], "description": "It stays empty."})

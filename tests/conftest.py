"""What every test needs: a world in which nothing of the person running the tests is seen, and real repositories."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_tracker.store import IssueStore, Signer
from tests import openssh
from tests.store.hubs import Clone, Cloning
from tests.web.serving import Served, World

PERSON = ("Ada Lovelace", "ada@example.org")

# A shell has what it starts in the background ignore interrupts, and whatever that starts would, too.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own: keys, caches and git's configuration. Returns the folder."""
    return settle(tmp_path_factory.mktemp("home"), monkeypatch)


def settle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `folder` the home, for fixtures that live longer than a test."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "SSH_", "TRACKER_", "XDG_")):
            monkeypatch.delenv(name)
    name, email = PERSON
    (folder / "gitconfig").write_text(
        f"[user]\n\tname = {name}\n\temail = {email}\n[init]\n\tdefaultBranch = main\n", encoding="utf-8"
    )
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A repository that the tests of one file share."""
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[Served]:
    """A server that the tests of one file share."""
    with world.serve() as server:
        yield server


@pytest.fixture
def clones(tmp_path: Path) -> Iterator[Cloning]:
    """Makes clones by name, or opens them again; remotes by keyword."""
    found: list[Clone] = []

    def make(name: str, **remotes: Path) -> Clone:
        found.append(Clone(tmp_path / name, **remotes))
        return found[-1]

    yield make
    for one in found:
        one.close()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A fresh git repository without commits."""
    path = tmp_path / "repo"
    subprocess.run(["git", "init", "--quiet", path], check=True)
    return path


@pytest.fixture
def store(repo: Path) -> Iterator[IssueStore]:
    """The tracker of `repo`, with Ada as its owner."""
    found = IssueStore.open(str(repo))
    found.init()
    yield found
    found.close()


@pytest.fixture
def ada(store: IssueStore) -> Signer:
    """The signer of the person who owns the tracker."""
    return store.signer()


@pytest.fixture
def agent(store: IssueStore, ada: Signer) -> Signer:
    """The signer of an agent's session that Ada delegated."""
    return store.delegate(ada, client="claude-code/2.1", label="fixer")


@pytest.fixture
def ssh_agent(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real ssh-agent without keys; SSH_AUTH_SOCK names its socket."""
    with openssh.agent(tmp_path_factory.mktemp("agent") / "socket") as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", path)
        yield path

"""What an exchange costs, in what can be counted: processes, refs and objects, never seconds."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.store.hubs import DEVICES, Clone, Cloning, git, hub, same, states, told


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return hub(tmp_path / "hub.git")


class Count:
    """Counts the git commands that this process starts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.path.realpath(next(p for d in os.environ["PATH"].split(":") if (p := Path(d, "git")).exists()))
        self._log = folder / "log"
        folder.mkdir()
        script = folder / "git"
        script.write_text(
            f'#!/bin/sh\nfor w; do case $w in -*|*=*) ;; *) echo "$w" >> {self._log}; break;; esac; done\nexec {real} "$@"\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def take(self) -> list[str]:
        """Return what was started since the last time."""
        found = self._log.read_text().split() if self._log.exists() else []
        self._log.write_text("")
        return [word for word in found if word in ("ls-remote", "fetch", "push", "config", "rev-list", "cat-file")]


@pytest.fixture
def count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Count:
    return Count(tmp_path / "counting", monkeypatch)


def plan(one: Clone, issues: int, labels: int) -> None:
    names = [f"l{n}" for n in range(labels)]
    one.store.create_issues(one.ada, [{"title": f"issue {n}", "labels": names} for n in range(issues)])


def test_an_exchange_starts_as_few_processes_as_can_be(at: Path, clones: Cloning, count: Count) -> None:
    one = clones("one", origin=at).begin()
    plan(one, 40, 1)
    count.take()
    one.sync()
    assert count.take() == ["ls-remote", "push"]
    two = clones("two", origin=at).begin()
    assert count.take() == ["ls-remote", "fetch"]
    two.sync()
    assert count.take() == ["ls-remote", "push"], "a new device says that it is there"
    one.sync()
    assert count.take() == ["ls-remote", "fetch"], "who only hears has nothing to say"
    for clone in (one, two):
        clone.sync()
        assert count.take() == ["ls-remote"]
    one.new("one more")
    one.sync()
    assert count.take() == ["ls-remote", "push"]
    two.sync()
    assert count.take() == ["ls-remote", "fetch"]
    same([one, two])


def test_one_change_writes_a_handful_of_objects_whatever_the_number_of_issues(at: Path, clones: Cloning) -> None:
    one = clones("one", origin=at).begin()
    plan(one, 300, 1)
    one.sync()
    two = clones("two", origin=at).begin()
    two.sync()
    one.sync()
    git(one.path, "gc", "--quiet")
    id = next(iter(states(one.store)))
    one.store.comment(one.ada, id, "one")

    before = int(git(one.path, "count-objects").split()[0])
    one.sync()

    # a checkpoint, and the trees from the one folder that changed up to the top
    assert int(git(one.path, "count-objects").split()[0]) - before == 4


def test_a_first_clone_of_ten_thousand_events_is_one_fetch_and_one_file_of_refs(
    at: Path, clones: Cloning, count: Count
) -> None:
    one = clones("one", origin=at).begin()
    plan(one, 500, 19)
    assert one.store.health()["events"] == 10_000
    one.sync()
    two = clones("two", origin=at)
    git(two.path, "commit", "--allow-empty", "-m", "x")
    git(two.path, "tag", "-a", "-m", "x", "v1")
    git(two.path, "pack-refs", "--all")
    before = told(two.path)
    count.take()

    assert two.fetch().received == 501

    assert count.take() == ["ls-remote", "fetch"]
    assert len(list((two.git_dir / "refs/git-tracker/issues").glob("*"))) == 0
    assert {name: id for name, id in told(two.path).items() if not name.startswith("refs/git-tracker/")} == before
    assert git(two.path, "rev-parse", "v1^{commit}") == git(two.path, "rev-parse", "HEAD")
    same([one, two])
    id = next(iter(states(two.store)))
    two.store.init()
    two.store.comment(two.ada, id, "goes on from a packed ref")
    two.sync()
    one.sync()
    same([one, two])
    git(two.path, "fsck", "--strict")


def test_many_refs_arrive_while_git_packs_refs_and_makes_branches(at: Path, clones: Cloning, tmp_path: Path) -> None:
    one = clones("one", origin=at).begin()
    one.sync()
    two = clones("two", origin=at).begin()
    git(two.path, "commit", "--allow-empty", "-m", "x")
    script = tmp_path / "busy.sh"
    script.write_text(
        "n=0\nwhile [ ! -e stop ]; do n=$((n+1)); git branch b$n; git pack-refs --all; echo $n > made; done\n"
    )
    busy = subprocess.Popen(["sh", script], cwd=two.path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    for _ in range(4):
        plan(one, 40, 0)
        one.sync()
        two.sync()
    (two.path / "stop").touch()
    _, errors = busy.communicate(timeout=60)

    assert errors == b""
    made = int((two.path / "made").read_text())
    assert {f"refs/heads/b{n}" for n in range(1, made + 1)} <= told(two.path).keys()
    same([one, two])
    assert len(states(two.store)) == 160


def test_a_hub_holds_one_ref_per_device_whatever_the_number_of_issues(at: Path, clones: Cloning) -> None:
    one = clones("one", origin=at).begin()
    plan(one, 600, 0)
    one.sync()
    assert list(told(at)) == [DEVICES + one.store.device]

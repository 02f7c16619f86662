"""Faults at file-system calls, kills at any moment, clocks that jump: what was acknowledged is there, once, and work goes on.

Each test is a list of what was acknowledged, and a look whether it holds. Every run injects a few hundred faults; `make
soak` lets every call fail in every way.
"""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_tracker.store import IssueStore, Signer, tend
from tests.store.faulty import END, WRITES
from tests.store.hubs import Cloning, hub
from tests.store.test_writing import ROOT, bodies, pages, sound, start

SOAK = pytest.mark.soak
MOST = 300  # deaths of one kind: a rebuild makes a thousand calls, most of them SQLite's
STAYING = ["enospc", "eio", "full", "readonly"]


class Acknowledged:
    """What a process was told, line by line, and whether it holds."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, ...]] = []
        self.struck = 0

    def hear(self, out: str) -> "Acknowledged":
        for line in out.splitlines():
            kind, *words = line.split(" ", 2)
            if kind == "struck":
                self.struck += int(words[0])
            self.lines.append((kind, *words))
        return self

    def of(self, kind: str) -> list[tuple[str, ...]]:
        return [words for found, *words in self.lines if found == kind]  # type: ignore[misc]

    def holds(self, store: IssueStore) -> None:
        store.refresh(force=True)
        here = {row["id"]: row for row in pages(store)}
        lost = {words[0] for words in self.of("created")} - here.keys()
        assert lost == set(), "issues"
        for issue in {words[0] for words in self.of("said")}:
            found = bodies(store, issue)
            assert {words[1] for words in self.of("said") if words[0] == issue} <= set(found)
            assert len(found) == len(set(found)), "nothing is there twice"
        for (id,) in self.of("claimed"):
            assert here[id]["claim"], id
        assert {here[id]["status"] for (id,) in self.of("finished")} <= {"done"}
        members = {member.person for member in store.members}
        assert {person for (person,) in self.of("member")} <= members | {person for (person,) in self.of("removed")}
        assert members.isdisjoint(person for (person,) in self.of("removed"))
        revoked = {one["sid"] for one in store.revoked()}
        assert {sid for (sid,) in self.of("revoked")} <= revoked


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled fault injector."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not compiler or sys.platform != "linux":
        pytest.skip("faults are injected with a C compiler on Linux")
    built = tmp_path_factory.mktemp("shim") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", built, source, "-ldl"], check=True)
    return built


def faulty(repo: Path, shim: Path, *words: object) -> str:
    """Run a process with faults to its end, or to its death; return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.faulty", str(repo), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LD_PRELOAD": str(shim)}, stdout=subprocess.PIPE, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode in (0, -9), done.stdout[-2000:]
    return done.stdout


@pytest.mark.parametrize("points", [6, pytest.param(0, marks=SOAK)])
@pytest.mark.parametrize("mode", STAYING)
def test_a_write_whose_disk_fails_at_any_call_is_refused_or_holds(
    store: IssueStore, ada: Signer, repo: Path, shim: Path, mode: str, points: int
) -> None:
    told = Acknowledged()
    for _ in range(1 if points else 2):
        told.hear(faulty(repo, shim, "each", ",".join(WRITES), mode, points))
        told.hear(faulty(repo, shim, "each", "rebuild", mode, points or 30))
        told.holds(store)
        tend(store.place)  # and once more with everything in packs
    print(f"{told.struck} faults, {len(told.of('refused'))} refused")

    assert told.struck >= 8 * (points or 10)
    assert told.of("refused"), "at least the journal's failure must be told"
    assert {code for code, *_ in told.of("refused")} <= {
        "disk_full", "read_only", "failed", "unusable", "not_durable", "busy",
    }  # fmt: skip
    sound(store, repo)


@pytest.mark.parametrize("share", [0.01, pytest.param(0.5, marks=SOAK)])
def test_death_at_any_call_of_a_write_loses_nothing_acknowledged(
    store: IssueStore, ada: Signer, repo: Path, shim: Path, share: float
) -> None:
    dice, told, struck = random.Random(7), Acknowledged(), 0
    issue = store.create_issue(ada, {"title": "Goes on"})
    for op in (*WRITES, "rebuild"):
        first = Acknowledged().hear(faulty(repo, shim, "once", op, END, "kill"))
        calls = int(first.of("calls")[0][0])
        for mode in ("kill", "torn"):
            chosen = range(1, calls + 1)
            for at in dice.sample(chosen, max(1, min(round(share * calls), MOST))):
                told.hear(faulty(repo, shim, "once", op, at, mode))
                store.comment(ada, issue, f"after {op} {mode} {at}")
                struck += 1
    print(f"{struck} deaths")

    told.holds(store)
    assert len(bodies(store, issue)) == struck
    sound(store, repo)


@pytest.mark.parametrize("mode", ["enospc", "eio", "kill", "torn"])
@pytest.mark.parametrize("op", ["sync", "upkeep"])
@pytest.mark.parametrize("points", [6, pytest.param(0, marks=SOAK)])
def test_sync_and_upkeep_survive_whatever_happens_to_them_and_to_their_git(
    tmp_path: Path, clones: Cloning, shim: Path, op: str, mode: str, points: int
) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    one.sync()
    two = clones("two", origin=at).begin()
    two.new("from elsewhere")
    two.sync()
    told = Acknowledged().hear(faulty(one.path, shim, "git", op, mode, points))
    if mode in ("enospc", "eio"):
        told.hear(faulty(one.path, shim, "each", op, mode, points))
    else:
        calls = int(Acknowledged().hear(faulty(one.path, shim, "once", op, END, mode)).of("calls")[0][0])
        chosen = range(1, calls + 1)
        for number in random.Random(op + mode).sample(chosen, min(3, calls)) if points else chosen:
            told.hear(faulty(one.path, shim, "once", op, number, mode))
            told.struck += 1
    print(f"{told.struck} faults")
    for folder in (at, one.git_dir):  # as if some time had passed
        for path in (*folder.rglob("*.lock"), *folder.glob("packed-refs.new")):
            path.unlink() if folder == at else os.utime(path, (1, 1))

    assert told.struck >= 3
    assert tend(one.store.place).failed == []
    one.sync()
    two.sync()
    told.holds(one.store)
    told.holds(two.store)
    sound(one.store, one.path)
    sound(two.store, two.path)


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=SOAK)])
def test_writers_whose_clocks_jump_lose_nothing(store: IssueStore, ada: Signer, repo: Path, rounds: int) -> None:
    issue, told = store.create_issue(ada, {"title": "shared"}), Acknowledged()
    for _ in range(rounds):
        for process in [start(repo, "jumps", issue, "20") for _ in range(3)]:
            told.hear(process.communicate(timeout=120)[0])

    assert len(told.of("said")) + len(told.of("created")) == rounds * 60
    told.holds(store)
    store.rebuild()
    told.holds(store)
    sound(store, repo)

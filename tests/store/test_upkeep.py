"""Upkeep beside writers: what was acknowledged stays, whatever git packs, and what is the user's stays as it is."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from git_tracker.store import IssueStore, Signer, tend
from tests.store.forge import Forge, label
from tests.store.test_writing import git, sound, start


@pytest.fixture
def issue(store: IssueStore, ada: Signer) -> str:
    return store.create_issue(ada, {"title": "shared"})


def loose(repo: Path) -> int:
    return sum(1 for _ in (repo / ".git/refs/git-tracker/issues").glob("*"))


def records(store: IssueStore) -> int:
    return store._publisher.kept()


def test_upkeep_packs_what_is_ours_and_loses_nothing(store: IssueStore, ada: Signer, repo: Path) -> None:
    ids = [store.create_issue(ada, {"title": f"issue {number}"}) for number in range(30)]
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "mine")
    lost = git(repo, "rev-parse", "HEAD").strip()
    git(repo, "commit", "--quiet", "--amend", "--allow-empty", "-m", "mine as well")
    before = [store.get_issue(id) for id in ids]
    done = tend(store.place)
    assert (done.busy, done.failed, done.loose_refs[1]) == (False, [], 0)
    assert done.loose_objects[1] == 0
    assert done.journal == 31  # with the root of the trust log
    assert records(store) == 0
    assert [store.get_issue(id) for id in ids] == before
    assert git(repo, "cat-file", "-t", lost).strip() == "commit"  # not ours to remove
    store.comment(ada, ids[0], "afterwards")
    assert records(store) == 1
    sound(store, repo)
    again = tend(store.place)
    assert again.loose_refs == (1, 0)


def test_upkeep_of_two_processes_at_once_is_done_by_one(store: IssueStore, ada: Signer) -> None:
    from git_tracker.store.lock import held

    store.create_issue(ada, {"title": "one"})
    with held(os.path.join(store.home, "upkeep")):
        assert tend(store.place).busy


def test_a_ref_that_keeps_what_the_issue_reaches_is_dropped_and_no_other(
    store: IssueStore, ada: Signer, issue: str
) -> None:
    forge = Forge(store)
    beside = forge.add(ada, [label("beside")], [issue])
    bad = forge.put(forge.raw(forge.add(ada, [label("bad")], [issue])).replace(b"\n\n", b"\n\nX", 1))
    for id in (beside, bad):
        forge.git("update-ref", f"refs/git-tracker/keep/{id}", id)
    store.refresh()
    store.comment(ada, issue, "joins them")
    assert tend(store.place).kept == 2  # and the entry that the comment took the ref from
    kept = forge.git("for-each-ref", "--format=%(objectname)", "refs/git-tracker/keep").split()
    assert kept == [bad]
    assert store.get_issue(issue)["labels"] == ["beside"]
    store.rebuild()
    assert store.get_issue(issue)["labels"] == ["beside"]
    assert [row["entry"] for row in store.quarantine()["items"]] == [bad]


def test_after_many_writes_upkeep_begins_by_itself(store: IssueStore, ada: Signer, repo: Path) -> None:
    writer = IssueStore.open(str(repo), upkeep_after=5)
    for number in range(6):
        writer.create_issue(ada, {"title": f"issue {number}"})
    deadline = time.monotonic() + 60
    while records(store) > 3 or loose(repo) > 3:
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    assert writer.list_issues()["total"] == 6
    writer.close()


@pytest.mark.parametrize("rounds", [6, pytest.param(500, marks=pytest.mark.soak)])
def test_nothing_acknowledged_is_lost_whatever_happens_at_once(
    store: IssueStore, issue: str, repo: Path, rounds: int
) -> None:
    """Writers killed, upkeep killed, garbage collected, indexes deleted and damaged, locks left, all at random."""
    chance, told, wrote, killed = random.Random(5), set[str](), 0, 0
    for _ in range(rounds):
        writers = [start(repo, "write", issue, "12") for _ in range(2)]
        other = chance.choice((["gc", "--quiet", "--prune=1.day.ago"], ["pack-refs", "--all"], ["repack", "-adq"]))
        beside = subprocess.Popen(["git", "-C", repo, *other], stderr=subprocess.DEVNULL)
        tending = subprocess.Popen(
            [sys.executable, "-c", "import sys; from git_tracker.store import *; tend(find_place(sys.argv[1]))", repo],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        said: list[str] = []  # a line that a kill cuts off has no end
        readers = [threading.Thread(target=said.extend, args=(writer.stdout,)) for writer in writers]
        for reader in readers:
            reader.start()
        enough = chance.randrange(4, 20)
        while len(said) < enough and any(writer.poll() is None for writer in writers):
            threading.Event().wait(0.01)
        for victim in (
            *chance.sample(writers, chance.randint(1, 2)),
            *chance.sample((tending, beside), chance.randint(1, 2)),
        ):
            killed += victim.poll() is None
            victim.send_signal(signal.SIGKILL)
        damage(repo, chance)
        damage(repo, chance)
        for process in (*writers, beside, tending):
            process.wait(timeout=120)
        for reader in readers:
            reader.join()
        for writer in writers:
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdin.close()
            writer.stdout.close()
        told |= {line.split()[-1] for line in said if line.endswith("\n")}
        wrote += len(said)
    for lock in (repo / ".git").rglob("*.lock"):
        lock.unlink()
    store.refresh(force=True)
    here = {note["body"] for note in store.get_issue(issue)["comments"]}
    here |= {str(found["title"]) for found in store.every_issue()}
    assert told <= here
    assert wrote > rounds
    assert killed > rounds
    print(f"{killed} killed")
    sound(store, repo)


def damage(repo: Path, chance: random.Random) -> None:
    """Something happens to what may be lost."""
    for index in (repo / ".git/git-tracker").glob("index-*.sqlite"):
        match chance.randrange(4):
            case 0:
                index.unlink()
            case 1:
                with index.open("r+b") as file:
                    file.seek(chance.randrange(4096, 20000))
                    file.write(chance.randbytes(64))
            case 2:
                shutil.rmtree(repo / ".git/objects/info/commit-graphs", ignore_errors=True)
            case _:
                loose = list((repo / ".git/refs/git-tracker").rglob("*"))  # none where all is packed
                ref = chance.choice(loose or [repo])
                if ref.is_file() and not ref.name.endswith(".lock"):
                    ref.with_name(ref.name + ".lock").touch()
                    os.utime(ref.with_name(ref.name + ".lock"), (1, 1))

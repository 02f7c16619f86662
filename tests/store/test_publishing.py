"""From the journal into git: what many write at once goes there together, and whatever comes between, it arrives."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, Signer, standing, swap
from git_tracker.store.identity import signer_from_seed
from git_tracker.store.journal import Journal
from git_tracker.store.lock import held
from tests.store.forge import Forge
from tests.store.test_writing import bodies, git, sound, start

FEW = 5


@pytest.fixture
def issue(store: IssueStore, ada: Signer) -> str:
    return store.create_issue(ada, {"title": "A leak"})


def standing_of(store: IssueStore) -> standing.Standing:
    return standing.read(os.path.join(store.home, "standing"))[0]


def until(come: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not come():
        assert time.monotonic() < end
        time.sleep(0.001)


@contextmanager
def on_their_way(store: IssueStore, writes: Sequence[Callable[[], object]]) -> Iterator[None]:
    """Let these be journaled and not published until the end; then each comes back."""
    before, threads = standing_of(store).journaled, [threading.Thread(target=write, daemon=True) for write in writes]
    with held(os.path.join(store.home, "publishing")):
        for thread in threads:
            thread.start()
        until(lambda: standing_of(store).journaled == before + len(writes))
        with held(os.path.join(store.home, "lock")):  # the last has let go of it
            pass
        yield
        assert all(thread.is_alive() for thread in threads), "nobody is told before it is in git and on the disk"
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_writers_who_wait_together_share_one_move_of_the_ref_and_one_turn_of_the_disk(
    store: IssueStore, ada: Signer, issue: str, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, moved, sync, replace = list[int](), list[str](), os.fdatasync, swap.replace
    monkeypatch.setattr(os, "fdatasync", lambda number: synced.append(number) or sync(number))
    monkeypatch.setattr(swap, "replace", lambda new, path: moved.append(path) or replace(new, path))
    with on_their_way(store, [lambda n=n: store.comment(ada, issue, f"{n}") for n in range(FEW)]):  # type: ignore[misc]
        assert synced == moved == []

    assert len(synced) == 1
    assert moved == [str(repo / ".git/refs/git-tracker/issues" / issue)]
    assert sorted(bodies(store, issue)) == [f"{n}" for n in range(FEW)]
    assert git(repo, "rev-list", "--count", f"refs/git-tracker/issues/{issue}").strip() == f"{1 + FEW}"
    sound(store, repo)


def test_what_is_on_its_way_is_seen_by_readers_and_built_upon_by_writers(
    store: IssueStore, ada: Signer, agent: Signer, issue: str, repo: Path
) -> None:
    other = IssueStore.open(str(repo))
    with on_their_way(store, [lambda: store.comment(ada, issue, "first"), lambda: other.claim(agent, issue)]):
        assert bodies(other, issue) == ["first"]
        assert other.get_issue(issue)["claim"]["actor"]["id"] == agent.sid
        assert git(repo, "rev-list", "--count", f"refs/git-tracker/issues/{issue}").strip() == "1"

    assert len(store.get_issue(issue)["heads"]) == 1
    assert git(repo, "rev-list", "--count", f"refs/git-tracker/issues/{issue}").strip() == "3"
    sound(store, repo)


def test_a_ref_that_somebody_moved_meanwhile_stays_and_the_entry_is_a_head_beside_it(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    forged = Forge(store)
    event = {"type": "label-added", "label": "fetched"}
    fetched = forged.add(ada, [event], [forged.tip(issue)], n=7, prev="d" * 40)
    with on_their_way(store, [lambda: store.comment(ada, issue, "written here")]):
        forged.point(issue, fetched)

    found = store.get_issue(issue)
    assert forged.tip(issue) == fetched
    assert (found["labels"], bodies(store, issue)) == (["fetched"], ["written here"])
    assert len(found["heads"]) == 2
    assert store.comment(ada, issue, "joins the two") == issue
    assert len(store.get_issue(issue)["heads"]) == 1


def test_a_fetch_that_went_further_than_what_was_on_its_way_stays_where_it_is(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    forged = Forge(store)
    with on_their_way(store, [lambda: store.comment(ada, issue, "one")]):
        forged.put(store._publisher._journal.after(0, 99)[-1][1].raw)
        entry = store.get_issue(issue)["heads"][0]
        later = forged.add(ada, [{"type": "archived"}], [entry], n=7, prev="d" * 40)
        forged.point(issue, later)

    assert forged.tip(issue) == later
    assert (store.get_issue(issue)["archived"], bodies(store, issue)) == (True, ["one"])


def test_a_member_who_was_added_by_a_writer_that_died_counts_for_everybody(
    store: IssueStore, ada: Signer, issue: str, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, other = IssueStore.open(str(repo)), IssueStore.open(str(repo))
    grace = signer_from_seed("Grace", "grace@example.org", bytes(range(32)))

    def dies() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dying._publisher, "settle", lambda: 0)
    monkeypatch.setattr(dying._publisher._standing, "begin", dies)
    with pytest.raises(KeyboardInterrupt):
        monkeypatch.setattr(dying, "_catch_up", lambda **_: dies() if standing_of(store).journaled > 2 else None)
        dying.add_member(ada, grace.identity.public_key, "grace", "Grace", "grace@example.org")

    store.comment(ada, issue, "the next write")
    for one in (store, other):
        one.refresh()
        assert "grace" in {member.person for member in one.members}
    sound(store, repo)


def test_who_reads_is_answered_while_whoever_publishes_is_stopped(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    other = IssueStore.open(str(repo))
    with on_their_way(store, [lambda: store.comment(ada, issue, "first")]):
        os.utime(os.path.join(store.home, "standing"), (1, 1))  # for long
        assert bodies(other, issue) == ["first"]
    assert git(repo, "rev-list", "--count", f"refs/git-tracker/issues/{issue}").strip() == "2"


def test_a_writer_killed_before_it_could_publish_is_completed_by_the_next(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    with held(os.path.join(store.home, "publishing")):
        process = start(repo, "write", issue, "1")
        until(lambda: bool(bodies(store, issue)))
        process.kill()
        assert process.communicate(timeout=20)[0] == "", "it was told nothing"
    store.comment(ada, issue, "the next write")

    assert len(bodies(store, issue)) == 2
    assert git(repo, "rev-list", "--count", f"refs/git-tracker/issues/{issue}").strip() == "3"
    sound(store, repo)


def test_what_says_how_things_stand_may_be_lost_at_any_time(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    for number, harm in enumerate(
        (Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"\xff" * 99))
    ):
        harm(Path(store.home, "standing"))
        again = IssueStore.open(str(repo))
        assert len(bodies(again, issue)) == 2 * number
        again.comment(ada, issue, f"{number} by another")
        store.comment(ada, issue, f"{number} by the same")
        again.close()

    assert len(bodies(store, issue)) == 6
    assert len(store.get_issue(issue)["heads"]) == 1
    sound(store, repo)


def test_after_the_machine_went_down_the_first_look_restores_what_the_disk_lost(
    store: IssueStore, ada: Signer, issue: str, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.comment(ada, issue, "acknowledged")
    path = repo / ".git/refs/git-tracker/issues" / issue
    entry = path.read_text(encoding="ascii").strip()
    (repo / ".git/objects" / entry[:2] / entry[2:]).unlink()
    path.write_text(git(repo, "rev-list", "--max-parents=0", f"{issue}"), encoding="ascii")
    store.close()
    monkeypatch.setattr(standing, "boot", lambda: "another boot")

    again = IssueStore.open(str(repo))
    assert bodies(again, issue) == ["acknowledged"]
    assert git(repo, "rev-parse", f"refs/git-tracker/issues/{issue}").strip() == entry
    sound(again, repo)


def test_many_who_begin_a_journal_at_once_all_get_it(tmp_path: Path) -> None:
    failed = list[Exception]()

    def begin(path: Path, barrier: threading.Barrier) -> None:
        barrier.wait()
        try:
            Journal(str(path)).close()
        except TrackerError as error:
            failed.append(error)

    for number in range(100):
        barrier = threading.Barrier(6)
        threads = [threading.Thread(target=begin, args=(tmp_path / f"{number}.sqlite", barrier)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failed == []


def test_sqlites_logs_begin_anew_before_sqlite_would_see_to_it_under_the_lock(
    store: IssueStore, ada: Signer, issue: str
) -> None:
    (index,) = Path(store.home).glob("index-*.sqlite-wal")

    def sizes(writes: int) -> tuple[int, int]:
        for number in range(writes):
            store.comment(ada, issue, f"{number}")
        return index.stat().st_size, Path(store.home, "journal.sqlite").stat().st_size

    before = sizes(260)
    after = sizes(220)
    assert before[0] > 1_000_000
    assert after[0] < before[0] * 1.2, "else it were nearly twice as long"
    assert before[1] > 100_000, "what the journal's log held is in its file"
    assert len(bodies(store, issue)) == 480

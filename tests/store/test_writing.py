"""The write path with real processes: nothing acknowledged is lost or doubled, whatever happens in between."""

import errno
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Conflict, Invalid, NotFound, TrackerError, Unusable
from git_tracker.store import IssueStore, Signer
from tests.store.forge import Forge

ROOT = Path(__file__).resolve().parents[2]


def start(repo: Path, *arguments: str, **more: Any) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.worker", str(repo), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, **more,
    )  # fmt: skip


def together(repo: Path, *arguments: str, count: int = 10) -> list[list[str]]:
    """What some processes say that begin at the same moment."""
    processes = [start(repo, *arguments, "together") for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = []
    for process in processes:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0, out
        said.append(out.splitlines())
    return said


def git(repo: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", "-C", repo, *arguments], capture_output=True, text=True, check=False, timeout=120)
    if check:
        assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def sound(store: IssueStore, repo: Path) -> None:
    """git finds nothing wrong, and neither does the tracker."""
    complaints = [
        line for line in git(repo, "fsck", "--strict").splitlines() if not line.startswith(("notice", "dangling"))
    ]
    assert complaints == []
    found = store.verify()
    assert found["problems"] == []


def bodies(store: IssueStore, issue: str) -> list[str]:
    return [comment["body"] for comment in store.get_issue(issue)["comments"]]


@pytest.fixture
def issue(store: IssueStore, ada: Signer) -> str:
    return store.create_issue(ada, {"title": "A leak"})


def test_stock_git_calls_every_entry_good(
    store: IssueStore, ada: Signer, agent: Signer, issue: str, repo: Path
) -> None:
    store.claim(agent, issue)
    store.update_issue(agent, issue, {"description": "It lëaks.\nA lot.", "add_labels": ["wet"]})
    store.finish(agent, issue, "mended", [{"kind": "commit", "value": "abc"}])
    store.comment(ada, issue, "thanks")
    allowed = repo / "allowed"
    allowed.write_text(store.allowed_signers(), encoding="utf-8")
    refs = git(repo, "for-each-ref", "--format=%(refname)", "refs/git-tracker").split()
    entries = git(repo, "rev-list", *refs).split()

    assert len(entries) == 6
    for entry in entries:
        told = git(repo, "-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", entry)
        assert 'Good "git" signature' in told
    sound(store, repo)


def test_a_history_reads_well_in_stock_git(store: IssueStore, ada: Signer, issue: str, repo: Path) -> None:
    store.update_issue(ada, issue, {"status": "in-progress", "add_labels": ["wet"]})
    told = git(repo, "log", "--format=%an <%ae> %s", f"refs/git-tracker/issues/{issue}").splitlines()

    assert told == [
        "Ada Lovelace <ada@example.org> status: in-progress; +wet", "Ada Lovelace <ada@example.org> created: A leak"
    ]  # fmt: skip


def test_ten_processes_write_two_thousand_times_and_nothing_is_lost_or_doubled(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    said = together(repo, "write", issue, "200")
    lines = [line.split() for lines in said for line in lines]
    comments = [words[1] for words in lines if words[0] == "said"]
    created = {words[1]: words[2] for words in lines if words[0] == "created"}

    assert len(lines) == 2000
    assert sorted(bodies(store, issue)) == sorted(comments)
    assert store.list_issues()["total"] == 1001
    assert {id: store.row(id)["title"] for id in list(created)[::50]} == {id: created[id] for id in list(created)[::50]}
    agents = [found for found in store.agents()["items"] if found["session"]]
    assert [found["entries"] for found in agents] == [200] * 10
    assert all(store.audit(found["id"])["chain"]["ok"] for found in agents)
    sound(store, repo)


def test_of_ten_processes_that_claim_at_once_one_wins(store: IssueStore, issue: str, repo: Path) -> None:
    said = [line.split() for lines in together(repo, "claim", issue) for line in lines]
    winners = [words[1] for words in said if words[0] == "won"]

    assert len(winners) == 1
    assert [words[1] for words in said if words[0] == "lost"] == ["claimed"] * 9
    assert store.get_issue(issue)["claim"]["actor"]["id"] == winners[0]


def test_one_request_key_makes_one_issue_across_processes(store: IssueStore, repo: Path) -> None:
    said = {line for lines in together(repo, "once", "key-1", "Same", count=6) for line in lines}
    other = {line for lines in together(repo, "once", "key-1", "Other", count=2) for line in lines}

    assert len(said) == 1
    assert other == {"rk_reused"}
    assert [row["id"] for row in store.list_issues()["items"]] == list(said)


def test_a_repeated_plan_answers_in_its_own_order_also_after_a_rebuild(
    store: IssueStore, issue: str, repo: Path
) -> None:
    first = together(repo, "plan", "key-2", issue, count=1)[0][0].split()
    assert [store.row(id)["title"] for id in first] == ["child", "parent"]
    store.rebuild()

    assert together(repo, "plan", "key-2", issue, count=2) == [[" ".join(first)]] * 2
    assert store.list_issues()["total"] == 3
    assert store.get_issue(first[1])["blocked"] is True


def test_a_request_key_stands_for_one_request_of_one_person(
    store: IssueStore, ada: Signer, agent: Signer, issue: str
) -> None:
    assert store.comment(ada, issue, "once", rk="k") == store.comment(ada, issue, "once", rk="k") == issue
    assert store.comment(agent, issue, "once", rk="k") == issue, "a session acts for its person"
    with pytest.raises(Invalid) as refusal:
        store.comment(ada, issue, "twice", rk="k")

    assert refusal.value.code == "rk_reused"
    assert bodies(store, issue) == ["once"]
    for bad in ("a b", "a#b", "é", "x" * 129):
        with pytest.raises(Invalid):
            store.comment(ada, issue, "x", rk=bad)


def test_kill_nine_at_any_moment_loses_nothing_acknowledged(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    dice = random.Random(4)
    said: list[list[str]] = []
    for _ in range(10):
        processes = [start(repo, "write", issue, "100000") for _ in range(3)]
        lines = []
        for process in processes:
            assert process.stdout is not None
            lines.append(process.stdout.readline())
        until = time.perf_counter() + dice.random() * 0.03
        while time.perf_counter() < until:
            pass
        for process in processes:
            process.kill()
        for process, line in zip(processes, lines, strict=True):
            rest, _ = process.communicate(timeout=30)
            said += [found.split() for found in (line + rest).splitlines()]
        store.comment(ada, issue, "after the kill")

    found = bodies(store, issue)
    assert len(said) >= 30
    assert len(found) == len(set(found)) + 9, "only the ten comments of this process are alike"
    assert {words[1] for words in said if words[0] == "said"} <= set(found)
    titles = {row["id"] for row in pages(store)}
    assert {words[1] for words in said if words[0] == "created"} <= titles
    sound(store, repo)


def pages(store: IssueStore) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = store.list_issues(limit=200, cursor=cursor)
        yield from page["items"]
        if not page["next"]:
            return
        cursor = page["next"]


def index(store: IssueStore) -> Path:
    return next(Path(store.place.home).glob("index-*.sqlite"))


DAMAGE = {
    "deleted": lambda path: path.unlink(),
    "deleted with its log": lambda path: [
        Path(f"{path}{tail}").unlink(missing_ok=True) for tail in ("", "-wal", "-shm")
    ],
    "emptied": lambda path: path.write_bytes(b""),
    "overwritten": lambda path: path.write_bytes(b"not a database, " * 1000),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "scratched": lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (len(path.read_bytes()) - 4096)),
}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("first", ["read", "write", "open"])
def test_an_index_that_is_gone_or_damaged_heals(
    store: IssueStore, ada: Signer, issue: str, repo: Path, how: str, first: str
) -> None:
    store.comment(ada, issue, "one")
    before = store.get_issue(issue)
    other = start(repo, "reads", issue)
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdin.write("\n")
    other.stdin.flush()
    assert other.stdout.readline() == "1 1\n"

    DAMAGE[how](index(store))
    if first == "open":
        again = IssueStore.open(str(repo))
        assert again.get_issue(issue) == before
        again.close()
    elif first == "write":
        store.comment(ada, issue, "two")
        assert bodies(store, issue) == ["one", "two"]
    assert store.get_issue(issue)["title"] == "A leak"
    if first == "read":
        assert store.get_issue(issue) == before
    store.comment(ada, issue, "three")
    assert bodies(store, issue)[-1] == "three"
    other.stdin.write("\n")
    other.stdin.flush()
    assert other.stdout.readline() == f"1 {len(bodies(store, issue))}\n", "nor is another process left behind"
    other.communicate("", timeout=30)
    sound(store, repo)


def test_git_may_pack_refs_and_collect_garbage_beside_writers(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    writers = [start(repo, "write", issue, "60") for _ in range(3)]
    turns, epoch = 0, store.health()["epoch"]
    while any(writer.poll() is None for writer in writers) or turns < 3:
        git(repo, "pack-refs", "--all", check=False)
        git(repo, "gc", "--quiet", check=False)
        turns += 1
    said = [line.split() for writer in writers for line in writer.communicate(timeout=30)[0].splitlines()]

    assert len(said) == 180
    assert sorted(bodies(store, issue)) == sorted(words[1] for words in said if words[0] == "said")
    assert store.health()["epoch"] == epoch, "no issue seemed to vanish meanwhile"
    sound(store, repo)


def test_a_lock_file_left_by_the_dead_is_cleared(store: IssueStore, ada: Signer, issue: str, repo: Path) -> None:
    lock = Path(store.place.common, f"refs/git-tracker/issues/{issue}.lock")
    lock.write_text("", encoding="ascii")
    os.utime(lock, (1, 1))
    store.comment(ada, issue, "we go on")

    assert not lock.exists()
    assert bodies(store, issue) == ["we go on"]


def test_a_clock_that_jumps_back_a_year_holds_nothing_up(repo: Path) -> None:
    now = [time.time_ns()]
    store = IssueStore.open(str(repo), clock=lambda: now[0])
    ada, _ = store.init()
    issue = store.create_issue(ada, {"title": "A leak"})
    store.comment(ada, issue, "one")
    now[0] -= 365 * 86400 * 10**9
    store.comment(ada, issue, "two")
    later = store.create_issue(ada, {"title": "Another"})
    store.update_issue(ada, issue, {"title": "A drip"})

    assert bodies(store, issue) == ["one", "two"]
    assert store.get_issue(issue)["title"] == "A drip"
    assert store.get_issue(later)["title"] == "Another"
    before = store.get_issue(issue)
    store.rebuild()
    assert store.get_issue(issue) == before
    sound(store, repo)
    store.close()


def test_a_forked_process_is_refused_before_it_touches_anything(store: IssueStore, ada: Signer, issue: str) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = []
        for what in (lambda: store.comment(ada, issue, "from the fork"), lambda: store.get_issue(issue)):
            try:
                what()
                said.append("did it")
            except Unusable as error:
                said.append(error.code)
            except BaseException as error:
                said.append(repr(error))
        os.write(writer, " ".join(said).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as file:
        assert file.read() == "forked forked"
    store.comment(ada, issue, "from the parent")
    assert bodies(store, issue) == ["from the parent"]


def test_every_way_into_a_repository_shows_the_same_issues(
    store: IssueStore, ada: Signer, issue: str, repo: Path, tmp_path: Path
) -> None:
    (repo / "folder" / "below").mkdir(parents=True)
    with IssueStoreAt(repo / "folder" / "below") as below:
        below.comment(ada, issue, "from a subfolder")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    with IssueStoreAt(tmp_path / "tree") as tree:
        assert bodies(tree, issue) == ["from a subfolder"]
        tree.comment(ada, issue, "from a worktree")
    with IssueStoreAt(repo / ".git") as inside:
        assert bodies(inside, issue) == ["from a subfolder", "from a worktree"]

    assert bodies(store, issue) == ["from a subfolder", "from a worktree"]


class IssueStoreAt:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> IssueStore:
        self.store = IssueStore.open(str(self.path))
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()


def test_a_bare_repository_is_as_good_as_any(tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "--quiet", "--bare", bare], check=True)
    with IssueStoreAt(bare) as store:
        ada, _ = store.init()
        issue = store.create_issue(ada, {"title": "A leak"})
        assert store.place.name == "bare"
        sound(store, bare)
    with IssueStoreAt(bare / "objects") as store:
        assert store.get_issue(issue)["title"] == "A leak"


def test_a_hook_s_environment_leads_to_its_repository(
    store: IssueStore, issue: str, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "first")
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    subprocess.run(["git", "init", "--quiet", tmp_path / "other"], check=True)
    monkeypatch.chdir(tmp_path / "other")
    for git_dir in (repo / ".git", repo / ".git" / "worktrees" / "tree"):
        monkeypatch.setenv("GIT_DIR", str(git_dir))
        with IssueStoreAt(Path(".")) as found:
            assert found.place.common == str(repo / ".git")
            assert found.get_issue(issue)["title"] == "A leak"
        with IssueStoreAt(tmp_path / "other") as named:
            assert named.list_issues()["total"] == 0, "a path that was named wins"
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    with pytest.raises(NotFound):
        IssueStore.open(".")


def test_git_s_own_index_and_files_stay_untouched(store: IssueStore, ada: Signer, repo: Path) -> None:
    (repo / "staged.txt").write_text("staged\n", encoding="utf-8")
    (repo / "loose.txt").write_text("loose\n", encoding="utf-8")
    git(repo, "add", "staged.txt")
    before = (repo / ".git/index").read_bytes(), git(repo, "status", "--porcelain"), (repo / ".git/HEAD").read_bytes()
    issue = store.create_issue(ada, {"title": "A leak"})
    store.comment(ada, issue, "one")
    store.rebuild()

    assert (
        (repo / ".git/index").read_bytes(),
        git(repo, "status", "--porcelain"),
        (repo / ".git/HEAD").read_bytes(),
    ) == before
    assert sorted(path.name for path in repo.iterdir()) == [".git", "loose.txt", "staged.txt"]


def test_processes_that_initialise_at_once_agree_on_one_root(repo: Path) -> None:
    program = "import sys; from git_tracker.store import IssueStore; s = IssueStore.open(sys.argv[1]); s.init(); print(s.root)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, repo], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        for _ in range(6)
    ]  # fmt: skip
    told = [process.communicate(timeout=60) for process in processes]

    assert [process.returncode for process in processes] == [0] * 6, told
    assert len({out for out, _ in told}) == 1


def test_the_chain_of_a_key_has_no_gap_and_no_fork_from_its_first_entry(
    store: IssueStore, ada: Signer, agent: Signer
) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    store.comment(agent, issue, "one")
    store.comment(ada, issue, "two")
    store.comment(agent, issue, "three")
    audits = {found["id"]: store.audit(found["id"]) for found in store.agents()["items"]}

    assert [item["n"] for item in audits[agent.sid]["items"]] == [0, 1]
    assert [item["n"] for item in audits["ada"]["items"]] == [1, 2], "the first of Ada's is the root of the trust log"
    assert all(audit["chain"]["ok"] for audit in audits.values())
    before = {id: [(item["n"], item["entry"]) for item in audit["items"]] for id, audit in audits.items()}
    store.rebuild()
    assert {id: [(item["n"], item["entry"]) for item in store.audit(id)["items"]] for id in before} == before


def test_two_entries_that_follow_one_are_a_fork_and_a_missing_one_a_gap(
    store: IssueStore, ada: Signer, issue: str
) -> None:
    forged = Forge(store)
    n, prev = forged._chain(ada)
    for word in ("one", "two"):
        forged.point(
            issue, forged.add(ada, [{"type": "label-added", "label": word}], [forged.tip(issue)], n=n, prev=prev)
        )
    forged.point(issue, forged.add(ada, [{"type": "archived"}], [forged.tip(issue)], n=n + 5, prev="d" * 40))
    chain = store.audit("ada")["chain"]

    assert [fork["n"] for fork in chain["forks"]] == [n]
    assert [gap["missing"] for gap in chain["gaps"]] == ["d" * 40]
    assert store.get_issue(issue)["labels"] == ["one", "two"], "both are kept"
    assert [problem["kind"] for problem in store.verify()["problems"]] == ["chain"]


def test_a_second_beginning_of_a_chain_is_a_fork(store: IssueStore, agent: Signer, issue: str) -> None:
    forged = Forge(store)
    for word in ("one", "two"):
        event = {"type": "label-added", "label": word}
        forged.point(issue, forged.add(agent, [event], [forged.tip(issue)], n=0, prev=None))

    assert [fork["n"] for fork in store.audit(agent.sid)["chain"]["forks"]] == [0]


def test_what_a_power_cut_took_is_restored_from_the_journal(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    other = store.create_issue(ada, {"title": "Another"})
    third = store.create_issue(ada, {"title": "A third"})
    for number in range(6):
        store.comment(ada, issue, f"{number}")
    before = {id: store.get_issue(id) for id in (issue, other, third)}
    entries = git(repo, "rev-list", f"refs/git-tracker/issues/{issue}").split()
    for entry in entries[1:4]:  # what a file system leaves of files that were never synced
        path = repo / ".git/objects" / entry[:2] / entry[2:]
        path.chmod(0o600)
        path.write_bytes(b"")
    (repo / ".git/objects" / entries[4][:2] / entries[4][2:]).unlink()
    (repo / ".git/refs/git-tracker/issues" / other).write_bytes(b"")
    (repo / ".git/refs/git-tracker/issues" / third).unlink()
    store.refresh(force=True)
    assert not store.verify()["ok"]

    store.rebuild()
    assert {id: store.get_issue(id) for id in (issue, other, third)} == before
    sound(store, repo)


def test_a_write_is_acknowledged_only_once_the_disk_has_it(
    store: IssueStore, ada: Signer, issue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, real = list[int](), os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda number: synced.append(number) or real(number))
    store.comment(ada, issue, "once")
    assert len(synced) == 1

    def fails(number: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fails)
    with pytest.raises(Unusable) as refusal:
        store.comment(ada, issue, "twice", rk="again")
    assert refusal.value.code == "not_durable"
    with pytest.raises(Unusable):  # it stands there, and is still not known to be on disk
        store.comment(ada, issue, "twice", rk="again")

    monkeypatch.setattr(os, "fdatasync", lambda number: synced.append(number) or real(number))
    assert store.comment(ada, issue, "twice", rk="again") == issue
    assert len(synced) == 2
    assert bodies(store, issue)[-2:] == ["once", "twice"]


def test_a_ref_whose_entry_the_disk_never_got_falls_back_to_the_packed_one(
    store: IssueStore, ada: Signer, issue: str, repo: Path
) -> None:
    store.comment(ada, issue, "packed")
    before = store.get_issue(issue)
    store.close()
    git(repo, "pack-refs", "--all")
    for file in (repo / ".git/git-tracker").glob("journal.sqlite*"):
        file.unlink()  # all of it is in packs long since
    (repo / ".git/refs/git-tracker/issues").mkdir(parents=True, exist_ok=True)
    (repo / ".git/refs/git-tracker/issues" / issue).write_text("ab" * 20 + "\n")

    again = IssueStore.open(str(repo))
    again.rebuild()
    assert again.get_issue(issue) == before
    sound(again, repo)


def test_a_write_on_heads_that_moved_is_told_so(store: IssueStore, ada: Signer, issue: str) -> None:
    heads = store.get_issue(issue)["heads"]
    store.update_issue(ada, issue, {"title": "A drip"}, expect=heads)
    with pytest.raises(Conflict) as refusal:
        store.update_issue(ada, issue, {"title": "A flood"}, expect=heads)
    assert refusal.value.code == "heads_moved"


def test_a_plan_is_written_whole_or_not_at_all(store: IssueStore, ada: Signer, repo: Path) -> None:
    before = git(repo, "for-each-ref")
    for bad in (
        [{"title": "fine"}, {"title": ""}],
        [{"title": "fine"}, {"title": "x", "parent": "#nobody"}],
        [{"title": "a", "ref": "a", "parent": "#b"}, {"title": "b", "ref": "b", "parent": "#a"}],
        [{"title": "many", "labels": [f"l{n}" for n in range(300)]}],
        [{"title": "wide", "description": '"' * 200_000 + "\x01" * 60_000}],
    ):
        with pytest.raises(TrackerError):
            store.create_issues(ada, bad)
    assert git(repo, "for-each-ref") == before
    assert store.list_issues()["total"] == 0
    store.create_issue(ada, {"title": "we go on"})


@pytest.mark.parametrize("title", ["", " ", "x" * 513, "é" * 513, "a\0b", "\ud800", "x" * 100_000, 7, None, ["x"]])
def test_a_title_that_cannot_be_one_is_refused_and_leaves_no_trace(
    store: IssueStore, ada: Signer, repo: Path, title: Any
) -> None:
    before = git(repo, "for-each-ref")
    with pytest.raises(Invalid):
        store.create_issue(ada, {"title": title})
    assert git(repo, "for-each-ref") == before


def test_ids_that_are_none_are_told_so(store: IssueStore, ada: Signer, issue: str) -> None:
    for bad in (
        "",
        "abc",
        issue[:6],
        "../../heads/main",
        "-rf",
        issue + "0",
        "g" * 40,
        "\ud800" * 8,
        "a\0b" * 3,
        "f" * 40,
    ):
        with pytest.raises(NotFound):
            store.get_issue(bad)
        with pytest.raises(NotFound):
            store.comment(ada, bad, "x")
    assert store.get_issue(issue[:7].upper())["id"] == issue


def test_a_text_of_every_plane_comes_back_as_it_was(store: IssueStore, ada: Signer, issue: str) -> None:
    words = "tab\t, CR\r\n, \x1b[2J, \u202e, \u2028, 🦀, \U0010ffff, \x7f, \\ud800"
    store.update_issue(ada, issue, {"description": words})
    store.comment(ada, issue, words)
    store.update_issue(ada, issue, {"description": "Ahem: " + words + " 🦀"})

    assert store.get_issue(issue)["description"] == "Ahem: " + words + " 🦀"
    assert bodies(store, issue) == [words]
    before = store.get_issue(issue)
    store.rebuild()
    assert store.get_issue(issue) == before

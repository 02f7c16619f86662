"""A fresh clone: an index built from git by several processes is the one that grew step by step, row for row."""

import errno
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Unusable
from git_tracker.store import IssueStore, Signer, SyncEngine, Writing, sshwire
from git_tracker.store.index import texts
from tests.store.forge import Forge, label, signer
from tests.store.hubs import Cloning

ISSUES = 620  # more than are left to one process

QUESTIONS = {
    "issues": "select * from issues",
    "entries": "select entries.*, issues.id as whole, heads, own.hex as own, theirs.hex as theirs from entries"
    " left join issues on issues.key = entries.issue join auths on auths.key = entries.auth"
    " left join pubkeys as own on own.key = chain left join pubkeys as theirs on theirs.key = issuer"
    " where entries.issue > 0",
    "events": "select events.*, entries.id as wrote, issues.id as whole from events join entries on entries.number ="
    " events.entry join issues on issues.key = events.issue",
    "comments": "select comments.*, issues.id as whole from comments join issues on issues.key = comments.issue",
    "labels": "select labels.*, issues.id as whole from labels join issues on issues.key = labels.issue",
    "links": "select links.*, issues.id as whole from links join issues on issues.key = links.issue",
    "words": "select term, offset, coalesce(part, doc & 3) as part, issues.id as whole from words"
    " join issues on issues.key = doc >> 24"
    " left join comments on comments.issue = issues.key and comments.number = (doc & 0xffffff) - 2",
    "titled": "select term, offset, issues.id as whole from titled join issues on issues.key = doc",
    "actors": "select * from actors where id in (select actor from entries where issue > 0)",
}  # fmt: skip
NUMBERS = {"key", "seq", "number", "entry", "issue", "auth", "chain", "issuer"}  # count what came when


def rows(store: IssueStore) -> dict[str, list[str]]:
    """Everything an index holds, without the numbers that tell the order of arrival."""
    file, db = sqlite3.connect(index(store)), sqlite3.connect(":memory:")
    file.backup(db)
    file.close()
    db.row_factory = sqlite3.Row
    texts.gather(db)  # how many are outstanding is a matter of luck
    db.execute("create virtual table words using fts5vocab (texts, instance)")
    db.execute("create virtual table titled using fts5vocab (titles, instance)")
    found = {}
    for table, question in QUESTIONS.items():
        kept = [{name: row[name] for name in row.keys() if name not in NUMBERS} for row in db.execute(question)]  # noqa: SIM118
        for row in kept:
            if "state" in row:  # JSON, whose order tells how it was come by
                row["state"] = json.dumps(json.loads(row["state"]), sort_keys=True)
        found[table] = sorted(map(repr, kept))
    db.close()
    return found


def index(store: IssueStore) -> str:
    home = Path(store.place.home)
    return str(next(home.glob("index-*.sqlite")))


def clone(repo: Path, path: Path) -> Path:
    """A copy of a repository without anything but git's own."""
    shutil.copytree(repo, path)
    for file in (path / ".git/git-tracker").iterdir():
        if file.name != "root":
            file.unlink()
    return path


def pack_everything(git_dir: str) -> None:
    """Put all objects into one pack; `git repack` would refuse a history of which something is missing."""
    git = ["git", "-C", git_dir]
    listed = [*git, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]
    ids = subprocess.run(listed, check=True, capture_output=True).stdout
    subprocess.run([*git, "pack-objects", "-q", "objects/pack/pack"], input=ids, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*git, "prune-packed", "-q"], check=True)


class Months:
    """Random work on many issues by a person, a colleague and some agents."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.issues: list[str] = []

    def work(self, writing: Writing, count: int) -> list[str]:
        for _ in range(count):
            for id in self.issues and [self.random.choice(self.issues)]:
                writing.change(id, self._step)
        return []

    def begin(self, writing: Writing, count: int) -> list[str]:
        for number in range(count):
            more: dict[str, Any] = {"description": f"word {number}", "labels": self.random.sample("abcd", 2)}
            if self.issues and number % 9 == 0:
                more["parent"] = self.random.choice(self.issues)
            self.issues += writing.create([{"title": f"issue {number}", **more}])
        return []

    def _step(self, state: Any, context: Any) -> list[Any]:
        from git_tracker.store import changes

        later = self.issues[self.issues.index(state.created["entry"]) + 1 :]
        match self.random.randrange(5):
            case 0 | 1:
                return changes.comment(f"word {self.random.randrange(99)}")
            case 2:
                return changes.update(state, {"priority": self.random.randrange(5)}, context)
            case 3:
                links = state.sets.get("links", {})
                free = [id for id in later if f"blocks {id}" not in links]
                return changes.link(state, "blocks", self.random.choice(free), False) if free else []
            case _:
                return changes.update(state, {"description": f"word {self.random.randrange(99)}"}, context)


@pytest.fixture
def history(store: IssueStore, ada: Signer, agent: Signer, repo: Path, tmp_path: Path) -> IssueStore:
    """A tracker with a colleague who was sent away, a session that was revoked, and all sorts of odd entries."""
    months, forge = Months(3), Forge(store)
    bob = signer(7, "Bob", "bob@example.org")
    store.add_member(ada, sshwire.public_line(bob.issuer), "bob", "Bob", "bob@example.org")
    other = store.delegate(ada, client="codex/1", label="second")
    store.import_entries(ada, lambda writing: months.begin(writing, ISSUES // 2))
    store.import_entries(agent, lambda writing: months.begin(writing, ISSUES // 2))
    for by in (ada, agent, bob, other, agent):
        store.import_entries(by, lambda writing: months.work(writing, 120))
    elsewhere = IssueStore.open(str(clone(repo, tmp_path / "elsewhere")))
    for by in (bob, other):
        elsewhere.import_entries(by, lambda writing: months.work(writing, 40))
    elsewhere.close()
    store.revoke(ada, other.sid)
    store.remove_member(ada, "bob")
    fetched = "+refs/git-tracker/issues/*:refs/git-tracker/issues/*"
    subprocess.run(["git", "-C", repo, "fetch", "--quiet", tmp_path / "elsewhere", fetched], check=True)
    store.refresh()
    one, two, three, four = months.issues[:4]
    for issue, by in ((one, ada), *((issue, agent) for issue in months.issues[4:30])):  # some of them checked last
        forged = forge.raw(forge.add(by, [label("forged")], [forge.tip(issue)])).replace(b"\n\n", b"\n\nX", 1)
        forge.place(issue, forge.put(forged))
    forge.place(two, forge.add(signer(99, "Eve"), [label("loud")], [forge.tip(two)]))
    forge.place(three, forge.add(ada, [label("late")], [forge.tip(three), "12" * 20]))
    shapeless = [{"type": "priority-changed", "priority": "high"}, {"type": "comment-added", "body": "word " * 99}]
    forge.place(four, forge.add(ada, shapeless, [forge.tip(four)]))
    store.refresh()
    store.import_entries(ada, lambda writing: months.work(writing, 60))
    return store


def test_an_index_built_anew_is_the_one_that_grew_row_for_row(history: IssueStore) -> None:
    grown = rows(history)
    assert {row["verdict"] for row in history.quarantine(limit=500)["items"]} == {"muted", "quarantined", "waiting"}
    for packed in (False, True):
        if packed:
            pack_everything(history.place.common)
        history.rebuild()
        built = rows(history)
        for table, found in built.items():
            before, after = Counter(grown[table]), Counter(found)
            assert (list(after - before), list(before - after)) == ([], []), (table, packed)


def test_a_rebuild_numbers_by_time_and_leaves_no_file_behind_and_readers_go_on(history: IssueStore) -> None:
    before = sorted(os.listdir(history.place.home))
    other = IssueStore.open(history.place.common)
    asked: list[int] = []
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if not asked:
            asked.append(other.list_issues()["total"])

    history.rebuild(progress=progress)
    assert asked == [ISSUES]
    assert other.list_issues()["total"] == ISSUES
    other.close()
    assert sorted(os.listdir(history.place.home)) == before
    assert told[-1][0] == told[-1][1]
    assert len(told) > 2
    db = sqlite3.connect(index(history))
    order = db.execute(
        "select ms, count, id from entries where issue > 0 and verdict = 'ok' and number <="
        " (select number from entries where verdict = 'muted' limit 1) order by number"
    ).fetchall()
    assert order == sorted(order)
    assert db.execute("select count(*) from events").fetchone() == (history.health()["events"],)


def test_a_trust_log_that_says_something_else_is_heard_by_a_built_index(history: IssueStore, ada: Signer) -> None:
    history.rebuild()
    muted = [row["entry"] for row in history.quarantine(limit=500)["items"] if row["verdict"] == "muted"]
    history.adopt(ada, muted)
    history.refresh()
    grown = rows(history)
    history.rebuild()
    assert rows(history) == grown


def work_for_one_change(store: IssueStore, forge: Forge, by: Signer, issues: int) -> tuple[int, int, int]:
    """SQL statements, steps of SQLite (in tens) and files opened to notice a change from outside, among so many issues."""
    made = store.create_issues(by, [{"title": f"issue {number}"} for number in range(issues)])
    forge.git("pack-refs", "--all")
    for ref in (store.place.common, *(Path(store.place.common) / "refs/git-tracker").rglob("*")):
        os.utime(ref, (1, 1))
    os.utime(Path(store.place.common) / "packed-refs", (1, 1))
    store.refresh()
    forge.point(made[0], forge.add(by, [label("outside")], [forge.tip(made[0])], auth=(store.root,)))
    statements: list[str] = []
    opened: list[object] = []
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    hooks.append(opened.append)
    store._db.set_trace_callback(statements.append)
    store._db.set_progress_handler(step, 10)
    store.refresh()
    store._db.set_trace_callback(None)
    store._db.set_progress_handler(None, 0)
    hooks.clear()
    assert store.get_issue(made[0])["labels"] == ["outside"]
    return len(statements), steps, len(opened)


hooks: list[Callable[[object], None]] = []


def heard(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and hooks:
        hooks[0](arguments[0])


def test_noticing_one_change_costs_as_much_among_many_issues_as_among_few(store: IssueStore, ada: Signer) -> None:
    sys.addaudithook(heard)  # type: ignore[arg-type]
    forge = Forge(store)
    few, many = (work_for_one_change(store, forge, ada, count) for count in (20, 400))
    # An actor's row may be looked up once more, and two triggers run if the change falls into another second.
    assert many[0] <= few[0] + 3
    assert many[1] < few[1] * 1.5
    assert many[2] <= few[2]


def test_a_rebuild_that_may_not_replace_the_index_is_refused_and_the_store_goes_on(
    history: IssueStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, place = os.unlink, index(history)

    def refusing(path: Any, **more: Any) -> None:
        if path == place:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        unlink(path, **more)

    monkeypatch.setattr(os, "unlink", refusing)
    for _ in range(2):
        with pytest.raises(Unusable, match="cannot be replaced"):
            history.rebuild()
    monkeypatch.undo()
    assert history.list_issues()["total"] == ISSUES
    history.rebuild()
    assert history.list_issues()["total"] == ISSUES


def test_an_index_built_anew_announces_everything_and_then_what_is_new(
    history: IssueStore, ada: Signer, clones: Cloning, tmp_path: Path
) -> None:
    hub = tmp_path / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", hub], check=True)
    subprocess.run(["git", "-C", history.place.common, "remote", "add", "origin", hub], check=True)
    history.rebuild()
    SyncEngine(history).sync(ada)
    other = clones("other", origin=hub).begin()
    assert other.fetch().received == 0  # it came with the beginning
    assert other.store.list_issues()["total"] == ISSUES
    history.comment(ada, history.list_issues(limit=1)["items"][0]["id"], "new")
    assert SyncEngine(history).sync(ada).sent == 1
    assert other.fetch().received == 1

"""`tracker doctor`: each thing that can break is found, mended where that can be done, and else named with what helps."""

import os
import random
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from git_tracker.store import IssueStore, Signer, tend
from tests.cli.conftest import EMPTY_TREE, Answer, Tracker, git, program
from tests.store.hubs import Cloning, hub


def checks(answer: Answer) -> dict[str, Any]:
    return {check["name"]: check for check in answer.json["checks"]}


def left(answer: Answer) -> set[str]:
    """Names of what does not stand well."""
    return {name for name, check in checks(answer).items() if check["state"] not in ("ok", "mended")}


def doctor(path: Path, *words: str) -> Answer:
    return program("doctor", "--json", *words, cwd=path)


def loose(repo: Path, id: str) -> Path:
    return repo / ".git/objects" / id[:2] / id[2:]


def age(path: Path, seconds: float) -> Path:
    os.utime(path, (time.time() - seconds,) * 2, follow_symlinks=False)
    return path


@pytest.mark.parametrize("how", ["lost", "emptied", "scratched", "cut short"])
def test_an_object_that_the_journal_has_is_written_again(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str, how: str
) -> None:
    store.comment(ada, issue, "one")
    entry = store.history(issue)["items"][-1]["entry"]
    store.comment(ada, issue, "two")
    store.close()
    path = loose(repo, entry)
    path.chmod(0o644)
    match how:
        case "lost":
            path.unlink()
        case "emptied":
            path.write_bytes(b"")
        case "cut short":  # at which libgit2 would read on for ever
            path.write_bytes(path.read_bytes()[:400])
        case _:
            path.write_bytes(path.read_bytes()[:20] + b"\xff" * 30)

    found = tracker("doctor", "--json")
    assert found.code == 1
    assert entry in checks(found)["objects"]["found"]
    mended = tracker("doctor", "--repair", "--json")
    assert (mended.code, left(mended)) == (0, set())
    assert checks(mended)["objects"]["state"] == "mended"
    assert [item.split()[0] for item in checks(mended)["objects"]["mended"]] == [entry]
    assert len(tracker("show", issue, "--json").json["comments"]) == 2
    assert tracker("doctor", "--json").code == 0


@pytest.mark.parametrize("where", ["loose", "packed", "missing"])
def test_an_object_that_only_a_remote_has_is_taken_from_there(tmp_path: Path, clones: Cloning, where: str) -> None:
    one = clones("one", origin=hub(tmp_path / "hub.git")).begin()
    issue = one.new("Shared", description="It stays empty. " * 40)
    for number in range(4):
        one.store.comment(one.ada, issue, f"{number} of several comments")
    one.sync()
    entries = [item["entry"] for item in one.store.history(issue)["items"]]
    before = one.store.get_issue(issue)
    tend(one.store.place)  # the journal lets go of all
    one.close()
    lost = entries[1]
    if where == "packed":
        (pack,) = (one.git_dir / "objects/pack").glob("*.pack")
        pack.chmod(0o644)
        shown = git(one.path, "verify-pack", "-v", str(pack.with_suffix(".idx"))).splitlines()
        offset = next(int(line.split()[4]) for line in shown if line.startswith(lost))
        content = bytearray(pack.read_bytes())
        content[offset + 30 : offset + 60] = b"\xff" * 30
        pack.write_bytes(content)
    else:
        packs = one.git_dir / "objects/pack"
        shutil.move(packs, tmp_path / "packs")
        packs.mkdir()
        for pack in (tmp_path / "packs").glob("*.pack"):
            subprocess.run(["git", "-C", one.path, "unpack-objects", "-q"], input=pack.read_bytes(), check=True)
        shutil.rmtree(one.git_dir / "objects/info", ignore_errors=True)
        loose(one.path, lost).chmod(0o644)
        loose(one.path, lost).unlink() if where == "missing" else loose(one.path, lost).write_bytes(b"")

    found = doctor(one.path)
    assert found.code == 1
    assert checks(found)["objects"]["state"] == "fail"
    assert where == "packed" or lost in checks(found)["objects"]["found"]
    assert "origin" in checks(found)["objects"]["remedy"]
    mended = doctor(one.path, "--repair")
    assert (mended.code, left(mended)) == (0, set()), mended.out
    assert checks(mended)["objects"]["state"] == "mended"
    assert git(one.path, "fsck", "--strict") == ""
    with_all = IssueStore.open(str(one.path))
    assert with_all.get_issue(issue) == before
    with_all.close()
    assert not list((one.git_dir / "git-tracker").glob("rescue-*"))


def test_whatever_a_pack_is_damaged_into_doctor_says_so_and_never_fails_itself(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str
) -> None:
    for number in range(6):
        store.comment(ada, issue, f"{number} of several comments")
    tend(store.place)
    store.close()
    (pack,) = (repo / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    whole, dice = pack.read_bytes(), random.Random(3)
    for _ in range(6):
        at, content = dice.randrange(12, len(whole) - 60), bytearray(whole)
        content[at : at + 40] = dice.choice((b"\xff" * 40, bytes(40), dice.randbytes(40)))
        pack.write_bytes(content)
        found = doctor(repo)
        assert found.code == 1
        assert "verification" in left(found)
    pack.write_bytes(whole)
    assert doctor(repo, "--repair").code == 0


def test_what_nobody_has_any_more_is_said_to_be_lost_and_the_rest_goes_on(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str
) -> None:
    other = store.create_issue(ada, {"title": "Unharmed"})
    store.comment(ada, issue, "one")
    lost = store.history(issue)["items"][-1]["entry"]
    store.comment(ada, issue, "two")
    store.close()
    (repo / ".git/git-tracker/journal.sqlite").unlink()
    loose(repo, lost).unlink()
    found = tracker("doctor", "--repair", "--json")

    assert found.code == 1
    assert checks(found)["objects"]["items"] == [f"{lost} missing"]
    assert "backup" in checks(found)["objects"]["remedy"]
    assert tracker("show", other, "--json").json["title"] == "Unharmed"


@pytest.mark.parametrize("holds", [b"", b"\0" * 41, b"b" * 40 + b"\n"])
@pytest.mark.parametrize("journal", ["with the journal", "without"])
def test_refs_that_lead_nowhere_name_the_latest_entry_again(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str, journal: str, holds: bytes
) -> None:
    store.comment(ada, issue, "one")
    store.comment(ada, issue, "two")
    before, members = store.get_issue(issue), len(store.members)
    store.close()
    if journal == "without":
        for path in (repo / ".git/git-tracker").glob("journal*"):
            path.unlink()
    for name in (f"issues/{issue}", "trust"):
        (repo / ".git/refs/git-tracker" / name).write_bytes(holds)

    found = tracker("doctor", "--json")
    assert found.code == 1
    assert checks(found)["refs"]["items"] == [f"refs/git-tracker/issues/{issue}", "refs/git-tracker/trust"]
    mended = tracker("doctor", "--repair", "--json")
    assert (mended.code, left(mended)) == (0, set()), mended.out
    assert checks(mended)["refs"]["state"] == "mended"
    again = IssueStore.open(str(repo))
    assert again.get_issue(issue) == before
    assert len(again.members) == members
    again.close()


@pytest.mark.parametrize("journal", ["with the journal", "without"])
@pytest.mark.parametrize("holds", ["a blob", "another issue", "a branch", "nothing"])
def test_an_issue_whose_ref_was_turned_elsewhere_or_removed_is_put_back(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str, journal: str, holds: str
) -> None:
    other = store.create_issue(ada, {"title": "Another"})
    store.comment(ada, issue, "one")
    store.comment(ada, issue, "two")
    before, beside = store.get_issue(issue), store.get_issue(other)
    store.close()
    if journal == "without":
        for path in (repo / ".git/git-tracker").glob("journal*"):
            path.unlink()
    name, held = f"refs/git-tracker/issues/{issue}", ""
    match holds:
        case "a blob":
            held = git(repo, "hash-object", "-w", "-t", "blob", str(repo / ".git/config"))
        case "another issue":
            held = git(repo, "rev-parse", f"refs/git-tracker/issues/{other}")
        case "a branch":
            held = git(repo, "commit-tree", EMPTY_TREE, "-m", "Not an entry")
    git(repo, "update-ref", *((name, held) if held else ("-d", name)))
    assert tracker("show", issue).code == 3

    found = tracker("doctor", "--json")
    assert found.code == 1
    assert checks(found)["refs"]["items"] == [name]
    assert checks(tracker("doctor", "--json"))["refs"]["items"] == [name], "to look changes nothing"
    mended = tracker("doctor", "--repair", "--json")
    assert (mended.code, left(mended)) == (0, set()), mended.out
    assert checks(mended)["refs"]["mended"] == [name]
    again = IssueStore.open(str(repo))
    assert (again.get_issue(issue), again.get_issue(other)) == (before, beside)
    again.close()
    assert tracker("verify").code == 0
    kept = git(repo, "for-each-ref", "--format=%(refname)", "refs/git-tracker/keep/").split()
    assert kept == ([f"refs/git-tracker/keep/{held}"] if holds in ("a blob", "a branch") else [])


def test_a_ref_that_is_put_back_reaches_what_came_from_elsewhere_too(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    issue = one.new("Shared")
    one.sync()
    two = clones("two", origin=at).begin()
    two.sync()
    two.store.comment(two.ada, issue, "from the other clone")
    two.sync()
    one.store.comment(one.ada, issue, "meanwhile")
    one.sync()
    before = one.store.get_issue(issue)
    assert len(before["comments"]) == 2
    one.close()
    git(one.path, "update-ref", "-d", f"refs/git-tracker/issues/{issue}")

    mended = doctor(one.path, "--repair")
    assert (mended.code, left(mended)) == (0, set()), mended.out
    again = IssueStore.open(str(one.path))
    assert again.get_issue(issue) == before
    again.close()


def test_what_is_not_in_order_is_looked_for_where_it_is_named(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str
) -> None:
    store.close()
    git(repo, "update-ref", "-d", f"refs/git-tracker/issues/{issue}")
    told = checks(tracker("doctor", "--json"))["verification"]
    assert tracker("quarantine").err == "tracker: every entry took effect\n"
    assert "quarantine" not in told["remedy"]


def test_lock_files_of_the_dead_are_cleared_and_those_of_the_user_s_git_are_left_alone(
    tracker: Tracker, repo: Path, issue: str
) -> None:
    folder = repo / ".git"
    ours = [folder / f"refs/git-tracker/issues/{issue}.lock", folder / "packed-refs.lock"]
    ours.append(folder / "objects/info/commit-graphs/commit-graph-chain.lock")
    young, users = folder / "objects/info/commit-graph.lock", folder / "index.lock"
    ours[-1].parent.mkdir(parents=True)
    for path in (*ours, users, young):
        path.touch()
    for path in (*ours, users):
        age(path, 3600)

    found = tracker("doctor", "--json")
    assert set(checks(found)["locks"]["items"]) == {str(path) for path in (*ours, users)}
    mended = tracker("doctor", "--repair", "--json")
    assert not any(path.exists() for path in ours)
    assert users.exists()
    assert young.exists(), "somebody may hold it"
    assert checks(mended)["locks"]["items"] == [str(users)]
    assert set(checks(mended)["locks"]["mended"]) == {str(path) for path in ours}


def test_an_index_of_another_version_is_named_and_built_anew(
    tracker: Tracker, store: IssueStore, repo: Path, issue: str
) -> None:
    store.close()
    (path,) = repo.glob(".git/git-tracker/index-*.sqlite")
    with sqlite3.connect(path) as db:
        db.execute("update meta set value = '1' where name = 'version'")
    db.close()
    answer = tracker("doctor", "--json")
    assert (checks(answer)["index"]["state"], answer.code) == ("warn", 0)
    with sqlite3.connect(path) as db:
        db.execute("update meta set value = '1' where name = 'version'")
    db.close()
    mended = tracker("doctor", "--repair", "--json")
    assert left(mended) == set()


@pytest.mark.parametrize("how", ["overwritten", "scratched", "no table"])
def test_a_damaged_journal_is_set_aside_and_what_can_be_read_of_it_is_kept(
    tracker: Tracker, store: IssueStore, ada: Signer, repo: Path, issue: str, how: str
) -> None:
    for number in range(30):
        store.comment(ada, issue, f"comment {number} " + "x" * 500)
    store.close()
    path = repo / ".git/git-tracker/journal.sqlite"
    content = path.read_bytes()
    match how:
        case "overwritten":
            path.write_bytes(b"not a database, " * 1000)
        case "scratched":
            middle = len(content) // 2 // 4096 * 4096
            path.write_bytes(content[:middle] + b"\xff" * 4096 + content[middle + 4096 :])
        case _:
            with sqlite3.connect(path) as db:
                db.execute("drop table journal")
            db.close()

    found = tracker("doctor", "--json")
    assert found.code == 1
    assert "set" in checks(found)["journal"]["remedy"]
    mended = tracker("doctor", "--repair", "--json")
    assert (mended.code, left(mended)) == (0, set()), mended.out
    assert path.with_name("journal.sqlite.damaged").exists()
    if how == "scratched":
        with sqlite3.connect(path) as db:
            assert 5 < db.execute("select count(*) from journal").fetchone()[0] < 32
        db.close()
    assert tracker("comment", issue, "we go on").code == 0
    assert len(tracker("show", issue, "--json").json["comments"]) == 31


def test_secrets_that_others_can_read_are_closed(tracker: Tracker, store: IssueStore, repo: Path, issue: str) -> None:
    key, token = Path(store.keyring.path("ada")), repo / ".git/git-tracker/writer-token"
    token.write_text("x" * 32)
    key.chmod(0o644)
    token.chmod(0o640)
    found = tracker("doctor", "--json")

    assert found.code == 1
    assert set(checks(found)["secrets"]["items"]) == {str(key), str(token)}
    mended = tracker("doctor", "--repair", "--json")
    assert (mended.code, checks(mended)["secrets"]["state"]) == (0, "mended")
    assert [path.stat().st_mode & 0o777 for path in (key, token)] == [0o600, 0o600]


@pytest.mark.parametrize("pin", ["c" * 40, "what is this?", "gone"])
def test_a_pinned_root_that_is_not_here_is_named_and_trust_is_not_made_up(
    tracker: Tracker, store: IssueStore, repo: Path, issue: str, pin: str
) -> None:
    store.close()
    path = repo / ".git/git-tracker/root"
    root = path.read_text().strip()
    if pin == "gone":
        path.unlink()
        assert tracker("doctor", "--json").code == 0, "it is pinned again from our ref of the trust log"
        assert path.read_text().strip() == root
        return
    path.write_text(pin + "\n")
    for words in (("doctor",), ("doctor", "--repair")):
        found = tracker(*words, "--json")
        assert found.code == 1
        assert checks(found)["root"]["state"] == "fail"
        assert path.read_text().strip() == pin
    path.write_text(root + "\n")
    assert tracker("doctor", "--repair", "--json").code == 0


def test_what_dead_processes_left_half_made_is_removed(tracker: Tracker, repo: Path, issue: str) -> None:
    home = repo / ".git/git-tracker"
    (index,) = home.glob("index-*.sqlite")
    halves = [
        Path(f"{index}.new"),
        Path(f"{index}.new.3"),
        home / "root.new",
        home / "rescue-1",
        home / "writer-token.77",
    ]
    halves.append(repo / ".git/packed-refs.git-tracker")
    halves.append(next((repo / ".git/objects").glob("[0-9a-f][0-9a-f]")) / "tmp_obj_4711.0123abcd")
    for path in halves:
        path.mkdir() if path.name == "rescue-1" else path.write_bytes(b"half")
        age(path, 3600)
    young = home / "device.new"
    young.touch()
    theirs = age(Path(shutil.copy(halves[-1], halves[-1].with_name("tmp_obj_aBcDeF"))), 3600)

    assert set(checks(tracker("doctor", "--json"))["leftovers"]["items"]) == {str(path) for path in halves}
    mended = tracker("doctor", "--repair", "--json")
    assert checks(mended)["leftovers"]["state"] == "mended"
    assert not any(path.exists() for path in halves)
    assert young.exists()
    assert theirs.exists(), "git clears its own"


def test_settings_that_do_not_hold_are_named(tracker: Tracker, repo: Path, issue: str) -> None:
    (repo / "git-tracker.toml").write_text("[workflow\n")
    found = tracker("doctor", "--json")

    assert found.code == 1
    assert left(found) == {"settings"}
    assert "git-tracker.toml" in checks(found)["settings"]["found"]


def test_a_remote_that_lost_devices_is_told_again(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    one.sync()
    for clone in (one, clones("two", origin=at).begin(), one):
        clone.new("Shared")
        clone.sync()
    names = git(at, "for-each-ref", "--format=%(refname)", "refs/git-tracker").split()
    assert len(names) == 2
    for name in names:
        git(at, "update-ref", "-d", name)
    one.close()

    found = doctor(one.path)
    assert (found.code, left(found)) == (1, {"remote origin"})
    assert len(checks(found)["remote origin"]["items"]) == 2
    mended = doctor(one.path, "--repair")
    assert (mended.code, checks(mended)["remote origin"]["state"]) == (0, "mended")
    assert git(at, "for-each-ref", "--format=%(refname)", "refs/git-tracker").split() == names
    shutil.move(at, tmp_path / "elsewhere.git")
    away = doctor(one.path)
    assert (away.code, checks(away)["remote origin"]["state"]) == (0, "warn")


def test_the_text_says_what_is_mended_and_what_is_left(tracker: Tracker, repo: Path, issue: str) -> None:
    for name in ("packed-refs.lock", "index.lock"):
        (repo / ".git" / name).touch()
        age(repo / ".git" / name, 3600)
    lines = tracker("doctor", "--repair").out.splitlines()

    (at,) = [number for number, words in enumerate(lines) if words.startswith("warn")]
    assert "index.lock" in lines[at]
    assert lines[at + 2].strip().startswith("mended:")
    assert lines[at + 2].endswith("packed-refs.lock")

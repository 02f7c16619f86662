"""Clones that exchange through bare repositories: nothing is lost, nothing is merged, everybody sees the same."""

import shutil
import subprocess
from pathlib import Path

from git_tracker.store.commit import commit_id
from tests.store.forge import Forge, label, signed
from tests.store.hubs import DEVICES, Cloning, entries, git, hub, same, states, told, worker


def test_eight_clones_that_write_at_once_lose_nothing_and_are_never_rejected(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    first = clones("c0", origin=at).begin()
    shared = first.new("shared")
    first.sync()
    crowd = [first, *(clones(f"c{n}", origin=at).begin() for n in range(1, 8))]
    for one in crowd[1:]:
        one.sync()

    workers = [worker("crowd", one, shared, 50) for one in crowd]
    for process in workers:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in workers:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said, made = set[str](), set[str]()
    for process in workers:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        lines = [line.partition(" ") for line in out.splitlines()]
        assert not [line for line in lines if line[0] == "refused"]
        said |= {words for what, _, words in lines if what == "said"}
        made |= {words for what, _, words in lines if what == "made"}
    for _ in range(2):  # one round tells, one hears
        for one in crowd:
            one.sync()

    same(crowd)
    assert (len(said), len(made)) == (200, 200)
    found = states(first.store)
    assert found.keys() >= made
    assert {note["body"] for note in found[shared]["comments"]} == said
    assert set(entries(first.store).values()) == {"ok"}
    refs = told(at)
    assert refs.keys() == {DEVICES + one.store.device for one in crowd}
    for tip in refs.values():  # every commit is an entry or a checkpoint, and a checkpoint has one checkpoint behind it
        log = git(at, "log", "--format=%H %s", tip)
        checkpoints = {line[:40] for line in log.splitlines() if " checkpoint " in line}
        for id in checkpoints:
            parents = git(at, "show", "-s", "--format=%P", id).split()
            assert len(checkpoints.intersection(parents)) <= 1
    git(at, "fsck", "--strict")


def test_two_clones_meet_at_an_empty_hub(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    id = one.new("first", description="words", labels=["a"])

    done = one.sync()
    assert (done.remote, done.sent, done.received, done.devices) == ("origin", 2, 0, 1)  # the trust root, too
    assert one.sync()[1:3] == (0, 0)

    two = clones("two", origin=at).begin()
    assert two.store.root == one.store.root, "the second clone joins the root that is there"
    assert two.store.get_issue(id)["title"] == "first"
    two.store.comment(two.ada, id, "from the second")
    two.new("second")
    assert two.sync()[1:3] == (2, 0)
    assert one.sync()[1:3] == (0, 2)
    same([one, two])
    assert told(at).keys() == {DEVICES + one.store.device, DEVICES + two.store.device}


def test_nothing_new_moves_no_ref_and_writes_no_object(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    one.new()
    one.sync()
    two = clones("two", origin=at).begin()
    for clone in (two, one, two, one):
        clone.sync()

    before = told(at), told(one.path), git(one.path, "count-objects", "-v")
    assert one.sync()[1:5] == (0, 0, 0, 0)
    assert (told(at), told(one.path), git(one.path, "count-objects", "-v")) == before


def test_texts_written_offline_on_both_sides_merge_and_fields_conflict(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    id = one.new("title", description="first line\n\nlast line\n")
    one.sync()
    two = clones("two", origin=at).begin()
    one.store.update_issue(one.ada, id, {"description": "FIRST line\n\nlast line\n", "title": "one"})
    two.store.update_issue(two.ada, id, {"description": "first line\n\nlast LINE\n", "title": "two"})

    one.sync()
    assert two.sync().conflicted == 1
    one.sync()

    same([one, two])
    found = one.store.get_issue(id)
    assert found["description"] == "FIRST line\n\nlast LINE\n"
    assert len(found["conflicts"]) == 1
    one.store.update_issue(one.ada, id, {"title": "both"})
    one.sync()
    two.sync()
    assert two.store.get_issue(id)["conflicts"] == []
    same([one, two])


def test_roots_made_offline_are_joined_on_both_sides(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one, two = clones("one").begin(), clones("two").begin()
    ids = one.new("one"), two.new("two")
    assert one.store.root != two.store.root
    for clone in (one, two):
        git(clone.path, "remote", "add", "origin", at)

    one.sync()
    done = two.sync()
    assert (done.received, done.held) == (2, 1)
    assert [item["verdict"] for item in two.store.quarantine()["items"]] == ["waiting"]
    one.sync()
    one.store.join(one.ada, two.store.root)
    two.store.join(two.ada, one.store.root)
    for clone in (one, two, one):
        clone.sync()

    same([one, two])
    assert states(one.store).keys() == set(ids)
    assert one.store.quarantine()["items"] == two.store.quarantine()["items"] == []


def test_heads_written_at_once_survive_a_detour_through_a_second_hub(tmp_path: Path, clones: Cloning) -> None:
    first, second = hub(tmp_path / "first.git"), hub(tmp_path / "second.git")
    a = clones("a", origin=first).begin()
    id = a.new("shared")
    a.sync()
    b = clones("b", origin=first, second=second).begin()
    b.sync("second")
    c = clones("c", origin=second).begin()
    assert a.store.root == b.store.root == c.store.root
    for clone in (a, b, c):
        clone.store.update_issue(clone.ada, id, {"title": clone.path.name, "priority": 1})

    a.sync()
    b.sync("origin")
    b.sync("second")
    c.sync()
    b.sync("second")
    b.sync("origin")
    a.sync()

    same([a, b, c])
    assert len(a.store.get_issue(id)["heads"]) == 3
    assert len(a.store.get_issue(id)["conflicts"][0]["values"]) == 3


def test_a_folder_that_was_copied_becomes_a_device_of_its_own(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    id = one.new("before the copy")
    one.sync()
    one.store.close()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one, two = clones("one"), clones("two")
    assert one.store.device == two.store.device

    for clone in (one, two):
        clone.store.comment(clone.ada, id, f"from {clone.path.name}")
        clone.sync()
    one.sync()

    assert one.store.device != two.store.device
    same([one, two])
    assert len(states(one.store)[id]["comments"]) == 2
    assert told(at).keys() == {DEVICES + one.store.device, DEVICES + two.store.device}


def test_two_processes_of_one_clone_may_sync_at_once(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    one.sync()
    two = clones("two", origin=at).begin()
    for number in range(5):
        one.new(f"one {number}")
        two.new(f"two {number}")
    two.sync()

    workers = [worker("sync", one, 4) for _ in range(3)]
    for process in workers:
        out, _ = process.communicate("go\n", timeout=60)
        assert "refused" not in out

    two.sync()
    same([one, two])


def test_a_clone_without_history_of_its_own_syncs_like_any_other(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    for text in ("first", "second", "third"):
        git(one.path, "commit", "--allow-empty", "-m", text)
    git(one.path, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    id = one.new("shared")
    one.store.comment(one.ada, id, "words")
    one.sync()
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{at}", tmp_path / "shallow"], check=True)

    shallow = clones("shallow").begin()
    assert shallow.store.root == one.store.root
    shallow.new("from the shallow one")
    assert shallow.sync().sent == 1
    one.sync()
    same([one, shallow])
    assert (shallow.path / ".git/shallow").exists()


def test_a_root_that_came_by_plain_fetch_is_used_too(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    id = one.new("shared")
    one.sync()
    two = clones("two", origin=at)
    git(two.path, "fetch", "--quiet", "origin", f"{DEVICES}*:refs/git-tracker/remotes/origin/devices/*")

    two.store.refresh()
    assert two.store.root == one.store.root
    assert two.store.get_issue(id)["title"] == "shared"


def test_what_waits_for_its_past_is_not_sent_and_stops_nothing(tmp_path: Path, clones: Cloning) -> None:
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    id = one.new("shared")
    forge = Forge(one.store)
    missing = forge.payload(one.ada, [label("never here")], [id])
    absent = commit_id(signed(one.ada, missing))
    late = forge.add(one.ada, [label("late")], [absent])
    forge.point(id, forge.add(one.ada, [label("fine")], [id]))
    forge.git("update-ref", f"refs/git-tracker/keep/{late}", late, check=False)
    other = one.new("other")
    git_path = one.git_dir / "refs/git-tracker/issues" / other
    git_path.write_text(forge.add(one.ada, [label("late")], [absent]) + "\n", encoding="ascii")
    third = one.new("third")

    done = one.sync()
    two = clones("two", origin=at).begin()
    assert done.sent
    assert {id, third} <= states(two.store).keys()
    assert "late" not in str(states(two.store))

"""What goes wrong on the way to a remote: each has a code and a word of help, and nothing is lost."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from git_tracker.errors import Invalid, NotFound, TrackerError, Unusable
from git_tracker.store import IssueStore, SyncEngine
from git_tracker.store.remotes import Remotes
from tests.store.hubs import DEVICES, Clone, Cloning, git, hub, same, states, told


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return hub(tmp_path / "hub.git")


@pytest.fixture
def one(clones: Cloning, at: Path) -> Clone:
    """A clone with one issue that no remote knows yet."""
    found = clones("one", origin=at).begin()
    found.new("kept")
    return found


def refused(code: str, act: Callable[[], object]) -> TrackerError:
    with pytest.raises(TrackerError) as caught:
        act()
    assert caught.value.code == code, caught.value
    assert caught.value.hint
    return caught.value


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_without_a_remote_it_says_how_to_add_one(clones: Cloning) -> None:
    alone = clones("alone").begin()
    assert "git remote add" in refused("no_remote", alone.sync).hint
    refused("no_remote", lambda: alone.sync("origin"))


def test_several_remotes_are_synced_by_name_or_by_the_name_origin(clones: Cloning, tmp_path: Path) -> None:
    clone = clones("c", left=hub(tmp_path / "l.git"), right=hub(tmp_path / "r.git"))
    clone.store.init()
    assert "left, right" in refused("invalid", clone.sync).hint
    assert clone.sync("right").remote == "right"
    assert told(tmp_path / "l.git") == {}
    assert "left, right" in refused("no_remote", lambda: clone.sync("middle")).hint


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch ran", "-x", "ext::sh -c x", "a b", "https://x/y", "../hub.git", "x/y", "", "é"]
)
def test_only_names_of_remotes_are_taken(one: Clone, name: str) -> None:
    if name:
        with pytest.raises(Invalid):
            one.sync(name)
    git(one.path, "config", f"remote.{name or 'ünï'}.url", "x")
    assert one.sync().remote == "origin"


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:{port}/x.git", "offline"),
        ("git://127.0.0.1:{port}/x.git", "offline"),
        ("https://no-such-host.invalid/x.git", "offline"),
        ("{folder}/gone.git", "no_remote_repository"),
        ("file://{folder}/gone.git", "no_remote_repository"),
        ("ext::sh -c 'touch {folder}/ran'", "refused_protocol"),
        ("fd::3", "refused_protocol"),
    ],
)
def test_a_remote_that_is_not_there_is_named_with_its_reason(one: Clone, tmp_path: Path, url: str, code: str) -> None:
    git(one.path, "config", "protocol.ext.allow", "always")
    git(one.path, "remote", "set-url", "origin", url.format(port=closed_port(), folder=tmp_path))

    error = refused(code, one.sync)

    assert str(error).startswith("origin: ")
    assert not (tmp_path / "ran").exists()
    assert len(states(one.store)) == 1


def test_wrong_credentials_are_said_and_nobody_is_asked(one: Clone) -> None:
    class Closed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Closed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        git(one.path, "remote", "set-url", "origin", f"http://127.0.0.1:{server.server_port}/x.git")
        refused("no_access", one.sync)
        git(one.path, "remote", "set-url", "origin", f"http://ada:wrong@127.0.0.1:{server.server_port}/x.git")
        error = refused("no_access", one.sync)
        assert "wrong" not in f"{error} {error.hint}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_remote_that_never_answers_is_given_up(one: Clone) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git(one.path, "remote", "set-url", "origin", f"git://127.0.0.1:{silent.getsockname()[1]}/x.git")
        refused("offline", lambda: one.patient(1).sync(one.ada))


def test_what_ssh_leaves_running_keeps_nobody_waiting(
    one: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """as a master connection does, which holds on to what git complains to."""
    left = tmp_path / "left"
    ssh = script(
        tmp_path / "bin/ssh",
        f"sleep 100 < /dev/null > /dev/null & echo $! > {left}; echo 'ssh: connect to host x: refused' >&2; exit 255",
    )
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    git(one.path, "remote", "set-url", "origin", "ssh://example.invalid/x.git")
    try:
        error = refused("offline", lambda: one.patient(60).sync(one.ada))
        assert "connect to host" in str(error)
        os.kill(int(left.read_text()), 0)
    finally:
        os.kill(int(left.read_text()), signal.SIGKILL)


def test_a_remote_that_takes_no_refs_of_ours_is_named(one: Clone, at: Path) -> None:
    script(at / "hooks/pre-receive", "echo 'only branches \033[2J here' >&2; exit 1")
    error = refused("refs_refused", one.sync)
    assert "\x1b" not in str(error)
    (at / "hooks/pre-receive").unlink()

    git(at, "config", "receive.hideRefs", "refs/git-tracker")
    refused("refs_refused", one.sync)
    git(at, "config", "--unset", "receive.hideRefs")
    git(at, "config", "transfer.hideRefs", "refs/git-tracker")
    refused("refs_refused", one.sync)
    git(at, "config", "--unset", "transfer.hideRefs")

    assert one.sync().sent == 2


def test_a_hub_where_everybody_may_move_only_their_own_ref_works(one: Clone, clones: Cloning, at: Path) -> None:
    one.sync()
    two = clones("two", origin=at).begin()
    two.sync()
    one.sync()
    mine = one.store.device
    git(at, "update-ref", "-d", DEVICES + two.store.device)
    script(at / "hooks/update", f'test "$1" = {DEVICES}{mine}')
    one.new("more")

    done = one.sync()

    assert (done.sent, done.withheld, done.restored) == (1, (two.store.device,), ())


def test_a_remote_that_lost_its_refs_gets_them_back(one: Clone, clones: Cloning, at: Path, tmp_path: Path) -> None:
    one.sync()
    two = clones("two", origin=at).begin()
    two.new("second")
    two.sync()
    one.sync()
    other = tmp_path / "other"
    subprocess.run(["git", "init", "--quiet", other], check=True)
    git(other, "commit", "--allow-empty", "-m", "x")
    git(other, "push", "--quiet", "--mirror", at)
    assert not [name for name in told(at) if name.startswith(DEVICES)]

    done = one.sync()

    assert set(done.withheld) == {two.store.device}
    assert done.restored == done.withheld
    assert {name for name in told(at) if name.startswith(DEVICES)} == {
        DEVICES + one.store.device,
        DEVICES + two.store.device,
    }
    third = clones("third", origin=at).begin()
    same([one, third])


def test_a_ref_that_went_back_moves_nothing_here_and_is_put_back(one: Clone, clones: Cloning, at: Path) -> None:
    one.sync()
    two = clones("two", origin=at).begin()
    two.sync()
    ref = DEVICES + two.store.device
    old = told(at)[ref]
    two.new("later")
    two.sync()
    one.sync()
    new = told(at)[ref]
    git(at, "update-ref", ref, old)
    before = states(one.store)

    done = one.sync()

    assert (done.withheld, done.restored) == ((two.store.device,), (two.store.device,))
    assert told(at)[ref] == new
    assert states(one.store) == before


def test_what_a_plain_fetch_of_everything_brought_stands_in_nobodys_way(one: Clone, clones: Cloning, at: Path) -> None:
    git(
        one.path,
        "config",
        "--add",
        "remote.origin.fetch",
        "refs/git-tracker/devices/*:refs/git-tracker/remotes/origin/devices/*",
    )
    one.sync()
    git(at, "update-ref", "refs/git-tracker/devices/other", told(at)[DEVICES + one.store.device])
    git(one.path, "fetch", "--quiet", "origin")
    git(at, "update-ref", "-d", "refs/git-tracker/devices/other")
    git(at, "update-ref", "-d", DEVICES + one.store.device)
    one.new("more")

    done = one.sync()

    assert (done.sent, done.withheld) == (1, ())
    assert list(told(at)) == [DEVICES + one.store.device]


def test_our_own_ref_that_went_back_is_told_again(one: Clone, at: Path) -> None:
    one.sync()
    old = told(at)
    one.new("later")
    one.sync()
    new = told(at)
    git(at, "update-ref", *old, *old.values())

    one.sync()

    assert told(at) == new


def test_a_remote_that_was_replaced_by_an_empty_one_is_filled_again(one: Clone, clones: Cloning, at: Path) -> None:
    one.sync()
    two = clones("two", origin=at).begin()
    two.new("second")
    two.sync()
    one.sync()
    shutil.rmtree(at)
    hub(at)

    one.sync()

    three = clones("three", origin=at).begin()
    assert len(states(three.store)) == 2


def test_a_device_ref_of_ours_that_holds_something_else_is_left_and_another_is_made(one: Clone, at: Path) -> None:
    one.sync()
    old = one.store.device
    entry = one.store.get_issue(one.new("x"))["heads"][0]
    git(one.path, "update-ref", DEVICES + old, entry)

    one.sync()

    assert one.store.device != old
    assert DEVICES + one.store.device in told(at)


def test_an_index_that_was_built_anew_tells_and_takes_in_the_same(one: Clone, clones: Cloning, at: Path) -> None:
    one.sync()
    two = clones("two", origin=at).begin()
    two.new("second")
    two.sync()
    one.sync()
    before = told(at)
    one.store.rebuild()

    assert one.sync().received == 0
    assert told(at).keys() == before.keys()
    assert two.sync().received == 0
    same([one, two])


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system that is soon full."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_said_and_the_next_sync_completes(one: Clone, clones: Cloning, at: Path, small: Path) -> None:
    for number in range(40):
        one.new(f"large {number}", description=os.urandom(40_000).hex())
    one.sync()
    clone = Clone(small / "two", origin=at)
    refused("disk_full", clone.fetch)
    subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
    clone.begin()
    clone.sync()
    same([one, clone])
    clone.close()


def test_an_index_that_could_not_be_written_for_a_while_is_written_again_by_who_opened_it(small: Path) -> None:
    clone = Clone(small / "one").begin()
    clone.new("before")
    index = next((small / "one/.git/git-tracker").glob("index-*.sqlite"))
    copy, there = sqlite3.connect(index), index.with_suffix(".copy")
    copy.execute("vacuum into ?", (str(there),))
    copy.close()
    copy = sqlite3.connect(there)
    copy.execute("pragma journal_mode=wal")
    copy.close()
    there.replace(index)  # another file, which whoever has the old one open opens
    for suffix in ("-wal", "-shm"):
        Path(f"{index}{suffix}").unlink(missing_ok=True)
    subprocess.run(["mount", "--bind", index, index], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", index], check=True)
        for _ in range(2):
            refused("read_only", clone.store.rebuild)
            refused("read_only", lambda: clone.new("meanwhile"))
    finally:
        subprocess.run(["umount", "-l", index], check=True)
    clone.new("after")
    clone.store.rebuild()
    assert {row["title"] for row in clone.store.list_issues()["items"]} == {"before", "after"}
    clone.close()


def test_more_than_the_limit_at_once_is_refused_and_leaves_nothing_behind(
    one: Clone, clones: Cloning, at: Path
) -> None:
    one.new("large", description=os.urandom(100_000).hex())
    one.sync()
    two = clones("two", origin=at)

    done = SyncEngine(two.store, Remotes(two.store.objects, two.store.home, most_bytes=50_000)).sync(None)

    assert "more than is allowed" in done.refused[one.store.device]
    assert done.received == 0
    assert not list((two.git_dir / "objects/pack").glob("tmp_*"))
    assert two.fetch().received == 3


def test_a_refused_sync_that_is_mended_loses_nothing(one: Clone, clones: Cloning, at: Path) -> None:
    url = git(one.path, "remote", "get-url", "origin")
    git(one.path, "remote", "set-url", "origin", "/nowhere")
    for number in range(3):
        one.new(f"offline {number}")
        with pytest.raises(Unusable):
            one.sync()
    git(one.path, "remote", "set-url", "origin", url)

    assert one.sync().sent == 5
    two = clones("two", origin=at).begin()
    same([one, two])


def test_a_name_that_no_remote_has_lists_those_there_are(one: Clone) -> None:
    with pytest.raises(NotFound) as caught:
        one.sync("upstream")
    assert "origin" in caught.value.hint


def test_a_remote_that_is_a_relative_path_is_found_from_anywhere(
    one: Clone, at: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "somewhere/else"
    elsewhere.mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    git(one.path, "remote", "set-url", "origin", "../hub.git")
    assert one.sync().sent == 2  # the root of trust, and the issue
    assert len(told(at)) == 1


def test_a_submodule_and_a_linked_worktree_exchange_as_any_repository(at: Path, tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "inner"
    for folder in (outer, inner):
        git(tmp_path, "init", "--quiet", folder)
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "begin")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner, "part")
    git(outer / "part", "remote", "set-url", "origin", at)
    git(outer / "part", "worktree", "add", "--quiet", "--detach", tmp_path / "linked")
    for folder in (outer / "part", tmp_path / "linked"):
        store = IssueStore.open(str(folder))
        ada, _ = store.init()
        store.create_issue(ada, {"title": folder.name})
        assert SyncEngine(store).sync(ada).sent > 0
        store.close()
    assert len(told(at)) == 1
    assert git(outer, "status", "--porcelain", "--ignore-submodules=none").split() == ["A", ".gitmodules", "A", "part"]


def test_what_a_killed_exchange_left_in_the_staging_repository_harms_nothing(
    one: Clone, clones: Cloning, at: Path
) -> None:
    one.sync()
    two = clones("two", origin=at).begin()
    two.new("from the other")
    two.sync()
    left = one.git_dir / "git-tracker/exchange.git"
    ref = left / DEVICES.replace("devices", "remotes/origin/devices")
    ref.mkdir(parents=True, exist_ok=True)
    (ref / f"{two.store.device}.lock").write_text("")
    (ref / two.store.device).write_text("f" * 40 + "\n")
    (left / "packed-refs.lock").write_text("")
    (left / "config").write_text("[broken\n")
    assert one.sync().received == 1
    shutil.rmtree(left)
    two.new("another")
    two.sync()
    assert one.sync().received == 1
    same([one, two])

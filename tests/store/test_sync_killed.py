"""Processes that die while they sync: whoever syncs next completes what they began."""

import os
import random
import signal
import subprocess
from pathlib import Path

from tests.store.hubs import Cloning, git, hub, same, states, worker


def family(pid: int) -> list[int]:
    """A process and all that it started and that still runs."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def locks(folder: Path) -> list[Path]:
    """Lock files below a folder in which a process that was not killed may still be at work."""
    return [Path(at, name) for at, _, names in os.walk(folder) for name in names if name.endswith(".lock")]


def test_a_sync_that_is_killed_anywhere_is_completed_by_the_next(tmp_path: Path, clones: Cloning) -> None:
    dice = random.Random(int(os.environ.get("SEED", "7")))
    at = hub(tmp_path / "hub.git")
    one = clones("one", origin=at).begin()
    one.sync()
    two = clones("two", origin=at).begin()
    said = set[str]()
    for number in range(12):
        for clone in (one, two):
            said.add(clone.new(f"{clone.path.name} {number}"))
        two.sync()
        process = worker("crowd", one, one.store.create_issue(one.ada, {"title": "shared"}), 200)
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        process.stdin.write("go\n")
        process.stdin.flush()
        try:
            process.wait(dice.random() * 1.5)
        except subprocess.TimeoutExpired:
            for pid in family(process.pid) if number % 2 else [process.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        out, _ = process.communicate(timeout=60)
        said |= {line.partition(" ")[2] for line in out.splitlines() if line.startswith("made ")}
        for path in locks(at):  # a hub is mended by its owner
            path.unlink(missing_ok=True)
        for path in locks(one.git_dir / "refs"):  # as if some time had passed
            os.utime(path, (1, 1))

        one.sync()

        two.sync()
        assert states(one.store).keys() >= said
    one.sync()
    two.sync()
    same([one, two])
    assert states(two.store).keys() >= said
    assert one.store.verify()["problems"] == []
    git(at, "fsck", "--strict")
    git(one.path, "fsck", "--strict")

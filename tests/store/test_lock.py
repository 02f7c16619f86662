"""The line before the tracker's lock: who came long before goes first, and nobody waits for the dead or the stopped."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from git_tracker.store import lock as locks
from git_tracker.store.lock import queued, tried
from tests.store.test_publishing import until

WAITER = """
import sys
from git_tracker.store.lock import queued
print("here", flush=True)
with queued(sys.argv[1]):
    print("mine", flush=True)
    sys.stdin.readline()
"""
COUNTER = """
import sys
from git_tracker.store.lock import queued
for _ in range(int(sys.argv[3])):
    with queued(sys.argv[1]):
        with open(sys.argv[2], "r+") as file:
            number = int(file.read())
            file.seek(0)
            file.write(str(number + 1))
"""


@pytest.fixture
def lock(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


def waiter(lock: str) -> subprocess.Popen[str]:
    came, argv = line(lock)[0], [sys.executable, "-c", WAITER, lock]
    one = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert one.stdout is not None
    assert one.stdout.readline() == "here\n"
    until(lambda: line(lock)[0] > came)
    return one


def line(lock: str) -> tuple[int, int]:
    content = Path(lock).read_bytes()[:16].ljust(16, b"\0") if Path(lock).exists() else bytes(16)
    return int.from_bytes(content[:8], "little"), int.from_bytes(content[8:], "little")


def is_free(lock: str) -> bool:
    with tried(lock) as free:
        return free


def test_of_many_who_came_long_before_goes_first(lock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_IDLE", 10**12)
    order = list[int]()

    def want(number: int) -> None:
        with queued(lock):
            order.append(number)

    with queued(lock):
        threads = [threading.Thread(target=want, args=(number,)) for number in range(80)]
        for number, thread in enumerate(threads, 2):
            thread.start()
            until(lambda number=number: line(lock)[0] == number)  # type: ignore[misc]
    for thread in threads:
        thread.join(30)

    assert sorted(order) == list(range(80))
    assert max(number - place for place, number in enumerate(order)) <= locks._ROOM, "nobody overtakes more"
    assert line(lock) == (81, 81)


def test_one_at_a_time_has_the_lock_however_many_want_it_and_die(lock: str, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    argv = [sys.executable, "-c", COUNTER, lock, str(counter)]
    counting = [subprocess.Popen([*argv, "40"]) for _ in range(20)]
    waiting = [waiter(lock) for _ in range(5)]
    for one in waiting:
        one.kill()
        one.communicate()
    for one in counting:
        assert one.wait(60) == 0

    assert counter.read_text() == "800"
    assert is_free(lock)


@pytest.mark.parametrize("content", [(10**6, 0), (5, 10**6), (2**64 - 1, 2**64 - 1), (0, 2**64 - 1)])
def test_what_is_wrong_in_the_file_keeps_nobody_out(lock: str, content: tuple[int, int]) -> None:
    now = time.monotonic_ns()
    for when in (0, now, now + 10**15):
        Path(lock).write_bytes(b"".join(number.to_bytes(8, "little") for number in (*content, when)))
        for _ in range(3):
            with queued(lock):
                assert not is_free(lock)
        assert is_free(lock)


def test_nobody_waits_for_one_that_was_stopped_in_the_line(lock: str) -> None:
    with queued(lock):
        stopped = waiter(lock)
        behind = waiter(lock)
        stopped.send_signal(signal.SIGSTOP)
        until(lambda: Path(f"/proc/{stopped.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    assert behind.stdout is not None
    assert behind.stdout.readline() == "mine\n"
    behind.communicate("\n")
    with queued(lock):
        assert not is_free(lock)
    stopped.send_signal(signal.SIGCONT)
    assert stopped.stdout is not None
    assert stopped.stdout.readline() == "mine\n"
    stopped.communicate("\n")

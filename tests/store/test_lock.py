"""The queue before the tracker's lock: who came first goes first, and nobody has to wait for the dead or the stopped."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_tracker.store.lock import held, queued, tried

WAITER = """
import sys
from git_tracker.store.lock import queued
print("here", flush=True)
with queued(sys.argv[1]):
    print("mine", flush=True)
    sys.stdin.readline()
"""
Waiter = subprocess.Popen[str]


@pytest.fixture
def lock(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


@pytest.fixture
def waiters(lock: str) -> Iterator[Callable[[], Waiter]]:
    """Starts processes that want the lock, each when those before it have their places, and keep it until told."""
    started = list[Waiter]()

    def start() -> Waiter:
        before = tickets(lock)
        one = subprocess.Popen(
            [sys.executable, "-c", WAITER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(one)
        assert one.stdout is not None
        assert one.stdout.readline() == "here\n"
        until(lambda: tickets(lock) > before)
        return one

    yield start
    for one in started:
        one.kill()
        one.communicate()


def tickets(lock: str) -> int:
    path = Path(f"{lock}.queue")
    return int.from_bytes(path.read_bytes()[:8], "little") if path.exists() else -1


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def has_it(one: Waiter) -> bool:
    assert one.stdout is not None
    return one.stdout.readline() == "mine\n"


def let_go(one: Waiter) -> None:
    one.communicate("\n")


def is_free(lock: str) -> bool:
    with tried(lock) as free:
        return free


def test_who_came_first_has_the_lock_first(lock: str, waiters: Callable[[], Waiter]) -> None:
    with queued(lock):
        line = [waiters() for _ in range(6)]
        assert not is_free(lock)
    for one in line:
        assert has_it(one)
        assert not is_free(lock)
        let_go(one)
    assert is_free(lock)


def test_nobody_waits_for_one_who_died_in_the_queue_or_with_the_lock(lock: str, waiters: Callable[[], Waiter]) -> None:
    with queued(lock):
        first, second, third, fourth = (waiters() for _ in range(4))
        second.kill()
        second.wait()
    assert has_it(first)
    first.kill()
    assert has_it(third)
    let_go(third)
    assert has_it(fourth)


def test_who_comes_later_does_not_wait_for_one_that_was_stopped_in_the_queue(
    lock: str, waiters: Callable[[], Waiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("git_tracker.store.lock._PATIENCE", 10**8)
    with queued(lock):
        stopped = waiters()
        stopped.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: time.monotonic() > began + 0.1)
    for _ in range(3):
        with queued(lock):
            assert not is_free(lock)
    stopped.send_signal(signal.SIGCONT)
    assert has_it(stopped)


def test_the_queue_keeps_nobody_out_who_takes_the_lock_itself(lock: str, waiters: Callable[[], Waiter]) -> None:
    with queued(lock):
        last = waiters()
    assert has_it(last)
    let_go(last)
    with held(lock):
        assert not is_free(lock)
        assert is_free(f"{lock}.queue")


def test_without_a_queue_there_is_still_the_lock(lock: str, tmp_path: Path) -> None:
    (tmp_path / "lock.queue").mkdir()
    with queued(lock):
        assert not is_free(lock)
    assert is_free(lock)

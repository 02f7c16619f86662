"""Timing on a noisy machine: everything is run in turn with what it is compared to, and medians of pairs are shown."""

import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import NamedTuple

Samples = list[float]  # seconds


class Row(NamedTuple):
    """One line of the table. `against` says what `ratio` compares with; `bar` is what we want to stay under."""

    work: str
    issues: str
    value: str
    against: str = ""
    ratio: str = ""
    bar: str = ""


def in_turn(rounds: int, *works: Callable[[], object]) -> list[Samples]:
    """Run the works in turn, once to warm up and then `rounds` times; return the seconds of each."""
    found: list[Samples] = [[] for _ in works]
    for turn in range(rounds + 1):
        for work, samples in zip(works, found, strict=True):
            start = time.perf_counter()
            work()
            if turn:
                samples.append(time.perf_counter() - start)
    return found


async def calls_in_turn(rounds: int, *works: Callable[[], Awaitable[object]]) -> list[Samples]:
    """Do the same with coroutines."""
    found: list[Samples] = [[] for _ in works]
    for turn in range(rounds + 1):
        for work, samples in zip(works, found, strict=True):
            start = time.perf_counter()
            await work()
            if turn:
                samples.append(time.perf_counter() - start)
    return found


def spawned(command: Sequence[str], environ: dict[str, str]) -> Callable[[], None]:
    """Return a work that runs a command to its end, its output thrown away; raises if it fails."""
    silence = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]

    def work() -> None:
        pid = os.posix_spawn(command[0], command, environ, file_actions=silence)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status:
            raise RuntimeError(f"{' '.join(command)} ended with {status}")

    return work


def ratio(samples: Samples, floor: Samples) -> float:
    """Return the median of the ratios of neighbours: noise that hits both drops out."""
    return median(one / other for one, other in zip(samples, floor, strict=True))


def percentile(samples: Samples, share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def shown(samples: Samples) -> str:
    """Return the median, and the 99th percentile where there are enough samples to have one."""
    text = duration(median(samples))
    return f"{text} (p99 {duration(percentile(samples, 0.99))})" if len(samples) >= 100 else text


def duration(seconds: float) -> str:
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.3g} ms"


def times(value: float) -> str:
    return f"{value:.1f}×" if value < 10 else f"{value:.0f}×"


def note(text: str) -> None:
    sys.stderr.write(text + "\n")

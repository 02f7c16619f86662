"""What a fresh clone pays: verify, fold and index everything, with how much memory; and how small it all packs."""

import json
import subprocess
import sys
from collections.abc import Iterator

import generate
import measure
from grounds import Grounds, thousands
from measure import Row

_COLD = """
import glob, json, os, sys, threading, time
from git_tracker.store import IssueStore

def held():
    found, total = {os.getpid()}, 0
    for path in glob.glob("/proc/self/task/*/children"):
        with open(path) as file:
            found |= {*map(int, file.read().split())}
    for pid in found:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total

peak, ended = 0, threading.Event()
def watch():
    global peak
    while not ended.wait(0.25):
        peak = max(peak, held())

if sys.argv[2] == "verify":
    store = IssueStore.open(sys.argv[1])
else:
    for name in glob.glob(sys.argv[1] + "/.git/git-tracker/index*"):
        os.unlink(name)
watching = threading.Thread(target=watch)
watching.start()
start, cpu = time.perf_counter(), time.process_time()
if sys.argv[2] == "verify":
    found = store.verify()
    assert found["ok"], found["problems"][:3]
else:
    store = IssueStore.open(sys.argv[1])
took, cpu = time.perf_counter() - start, time.process_time() - cpu
ended.set()
watching.join()
print(json.dumps({"took": took, "cpu": cpu, "peak": peak, **store.health()}))
"""
_CHECKS = 2000


def rows(grounds: Grounds) -> Iterator[Row]:
    for size in grounds.sizes:
        found = _run(grounds, size, "clone")
        yield Row(
            "cold: verify, fold, index", thousands(size),
            f"{found['took'] / found['events'] * 1e6:.0f} ms per 1,000 events, {found['peak'] / 1024:.0f} MB in all processes",
            f"{found['events']:,} events in {measure.duration(found['took'])}", "",
            "1,000,000 events < 90 s on two cores, < 400 MB",
        )  # fmt: skip
    for size in grounds.sizes:
        found = _run(grounds, size, "verify")
        floor = _signatures_a_second()
        rate = found["entries"] / found["cpu"]
        yield Row(
            "`verify`, one core", thousands(size), f"{rate:,.0f} entries/s",
            f"checking one Ed25519 signature {floor:,.0f}/s", measure.times(floor / rate),
        )  # fmt: skip
    for texts in (True, False):
        size = grounds.sizes[0]
        found = generate.facts(generate.made(size, texts=texts))
        yield Row(
            f"packed, {'with texts of real length' if texts else 'beyond its own text'}", thousands(size),
            f"{found['packed'] / found['events']:.0f} bytes an event",
            f"{found['packed'] / found['entries']:.0f} bytes an entry", "", "" if texts else "≤ 300 bytes an event",
        )  # fmt: skip


def _run(grounds: Grounds, size: int, what: str) -> dict[str, float]:
    command = [sys.executable, "-c", _COLD, grounds.repo(size, "cold"), what]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=grounds.environ)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _signatures_a_second() -> float:
    from nacl.signing import SigningKey

    key = SigningKey.generate()
    signed = key.sign(bytes(1100))
    return 1 / measure.median(measure.in_turn(_CHECKS, lambda: key.verify_key.verify(signed))[0])

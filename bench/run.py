"""`make bench`: one table, everything measured against its floor in the same run.

python bench/run.py [--sizes 1k,10k,100k] [--only commands,calls,…] [--quick | --effort SHARE] [--no-docs]
"""

import argparse
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import calls
import cold
import commands
import generate
import measure
import outside
import peers
import questions
import sync
import writes
from grounds import Grounds
from measure import Row

# In the order of the table. The writes come after what only reads.
GROUPS = {
    "questions": questions.rows, "outside": outside.rows, "cold": cold.rows, "commands": commands.rows,
    "calls": calls.rows, "sync": sync.rows, "peers": peers.rows, "writes": writes.rows,
}  # fmt: skip
PAGE = Path(__file__).resolve().parent.parent / "docs/BENCHMARKS.md"
_START, _END = "<!-- written by `make bench` -->\n", "<!-- end -->\n"


def main() -> None:
    asked = _asked()
    scratch = Path(tempfile.mkdtemp(prefix="run-", dir=_kept()))
    try:
        grounds = Grounds(scratch, asked.sizes, 0.1 if asked.quick else asked.effort)
        grounds.prepare()
        before = os.getloadavg()[0]
        table: list[Row] = []
        for name, rows in GROUPS.items():
            if name in asked.only:
                measure.note(f"{name} …")
                for row in rows(grounds):
                    table.append(row)
                    measure.note("  " + " · ".join(part for part in row if part))
        text = f"{_table(table)}\n{_facts(scratch, before)}"
        print(text)
        if asked.docs and not asked.quick and set(asked.only) == set(GROUPS):
            _publish(text)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure git-tracker against its floors.")
    parser.add_argument("--sizes", type=_sizes, default=_sizes("1k,10k"), help="numbers of issues (1k,10k)")
    parser.add_argument("--only", type=_groups, default=list(GROUPS), help=f"some of {','.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs: to see that it works")
    parser.add_argument("--effort", type=float, default=1.0, help="share of the usual number of runs")
    parser.add_argument("--no-docs", dest="docs", action="store_false", help="leave docs/BENCHMARKS.md as it is")
    return parser.parse_args()


def _sizes(text: str) -> list[int]:
    return sorted(int(part.removesuffix("k")) * (1000 if part.endswith("k") else 1) for part in text.split(","))


def _groups(text: str) -> list[str]:
    if wrong := [name for name in text.split(",") if name not in GROUPS]:
        raise argparse.ArgumentTypeError(f"no group {wrong[0]!r}; there are {', '.join(GROUPS)}")
    return text.split(",")


def _kept() -> Path:
    folder = generate.cache()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _table(rows: list[Row]) -> str:
    head = (
        "| work | issues | median | against, in the same run | ratio | bar |\n| --- | --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _facts(folder: Path, before: float) -> str:
    """Say what it ran on, naming neither host nor path."""
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    import pygit2

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    named = ("mcp", "pygit2", "pydantic", "pynacl")
    facts = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{len(os.sched_getaffinity(0))} cores ({_processor()}), {memory:.0f} GB, {platform.system()} {platform.release().split('-')[0]}, {_file_system(folder)}",
        f"load average {before:.1f} before and {os.getloadavg()[0]:.1f} after",
        f"{platform.python_implementation()} {platform.python_version()}, git {git}, libgit2 {pygit2.LIBGIT2_VERSION}, SQLite {sqlite3.sqlite_version}",
        ", ".join(f"{name} {version(name)}" for name in named),
    ]
    return "; ".join(facts) + ".\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _file_system(folder: Path) -> str:
    done = subprocess.run(["df", "--output=fstype", str(folder)], capture_output=True, text=True, check=False)
    return done.stdout.split()[-1] if done.stdout.strip() else "unknown file system"


def _publish(text: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(_START)[0], page.partition(_END)[2]
    PAGE.write_text(f"{before}{_START}\n{text}\n{_END}{after}", encoding="utf-8")
    measure.note(f"written to {PAGE.name}")


if __name__ == "__main__":
    sys.exit(main())

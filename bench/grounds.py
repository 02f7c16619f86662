"""Where a run takes place: copies of generated repositories in a folder of its own, and how to start the program."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import generate
import measure


class Grounds:
    """One run: `sizes` in issues, smallest first; `rounds` scales every count (1 is a whole run)."""

    def __init__(self, scratch: Path, sizes: list[int], effort: float) -> None:
        self.scratch, self.sizes, self._effort = scratch, sizes, effort
        self._copies: dict[str, Path] = {}
        self.environ = generate.world(scratch / "world")

    def rounds(self, wanted: int) -> int:
        return max(3, round(wanted * self._effort))

    def prepare(self) -> None:
        """Make this process and its children live in the run's own world, with the key of the generated person."""
        for size in self.sizes:
            measure.note(f"repository of {size:,} issues …")
            source = generate.made(size)
            generate.opened(source)
        shutil.copytree(source / "world/config", self.scratch / "world/config", dirs_exist_ok=True)
        os.environ.clear()
        os.environ.update(self.environ)

    def repo(self, size: int, name: str = "") -> str:
        """Return the path of this run's copy of a repository, its index in step with it; `name` asks for another."""
        key = f"{size}{name}"
        if key not in self._copies:
            target = self.scratch / key
            shutil.copytree(generate.made(size) / "repo", target)
            self._copies[key] = target
            from git_tracker.store import IssueStore

            IssueStore.open(str(target)).close()
        return str(self._copies[key])

    @property
    def floor(self) -> list[str]:
        """The command every start is compared with: an interpreter that does nothing."""
        return [sys.executable, "-I", "-c", "pass"]

    @property
    def tracker(self) -> list[str]:
        """The installed command, or the same thing where the package is only importable."""
        script = os.path.join(sysconfig.get_path("scripts"), "tracker")
        if os.path.exists(script):
            return [script]
        return [sys.executable, "-c", "from git_tracker.cli.main import program; program()"]


def thousands(size: int) -> str:
    return f"{size // 1000}k" if size % 1000 == 0 else str(size)

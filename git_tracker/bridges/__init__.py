"""Bridges: what comes in from other trackers and what goes out to other programs.

A bridge is one module. An import is a function `(store, signer, path, progress, dry_run=False) -> Report`, an export a
function `(store, write)` that hands text to `write` piece by piece. Ours stand in the two tables below; a package of
somebody else offers its module as an entry point of the group `git_tracker.bridges`, with functions named
`import_file` and `export`.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

from git_tracker.bridges.report import Report

__all__ = ["EXPORTS", "IMPORTS", "Report"]

GROUP = "git_tracker.bridges"


class Bridges(Mapping[str, Callable[..., Any]]):
    """Functions by name, each loaded when it is asked for; `function` is what a foreign module calls it."""

    def __init__(self, homes: Mapping[str, str], function: str) -> None:
        self._homes, self._function = homes, function

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name in self._homes:
            module, _, function = self._homes[name].partition(":")
            found: Callable[..., Any] = getattr(import_module(f"{__name__}.{module}"), function)
        else:
            offered = self._foreign()[name].load()
            if not hasattr(offered, self._function):
                raise KeyError(name)
            found = getattr(offered, self._function)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._homes
        yield from (name for name in self._foreign() if name not in self._homes)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @staticmethod
    def _foreign() -> dict[str, Any]:
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group=GROUP)}


IMPORTS: Mapping[str, Callable[..., Report]] = Bridges(
    {"beads": "beads:import_file", "jsonl": "jsonl:import_file"}, "import_file"
)
EXPORTS: Mapping[str, Callable[..., None]] = Bridges(
    {"jsonl": "jsonl:export", "csv": "tables:export_csv", "markdown": "tables:export_markdown"}, "export"
)

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from git_tracker.bridges import IMPORTS, Report
from git_tracker.store import IssueStore, Signer

SAMPLE = Path(__file__).parent.parent / "data" / "beads-sample.jsonl"

Import = Callable[..., Report]


def nothing(done: int, total: int) -> None:
    """Take no interest in the progress."""


@pytest.fixture
def sample() -> str:
    return str(SAMPLE)


@pytest.fixture
def beads(store: IssueStore, ada: Signer) -> Import:
    """Import a Beads file, given by path or as text."""

    def run(source: str, progress: Any = nothing, dry_run: bool = False) -> Report:
        path = source
        if "\n" in source or source.startswith("{"):
            path = str(Path(store.place.common).parent / "beads.jsonl")
            Path(path).write_bytes(source.encode("utf-8", "surrogateescape"))
        return IMPORTS["beads"](store, ada, path, progress, dry_run=dry_run)

    return run

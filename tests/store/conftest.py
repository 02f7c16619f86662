from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.hubs import Clone, Cloning


@pytest.fixture
def clones(tmp_path: Path) -> Iterator[Cloning]:
    """Makes clones by name, or opens them again; remotes by keyword."""
    found: list[Clone] = []

    def make(name: str, **remotes: Path) -> Clone:
        found.append(Clone(tmp_path / name, **remotes))
        return found[-1]

    yield make
    for one in found:
        one.close()

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.serving import Served
from tests.workspace.land import Land


@pytest.fixture
def land(tmp_path: Path) -> Iterator[Land]:
    """A workspace of two repositories."""
    found = Land(tmp_path / "land")
    yield found
    found.close()


@pytest.fixture
def served(land: Land) -> Iterator[Served]:
    """`tracker serve` in the folder of the workspace."""
    with land.serve() as server:
        yield server

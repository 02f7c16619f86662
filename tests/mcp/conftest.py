from collections.abc import Iterator

import pytest

from tests.web.serving import Served, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A repository that the tests of one file share."""
    found = World(tmp_path_factory.mktemp("world"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def served(world: World) -> Iterator[Served]:
    """A server that the tests of one file share."""
    with world.serve() as server:
        yield server

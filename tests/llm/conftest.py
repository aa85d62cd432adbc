"""One gateway process and one set of clients for all tests of the vendors' SDKs: they use them in turn."""

from collections.abc import Iterator

import pytest

from tests.llm.vendor_clients import Clients, clients
from tests.llm.vendor_world import World, world


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("vendors")) as found:
        yield found


@pytest.fixture(scope="session")
def sdks(stage: World) -> Iterator[Clients]:
    with clients(stage.url) as found:
        yield found

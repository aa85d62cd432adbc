"""One gateway process and one set of clients for all tests of the vendors' SDKs: they use them in turn."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # the SDKs take seconds to be imported, which most tests of this folder can do without
    from tests.llm.vendor_clients import Clients
    from tests.llm.vendor_world import World


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[World]":
    from tests.llm.vendor_world import world

    with world(tmp_path_factory.mktemp("vendors")) as found:
        yield found


@pytest.fixture(scope="session")
def sdks(stage: "World") -> "Iterator[Clients]":
    from tests.llm.vendor_clients import clients

    with clients(stage.url) as found:
        yield found

"""Subscriptions are counted: a server is asked for the first client and told of the last, if it is still there."""

from typing import Any, cast

import pytest

from fedgate.core.errors import UpstreamRefused
from fedgate.core.tasks import Tasks
from fedgate.federation.server import Server
from fedgate.federation.subscriptions import Subscriptions
from tests.e2e.gateway import until

pytestmark = pytest.mark.anyio


class FakeServer:
    """A server as far as its news goes."""

    def __init__(self) -> None:
        self.news = self
        self.heard: list[str] = []
        self.refuses = False

    async def watch(self, uri: str) -> None:
        if self.refuses:
            raise UpstreamRefused("no")
        self.heard.append(f"+{uri}")

    async def unwatch(self, uri: str) -> None:
        self.heard.append(f"-{uri}")


async def test_the_server_hears_of_the_first_and_of_the_last() -> None:
    server, tasks = FakeServer(), Tasks("test")
    held = Subscriptions(cast("dict[str, Server]", {"one": server}), tasks)
    await held.add("one", "a")
    await held.add("one", "a")
    held.drop("one", "a")
    assert server.heard == ["+a"]
    held.drop("one", "a")
    await _settled(tasks)
    assert server.heard == ["+a", "-a"]
    await tasks.aclose()


async def test_a_refusal_is_not_counted() -> None:
    server, tasks = FakeServer(), Tasks("test")
    held = Subscriptions(cast("dict[str, Server]", {"one": server}), tasks)
    server.refuses = True
    with pytest.raises(UpstreamRefused):
        await held.add("one", "a")
    server.refuses = False
    await held.add("one", "a")
    assert server.heard == ["+a"]
    await tasks.aclose()


async def test_a_server_that_is_no_longer_configured_is_not_told() -> None:
    servers: dict[str, Any] = {"one": FakeServer()}
    tasks = Tasks("test")
    held = Subscriptions(servers, tasks)
    await held.add("one", "a")
    servers.clear()
    held.drop("one", "a")
    assert len(tasks) == 0
    await tasks.aclose()


async def _settled(tasks: Tasks) -> None:
    await until(lambda: not len(tasks))

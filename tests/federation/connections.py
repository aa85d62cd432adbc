"""What the tests of single connections to scripted servers share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fedgate.core.clock import Clock, SystemClock
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target
from fedgate.core.ports import NoMeter
from fedgate.core.rawjson import Raw
from fedgate.core.tasks import Tasks
from fedgate.federation.connect import Deps
from fedgate.federation.http_wire import HttpWire
from fedgate.federation.hub import Hub
from fedgate.federation.messages import Answer, Client, Connection, Event, Notice, Outbound, members_of
from fedgate.federation.process import ProcessTable
from fedgate.federation.settings import McpSettings
from tests.federation.upstreams import Upstream

LIMIT = 10.0
ALICE = Client(key="alice", info=Raw(b'{"name":"a","version":"1"}'))
BOB = Client(key="bob", info=Raw(b'{"name":"b","version":"1"}'))
ASKABLE = Client("alice", Raw(b'{"elicitation":{}}'), Raw(b'{"name":"a","version":"1"}'))


@dataclass
class World:
    """What connections are made with; everything is closed at its end."""

    http: HttpClient
    tasks: Tasks
    clock: Clock
    inbox: list[Notice] = field(default_factory=list)

    def wire(self, one: Upstream, **headers: str) -> HttpWire:
        sent = tuple((name.encode(), value.encode()) for name, value in headers.items())
        return HttpWire("one", self.http, Target.parse(one.url), sent)


@asynccontextmanager
async def world(clock: Clock | None = None) -> AsyncIterator[World]:
    made = World(HttpClient(), Tasks("test"), clock or SystemClock())
    try:
        async with asyncio.timeout(LIMIT):
            yield made
    finally:
        await made.tasks.aclose()
        await made.http.aclose()


def call(name: str = "echo", *, client: Client = ALICE, timeout: float = LIMIT, **meta: object) -> Outbound:
    """A tool call."""
    return Outbound("tools/call", members_of({"name": name}), members_of(meta), client, name, timeout=timeout)


async def events(connection: Connection, outbound: Outbound) -> list[Event]:
    """Everything that a call brings."""
    async with aclosing(connection.call(outbound)) as found:
        return [event async for event in found]


async def answer(connection: Connection, outbound: Outbound) -> Answer:
    """The last thing that a call brings."""
    last = (await events(connection, outbound))[-1]
    assert isinstance(last, Answer)
    return last


@asynccontextmanager
async def hub_over(settings: dict[str, Any] | None = None, **servers: Upstream) -> AsyncIterator[Hub]:
    """A running hub over these servers, all of them reached. `settings`: more of the `mcp` section."""
    async with world() as made:
        listed = {name: {"url": server.url} for name, server in servers.items()}
        told = McpSettings.model_validate({"servers": listed, **(settings or {})})
        hub = Hub(told, Deps(made.http, made.clock, ProcessTable(made.clock), NoMeter(), "1"))
        hub.start()
        try:
            await hub.settled.wait()
            yield hub
        finally:
            await hub.aclose()

"""An agent's process for tests: a loopback server with scripted answers, that can die and return to its port.

Cards are those that the official SDK writes. Clocks move by hand; every wait is bounded by `LIMIT`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill

from fedgate.a2a.agents import Agents, Deps
from fedgate.a2a.settings import Agent as AgentSettings
from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient
from tests.core.http_peer import LIMIT, Headers, Received, Wire, until

CARD_PATH = "/.well-known/agent-card.json"
OLD_PATH = "/.well-known/agent.json"

Interfaces = tuple[tuple[str, str, str], ...]

MODERN: Interfaces = (("http://127.0.0.1/", "JSONRPC", "1.0"),)
BOTH: Interfaces = (("http://127.0.0.1/", "JSONRPC", "1.0"), ("http://127.0.0.1/", "JSONRPC", "0.3"))


def sdk_card(interfaces: Interfaces = MODERN, **members: Any) -> AgentCard:
    """A card as the SDK holds it; `interfaces` are URL, binding and version."""
    card = AgentCard(
        name=members.pop("name", "Scout"),
        description="Finds things.",
        version=members.pop("version", "1.2.3"),
        capabilities=AgentCapabilities(streaming=True, push_notifications=False, extended_agent_card=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="find", name="Find", description="Finds.", tags=["search"])],
        **members,
    )
    for url, binding, version in interfaces:
        card.supported_interfaces.append(AgentInterface(url=url, protocol_binding=binding, protocol_version=version))
    return card


def served(card: AgentCard) -> bytes:
    """What the SDK's server sends: 0.3 members are added if the card has a 0.3 interface."""
    return json.dumps(agent_card_to_dict(card)).encode()


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    """An answer, byte for byte."""
    lines = [f"HTTP/1.1 {status} X", *headers]
    if status != 304:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Process:
    """`answers`: path → what is sent. Other paths are 404. `held` paths are answered when `released` is set."""

    def __init__(self, body: bytes | None = None) -> None:
        self.answers: dict[str, bytes] = {}
        self.held: set[str] = set()
        self.released = asyncio.Event()
        self.asked: list[Received] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], Wire] = {}
        if body is not None:
            self.answers[CARD_PATH] = http(200, body)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        """What was asked for so far."""
        return [received.target.decode() for received in self.asked]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As a process ends: nobody listens, and every connection is cut."""
        if self._server is not None:
            self._server.close()
        tasks, self._tasks = self._tasks, {}
        for task, wire in tasks.items():
            task.cancel()
            wire.abort()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, len(self._tasks))
        self._tasks[asyncio.create_task(self._serve(wire))] = wire

    async def _serve(self, wire: Wire) -> None:
        with suppress(ConnectionError, EOFError):
            while True:
                received = await wire.request()
                self.asked.append(received)
                path = received.target.decode()
                if path in self.held:
                    await self.released.wait()
                wire.send(self.answers.get(path, http(404, b"nothing here")))
                await wire.writer.drain()


class Etagged(Process):
    """Serves its card under an ETag, and 304 to who has it."""

    etag = '"one"'

    async def _serve(self, wire: Wire) -> None:
        with suppress(ConnectionError, EOFError):
            while True:
                received = await wire.request()
                self.asked.append(received)
                known = header(received.headers, b"if-none-match") == self.etag.encode()
                body = self.answers[CARD_PATH].partition(b"\r\n\r\n")[2]
                wire.send(http(304, b"", f"etag: {self.etag}") if known else http(200, body, f"etag: {self.etag}"))
                await wire.writer.drain()


def header(headers: Headers, name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)


@asynccontextmanager
async def running(*processes: Process) -> AsyncIterator[None]:
    """The processes listen for the time of the block."""
    try:
        async with asyncio.timeout(LIMIT):
            for process in processes:
                await process.start()
            yield
    finally:
        for process in processes:
            await process.stop()


class World:
    """Agents over real connections, under a clock that is moved by hand."""

    def __init__(self, agents: Agents, clock: ManualClock) -> None:
        self.agents = agents
        self.clock = clock

    async def pass_time(self, wanted: Callable[[], bool]) -> None:
        """Let probes run, and move the clock on whenever all of them rest, until it is as wanted."""
        while not wanted():
            await until(lambda: wanted() or self.clock.sleeping > 0)
            if not wanted():
                self.clock.advance(0.25)
                await asyncio.sleep(0)


@asynccontextmanager
async def world(settings: dict[str, Any], **deps: Any) -> AsyncIterator[World]:
    """Agents by their manifest entries (those of `agents:`), started."""
    clock = ManualClock()
    http_client = HttpClient()
    counter = iter(f"epoch{number}" for number in range(1000))
    made = Deps(**{"http": http_client, "clock": clock, "mint": lambda: next(counter), "random": lambda: 0.0, **deps})
    parsed = {
        name: each
        if isinstance(each, AgentSettings)
        else AgentSettings.model_validate(each, context={"manifest": True})
        for name, each in settings.items()
    }
    agents = Agents(parsed, made)
    try:
        async with asyncio.timeout(LIMIT):
            agents.start()
            yield World(agents, clock)
    finally:
        await agents.aclose()
        await http_client.aclose()

"""A client's web hook, and an agent's call to the gateway: the two ends of a push notification."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.core.http_peer import OK, Received, Wire
from tests.e2e.a2a_speech import Tree
from tests.e2e.caller import Caller, Got, Headers
from tests.e2e.gateway import until


class Hook:
    """What came to a client's URL."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Received] = []
        self._wires: dict[asyncio.Task[None], Wire] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/in?key=1"

    async def got(self, count: int = 1) -> Received:
        """The `count`-th notification, waited for."""
        await until(lambda: len(self.received) >= count)
        return self.received[count - 1]

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, 0)
        self._wires[asyncio.create_task(self._serve(wire))] = wire

    async def _serve(self, wire: Wire) -> None:
        with suppress(ConnectionError, EOFError):
            while True:
                self.received.append(await wire.answer(OK))
        wire.abort()

    async def aclose(self) -> None:
        for task, wire in self._wires.items():
            task.cancel()
            wire.abort()
        await asyncio.gather(*self._wires, return_exceptions=True)


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    found = Hook()
    server = await asyncio.start_server(found.accept, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await found.aclose()


async def call_back(config: Tree, body: bytes, headers: Headers | None = None) -> Got:
    """As an agent does that was given `config`: with its token, unless `headers` say something else."""
    where = urlsplit(config["url"])
    assert where.port is not None
    shown = {"x-a2a-notification-token": config["token"]} if headers is None else headers
    return await Caller(where.port, where.path).send("POST", {"content-type": "application/json", **shown}, body)

"""A proxy on loopback, for the HTTP client's tests."""

import asyncio
import ssl
from contextlib import suppress

from tests.core.http_peer import OK, Received, Wire


class Proxy:
    """A proxy's script. `answer` replaces what it says to CONNECT; `to` is where tunnels lead."""

    def __init__(self, to: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self.to = to
        self.answer = answer
        self.seen: list[Received] = []

    async def __call__(self, wire: Wire) -> None:
        received = await wire.head()
        self.seen.append(received)
        if received.method != b"CONNECT":
            wire.send(OK)
            await wire.gone()
            return
        wire.send(self.answer)
        await relay(wire, self.to)


async def relay(wire: Wire, port: int) -> None:
    """Be the inside of a CONNECT tunnel to a loopback port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_pump(wire.reader, writer))
            group.create_task(_pump(reader, wire.writer))
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

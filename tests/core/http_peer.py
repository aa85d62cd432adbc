"""A peer for the HTTP client's tests: a loopback server that does what a script says, byte for byte.

A script is a coroutine function called once per connection. It reads requests with h11
as the judge of what the client sent, and writes raw bytes. What a script raises fails
the test. Every scenario is bounded by `LIMIT` seconds.
"""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import h11
import pytest
from anyio.lowlevel import checkpoint

from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import OriginStatistics, Target

LIMIT = 10.0
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

Headers = list[tuple[bytes, bytes]]


def on_both_loops() -> Any:
    """The `anyio_backend` fixture of a module whose tests run on asyncio's own loop and on uvloop."""

    @pytest.fixture(name="anyio_backend", params=[False, True], ids=["asyncio", "uvloop"])
    def backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
        return "asyncio", {"use_uvloop": request.param}

    return backend


@dataclass
class Received:
    """A request as h11 understood it."""

    method: bytes
    target: bytes
    headers: Headers
    body: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


class Wire:
    """One connection, as the peer sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        """0 for the peer's first connection."""
        self.over = asyncio.Event()
        """The script has ended, for one because the client has closed."""
        self._rest = b""

    async def _event(self, parser: h11.Connection) -> Any:
        while (event := parser.next_event()) is h11.NEED_DATA:
            data = await self.reader.read(65536)
            if not data and parser.their_state is h11.IDLE:
                raise EOFError("the client closed the connection")
            parser.receive_data(data)
        return event

    async def _begin(self) -> tuple[h11.Connection, h11.Request]:
        parser = h11.Connection(h11.SERVER)
        if self._rest:
            parser.receive_data(self._rest)
        event = await self._event(parser)
        assert isinstance(event, h11.Request), event
        return parser, event

    async def head(self) -> Received:
        """The head of the next request; its body stays unread."""
        parser, event = await self._begin()
        self._rest = parser.trailing_data[0]
        return Received(event.method, event.target, list(event.headers))

    async def request(self) -> Received:
        """The next request, complete."""
        parser, event = await self._begin()
        body = bytearray()
        while isinstance(part := await self._event(parser), h11.Data):
            body += part.data
        assert isinstance(part, h11.EndOfMessage), part
        self._rest = parser.trailing_data[0]
        return Received(event.method, event.target, list(event.headers), bytes(body))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, data: bytes = OK) -> Received:
        """Read a request and answer it."""
        received = await self.request()
        self.send(data)
        return received

    def finish(self) -> None:
        """No more bytes from here."""
        self.writer.close()

    def abort(self) -> None:
        """Drop the connection with whatever is not sent yet."""
        if not self.writer.transport.is_closing():  # CPython 3.11.2 cannot abort a closed TLS transport
            self.writer.transport.abort()

    def stop_reading(self) -> None:
        """Let what the client sends pile up."""
        cast("asyncio.Transport", self.writer.transport).pause_reading()

    def shut(self) -> None:
        """End the connection in the kernel, at once."""
        with socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno())) as twin:
            twin.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Drop the connection so that the client is told by a reset, not by an end."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    async def gone(self) -> None:
        """Wait until the client has closed."""
        with suppress(ConnectionError, ssl.SSLError):
            while await self.reader.read(65536):
                pass


Script = Callable[[Wire], Awaitable[None]]


class Peer:
    """A listening server and the connections that it has had."""

    def __init__(self, script: Script, scheme: str) -> None:
        self._script = script
        self._scheme = scheme
        self._tasks: list[asyncio.Task[None]] = []
        self.wires: list[Wire] = []
        self.target = Target("http", "127.0.0.1", 1)

    def listening(self, port: int) -> None:
        self.target = Target(self._scheme, "localhost" if self._scheme == "https" else "127.0.0.1", port, "/")

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, len(self.wires))
        self.wires.append(wire)
        self._tasks.append(asyncio.create_task(self._serve(wire)))

    async def _serve(self, wire: Wire) -> None:
        with suppress(ConnectionError, EOFError, ssl.SSLError):
            try:
                await self._script(wire)
                await wire.writer.drain()
            except AssertionError:
                wire.abort()
                raise
            finally:
                wire.over.set()

    async def aclose(self) -> None:
        for task in self._tasks:
            if not task.done():
                task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in self.wires:
            wire.abort()
            with suppress(ConnectionError, ssl.SSLError):
                await wire.writer.wait_closed()
        for result in results:
            if isinstance(result, Exception):
                raise result


@asynccontextmanager
async def peer(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Serve `script` on a free loopback port for the time of the block."""
    state = Peer(script, "http" if tls is None else "https")
    server = await asyncio.start_server(state.accept, "127.0.0.1", 0, ssl=tls)
    state.listening(server.sockets[0].getsockname()[1])
    try:
        async with asyncio.timeout(LIMIT):
            yield state
    finally:
        server.close()
        await state.aclose()


@asynccontextmanager
async def opened(client: HttpClient | None = None) -> AsyncIterator[HttpClient]:
    client = client or HttpClient()
    try:
        yield client
    finally:
        await client.aclose()


def counts(client: HttpClient) -> OriginStatistics:
    """The statistics of the one origin that the client speaks to."""
    (statistics,) = client.statistics().values() or [OriginStatistics(0, 0, 0, 0, 0)]
    return statistics


async def until(predicate: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; bounded by the scenario."""
    while not predicate():
        await checkpoint()


async def after(seconds: float) -> None:
    """Let a peer take its time."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, done.set)
    await done.wait()


@asynccontextmanager
async def background(work: Coroutine[Any, Any, Any]) -> AsyncIterator["asyncio.Task[Any]"]:
    """Run `work` beside the block; what is not over at the block's end is cancelled."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel and wait."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


class FakeTransport(asyncio.Transport):
    """Takes what is written, until it breaks as a socket does that the peer has reset."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.unsent = 0
        self.breaks_at = 0
        """The number of the write that fails; 0: none."""
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        self._closing = self._closing or len(self.written) == self.breaks_at

    def abort(self) -> None:
        self._closing = True

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

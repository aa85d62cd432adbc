"""gateway/http_protocol.py, over real sockets: no head is too large or too slow, and all is HTTP/1.1."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Self

import h11
import pytest
import uvicorn
from uvicorn.server import ServerState

from fedgate.core.tasks import Tasks
from fedgate.gateway.asgi_exchange import Receive, Scope, Send
from fedgate.gateway.http_protocol import MAX_HEAD, MAX_HEADERS, BoundedProtocol

pytestmark = pytest.mark.anyio

HOST = b"host: localhost\r\n"
NEXT = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"


class Application:
    """Answers with method, path and body. `/slow` begins a stream and holds it until released."""

    def __init__(self) -> None:
        self.heads: list[tuple[str, str, int]] = []
        self.began = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heads.append((scope["method"], scope["path"], len(scope["headers"])))
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/slow":
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            self.began.set()
            await self.release.wait()
        said = f"{scope['method']} {scope['path']} ".encode() + body
        await send({"type": "http.response.body", "body": said, "more_body": False})


class Hurried(BoundedProtocol):
    head_timeout = 0.2


class Server:
    """uvicorn on a port of its own."""

    def __init__(self, protocol: type[BoundedProtocol]) -> None:
        self.application = Application()
        config = uvicorn.Config(
            self.application,
            http=protocol,
            loop="none",
            ws="none",
            lifespan="off",
            port=0,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._clients: list[Client] = []

    async def __aenter__(self) -> Self:
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        async with asyncio.timeout(10):
            await self._server.startup()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.application.release.set()
        async with asyncio.timeout(10):
            for client in self._clients:
                await client.aclose()
            await self._server.shutdown()

    @property
    def port(self) -> int:
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    async def connect(self) -> "Client":
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self._clients.append(client)
        return client


class Client:
    """A socket, and h11 to read what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """The next reply: status and body."""
        if self._http.our_state is h11.IDLE:
            self._http.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
            self._http.send(h11.EndOfMessage())
        status, body = 0, b""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                    self._http.start_next_cycle()
                return status, body
            else:
                raise AssertionError(f"unexpected {event!r}")

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(5):
                self._http.receive_data(await self._reader.read(65536))
        return event

    async def rest(self) -> bytes:
        """What else comes until the server closes."""
        data = b"".join([self._http.trailing_data[0]])
        async with asyncio.timeout(5):
            with contextlib.suppress(ConnectionError):
                while chunk := await self._reader.read(65536):
                    data += chunk
        return data

    async def aclose(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(BoundedProtocol) as running:
        yield running


@pytest.fixture
async def hurried() -> AsyncIterator[Server]:
    async with Server(Hurried) as running:
        yield running


def post(path: bytes, body: bytes, head: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\n%bcontent-length: %d\r\n%b\r\n%b" % (path, HOST, len(body), head, body)


async def test_requests_follow_one_another_on_one_connection(server: Server) -> None:
    client = await server.connect()
    for number in range(3):
        await client.send(post(b"/a", b"body %d" % number))
        assert await client.answer() == (200, b"POST /a body %d" % number)


async def test_a_request_may_come_byte_by_byte(server: Server) -> None:
    client = await server.connect()
    for byte in post(b"/a", b"body"):
        await client.send(bytes([byte]))
    assert await client.answer() == (200, b"POST /a body")


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    client = await server.connect()
    await client.send(post(b"/a", b"1") + post(b"/b", b"2") + NEXT)
    assert [await client.answer() for _ in range(3)] == [(200, b"POST /a 1"), (200, b"POST /b 2"), (200, b"GET /next ")]


async def test_a_head_of_the_limit_is_read(server: Server) -> None:
    client = await server.connect()
    many = b"".join(b"x-%d: y\r\n" % number for number in range(MAX_HEADERS - 1))
    await client.send(b"GET /many HTTP/1.1\r\n" + HOST + many + b"\r\n")
    assert await client.answer() == (200, b"GET /many ")
    await client.send(b"GET /big HTTP/1.1\r\n" + HOST + b"x: " + b"y" * (MAX_HEAD - 100) + b"\r\n\r\n")
    assert await client.answer() == (200, b"GET /big ")
    assert server.application.heads[0][2] == MAX_HEADERS


LARGE = [
    b"x: " + b"y" * MAX_HEAD + b"\r\n",
    b"x" * MAX_HEAD + b": y\r\n",
    b"".join(b"x-%d: %b\r\n" % (number, b"y" * 5000) for number in range(20)),
    b"".join(b"x-%d: y\r\n" % number for number in range(MAX_HEADERS)),
]


@pytest.mark.parametrize("head", LARGE, ids=["value", "name", "sum", "count"])
@pytest.mark.parametrize("body", [b"", b"body"])
async def test_a_head_beyond_the_limit_is_431_once_and_the_end(server: Server, head: bytes, body: bytes) -> None:
    client = await server.connect()
    await client.send(
        b"POST /a HTTP/1.1\r\n" + HOST + head + b"content-length: %d\r\n\r\n%b" % (len(body), body) + NEXT
    )
    assert await client.answer() == (431, b"The request's head is too large.")
    assert await client.rest() == b""
    assert server.application.heads == []


async def test_a_target_beyond_the_limit_is_431(server: Server) -> None:
    client = await server.connect()
    await client.send(b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\n" + HOST + b"\r\n")
    assert (await client.answer())[0] == 431


@pytest.mark.parametrize("begin", [b"GET /a HTTP/1.1\r\nx: ", b"GET /a HTTP/1.1\r\nx", b"GET /"])
async def test_a_line_that_never_ends_is_not_collected(server: Server, begin: bytes) -> None:
    client = await server.connect()
    await client.send(begin)
    for _ in range(20):
        await client.send(b"y" * 16 * 1024)
    assert (await client.answer())[0] == 431


async def test_a_later_request_is_measured_by_itself(server: Server) -> None:
    client = await server.connect()
    half = b"x: " + b"y" * (MAX_HEAD // 2) + b"\r\n"
    for _ in range(4):
        await client.send(b"GET /a HTTP/1.1\r\n" + HOST + half + b"\r\n")
        assert (await client.answer())[0] == 200
    await client.send(b"GET /a HTTP/1.1\r\n" + HOST + half * 3 + b"\r\n")
    assert (await client.answer())[0] == 431


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_is_no_head_however_large_it_is(server: Server, chunked: bool) -> None:
    client = await server.connect()
    whole = b"x" * (4 * MAX_HEAD)
    if chunked:
        await client.send(b"POST /a HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n")
        for at in range(0, len(whole), 10_000):
            piece = whole[at : at + 10_000]
            await client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await client.send(b"0\r\n\r\n")
    else:
        await client.send(post(b"/a", whole))
    assert await client.answer() == (200, b"POST /a " + whole)


async def test_trailers_without_end_close_the_connection(server: Server) -> None:
    client = await server.connect()
    await client.send(b"POST /a HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: ")
    for _ in range(20):
        await client.send(b"y" * 16 * 1024)
    assert await client.rest() == b""


async def test_a_head_that_does_not_come_is_408(hurried: Server) -> None:
    silent, dripping = await hurried.connect(), await hurried.connect()
    await dripping.send(b"GET /a HTTP/1.1\r\nx")
    for client in (silent, dripping):
        assert await client.answer() == (408, b"The request's head did not arrive in time.")
        assert await client.rest() == b""
    assert hurried.application.heads == []


async def test_dripping_does_not_buy_time(hurried: Server) -> None:
    client = await hurried.connect()
    tasks = Tasks("test")

    async def drip() -> None:
        await client.send(b"GET /a HTTP/1.1\r\n")
        while True:
            await client.send(b"x: y\r\n")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await asyncio.Event().wait()

    tasks.start(drip(), "drip")
    assert (await client.answer())[0] == 408
    await tasks.aclose()


async def test_between_requests_the_time_for_a_head_does_not_run(hurried: Server) -> None:
    client = await hurried.connect()
    await client.send(NEXT)
    assert (await client.answer())[0] == 200
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(Hurried.head_timeout * 2):
            await asyncio.Event().wait()
    await client.send(NEXT)
    assert (await client.answer())[0] == 200
    await client.send(b"GET /a")
    assert (await client.answer())[0] == 408


async def test_a_slow_answer_is_not_a_slow_head(hurried: Server) -> None:
    client = await hurried.connect()
    await client.send(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
    async with asyncio.timeout(5):
        await hurried.application.began.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(Hurried.head_timeout * 2):
            await asyncio.Event().wait()
    hurried.application.release.set()
    assert await client.answer() == (200, b"begunGET /slow ")


@pytest.mark.parametrize("further", [b"GET /late HTTP/1.1\r\n", b"GET /large HTTP/1.1\r\n" + LARGE[0]])
async def test_a_refusal_never_stands_in_the_middle_of_an_earlier_reply(hurried: Server, further: bytes) -> None:
    client = await hurried.connect()
    await client.send(b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n")
    async with asyncio.timeout(5):
        await hurried.application.began.wait()
    await client.send(further)
    received = await client.rest()
    assert received.endswith(b"begun\r\n")
    assert received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "upgrade",
    [UPGRADE, b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13\r\n"],
)
async def test_an_upgrade_is_refused_by_answering_in_http_1(
    server: Server, upgrade: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    client = await server.connect()
    await client.send(post(b"/a", b"body", upgrade))
    assert await client.answer() == (200, b"POST /a body")
    await client.send(b"GET /b HTTP/1.1\r\n" + HOST + upgrade + b"\r\n")
    assert await client.answer() == (200, b"GET /b ")
    await client.send(NEXT)
    assert await client.answer() == (200, b"GET /next ")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("cut", [1, 50, 1000])
async def test_the_body_behind_an_upgrade_may_come_in_pieces_and_with_the_next_request(
    server: Server, cut: int
) -> None:
    client = await server.connect()
    chunked = UPGRADE + b"transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    stream = post(b"/a", b"body", UPGRADE) + b"PUT /b HTTP/1.1\r\n" + HOST + chunked + NEXT
    for at in range(0, len(stream), cut):
        await client.send(stream[at : at + cut])
    assert await client.answer() == (200, b"POST /a body")
    assert await client.answer() == (200, b"PUT /b body")
    assert await client.answer() == (200, b"GET /next ")


async def test_a_thousand_upgrades_in_one_packet_are_a_thousand_requests(server: Server) -> None:
    client = await server.connect()
    await client.send((b"GET /a HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n") * 1000)
    for _ in range(1000):
        assert await client.answer() == (200, b"GET /a ")


@pytest.mark.parametrize(
    "request_head",
    [
        b"nonsense\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
async def test_what_is_no_proper_request_is_400_and_the_end(server: Server, request_head: bytes) -> None:
    client = await server.connect()
    await client.send(request_head)
    assert (await client.answer())[0] == 400
    assert await client.rest() == b""
    assert server.application.heads == []


async def test_a_client_that_goes_leaves_no_timer_behind(hurried: Server) -> None:
    client = await hurried.connect()
    await client.send(b"GET /a")
    await client.aclose()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(Hurried.head_timeout * 2):
            await asyncio.Event().wait()
    again = await hurried.connect()
    await again.send(NEXT)
    assert (await again.answer())[0] == 200


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def test_nothing_is_written_behind_a_refusal_however_much_came_at_once() -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("this is no request")

    config = uvicorn.Config(never, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    wire = Wire()
    protocol = BoundedProtocol(config, ServerState(), {})
    protocol.connection_made(wire)
    protocol.data_received(b"GET")
    protocol.data_received(b"\0" * (2 * MAX_HEAD))
    protocol.connection_lost(None)
    assert wire.written.count(b"HTTP/1.1") == 1
    assert wire.written.startswith(b"HTTP/1.1 400 ")

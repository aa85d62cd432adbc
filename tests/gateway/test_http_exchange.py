"""gateway/http_exchange.py and http_incoming.py, on a connection without sockets: bodies, replies, and who leaves."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from uvicorn.server import ServerState

from fedgate.core.errors import BadRequest, RequestTimeout, TooLarge
from fedgate.gateway.asgi_exchange import Application, Message, Receive, Scope, Send
from fedgate.gateway.exchange import EXTENSION
from fedgate.gateway.http_exchange import MAX_JOINED, HttpExchange
from fedgate.gateway.http_incoming import HIGH_WATER
from fedgate.gateway.http_protocol import BoundedProtocol

pytestmark = pytest.mark.anyio

STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"


class Wire(asyncio.Transport):
    """Remembers every write, and whether anybody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False
        self.reading = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


@pytest.fixture
def wire() -> Wire:
    return Wire()


class Connection:
    """A connection of the server to an application, and what it writes."""

    def __init__(self, wire: Wire, application: Application) -> None:
        config = uvicorn.Config(application, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
        config.proxy_headers = False
        config.load()
        self.wire = wire
        self.state = ServerState()
        self.protocol = BoundedProtocol(config, self.state, {})
        self.protocol.connection_made(wire)

    async def settled(self) -> None:
        """Until every application has returned."""
        async with asyncio.timeout(5):
            while self.state.tasks:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.gather(*self.state.tasks)
                await asyncio.sleep(0)

    async def turn(self) -> None:
        """Let the application go as far as it can."""
        for _ in range(5):
            await asyncio.sleep(0)


Native = Callable[[HttpExchange], Awaitable[None]]


def native(serve: Native) -> Application:
    """An application that uses the exchange itself, as the data path does."""

    async def application(scope: Scope, _receive: Receive, _send: Send) -> None:
        await serve(scope["extensions"][EXTENSION])

    return application


def post(body: bytes, length: int | None = None, *, extra: bytes = b"") -> bytes:
    head = b"POST /a HTTP/1.1\r\nhost: localhost\r\n%bcontent-length: %d\r\n\r\n"
    return head % (extra, len(body) if length is None else length) + body


GET = b"GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n"
JSON = (b"content-type", b"application/json")


# Replies by ASGI.


async def _application(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the path; `/stream` in two pieces, `/cut` with a head that nothing follows."""
    body = str(scope["path"]).encode()
    if body == b"/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": False})
        return
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    if body != b"/cut":
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _served(wire: Wire, *requests: bytes) -> list[bytes]:
    """What one connection writes for requests that come together."""
    at = Connection(wire, _application)
    at.protocol.data_received(b"".join(b"%b HTTP/1.1\r\nhost: localhost\r\n\r\n" % each for each in requests))
    await at.settled()
    at.protocol.connection_lost(None)
    return wire.writes


async def test_pipelined_whole_replies_are_one_write_each(wire: Wire) -> None:
    assert await _served(wire, b"GET /a", b"GET /bc") == [LENGTH % 2 + b"/a", LENGTH % 3 + b"/bc"]


async def test_the_reply_to_head_is_its_head_and_the_next_reply_follows(wire: Wire) -> None:
    assert await _served(wire, b"HEAD /a", b"GET /bc") == [LENGTH % 2, LENGTH % 3 + b"/bc"]


async def test_a_stream_comes_piece_by_piece(wire: Wire) -> None:
    assert await _served(wire, b"GET /stream") == [STREAM, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"]


async def test_a_reply_that_its_application_leaves_unfinished_is_its_head_and_the_end(wire: Wire) -> None:
    assert await _served(wire, b"GET /cut") == [LENGTH % 4]
    assert wire.closed


async def test_the_last_reply_of_a_connection_goes_out_before_it_closes(wire: Wire) -> None:
    written = await _served(wire, b"GET /a HTTP/1.0\r\nx:")
    assert (written, wire.closed) == ([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n/a"], True)


async def test_a_stream_to_http_1_0_ends_with_the_connection(wire: Wire) -> None:
    written = await _served(wire, b"GET /stream HTTP/1.0\r\nx:")
    assert written == [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"one", b"two"]
    assert wire.closed


@pytest.mark.parametrize("line", [b"a\r\nset-cookie: x", b"a\nb", b"a\rb"])
async def test_a_line_break_in_a_header_is_a_500_and_splits_nothing(
    wire: Wire, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", line)]})

    at = Connection(wire, application)
    at.protocol.data_received(GET)
    await at.settled()
    (written,) = wire.writes
    assert written.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"cookie" not in written
    assert wire.closed
    assert "failed on its way out" in caplog.text


START: Message = {"type": "http.response.start", "status": 200, "headers": []}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize("messages", [[END], [START, START], [START, END, END], [START, {"type": "http.other"}]])
async def test_messages_that_do_not_fit_are_an_error_of_the_application(wire: Wire, messages: list[Message]) -> None:
    told: list[str] = []

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            for each in messages:
                await send(each)
        except RuntimeError as error:
            told.append(str(error))
            raise

    at = Connection(wire, application)
    at.protocol.data_received(GET)
    await at.settled()
    assert len(told) == 1
    assert told[0].endswith("does not come now")


@pytest.mark.parametrize("body", [b"no", b"none at all"])
async def test_a_body_of_another_length_than_the_heads_never_passes_for_whole(wire: Wire, body: bytes) -> None:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    at = Connection(wire, application)
    at.protocol.data_received(GET)
    await at.settled()
    assert (wire.writes, wire.closed) == ([LENGTH % 4], True)


async def test_asgi_gives_the_body_as_it_comes_and_then_waits_for_the_end(wire: Wire) -> None:
    got: list[Message] = []

    async def application(_scope: Scope, receive: Receive, _send: Send) -> None:
        while not got or got[-1]["type"] == "http.request":
            got.append(await receive())

    at = Connection(wire, application)
    at.protocol.data_received(post(b"one", 6))
    await at.turn()
    at.protocol.data_received(b"two")
    await at.turn()
    assert got == [
        {"type": "http.request", "body": b"one", "more_body": True},
        {"type": "http.request", "body": b"two", "more_body": False},
    ]
    at.protocol.connection_lost(None)
    await at.settled()
    assert got[2:] == [{"type": "http.disconnect"}]
    assert wire.writes == []


# The data path's side.


async def whole(exchange: HttpExchange, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await exchange.whole(200, (*headers, (b"content-length", b"%d" % len(body))), body)


async def test_a_body_that_came_with_its_head_is_there_at_once(wire: Wire) -> None:
    async def serve(exchange: HttpExchange) -> None:
        await whole(exchange, await exchange.body(100, 5.0), JSON)

    at = Connection(wire, native(serve))
    at.protocol.data_received(post(b'{"a":1}') + post(b"{}"))
    await at.settled()
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    assert wire.writes == [reply % (7, b'{"a":1}'), reply % (2, b"{}")]
    assert (at.state.total_requests, wire.closed, wire.reading) == (2, False, True)


@pytest.mark.parametrize("size", [MAX_JOINED, MAX_JOINED + 1])
async def test_a_large_body_is_not_copied(wire: Wire, size: int) -> None:
    async def serve(exchange: HttpExchange) -> None:
        await whole(exchange, b"x" * size)

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET)
    await at.settled()
    assert b"".join(wire.writes) == LENGTH % size + b"x" * size
    assert len(wire.writes) == (1 if size <= MAX_JOINED else 2)


async def test_a_stream_is_framed_piece_by_piece_and_its_end_is_told(wire: Wire) -> None:
    async def serve(exchange: HttpExchange) -> None:
        await exchange.begin(200, ())
        for each in (b"one", b"", b"three"):
            await exchange.chunk(each)
        await exchange.end()

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET)
    await at.settled()
    assert wire.writes == [STREAM, b"3\r\none\r\n", b"5\r\nthree\r\n", b"0\r\n\r\n"]
    assert not wire.closed


async def test_a_stream_waits_while_its_reader_does_not_read(wire: Wire) -> None:
    sent: list[int] = []

    async def serve(exchange: HttpExchange) -> None:
        await exchange.begin(200, ())
        for number in range(3):
            await exchange.chunk(b"x")
            sent.append(number)
            if number == 0:
                at.protocol.pause_writing()
        await exchange.end()

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET)
    await at.turn()
    assert sent == [0]
    at.protocol.resume_writing()
    await at.settled()
    assert sent == [0, 1, 2]


async def refused(wire: Wire, *pieces: bytes, limit: int = 10, seconds: float = 5.0) -> Exception | None:
    caught: list[Exception] = []

    async def serve(exchange: HttpExchange) -> None:
        try:
            await exchange.body(limit, seconds)
        except (BadRequest, TooLarge, RequestTimeout) as error:
            caught.append(error)
        await whole(exchange, b"")

    at = Connection(wire, native(serve))
    for each in pieces:
        at.protocol.data_received(each)
        await at.turn()
    if seconds >= 1.0:
        at.protocol.connection_lost(None)
    await at.settled()
    return caught[0] if caught else None


async def test_a_body_beyond_the_limit_is_refused_as_soon_as_it_is(wire: Wire) -> None:
    error = await refused(wire, post(b"x" * 11, 1000))
    assert isinstance(error, TooLarge)
    assert "10 bytes (gateway.max_body)" in str(error)
    error = await refused(wire, post(b"x" * 10, 1000), b"x")
    assert isinstance(error, TooLarge)


async def test_a_body_that_ends_early_is_the_callers_affair(wire: Wire) -> None:
    assert isinstance(await refused(wire, post(b"x", 5)), BadRequest)


async def test_a_body_that_does_not_come_is_408_and_the_end(wire: Wire) -> None:
    error = await refused(wire, post(b"x", 5), seconds=0.01)
    assert isinstance(error, RequestTimeout)
    assert error.headers == ((b"connection", b"close"),)


async def test_a_body_that_nobody_reads_is_not_collected(wire: Wire) -> None:
    gate = asyncio.Event()

    async def serve(exchange: HttpExchange) -> None:
        await gate.wait()
        await whole(exchange, b"%d" % len(await exchange.body(10 * HIGH_WATER, 5.0)))

    at, size = Connection(wire, native(serve)), HIGH_WATER + 1
    at.protocol.data_received(post(b"x" * size, size + 1))
    await at.turn()
    reads = [wire.reading]
    gate.set()
    await at.turn()
    reads.append(wire.reading)
    assert reads == [False, True]
    at.protocol.data_received(b"y")
    await at.settled()
    assert wire.writes[0].endswith(b"\r\n\r\n%d" % (size + 1))


async def test_what_is_left_of_an_unread_body_is_skipped(wire: Wire) -> None:
    async def serve(exchange: HttpExchange) -> None:
        await whole(exchange, exchange.scope["path"].encode())

    at = Connection(wire, native(serve))
    at.protocol.data_received(post(b"x", 5))
    await at.settled()
    at.protocol.data_received(b"yyyy" + GET.replace(b"/a", b"/next"))
    await at.settled()
    assert wire.writes == [LENGTH % 2 + b"/a", LENGTH % 5 + b"/next"]


@pytest.mark.parametrize("expectation", [b"100-continue", b"100-Continue"])
async def test_who_waits_for_a_100_gets_it_when_the_body_is_wanted(wire: Wire, expectation: bytes) -> None:
    async def serve(exchange: HttpExchange) -> None:
        assert (b"expect", expectation) in exchange.scope["headers"]  # as it was sent
        await whole(exchange, await exchange.body(10, 5.0))

    at = Connection(wire, native(serve))
    at.protocol.data_received(post(b"", 2, extra=b"Expect: %b\r\n" % expectation))
    await at.turn()
    assert wire.writes == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    at.protocol.data_received(b"ok")
    await at.settled()
    assert wire.writes[1:] == [LENGTH % 2 + b"ok"]
    assert not wire.closed


async def test_who_waits_for_a_100_and_is_refused_must_begin_anew(wire: Wire) -> None:
    """Whether the body follows the refusal is the caller's choice: nothing behind it could be told from a request."""

    async def serve(exchange: HttpExchange) -> None:
        await whole(exchange, b"no")

    at = Connection(wire, native(serve))
    at.protocol.data_received(post(b"", 2, extra=b"expect: 100-continue\r\n"))
    await at.settled()
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"]
    assert wire.closed


# Leaving.


@pytest.mark.parametrize("early", [True, False])
async def test_who_leaves_ends_the_work_once_it_is_watched(wire: Wire, *, early: bool) -> None:
    ends: list[str] = []
    begun, gate = asyncio.Event(), asyncio.Event()

    async def serve(exchange: HttpExchange) -> None:
        begun.set()
        try:
            if early:
                await gate.wait()
            exchange.watch()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append(f"gone {exchange.gone}")
            raise

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET)
    await begun.wait()
    await at.turn()
    at.protocol.connection_lost(None)
    gate.set()
    await at.settled()
    assert (ends, wire.writes) == (["gone True"], [])


async def test_who_leaves_unwatched_or_after_the_reply_cancels_nobody(wire: Wire) -> None:
    ends: list[str] = []
    gate = asyncio.Event()

    async def serve(exchange: HttpExchange) -> None:
        exchange.watch()
        if exchange.scope["method"] == "POST":
            exchange.unwatch()
        else:
            await whole(exchange, b"")
        await gate.wait()
        ends.append(f"gone {exchange.gone}")

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET + post(b"x"))
    await at.turn()
    at.protocol.connection_lost(None)
    gate.set()
    await at.settled()
    assert ends == ["gone False", "gone False"]


async def test_requests_that_wait_behind_another_one_leave_with_it(wire: Wire) -> None:
    served: list[str] = []

    async def serve(exchange: HttpExchange) -> None:
        exchange.watch()
        served.append(exchange.scope["path"])
        await asyncio.Event().wait()

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET + GET.replace(b"/a", b"/b"))
    await at.turn()
    assert not wire.reading
    at.protocol.connection_lost(None)
    await at.settled()
    assert served == ["/a"]


async def test_the_servers_end_lets_the_request_under_way_finish_and_no_further_one_begin(wire: Wire) -> None:
    gate = asyncio.Event()

    async def serve(exchange: HttpExchange) -> None:
        await gate.wait()
        await whole(exchange, b"")

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET)
    await at.turn()
    at.protocol.shutdown()
    assert not wire.closed
    gate.set()
    await at.settled()
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"]
    assert wire.closed


async def test_an_application_that_is_cancelled_leaves_no_half_reply(wire: Wire) -> None:
    async def serve(exchange: HttpExchange) -> None:
        await exchange.begin(200, ())
        await asyncio.Event().wait()

    at = Connection(wire, native(serve))
    at.protocol.data_received(GET)
    await at.turn()
    for task in at.state.tasks:
        task.cancel()
    await at.settled()
    assert (wire.writes, wire.closed) == ([STREAM], True)

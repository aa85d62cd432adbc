"""gateway/asgi.py: ASGI in, a `Call` down, a `Reply` up; who leaves ends the work, and nothing is left open."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from fedgate.core.call import Call, Handler, Reply
from fedgate.core.clock import ManualClock
from fedgate.core.errors import BadRequest, RequestTimeout, TooLarge
from fedgate.core.tasks import Tasks
from fedgate.gateway.asgi import Hot, Wire
from fedgate.gateway.asgi_exchange import WATCH_AFTER, AsgiExchange, Message, Receive, Scope, Send

pytestmark = pytest.mark.anyio


async def pause(seconds: float = 0) -> None:
    """Let others run, for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


MAX_BODY = 10


class Peer:
    """The server's side of ASGI for one request: messages to hand out, and what was sent."""

    def __init__(self, *messages: Message, method: str = "POST", path: str = "/mcp", **scope: Any) -> None:
        self.sent: list[Message] = []
        self.received = 0
        self.left = asyncio.Event()
        self._messages = list(messages)
        self.scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "http_version": "1.1",
            "client": ("127.0.0.1", 5000),
            **scope,
        }

    async def receive(self) -> Message:
        self.received += 1
        if self._messages:
            return self._messages.pop(0)
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if not message.get("more_body", True):
            self.left.set()  # as uvicorn does: after the reply, `receive` says that it is over

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])

    @property
    def complete(self) -> bool:
        return bool(self.sent) and self.sent[-1].get("more_body") is False


def body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


async def cold(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode(), "more_body": False})


def wire(handler: Handler, *, body_timeout: float = 5.0) -> Wire:
    return Wire({"mcp": Hot("mcp", handler)}, cold, ManualClock(7.0), max_body=MAX_BODY, body_timeout=body_timeout)


async def echo(call: Call) -> Reply:
    return Reply(body=await call.request.read())


async def served(handler: Handler, peer: Peer) -> Peer:
    app = wire(handler)
    async with asyncio.timeout(5):
        await app(peer.scope, peer.receive, peer.send)
    await app.tasks.aclose()
    return peer


# Paths.


@pytest.mark.parametrize(
    ("path", "view"),
    [
        ("/mcp", ""),
        ("/mcp/", ""),
        ("/mcp/notes", "notes"),
        ("/mcp/notes/", "notes"),
        ("/mcp/a/b", "a/b"),
        ("/mcp/a//", "a/"),
        ("/mcp/größe\x00", "größe\x00"),
    ],
)
async def test_the_first_segment_picks_the_path_and_the_rest_is_the_view(path: str, view: str) -> None:
    seen: list[str] = []

    async def handler(call: Call) -> Reply:
        seen.append(call.view)
        assert (call.request.path, call.record.route) == (path, path)
        return Reply()

    assert (await served(handler, Peer(path=path))).status == 200
    assert seen == [view]


@pytest.mark.parametrize("path", ["/", "//mcp", "/mcpx", "/MCP", "/x/mcp", "", "*", "mcp", "/mcp\x00"])
async def test_everything_else_is_cold(path: str) -> None:
    async def handler(call: Call) -> Reply:
        raise AssertionError("this path is not hot")

    peer = await served(handler, Peer(path=path))
    assert (peer.status, peer.body) == (299, path.encode())


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
async def test_what_is_no_http_is_left_alone(kind: str) -> None:
    peer = await served(echo, Peer(type=kind))
    assert (peer.sent, peer.received) == ([], 0)


# Requests.


async def test_a_request_is_what_the_scope_says() -> None:
    calls: list[Call] = []

    async def handler(call: Call) -> Reply:
        calls.append(call)
        return Reply()

    app = wire(handler)
    scopes = [
        Peer(method="GET", query_string=b"a=1", headers=[(b"host", b"gw:80"), (b"x", b"\xe4")]),
        Peer(client=None, headers=[], http_version="1.0"),
    ]
    for peer in scopes:
        await app(peer.scope, peer.receive, peer.send)
    one, two = (call.request for call in calls)
    assert (one.method, one.query, one.host, one.source, one.version) == (
        "GET",
        b"a=1",
        "gw:80",
        "127.0.0.1:5000",
        "HTTP/1.1",
    )
    assert (one.header(b"x"), two.source, two.host, two.version) == ("ä", "", "", "HTTP/1.0")
    assert one.id != two.id
    assert one.id.partition("-")[0] == two.id.partition("-")[0]
    assert (calls[0].protocol, calls[0].record.started, calls[0].record.request) == ("mcp", 7.0, one)
    await app.tasks.aclose()


async def test_header_lines_of_one_name_are_one_list() -> None:
    async def handler(call: Call) -> Reply:
        assert call.request.headers == {b"accept": b"application/json, text/event-stream", b"x": b"1, 2, 3"}
        return Reply()

    lines = [(b"accept", b"application/json"), (b"x", b"1"), (b"accept", b"text/event-stream"), (b"x", b"2, 3")]
    await served(handler, Peer(headers=lines))


# Bodies.


@pytest.mark.parametrize("parts", [[b""], [b"hello"], [b"he", b"", b"llo"], [b"x" * MAX_BODY], [b"x" * 9, b"y"]])
async def test_a_body_is_read_whole_however_it_comes(parts: list[bytes]) -> None:
    messages = [body(part, more=True) for part in parts[:-1]] + [body(parts[-1])]
    assert (await served(echo, Peer(*messages))).body == b"".join(parts)


async def test_a_message_without_a_body_is_an_empty_last_one() -> None:
    assert (await served(echo, Peer({"type": "http.request"}))).body == b""


async def reading(peer: Peer, *, body_timeout: float = 5.0) -> BaseException:
    caught: list[BaseException] = []

    async def handler(call: Call) -> Reply:
        try:
            await call.request.read()
        except (BadRequest, TooLarge, RequestTimeout) as error:
            caught.append(error)
        return Reply()

    app = wire(handler, body_timeout=body_timeout)
    async with asyncio.timeout(5):
        await app(peer.scope, peer.receive, peer.send)
    await app.tasks.aclose()
    (error,) = caught
    return error


@pytest.mark.parametrize("messages", [[body(b"x" * 11)], [body(b"x" * 10, more=True), body(b"y", more=True)]])
async def test_a_body_beyond_the_limit_is_too_large_as_soon_as_it_is(messages: list[Message]) -> None:
    peer = Peer(*messages)
    error = await reading(peer)
    assert isinstance(error, TooLarge)
    assert "10 bytes (gateway.max_body)" in error.message
    assert peer.received == len(messages)


@pytest.mark.parametrize("messages", [[GONE], [body(b"x", more=True), GONE]])
async def test_a_body_that_ends_early_is_the_callers_affair(messages: list[Message]) -> None:
    assert isinstance(await reading(Peer(*messages)), BadRequest)


async def test_a_body_that_never_comes_is_a_timeout_that_ends_the_connection() -> None:
    error = await reading(Peer(body(b"x", more=True)), body_timeout=0.01)
    assert isinstance(error, RequestTimeout)
    assert error.headers == ((b"connection", b"close"),)


async def test_a_body_that_drips_has_no_more_time_than_one_that_stands_still() -> None:
    peer, drops = Peer(), itertools.count()

    async def drip() -> Message:
        next(drops)
        await pause(0.005)
        return body(b"", more=True)

    peer.receive = drip  # type: ignore[method-assign]
    assert isinstance(await reading(peer, body_timeout=0.05), RequestTimeout)
    assert next(drops) < 50


# Replies.


@pytest.mark.parametrize(
    ("reply", "headers"),
    [
        (Reply(200, ((b"a", b"b"),), b"ok"), {b"a": b"b", b"content-length": b"2"}),
        (Reply(202), {b"content-length": b"0"}),
        (Reply(204), {}),
        (Reply(304), {}),
    ],
)
async def test_a_whole_reply_has_its_length_where_http_wants_one(reply: Reply, headers: dict[bytes, bytes]) -> None:
    async def handler(_call: Call) -> Reply:
        return reply

    peer = await served(handler, Peer())
    assert (peer.status, peer.headers, peer.body, peer.complete) == (reply.status, headers, reply.body, True)


class Body:
    """A stream that says what became of it. `before` is awaited for each chunk."""

    def __init__(self, *chunks: bytes, before: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.closed = 0
        self.read = 0
        self._chunks = list(chunks)
        self._before = before

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.read += 1
        if self._before is not None:
            await self._before()
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop(0)

    async def aclose(self) -> None:
        self.closed += 1


def streaming(stream: Body) -> Handler:
    async def handler(_call: Call) -> Reply:
        return Reply(200, ((b"content-type", b"text/event-stream"),), stream)

    return handler


async def test_a_stream_is_sent_chunk_by_chunk_without_a_length_and_closed_before_its_end_is_told() -> None:
    stream = Body(b"a", b"b")
    peer = Peer()
    closed_at_the_end: list[int] = []

    async def send(message: Message) -> None:
        await Peer.send(peer, message)
        if peer.complete:
            closed_at_the_end.append(stream.closed)

    app = wire(streaming(stream))
    await app(peer.scope, peer.receive, send)
    assert [message.get("body") for message in peer.sent] == [None, b"a", b"b", b""]
    assert (b"content-length" in peer.headers, closed_at_the_end) == (False, [1])
    await app.tasks.aclose()


async def test_a_head_request_gets_no_chunk_and_the_stream_is_closed() -> None:
    stream = Body(b"a")
    peer = await served(streaming(stream), Peer(method="HEAD"))
    assert (peer.body, peer.complete, stream.read, stream.closed) == (b"", True, 0, 1)


async def test_a_stream_that_breaks_breaks_the_reply_and_is_closed() -> None:
    async def fail() -> None:
        raise KeyError("x")

    stream, peer = Body(b"a", before=fail), Peer()
    app = wire(streaming(stream))
    with pytest.raises(KeyError):
        await app(peer.scope, peer.receive, peer.send)
    assert (stream.closed, peer.complete) == (1, False)
    await app.tasks.aclose()
    assert len(app.tasks) == 0


@pytest.mark.parametrize("fails_at", [1, 2])
async def test_a_stream_is_closed_too_if_the_reply_cannot_be_sent(fails_at: int) -> None:
    stream, peer, sends = Body(b"a"), Peer(), itertools.count(1)

    async def send(message: Message) -> None:
        if next(sends) == fails_at:
            raise OSError("the connection is gone")

    app = wire(streaming(stream))
    with pytest.raises(OSError, match="the connection is gone"):
        await app(peer.scope, peer.receive, send)
    assert stream.closed == 1
    await app.tasks.aclose()


# Leaving.


class Work:
    """A handler that waits for ever, and says how it ended."""

    def __init__(self, *, reads: bool = True) -> None:
        self.began = asyncio.Event()
        self.ended = ""
        self._reads = reads

    async def __call__(self, call: Call) -> Reply:
        if self._reads:
            await call.request.read()
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        return Reply()


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_who_leaves_while_the_call_is_under_way_ends_it(method: str) -> None:
    work = Work(reads=method == "POST")
    peer = Peer(body(b"x"), method=method) if method == "POST" else Peer(method=method)
    app, tasks = wire(work), Tasks("test")

    async def serve() -> str:
        await app(peer.scope, peer.receive, peer.send)
        task = asyncio.current_task()
        assert task is not None
        return f"over, {task.cancelling()} cancellations left"

    serving = tasks.start(serve(), "serve")
    async with asyncio.timeout(5):
        await work.began.wait()
        peer.left.set()
        assert await serving == "over, 0 cancellations left"
    assert (work.ended, peer.sent, len(app.tasks)) == ("cancelled", [], 0)
    await tasks.aclose()


async def test_who_leaves_in_the_middle_of_a_stream_closes_it_at_once() -> None:
    waiting = asyncio.Event()

    async def silent() -> None:
        waiting.set()
        await asyncio.Event().wait()

    stream, peer = Body(b"a", before=silent), Peer(body(b"x"))
    app, tasks = wire(streaming(stream)), Tasks("test")
    serving = tasks.start(app(peer.scope, peer.receive, peer.send), "serve")
    async with asyncio.timeout(5):
        await waiting.wait()
        peer.left.set()
        await serving
    assert (stream.closed, peer.complete, len(app.tasks)) == (1, False, 0)
    await tasks.aclose()


async def test_the_clean_up_of_a_stream_may_take_its_time() -> None:
    cleaned: list[str] = []
    waiting, unhurried = asyncio.Event(), asyncio.Event()

    async def frames() -> AsyncGenerator[bytes, None]:
        try:
            waiting.set()
            await asyncio.Event().wait()
            yield b""
        finally:
            await unhurried.wait()
            cleaned.append("yes")

    async def handler(_call: Call) -> Reply:
        return Reply(body=frames())

    peer = Peer()
    app, tasks = wire(handler), Tasks("test")
    serving = tasks.start(app(peer.scope, peer.receive, peer.send), "serve")
    async with asyncio.timeout(5):
        await waiting.wait()
        peer.left.set()
        await asyncio.wait([serving], timeout=0.01)
        assert cleaned == []
        unhurried.set()
        await serving
    assert cleaned == ["yes"]
    await tasks.aclose()


async def test_the_gateways_own_end_is_not_taken_for_the_callers() -> None:
    work, peer = Work(), Peer(body(b"x"))
    app, tasks = wire(work), Tasks("test")
    serving = tasks.start(app(peer.scope, peer.receive, peer.send), "serve")
    async with asyncio.timeout(5):
        await work.began.wait()
        await tasks.aclose()
    assert serving.cancelled()
    assert work.ended == "cancelled"
    await app.tasks.aclose()


async def test_a_quick_call_starts_no_watcher_and_leaves_no_timer() -> None:
    peer = Peer(body(b"x"))
    app = wire(echo)
    await app(peer.scope, peer.receive, peer.send)
    assert (peer.received, len(app.tasks)) == (1, 0)
    await pause(WATCH_AFTER * 2)
    assert (peer.received, len(app.tasks)) == (1, 0)
    await app.tasks.aclose()


async def test_the_watcher_never_takes_a_body_from_its_reader() -> None:
    peer, gate = Peer(), asyncio.Event()
    waiting = itertools.count()

    async def slow() -> Message:
        concurrent.append(next(waiting))
        await gate.wait()
        return body(b"late")

    concurrent: list[int] = []
    peer.receive = slow  # type: ignore[method-assign]
    app, tasks = wire(echo), Tasks("test")
    serving = tasks.start(app(peer.scope, lambda: peer.receive(), peer.send), "serve")
    await asyncio.wait([serving], timeout=WATCH_AFTER * 2)
    assert (concurrent, len(app.tasks)) == ([0], 0)
    gate.set()
    async with asyncio.timeout(5):
        await serving
    assert peer.body == b"late"
    await tasks.aclose()
    await app.tasks.aclose()


async def test_a_watcher_skips_what_is_left_of_a_body_that_nobody_read() -> None:
    waiting = asyncio.Event()

    async def silent() -> None:
        waiting.set()
        await asyncio.Event().wait()

    stream, peer = Body(b"a", before=silent), Peer(body(b"1", more=True), body(b"2"), GONE)
    await served(streaming(stream), peer)
    assert (stream.closed, peer.received) == (1, 3)


async def test_after_the_watchers_are_closed_none_is_started() -> None:
    app = wire(streaming(Body(b"a")))
    await app.tasks.aclose()
    peer = Peer()
    await app(peer.scope, peer.receive, peer.send)
    assert (peer.body, peer.received) == (b"a", 0)


async def test_a_watch_begins_once_and_never_after_its_end() -> None:
    peer, tasks = Peer(), Tasks("test")
    exchange = AsgiExchange(peer.receive, peer.send, tasks)
    exchange.watch()
    exchange.watch()
    exchange.unwatch()
    await pause(WATCH_AFTER * 2)
    assert (peer.received, len(tasks)) == (0, 0)
    exchange = AsgiExchange(peer.receive, peer.send, tasks)
    exchange.watch()
    await exchange.begin(200, ())
    await exchange.begin(200, ())
    assert len(tasks) == 1
    exchange.unwatch()
    await tasks.aclose()


async def test_a_disconnect_that_is_noticed_after_the_end_cancels_nobody() -> None:
    tasks, peer = Tasks("test"), Peer()
    exchange = AsgiExchange(peer.receive, peer.send, tasks)
    exchange.watch()
    await exchange.begin(200, ())
    await pause()
    peer.left.set()
    exchange.unwatch()
    await tasks.aclose()
    task = asyncio.current_task()
    assert task is not None
    assert (task.cancelling(), exchange.gone) == (0, False)

"""Every call ends in exactly one count and one line, however it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from fedgate.core.call import Call, Record, Reply, Request
from fedgate.core.clock import ManualClock
from fedgate.core.errors import GatewayError, NotFound, UpstreamBroken
from fedgate.core.stage import Stage
from fedgate.core.streams import Followed
from fedgate.gateway.observe import Observe
from fedgate.telemetry.lines import Ended

pytestmark = pytest.mark.anyio


class Book:
    """Both ports of `observe`: what was counted and what was logged."""

    def __init__(self) -> None:
        self.counted: list[Ended] = []
        self.lines: list[Ended] = []

    def request(self, ended: Ended) -> None:
        self.counted.append(ended)

    def write(self, ended: Ended) -> None:
        self.lines.append(ended)

    @property
    def ended(self) -> Ended:
        (line,) = self.lines
        assert self.counted == [line]
        return line


class Desk:
    """A stage under test with its book and clock."""

    def __init__(self) -> None:
        self.book = Book()
        self.clock = ManualClock(1000.0)
        self.stage: Stage = Observe(self.book, self.book, self.clock, frozenset({"tools/call"}))

    def call(self, operation: str = "tools/call") -> Call:
        request = Request("req-1", "POST", "/mcp", b"", {}, "127.0.0.1:5000", "localhost", "1.1", no_body)
        record = Record(request, "mcp", self.clock.monotonic(), operation=operation)
        return Call(protocol="mcp", request=request, record=record)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def no_body() -> bytes:
    return b""


class Chunks:
    """A body made of what to say: bytes are yielded, exceptions raised, functions called."""

    def __init__(self, *script: bytes | BaseException | Callable[[], None]) -> None:
        self._script = list(script)
        self.closed = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while self._script:
            said = self._script.pop(0)
            if isinstance(said, bytes):
                return said
            if isinstance(said, BaseException):
                raise said
            said()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed += 1


async def streamed(desk: Desk, body: AsyncIterator[bytes]) -> Followed:
    async def inner(call: Call) -> Reply:
        return Reply(200, body=body)

    reply = await desk.stage(desk.call(), inner)
    assert isinstance(reply.body, Followed)
    assert desk.book.lines == []
    return reply.body


async def test_a_whole_reply_is_counted_timed_and_named(desk: Desk) -> None:
    async def inner(call: Call) -> Reply:
        desk.clock.advance(0.5)
        call.record.upstream_seconds = 0.4
        return Reply(201, ((b"content-type", b"text/plain"),), b"hello")

    reply = await desk.stage(desk.call(), inner)
    assert reply == Reply(201, ((b"content-type", b"text/plain"), (b"x-fedgate-request-id", b"req-1")), b"hello")
    ended = desk.book.ended
    assert (ended.status, ended.operation, ended.record.error) == (201, "tools/call", "")
    assert ended.seconds == pytest.approx(0.5)
    assert ended.overhead == pytest.approx(0.1)
    assert ended.when == desk.clock.now()


async def test_what_inner_stages_noted_is_on_the_line(desk: Desk) -> None:
    async def inner(call: Call) -> Reply:
        call.record.error = "not_found"
        call.record.fields["mcp.server"] = "notes"
        return Reply(404)

    await desk.stage(desk.call(), inner)
    assert desk.book.ended.record.error == "not_found"
    assert desk.book.ended.record.fields == {"mcp.server": "notes"}


@pytest.mark.parametrize("operation", ["", "tools/evil", "x" * 10_000])
async def test_an_unknown_operation_is_counted_as_other(desk: Desk, operation: str) -> None:
    async def inner(call: Call) -> Reply:
        return Reply()

    await desk.stage(desk.call(operation), inner)
    assert desk.book.ended.operation == "other"
    assert desk.book.ended.record.operation == operation


async def test_parallel_upstreams_make_no_negative_overhead(desk: Desk) -> None:
    async def inner(call: Call) -> Reply:
        desk.clock.advance(0.1)
        call.record.upstream_seconds = 0.9
        return Reply()

    await desk.stage(desk.call(), inner)
    assert desk.book.ended.overhead == 0.0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("boom"), "internal_error"),
        (NotFound("gone"), "not_found"),
        (KeyboardInterrupt(), "internal_error"),
    ],
)
async def test_an_error_that_escaped_is_logged_as_500_and_goes_on(
    desk: Desk, error: BaseException, reason: str
) -> None:
    async def inner(call: Call) -> Reply:
        raise error

    with pytest.raises(type(error)):
        await desk.stage(desk.call(), inner)
    assert (desk.book.ended.status, desk.book.ended.record.error) == (500, reason)


async def test_a_caller_that_leaves_before_the_answer_is_499(desk: Desk) -> None:
    waiting = asyncio.Event()

    async def inner(call: Call) -> Reply:
        waiting.set()
        await asyncio.Event().wait()
        return Reply()

    async def serve() -> Reply:
        return await desk.stage(desk.call(), inner)

    async with asyncio.timeout(5):
        task = asyncio.create_task(serve())
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (desk.book.ended.status, desk.book.ended.record.error) == (499, "client_disconnected")


async def test_a_reason_that_an_inner_stage_gave_is_kept(desk: Desk) -> None:
    async def inner(call: Call) -> Reply:
        call.record.error = "shutdown"
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await desk.stage(desk.call(), inner)
    assert desk.book.ended.record.error == "shutdown"


async def test_a_stream_is_over_when_its_last_chunk_was_taken(desk: Desk) -> None:
    body = await streamed(desk, Chunks(b"a", lambda: desk.clock.advance(30), b"b"))
    assert [chunk async for chunk in body] == [b"a", b"b"]
    ended = desk.book.ended
    assert (ended.status, ended.record.error, ended.seconds, ended.overhead) == (200, "", 30.0, 0.0)


async def test_the_head_of_a_stream_is_named_too(desk: Desk) -> None:
    async def inner(call: Call) -> Reply:
        return Reply(200, body=Chunks())

    reply = await desk.stage(desk.call(), inner)
    assert reply.headers == ((b"x-fedgate-request-id", b"req-1"),)


async def test_what_a_stream_waits_for_is_not_the_gateways_overhead(desk: Desk) -> None:
    async def inner(call: Call) -> Reply:
        desk.clock.advance(0.75)
        call.record.upstream_seconds = 0.5
        return Reply(200, body=Chunks(b"a", lambda: desk.clock.advance(3600)))

    reply = await desk.stage(desk.call(), inner)
    assert not isinstance(reply.body, bytes)
    assert [chunk async for chunk in reply.body] == [b"a"]
    assert (desk.book.ended.seconds, desk.book.ended.overhead) == (3600.75, 0.25)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UpstreamBroken("the server went away"), "upstream_broken"),
        (RuntimeError("boom"), "internal_error"),
        (asyncio.CancelledError(), "client_disconnected"),
    ],
)
async def test_a_stream_that_breaks_says_why_once(desk: Desk, error: BaseException, reason: str) -> None:
    chunks = Chunks(b"a", error)
    body = await streamed(desk, chunks)
    assert await anext(body) == b"a"
    with pytest.raises(type(error)):
        await anext(body)
    await body.aclose()
    assert (desk.book.ended.status, desk.book.ended.record.error) == (200, reason)
    assert chunks.closed == 1


@pytest.mark.parametrize("taken", [0, 1])
async def test_a_stream_closed_early_closes_the_inner_one_and_has_its_line(desk: Desk, taken: int) -> None:
    chunks = Chunks(b"a", b"b")
    body = await streamed(desk, chunks)
    for _ in range(taken):
        await anext(body)
    await body.aclose()
    await body.aclose()
    assert chunks.closed == 2
    assert (desk.book.ended.status, desk.book.ended.record.error) == (200, "client_disconnected")


async def test_closing_after_the_end_adds_no_line(desk: Desk) -> None:
    body = await streamed(desk, Chunks(b"a"))
    assert [chunk async for chunk in body] == [b"a"]
    await body.aclose()
    assert desk.book.ended.record.error == ""


async def test_a_generator_is_closed_through_its_cleanup(desk: Desk) -> None:
    left: list[str] = []

    async def generated() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            left.append("cleaned up")

    body = await streamed(desk, generated())
    await anext(body)
    await body.aclose()
    assert left == ["cleaned up"]


async def test_a_body_that_cannot_be_closed_needs_no_closing(desk: Desk) -> None:
    class Endless:
        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            return b"."

    body = await streamed(desk, Endless())
    await anext(body)
    await body.aclose()
    assert desk.book.ended.record.error == "client_disconnected"


async def test_a_close_that_fails_has_its_line_and_its_error(desk: Desk) -> None:
    class Sticky(Chunks):
        async def aclose(self) -> None:
            raise GatewayError("stuck")

    body = await streamed(desk, Sticky(b"a"))
    with pytest.raises(GatewayError):
        await body.aclose()
    assert desk.book.ended.record.error == "client_disconnected"

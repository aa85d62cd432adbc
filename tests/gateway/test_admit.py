"""gateway/admit.py: what does not fit is refused at once, and every place is given back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from fedgate.access.hosts import HostPolicy
from fedgate.core.call import Call, Record, Reply, Request
from fedgate.core.errors import Forbidden, GatewayError, Misdirected, NotFound, Overloaded, TooLarge
from fedgate.core.streams import Followed
from fedgate.core.tasks import Tasks
from fedgate.gateway.admit import STREAMS_PER_CALL, Admit

pytestmark = pytest.mark.anyio

LIMIT = 2
STREAMS = LIMIT * STREAMS_PER_CALL


def admit(limit: int = LIMIT) -> Admit:
    return Admit(HostPolicy(True, None, ()), limit=limit, max_body=100)


async def no_body() -> bytes:
    return b""


def call(operation: str = "tools/call", /, **headers: bytes) -> Call:
    sent = {b"host": b"localhost"} | {name.replace("_", "-").encode(): value for name, value in headers.items()}
    request = Request("1", "POST", "/mcp", b"", sent, "127.0.0.1:1", "localhost", "HTTP/1.1", no_body)
    return Call("mcp", request, Record(request, "mcp", 0.0, operation=operation))


async def answer(_call: Call) -> Reply:
    return Reply(body=b"ok")


class Body:
    """A stream that can be closed."""

    def __init__(self, *chunks: bytes | BaseException) -> None:
        self.closed = 0
        self._chunks = list(chunks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        chunk = self._chunks.pop(0)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    async def aclose(self) -> None:
        self.closed += 1


async def opened(stage: Admit, body: AsyncIterator[bytes], operation: str = "tools/call") -> Followed:
    async def inner(_call: Call) -> Reply:
        return Reply(206, ((b"x", b"y"),), body)

    reply = await stage(call(operation), inner)
    assert (reply.status, reply.headers) == (206, ((b"x", b"y"),))
    assert isinstance(reply.body, Followed)
    return reply.body


async def test_a_whole_reply_passes_and_leaves_nothing_counted() -> None:
    stage = admit()

    async def inner(_call: Call) -> Reply:
        assert stage.calls == 1
        return Reply(body=b"ok")

    assert await stage(call(), inner) == Reply(body=b"ok")
    assert (stage.calls, stage.streams) == (0, 0)


@pytest.mark.parametrize("error", [NotFound("x"), KeyError("x"), asyncio.CancelledError()])
async def test_a_call_that_fails_gives_its_place_back(error: BaseException) -> None:
    stage = admit()

    async def inner(_call: Call) -> Reply:
        raise error

    with pytest.raises(type(error)):
        await stage(call(), inner)
    assert stage.calls == 0


async def test_a_call_beyond_the_limit_is_refused_at_once_with_a_hint_when_to_come_again() -> None:
    stage, tasks, release = admit(), Tasks("test"), asyncio.Event()

    async def slow(_call: Call) -> Reply:
        await release.wait()
        return Reply()

    under_way = [tasks.start(stage(call(), slow), "slow") for _ in range(LIMIT)]
    await asyncio.wait(under_way, timeout=0)
    async with asyncio.timeout(5):
        with pytest.raises(Overloaded, match=r"2 requests are under way \(gateway\.max_concurrent\)") as caught:
            await stage(call(), answer)
        assert caught.value.headers == ((b"retry-after", b"1"),)
        release.set()
        await asyncio.wait(under_way)
    assert await stage(call(), answer) == Reply(body=b"ok")
    await tasks.aclose()


@pytest.mark.parametrize("length", [b"101", b"9" * 50])
async def test_a_body_that_says_that_it_is_too_large_is_refused_unread(length: bytes) -> None:
    with pytest.raises(TooLarge, match=r"larger than 100 bytes \(gateway\.max_body\)"):
        await admit()(call(content_length=length), answer)


@pytest.mark.parametrize("length", [b"0", b"100", b"", b"many", b"-5", b"0" * 30 + b"5"])
async def test_a_length_that_fits_or_is_none_passes(length: bytes) -> None:
    assert await admit()(call(content_length=length), answer) == Reply(body=b"ok")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"host": b"evil.example"}, Misdirected),
        ({"host": b""}, Misdirected),
        ({"origin": b"https://evil.example"}, Forbidden),
    ],
)
async def test_foreign_hosts_and_origins_are_refused_before_anything_else(
    headers: dict[str, bytes], error: type[GatewayError]
) -> None:
    with pytest.raises(error):
        await admit(limit=0)(call(content_length=b"999", **headers), answer)


async def test_a_stream_counts_until_it_ends() -> None:
    stage = admit()
    body = await opened(stage, Body(b"a", b"b"))
    assert (stage.calls, stage.streams) == (0, 1)
    assert [chunk async for chunk in body] == [b"a", b"b"]
    assert stage.streams == 0
    await body.aclose()
    assert stage.streams == 0


async def test_a_stream_that_breaks_counts_no_longer() -> None:
    stage = admit()
    body = await opened(stage, Body(b"a", KeyError("x")))
    assert await anext(body) == b"a"
    with pytest.raises(KeyError):
        await anext(body)
    assert stage.streams == 0


@pytest.mark.parametrize("begun", [True, False])
async def test_closing_a_stream_closes_what_is_in_it_once_and_gives_the_place_back(begun: bool) -> None:
    stage, inner = admit(), Body(b"a", b"b")
    body = await opened(stage, inner)
    if begun:
        await anext(body)
    await body.aclose()
    assert (inner.closed, stage.streams) == (1, 0)


async def test_a_stream_that_nobody_read_still_cleans_up_after_itself() -> None:
    cleaned: list[str] = []

    async def listener() -> AsyncGenerator[bytes, None]:
        try:
            yield b"hello"
        finally:
            cleaned.append("unsubscribed")

    body = await opened(admit(), listener())
    await body.aclose()
    assert cleaned == ["unsubscribed"]


async def test_streams_that_only_listen_do_not_keep_calls_out() -> None:
    stage = admit()
    for _ in range(STREAMS):
        await opened(stage, Body(), "stream")
    assert await stage(call(), answer) == Reply(body=b"ok")
    answering = await opened(stage, Body(b"a"))
    assert stage.streams == STREAMS + 1
    await answering.aclose()


@pytest.mark.parametrize("operation", ["stream", "subscriptions/listen"])
async def test_a_listener_beyond_the_limit_is_refused_and_closed(operation: str) -> None:
    stage, extra = admit(), Body()
    bodies = [await opened(stage, Body(), operation) for _ in range(STREAMS)]
    with pytest.raises(Overloaded, match="32 streams are open"):
        await opened(stage, extra, operation)
    assert (extra.closed, stage.streams) == (1, STREAMS)
    await bodies[0].aclose()
    await opened(stage, Body(), operation)


async def test_when_too_many_answers_stream_calls_are_refused_before_they_do_any_work() -> None:
    stage = admit()
    bodies = [await opened(stage, Body()) for _ in range(STREAMS)]

    async def untouched(_call: Call) -> Reply:
        raise AssertionError("the call went through")

    with pytest.raises(Overloaded):
        await stage(call(), untouched)
    await bodies[0].aclose()
    assert await stage(call(), answer) == Reply(body=b"ok")

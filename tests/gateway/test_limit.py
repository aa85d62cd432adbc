"""gateway/limit.py: taken before, settled after, whatever becomes of the call; refused in the caller's own protocol."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import pytest

from fedgate.a2a.rendering import render as render_a2a
from fedgate.a2a.values import Speech
from fedgate.core.call import Call, Handler, Reply
from fedgate.core.clock import ManualClock
from fedgate.core.errors import NotFound, RateLimited, UpstreamTimeout
from fedgate.core.rawjson import EMPTY, Raw
from fedgate.core.spending import Expected
from fedgate.core.streams import discard
from fedgate.federation.eras import Era
from fedgate.federation.inbound import Wire as McpWire
from fedgate.federation.rendering import render_error
from fedgate.gateway.limit import UNCOUNTED, Limit
from fedgate.governance.limits import Limits
from fedgate.governance.refusal import too_often
from fedgate.governance.settings import Rate
from fedgate.governance.tokens import READ, WRITTEN
from fedgate.llm.rendering import Wire as ModelWire
from fedgate.llm.rendering import render as render_llm
from fedgate.llm.values import Format
from tests.governance.limited import ALICE, BOB, call, limit

pytestmark = pytest.mark.anyio

EXPECTED = Expected(100, 200, 400)
MOST = 1000


class Desk:
    """The stage in front of a protocol that tells nothing. `left` is what it left of each number."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(600.0)
        self.limits = Limits([limit(**(settings or {"tokens": f"{MOST}/day", "concurrency": 2}))], self.clock)
        self.stage = Limit(self.limits, self, lambda _: EXPECTED)

    def variables(self, call: Call) -> dict[str, Any]:
        return {}

    async def left(self) -> dict[str, int]:
        return {each.kind: each.left for each in await self.limits.standings(call(), dict)}

    async def run(self, inner: Handler, made: Call | None = None) -> Reply:
        return await self.stage(made or call(protocol="llm", operation="chat"), inner)


def answering(status: int = 200, **fields: int) -> Handler:
    async def inner(made: Call) -> Reply:
        made.record.fields |= usage(fields)
        return Reply(status, body=b"ok")

    return inner


def usage(fields: Mapping[str, int]) -> dict[str, int]:
    return {READ if name == "read" else WRITTEN: value for name, value in fields.items()}


@pytest.mark.parametrize(
    ("inner", "used"),
    [
        (answering(read=90, written=10), 100),
        (answering(read=90), 290),
        (answering(), 300),
        (answering(500), 0),
        (answering(500, read=90, written=1), 91),
    ],
)
async def test_a_whole_reply_is_settled_when_it_is_there(inner: Handler, used: int) -> None:
    desk = Desk()
    reply = await desk.run(inner)
    assert reply.body == b"ok"
    assert await desk.left() == {"tokens": MOST - used, "concurrency": 2}


@pytest.mark.parametrize("error", [UpstreamTimeout("too slow"), NotFound("no such model"), ZeroDivisionError("a bug")])
async def test_a_call_that_failed_is_paid_back(error: Exception) -> None:
    desk = Desk()

    async def inner(_: Call) -> Reply:
        assert await desk.left() == {"tokens": MOST - 300, "concurrency": 1}
        raise error

    with pytest.raises(type(error)):
        await desk.run(inner)
    assert await desk.left() == {"tokens": MOST, "concurrency": 2}


async def test_who_leaves_before_the_answer_has_not_asked_for_nothing() -> None:
    desk = Desk()
    begun = asyncio.Event()

    async def inner(_: Call) -> Reply:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    work = asyncio.ensure_future(desk.run(inner))
    await asyncio.wait_for(begun.wait(), 5)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await desk.left() == {"tokens": MOST - 300, "concurrency": 2}


async def test_requests_count_whatever_becomes_of_them() -> None:
    desk = Desk(requests="3/minute")

    async def inner(_: Call) -> Reply:
        raise NotFound("no")

    for _ in range(3):
        with pytest.raises(NotFound):
            await desk.run(inner)
    with pytest.raises(RateLimited):
        await desk.run(inner)


# Streams.


class Stream:
    """A body whose end is written to the access line as the models' side does it."""

    def __init__(self, made: Call, *chunks: bytes | BaseException, **fields: int) -> None:
        self.closed = 0
        self._call = made
        self._chunks = list(chunks)
        self._fields = usage(fields)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            self._call.record.fields |= self._fields
            raise StopAsyncIteration
        chunk = self._chunks.pop(0)
        if isinstance(chunk, BaseException):
            self._call.record.fields |= self._fields
            raise chunk
        return chunk

    async def aclose(self) -> None:
        self.closed += 1
        self._call.record.fields |= self._fields


async def opened(desk: Desk, *chunks: bytes | BaseException, **fields: int) -> tuple[Stream, Any]:
    streams = []

    async def inner(made: Call) -> Reply:
        streams.append(Stream(made, *chunks, **fields))
        return Reply(206, ((b"x", b"y"),), streams[0])

    reply = await desk.run(inner)
    assert (reply.status, reply.headers[0]) == (206, (b"x", b"y"))
    assert await desk.left() == {"tokens": MOST - 300, "concurrency": 1}
    return streams[0], reply.body


async def test_a_stream_is_settled_at_its_end_and_holds_its_place_until_then() -> None:
    desk = Desk()
    _, body = await opened(desk, b"one", b"two", read=90, written=33)
    assert await anext(body) == b"one"
    assert await desk.left() == {"tokens": MOST - 300, "concurrency": 1}
    assert [chunk async for chunk in body] == [b"two"]
    await body.aclose()
    assert await desk.left() == {"tokens": MOST - 123, "concurrency": 2}


async def test_a_stream_whose_provider_says_nothing_counts_the_estimate() -> None:
    desk = Desk()
    _, body = await opened(desk, b"one")
    assert [chunk async for chunk in body] == [b"one"]
    assert await desk.left() == {"tokens": MOST - 300, "concurrency": 2}


@pytest.mark.parametrize(
    ("fields", "used"),
    [({}, 100 + 100), ({"read": 90, "written": 1}, 90 + 100), ({"read": 90, "written": 170}, 90 + 170)],
)
async def test_who_hangs_up_before_the_count_comes_pays_for_what_was_sent(fields: dict[str, int], used: int) -> None:
    desk = Desk()
    stream, body = await opened(desk, b"x" * 1600, b"never read", **fields)
    await anext(body)
    await body.aclose()
    await body.aclose()
    assert stream.closed == 2
    assert await desk.left() == {"tokens": MOST - used, "concurrency": 2}


async def test_a_stream_that_breaks_counts_what_came_of_it() -> None:
    desk = Desk()
    _, body = await opened(desk, b"x" * 160, UpstreamTimeout("silent"), read=90)
    await anext(body)
    with pytest.raises(UpstreamTimeout):
        await anext(body)
    assert await desk.left() == {"tokens": MOST - 100, "concurrency": 2}


async def test_a_stream_that_ends_with_an_error_of_its_provider_was_cut() -> None:
    desk = Desk()

    async def inner(made: Call) -> Reply:
        async def body() -> AsyncGenerator[bytes, None]:
            yield b"x" * 160
            made.record.error = "invalid: it ended before it was complete"

        return Reply(body=body())

    reply = await desk.run(inner)
    assert not isinstance(reply.body, bytes)
    assert [len(chunk) async for chunk in reply.body] == [160]
    assert await desk.left() == {"tokens": MOST - 110, "concurrency": 2}


async def test_a_stream_that_nobody_reads_is_closed_and_paid_back_but_for_the_prompt() -> None:
    desk = Desk()
    ended = []

    async def inner(_: Call) -> Reply:
        async def body() -> AsyncGenerator[bytes, None]:
            try:
                yield b"never sent"
            finally:
                ended.append(True)

        return Reply(body=body())

    reply = await desk.run(inner)
    assert not isinstance(reply.body, bytes)
    await discard(reply.body)
    assert ended == [True]
    assert await desk.left() == {"tokens": MOST - 100, "concurrency": 2}


async def test_a_place_of_a_stream_is_free_for_the_next_when_it_has_ended() -> None:
    desk = Desk(concurrency=1)

    async def inner(made: Call) -> Reply:
        return Reply(body=Stream(made, b"one"))

    reply = await desk.run(inner)
    with pytest.raises(RateLimited):
        await desk.run(answering())
    assert (await desk.run(answering(), call(BOB, protocol="llm"))).status == 200
    assert not isinstance(reply.body, bytes)
    assert [chunk async for chunk in reply.body] == [b"one"]
    assert (await desk.run(answering())).status == 200


# What is counted.


@pytest.mark.parametrize("operation", sorted(UNCOUNTED))
async def test_what_is_no_call_of_its_own_is_never_refused(operation: str) -> None:
    desk = Desk(requests="1/day", concurrency=1)
    await desk.run(answering())
    for _ in range(3):
        assert (await desk.run(answering(), call(operation=operation))).status == 200
    assert await desk.left() == {"requests": 0, "concurrency": 1}


async def test_who_listens_for_news_counts_once_and_holds_no_place() -> None:
    desk = Desk(requests="5/day", concurrency=1)

    async def inner(made: Call) -> Reply:
        return Reply(body=Stream(made, b"one"))

    await desk.run(inner, call(operation="subscriptions/listen"))
    assert await desk.left() == {"requests": 4, "concurrency": 1}


async def test_the_caller_is_whoever_was_identified() -> None:
    desk = Desk(requests="1/day")
    for who in (ALICE, BOB):
        await desk.run(answering(), call(who))
        with pytest.raises(RateLimited):
            await desk.run(answering(), call(who))


# Refused in the caller's own protocol.

ERROR = too_often("per-caller", "requests", Rate(600, "minute"), left=0, seconds=11.5, now=0.0)
SAYS = 'the limit "per-caller" is reached: 600 requests per minute; try again in 12 s'
NAMES = {b"retry-after", b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset"}


def told(reply: Reply, status: int = 429) -> Any:
    assert reply.status == status
    headers = dict(reply.headers)
    assert headers[b"content-type"] == b"application/json"
    assert (headers[b"retry-after"], headers[b"x-ratelimit-reset-requests"]) == (b"12", b"12s")
    assert headers.keys() >= NAMES
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


@pytest.mark.parametrize(
    ("era", "accepted", "status"), [("modern", False, 429), ("legacy", False, 429), ("legacy", True, 200)]
)
def test_mcp_clients_get_a_json_rpc_error_and_old_ones_keep_their_session(
    era: Era, accepted: bool, status: int
) -> None:
    made = call()
    made.record.wire = McpWire(era, b"7", accepted=accepted)
    data = {"reason": "rate_limited", "retryable": True, "retry_after": 12}
    assert told(render_error(made.record, ERROR), status) == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": -32005, "message": SAYS, "data": data},
    }


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_a2a_clients_of_json_rpc_get_an_error_with_the_status(version: Any) -> None:
    body = told(render_a2a(Speech(version, "jsonrpc"), Raw(b'"x"'), ERROR))
    assert (body["id"], body["error"]["message"]) == ("x", SAYS)
    assert body["error"]["code"] == -32000  # not that the request is invalid: it may be sent again
    data = body["error"]["data"]
    assert (data[0] if version == "1.0" else data)["reason"] == "RATE_LIMITED"


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_a2a_clients_of_rest_get_resource_exhausted(version: Any) -> None:
    error = told(render_a2a(Speech(version, "rest"), EMPTY, ERROR))["error"]
    assert (error["code"], error["status"], error["message"]) == (429, "RESOURCE_EXHAUSTED", SAYS)


@pytest.mark.parametrize(
    ("format_", "wanted"),
    [
        ("openai", {"error": {"message": SAYS, "type": "rate_limit_error", "code": "rate_limit_exceeded"}}),
        ("responses", {"error": {"message": SAYS, "type": "rate_limit_error", "code": "rate_limit_exceeded"}}),
        ("anthropic", {"type": "error", "error": {"type": "rate_limit_error", "message": SAYS}}),
        ("gemini", {"error": {"code": 429, "message": SAYS, "status": "RESOURCE_EXHAUSTED"}}),
    ],
)
def test_clients_of_models_get_their_vendors_error(format_: Format, wanted: dict[str, Any]) -> None:
    made = call(protocol="llm")
    made.record.wire = ModelWire(format_)
    found = told(render_llm(made.record, ERROR))
    error = found["error"]
    assert {key: error[key] for key in wanted["error"]} == wanted["error"]
    assert found.get("type") == wanted.get("type")


# What those are told who pass.


async def test_who_passes_is_told_how_it_stands_to_each_rate() -> None:
    desk = Desk(requests="3/minute", tokens=f"{MOST}/day")
    for left in (2, 1, 0):
        found = dict((await desk.run(answering(read=90, written=10))).headers)
        assert found[b"x-ratelimit-remaining-requests"] == b"%d" % left
        assert found[b"x-ratelimit-limit-tokens"] == b"%d" % MOST
        assert b"retry-after" not in found
    assert found[b"ratelimit"].startswith(b'"a";r=0;t=')


async def test_an_error_that_was_made_a_reply_is_told_too_and_a_place_alone_is_not() -> None:
    desk = Desk(requests="3/minute")
    assert dict((await desk.run(answering(503))).headers)[b"ratelimit-remaining"] == b"2"
    assert (await Desk(concurrency=2).run(answering())).headers == ()
    assert (await desk.run(answering(), call(operation="ping"))).headers == ()


async def test_what_a_provider_says_of_its_own_limits_makes_room() -> None:
    desk = Desk(requests="3/minute")
    theirs = ((b"x-ratelimit-limit-requests", b"9"), (b"x-ratelimit-limit-tokens", b"8"), (b"x", b"y"))

    async def inner(_: Call) -> Reply:
        return Reply(200, theirs, b"ok")

    found = (await desk.run(inner)).headers
    assert found[:2] == theirs[1:]
    assert [value for name, value in found if name == b"x-ratelimit-limit-requests"] == [b"3"]

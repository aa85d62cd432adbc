"""Fault drills over the whole path: an outage of the primary, as docs/resilience.md draws it."""

import asyncio

import pytest

from tests.llm import providers as scripted
from tests.llm.kit import front, two
from tests.llm.providers import SHAPES, Shape, provider

pytestmark = pytest.mark.anyio

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@STREAMED
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_no_client_sees_an_outage_that_a_fallback_could_have_prevented(shape: Shape, stream: bool) -> None:
    path, body = (shape.stream_path(), shape.stream_body()) if stream else (shape.path, shape.body())
    good = scripted.sse(*shape.stream) if stream else scripted.json(shape.whole)
    bad = [scripted.json({}, 529), scripted.page(503), scripted.sse(*shape.stream[:1], end="cut")]
    async with (
        provider(*bad, scripted.json({}, 500)) as one,
        provider(good) as other,
        front(two(one.base + shape.base, other.base + shape.base, shape.type)) as gate,
    ):
        answers = [await gate.send(path, body) for _ in range(12)]
        assert {got.status for got in answers} == {200}
        assert len(one.asked) == 5  # then the breaker is open
        assert gate.breakers.of("one", "a").state == "open"
        one.answers[:] = [good]
        gate.clock.ahead += 60
        back = await gate.send(path, body)
        assert back.headers[b"x-fedgate-target"] == b"one/a"
        assert gate.breakers.of("one", "a").state == "closed"
    assert gate.meter.of("breaker") == [("one", "a", state) for state in ("open", "half_open", "closed")]


async def test_one_request_alone_tries_a_provider_that_may_be_well_again() -> None:
    shape = SHAPES["openai"]
    async with (
        provider(scripted.json({}, 503)) as one,
        provider(scripted.json(shape.whole)) as other,
        front(two(one.base + "/v1", other.base + "/v1")) as gate,
        asyncio.timeout(8),
    ):
        for _ in range(5):
            await gate.send(shape.path, shape.body())
        gate.clock.ahead += 60
        one.answers[:] = [scripted.json(shape.whole)]
        answers = await asyncio.gather(*[gate.send(shape.path, shape.body()) for _ in range(8)])
    assert len(one.asked) == 6
    targets = sorted(got.headers[b"x-fedgate-target"] for got in answers)
    assert targets == [b"one/a"] + [b"two/b"] * 7


async def test_the_reason_tells_the_whole_story() -> None:
    shape = SHAPES["anthropic"]
    async with (
        provider(scripted.json(shape.whole)) as other,
        front(two("http://127.0.0.1:1", other.base, "anthropic", on=["refused"])) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
    assert got.headers[b"x-fedgate-route"] == b"m"
    assert got.headers[b"x-fedgate-target"] == b"two/b"
    assert got.headers[b"x-fedgate-reason"] == b"fallback; one/a: refused"
    assert got.record.fields["reason"] == "fallback; one/a: refused"
    assert got.record.endpoint == other.base.removeprefix("http://")


async def test_when_all_fail_the_last_providers_words_reach_the_client() -> None:
    shape = SHAPES["anthropic"]
    words = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    async with (
        provider(scripted.json({}, 500)) as one,
        provider(scripted.json(words, 529)) as other,
        front(two(one.base, other.base, "anthropic")) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
    assert (got.status, got.json) == (529, words)
    assert got.headers[b"x-fedgate-reason"] == b"fallback; one/a: 500, two/b: 529"
    assert gate.meter.of("request") == [("b", "two", 529)]

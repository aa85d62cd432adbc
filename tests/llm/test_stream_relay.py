"""llm/stream_relay.py: streams that fail before or after they commit, in each client format."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.core.http_peer import until
from tests.llm import providers as scripted
from tests.llm.kit import Front, Got, front, manifest, two
from tests.llm.providers import (
    ANTHROPIC_END,
    ANTHROPIC_OVERLOADED,
    ANTHROPIC_PING,
    ANTHROPIC_START,
    ANTHROPIC_TEXT,
    ANTHROPIC_THINKING,
    PAUSE,
    SHAPES,
    Provider,
    Shape,
    frames,
    gemini_chunk,
    openai_chunk,
    provider,
    sse,
)

pytestmark = pytest.mark.anyio

EVERY = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)

PREAMBLE: dict[str, Sequence[bytes]] = {
    "openai": frames(openai_chunk({"role": "assistant", "content": ""}), openai_chunk({"reasoning_content": "Hm"})),
    "responses": SHAPES["responses"].stream[:4],
    "anthropic": frames(ANTHROPIC_START, ANTHROPIC_PING, *ANTHROPIC_THINKING, ANTHROPIC_TEXT[0], named=True),
    "gemini": frames(gemini_chunk("Hm", thought=True)),
}
"""What comes before any text; with thoughts."""
BEGUN: dict[str, Sequence[bytes]] = {
    "openai": frames(openai_chunk({"role": "assistant", "content": ""}), openai_chunk({"content": "Hello"})),
    "responses": SHAPES["responses"].stream[:5],
    "anthropic": frames(ANTHROPIC_START, *ANTHROPIC_TEXT[:2], named=True),
    "gemini": frames(gemini_chunk("Hello")),
}
"""With a first text."""
ERROR: dict[str, bytes] = {
    "openai": frames({"error": {"type": "server_error", "message": "no room", "code": None, "param": None}})[0],
    "responses": frames(
        {"type": "error", "code": "server_error", "message": "no room", "param": None, "sequence_number": 5}, named=True
    )[0],
    "anthropic": frames(ANTHROPIC_OVERLOADED, named=True)[0],
    "gemini": frames({"error": {"code": 503, "message": "no room", "status": "UNAVAILABLE"}})[0],
}


def path(shape: Shape) -> str:
    return shape.stream_path() + ("?alt=sse" if shape.format == "gemini" else "")


def body(shape: Shape) -> bytes:
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if shape.format == "openai" else {}
    return shape.body() if shape.format == "gemini" else shape.body(stream=True, **more)


async def send(gate: Front, shape: Shape, up: Provider | None = None) -> Got:
    async with asyncio.timeout(8):
        return await gate.send(path(shape), body(shape), reading=up.resume if up else None)


def last_error(got: Got, shape: Shape) -> str:
    """The sentence of the error event that ends a stream."""
    frame = got.body.removesuffix(b"\n\n").rpartition(b"\n\n")[2]
    named = b"event: error\ndata: " if shape.format in ("anthropic", "responses") else b"data: "
    assert frame.startswith(named), frame
    event = json.loads(frame.removeprefix(named))
    if shape.format == "responses":
        assert event["type"] == "error"
        assert event["error"]["message"] == event["message"]
        return str(event["message"])
    if shape.format == "anthropic":
        assert event["type"] == "error"
    return str(event["error"]["message"])


@EVERY
@pytest.mark.parametrize("fault", ["error", "cut", "end", "stall", "status", "html", "garbage"])
async def test_a_stream_that_fails_before_its_first_text_falls_back_unseen(shape: Shape, fault: str) -> None:
    preamble = PREAMBLE[shape.format]
    first = {
        "error": sse(*preamble, ERROR[shape.format]),
        "cut": sse(*preamble, end="cut"),
        "end": sse(*preamble),
        "stall": sse(*preamble, end="stall"),
        "status": scripted.json({"error": {"message": "no room"}}, 529),
        "html": scripted.page(200),
        "garbage": sse(*preamble, b"data: {not json\n\n"),
    }[fault]
    async with provider(first) as one, provider(sse(*shape.stream)) as other:
        models = two(one.base + shape.base, other.base + shape.base, shape.type)
        models["providers"]["one"]["idle_timeout"] = "80ms"
        async with front(models) as gate:
            got = await send(gate, shape)
    assert (got.status, got.body) == (200, b"".join(shape.stream))
    assert got.headers[b"x-fedgate-target"] == b"two/b"
    assert got.record.fields["fallback"] == "one/a -> two/b"
    assert len(gate.meter.of("fallback")) == 1
    assert gate.breakers.of("one", "a").last is not None
    assert [each.active for each in gate.means.providers.values()] == [0, 0]


@EVERY
@pytest.mark.parametrize("fault", ["cut", "end", "stall", "garbage"])
async def test_a_stream_that_fails_after_its_first_text_ends_with_an_error_of_the_clients_format(
    shape: Shape, fault: str
) -> None:
    begun = BEGUN[shape.format]
    first = {
        "cut": sse(*begun, PAUSE, b"data: {", end="cut"),
        "end": sse(*begun, PAUSE),
        "stall": sse(*begun, end="stall"),
        "garbage": sse(*begun, PAUSE, b"data: {not json\n\n"),
    }[fault]
    async with provider(first) as one, provider(sse(*shape.stream)) as other:
        models = two(one.base + shape.base, other.base + shape.base, shape.type)
        models["providers"]["one"]["idle_timeout"] = "80ms"
        async with front(models) as gate:
            got = await send(gate, shape, one)
    assert got.status == 200
    assert got.body.startswith(b"".join(begun))
    sentence = {
        "cut": "The provider one broke the connection off before it had answered.",
        "end": "The provider one ended its stream before it was complete.",
        "stall": "The provider one did not answer in time.",
        "garbage": "The provider one ended its stream before it was complete.",
    }[fault]
    assert last_error(got, shape) == sentence
    assert other.asked == []
    assert got.record.error.endswith(sentence)
    assert gate.breakers.of("one", "a").last is not None
    assert gate.meter.of("request") == [("a", "one", 504 if fault == "stall" else 502)]
    assert gate.means.providers["one"].active == 0


@EVERY
async def test_the_providers_own_error_event_passes_after_the_first_text(shape: Shape) -> None:
    begun, error = BEGUN[shape.format], ERROR[shape.format]
    async with (
        provider(sse(*begun, PAUSE, error)) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
    ):
        got = await send(gate, shape, up)
    assert got.body == b"".join(begun) + error
    assert got.record.error != ""
    assert gate.breakers.of("up", "gpt").last is not None


@EVERY
async def test_text_and_an_error_that_come_together_have_reached_nobody(shape: Shape) -> None:
    failing = sse(b"".join([*BEGUN[shape.format], ERROR[shape.format]]))
    async with (
        provider(failing) as one,
        provider(sse(*shape.stream)) as other,
        front(two(one.base + shape.base, other.base + shape.base, shape.type)) as gate,
    ):
        got = await send(gate, shape)
    assert got.body == b"".join(shape.stream)


@EVERY
async def test_an_error_event_at_the_very_start_gets_a_status_of_its_own(shape: Shape) -> None:
    async with (
        provider(sse(ERROR[shape.format])) as up,
        front(manifest(up.base + shape.base, shape.type, retry={"attempts": 0})) as gate,
    ):
        got = await send(gate, shape)
    assert got.status in (500, 529)
    assert got.headers[b"content-type"] == b"application/json"
    assert got.json["error"]["message"] in ("no room", "Overloaded")


@EVERY
async def test_a_stream_may_be_tried_again_at_the_same_provider_before_its_first_text(shape: Shape) -> None:
    failing = sse(*PREAMBLE[shape.format][:1], end="cut")
    async with (
        provider(failing, sse(*shape.stream)) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
    ):
        got = await send(gate, shape)
    if shape.format == "gemini":  # a thought, shown at once where there is nothing to fall back to
        assert got.body.startswith(PREAMBLE["gemini"][0])
    else:
        assert got.body == b"".join(shape.stream)
        assert len(up.asked) == 2


@EVERY
async def test_a_stream_cut_in_its_last_frame_is_still_told_apart_from_a_whole_one(shape: Shape) -> None:
    whole = b"".join(shape.stream)
    async with provider(sse(whole.rstrip(b"\r\n"))) as up, front(manifest(up.base + shape.base, shape.type)) as gate:
        got = await send(gate, shape)
    assert got.body.rstrip() == whole.rstrip()  # only the last blank line was missing
    assert got.record.error == ""


@EVERY
async def test_a_client_that_leaves_a_stream_ends_the_providers_at_once(shape: Shape) -> None:
    async with (
        provider(sse(*BEGUN[shape.format], end="stall")) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
        asyncio.timeout(5),
    ):
        reply = await gate.open(path(shape), body(shape))
        assert not isinstance(reply.body, bytes)
        assert await anext(reply.body)
        assert gate.means.providers["up"].active == 1
        await reply.body.aclose()  # type: ignore[attr-defined]
        await until(lambda: bool(up.left))
        assert gate.means.providers["up"].active == 0
        assert gate.breakers.of("up", "gpt").last is None


async def test_a_stream_that_nobody_begins_to_read_is_closed_all_the_same() -> None:
    shape = SHAPES["anthropic"]
    async with (
        provider(sse(*BEGUN["anthropic"], end="stall")) as up,
        front(manifest(up.base, "anthropic")) as gate,
        asyncio.timeout(5),
    ):
        reply = await gate.open(shape.path, shape.stream_body())
        await reply.body.aclose()  # type: ignore[union-attr]
        await until(lambda: bool(up.left))
        assert gate.means.providers["up"].active == 0


async def test_a_reader_that_is_slow_holds_the_provider_back() -> None:
    shape = SHAPES["anthropic"]
    text = frames(ANTHROPIC_START, *ANTHROPIC_TEXT[:2], named=True)
    big = {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "x" * 60_000}}
    many = frames(*[big] * 400, named=True)
    async with (
        provider(sse(*text, *many, *frames(*ANTHROPIC_END, named=True))) as up,
        front(manifest(up.base, "anthropic")) as gate,
        asyncio.timeout(8),
    ):
        reply = await gate.open(shape.path, shape.stream_body())
        assert not isinstance(reply.body, bytes)
        first = await anext(reply.body)
        for _ in range(200):
            await asyncio.sleep(0)
        longest = 0
        total = len(first)
        async for chunk in reply.body:
            longest = max(longest, len(chunk))
            total += len(chunk)
    assert total == sum(map(len, (*text, *many, *frames(*ANTHROPIC_END, named=True))))
    assert longest < 1024 * 1024


async def test_thoughts_are_shown_as_they_come_where_there_is_nothing_to_fall_back_to() -> None:
    shape = SHAPES["anthropic"]
    thinking = frames(ANTHROPIC_START, *ANTHROPIC_THINKING[:2], named=True)
    async with (
        provider(sse(*thinking, end="stall")) as up,
        front(manifest(up.base, "anthropic")) as gate,
        asyncio.timeout(5),
    ):
        reply = await gate.open(shape.path, shape.stream_body())
        assert await anext(reply.body) == b"".join(thinking)  # type: ignore[arg-type]
        await reply.body.aclose()  # type: ignore[union-attr]


async def test_pings_alone_are_no_beginning() -> None:
    shape = SHAPES["anthropic"]
    pings = frames(*[ANTHROPIC_PING] * 3, named=True)
    async with provider(sse(*pings, end="stall")) as one, provider(sse(*shape.stream)) as other:
        models = two(one.base, other.base, "anthropic")
        models["routes"]["m"]["targets"][0]["first_byte_timeout"] = "80ms"
        async with front(models) as gate:
            got = await send(gate, shape)
    assert got.body == b"".join(shape.stream)
    assert gate.meter.of("fallback") == [("one/a", "two/b", "timeout")]


async def test_an_array_is_closed_even_if_the_connection_breaks_behind_its_last_chunk() -> None:
    shape = SHAPES["gemini"]
    async with (
        provider(sse(*shape.stream, PAUSE, b"data: {", end="cut")) as up,
        front(manifest(up.base, "gemini")) as gate,
    ):
        got = await gate.send(shape.stream_path(), shape.body(), reading=up.resume)
    assert len(got.json) == len(shape.stream)
    assert got.record.error == ""

"""llm/translated.py end to end: every client format over every provider format, whole and streamed, and failing."""

import json
import struct
import zlib
from typing import Any

import pytest

from fedgate.llm.neutral import Usage
from tests.llm import providers as scripted
from tests.llm.kit import Got, front, manifest, two
from tests.llm.providers import (
    ANTHROPIC_OVERLOADED,
    ANTHROPIC_START,
    ANTHROPIC_TEXT,
    ANTHROPIC_THINKING,
    PAUSE,
    SHAPES,
    Answer,
    Shape,
    frames,
    provider,
    sse,
)

pytestmark = pytest.mark.anyio

BEDROCK = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello there!"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 30, "outputTokens": 9, "totalTokens": 39},
    "metrics": {"latencyMs": 1275},
}


def event(name: str, payload: dict[str, Any], kind: str = "event") -> bytes:
    """One frame of an AWS event stream."""
    headers = b""
    for key, text in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind)):
        raw = text.encode()
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw
    data = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + data
    return whole + struct.pack(">I", zlib.crc32(whole))


BEDROCK_STREAM = [
    event("messageStart", {"role": "assistant"}),
    event("contentBlockDelta", {"delta": {"text": "Hello"}, "contentBlockIndex": 0}),
    event("contentBlockDelta", {"delta": {"text": " there!"}, "contentBlockIndex": 0}),
    event("contentBlockStop", {"contentBlockIndex": 0}),
    event("messageStop", {"stopReason": "end_turn"}),
    event("metadata", {"usage": BEDROCK["usage"], "metrics": {"latencyMs": 9}}),
]
BINARY = {"content-type": "application/vnd.amazon.eventstream"}

WHOLE: dict[str, Any] = {**{name: shape.whole for name, shape in SHAPES.items()}, "bedrock": BEDROCK}
USAGE = {**{name: shape.usage for name, shape in SHAPES.items()}, "bedrock": (30, 9)}
PATHS = {
    "openai": b"/v1/chat/completions",
    "responses": b"/v1/responses",
    "anthropic": b"/v1/messages",
    "gemini": b"/v1beta/models/gpt:generateContent",
    "bedrock": b"/model/gpt/converse",
}


def stream_of(format_: str) -> Answer:
    if format_ == "bedrock":
        return Answer(200, BINARY, BEDROCK_STREAM)
    return sse(*SHAPES[format_].stream)


def models(base: str, format_: str) -> dict[str, Any]:
    if format_ == "bedrock":
        found = manifest(base, "bedrock")
        found["providers"]["up"]["region"] = "us-east-1"
    elif format_ == "responses":
        found = manifest(base + "/v1", "openai")
        found["providers"]["up"]["formats"] = ["responses"]
    else:
        found = manifest(base + SHAPES[format_].base, SHAPES[format_].type)
        if format_ == "openai":
            found["providers"]["up"]["formats"] = ["openai"]
    found["routes"]["m"]["path"] = "/way"
    return found


PAIRS = [(shape, out) for shape in SHAPES.values() for out in PATHS if shape.format != out]
_OTHERS = [each for each in SHAPES.values() if each.format != "anthropic"]
OTHERS = pytest.mark.parametrize("shape", _OTHERS, ids=lambda shape: shape.format)
EACH = pytest.mark.parametrize(("shape", "out"), PAIRS, ids=[f"{shape.format}-{out}" for shape, out in PAIRS])


def text_of(shape: Shape, body: Any) -> str:
    if shape.format == "openai":
        return str(body["choices"][0]["message"]["content"])
    if shape.format == "responses":
        return "".join(p["text"] for i in body["output"] if i["type"] == "message" for p in i["content"])
    if shape.format == "anthropic":
        return "".join(block.get("text", "") for block in body["content"])
    return "".join(p["text"] for p in body["candidates"][0]["content"]["parts"] if not p.get("thought"))


def events(got: Got) -> list[Any]:
    found = []
    for frame in got.body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = b"".join(line[6:] for line in frame.split(b"\n") if line.startswith(b"data: "))
        if data and data != b"[DONE]":
            found.append(json.loads(data))
    return found


def streamed_text(shape: Shape, got: Got) -> str:
    found = events(got)
    if shape.format == "openai":
        return "".join(c["delta"].get("content") or "" for e in found for c in e["choices"])
    if shape.format == "responses":
        return "".join(e["delta"] for e in found if e["type"] == "response.output_text.delta")
    if shape.format == "anthropic":
        return "".join(e["delta"].get("text", "") for e in found if e["type"] == "content_block_delta")
    return "".join(text_of(shape, e) for e in found)


@EACH
async def test_a_whole_answer_reaches_the_client_in_its_own_format(shape: Shape, out: str) -> None:
    async with provider(scripted.json(WHOLE[out])) as up, front(models(up.base, out)) as gate:
        got = await gate.send(shape.path, shape.body())
    assert got.status == 200, got.body
    assert text_of(shape, got.json) == "Hello there!"
    assert up.asked[0].target == PATHS[out]
    assert got.headers[b"x-fedgate-target"] == b"up/gpt"
    fields = got.record.fields
    assert (fields["gen_ai.usage.input_tokens"], fields["gen_ai.usage.output_tokens"]) == USAGE[out]


@EACH
async def test_a_stream_reaches_the_client_in_its_own_format(shape: Shape, out: str) -> None:
    path = shape.stream_path() + ("?alt=sse" if shape.format == "gemini" else "")
    async with provider(stream_of(out)) as up, front(models(up.base, out)) as gate:
        got = await gate.send(path, shape.stream_body())
    assert got.status == 200, got.body
    assert got.headers[b"content-type"] == b"text/event-stream"
    assert streamed_text(shape, got) == "Hello there!"
    assert got.record.error == ""
    fields = got.record.fields
    assert (fields["gen_ai.usage.input_tokens"], fields["gen_ai.usage.output_tokens"]) == USAGE[out]
    assert gate.breakers.of("up", "gpt").last is None
    assert gate.means.providers["up"].active == 0


async def test_gemini_clients_without_alt_sse_get_an_array_from_every_provider() -> None:
    shape = SHAPES["gemini"]
    async with provider(sse(*SHAPES["anthropic"].stream)) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send(shape.stream_path(), shape.body())
    assert got.headers[b"content-type"] == b"application/json"
    assert "".join(text_of(shape, chunk) for chunk in got.json) == "Hello there!"


async def test_the_seeds_request_reaches_anthropic_below_its_routes_path() -> None:
    body = (
        b'{"messages": [{"role": "system", "content": "You are a skilled cloud-native network engineer."},'
        b'{"role": "user", "content": "What is a credit card?"}]}'
    )
    async with provider(scripted.json(WHOLE["anthropic"])) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send("/way", body, headers={"x-api-key": "k", "anthropic-version": "2023-06-01"})
    assert got.status == 200
    assert got.json["choices"][0]["message"]["content"] == "Hello there!"
    assert got.json["model"] == "gpt"
    (sent,) = up.bodies
    assert sent["model"] == "gpt"
    assert sent["max_tokens"] > 0
    assert "skilled cloud-native" in json.dumps(sent["system"])
    assert [message["role"] for message in sent["messages"]] == ["user"]


async def test_usage_comes_in_a_translated_stream_only_if_it_was_asked_for() -> None:
    shape = SHAPES["openai"]
    async with provider(sse(*SHAPES["anthropic"].stream)) as up, front(models(up.base, "anthropic")) as gate:
        without = await gate.send(shape.path, shape.body(stream=True))
        with_ = await gate.send(shape.path, shape.body(stream=True, stream_options={"include_usage": True}))
    assert all(each.get("usage") is None for each in events(without))
    assert events(with_)[-1]["usage"]["prompt_tokens"] == 19
    assert gate.meter.of("tokens")[0] == ("gpt", "up", "chat", Usage(19, 10, 2, 5))


async def test_what_a_provider_cannot_be_told_is_named_in_a_header() -> None:
    shape = SHAPES["openai"]
    async with provider(scripted.json(WHOLE["anthropic"])) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send(shape.path, shape.body(seed=7, logit_bias={"1": 2}))
    dropped = got.headers[b"x-fedgate-dropped"].decode().split(", ")
    assert {"seed", "logit_bias"} <= set(dropped)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_compatible_server_that_does_not_know_responses_is_asked_in_chat_from_then_on(stream: bool) -> None:
    shape = SHAPES["responses"]
    chat = stream_of("openai") if stream else scripted.json(WHOLE["openai"])
    unknown = Answer(404, {"content-type": "text/plain"}, [b"404 page not found"])
    async with provider(unknown, chat) as up, front(manifest(up.base + "/v1")) as gate:
        first = await gate.send(shape.path, shape.body(stream=stream))
        second = await gate.send(shape.path, shape.body(stream=stream))
    assert (first.status, second.status) == (200, 200)
    assert [each.target for each in up.asked] == [b"/v1/responses", *[b"/v1/chat/completions"] * 2]
    assert gate.meter.of("error") == []


async def test_a_conversation_that_another_provider_keeps_is_refused() -> None:
    shape = SHAPES["responses"]
    async with front(models("http://127.0.0.1:1", "anthropic")) as gate:
        got = await gate.send(shape.path, shape.body(previous_response_id="resp_1"))
    assert got.status == 400
    assert "send the whole conversation in input" in got.json["error"]["message"]
    assert gate.breakers.of("up", "gpt").last is None


async def test_a_request_that_cannot_be_read_is_a_400_that_names_the_member() -> None:
    shape = SHAPES["openai"]
    async with front(models("http://127.0.0.1:1", "anthropic")) as gate:
        got = await gate.send(shape.path, b'{"model":"m","messages":[{"role":"user","content":5}]}')
    assert got.status == 400
    assert "messages" in got.json["error"]["message"]


@OTHERS
async def test_a_providers_error_is_told_in_the_clients_format(shape: Shape) -> None:
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens: too many"}}
    async with provider(scripted.json(refusal, 400)) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send(shape.path, shape.body())
    assert got.status == 400
    assert got.json["error"]["message"] == "max_tokens: too many"
    assert got.json["error"].get("type") != "error"


@OTHERS
@pytest.mark.parametrize("fault", ["error", "cut", "end"])
async def test_a_translated_stream_falls_back_before_its_first_text(shape: Shape, fault: str) -> None:
    preamble = frames(ANTHROPIC_START, *ANTHROPIC_THINKING, named=True)
    first = {
        "error": sse(*preamble, *frames(ANTHROPIC_OVERLOADED, named=True)),
        "cut": sse(*preamble, end="cut"),
        "end": sse(*preamble),
    }[fault]
    path = shape.stream_path() + ("?alt=sse" if shape.format == "gemini" else "")
    async with (
        provider(first) as one,
        provider(sse(*SHAPES["anthropic"].stream)) as other,
        front(two(one.base, other.base, "anthropic")) as gate,
    ):
        got = await gate.send(path, shape.stream_body())
    assert (got.status, streamed_text(shape, got)) == (200, "Hello there!")
    assert got.headers[b"x-fedgate-target"] == b"two/b"


@OTHERS
@pytest.mark.parametrize("fault", ["error", "end"])
async def test_a_translated_stream_that_fails_later_ends_with_an_error(shape: Shape, fault: str) -> None:
    begun = frames(ANTHROPIC_START, *ANTHROPIC_TEXT[:2], named=True)
    rest = {"error": frames(ANTHROPIC_OVERLOADED, named=True), "end": []}[fault]
    path = shape.stream_path() + ("?alt=sse" if shape.format == "gemini" else "")
    async with provider(sse(*begun, PAUSE, *rest)) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send(path, shape.stream_body(), reading=up.resume)
    last = events(got)[-1]
    error = last["response"]["error"] if shape.format == "responses" and "response" in last else last.get("error", last)
    assert streamed_text_before(shape, got) == "Hello"
    assert ("Overloaded" if fault == "error" else "complete") in error["message"]
    assert got.record.error != ""


def streamed_text_before(shape: Shape, got: Got) -> str:
    """Of the events before the last, which is an error."""
    found = events(got)[:-1]
    if shape.format == "openai":
        return "".join(c["delta"].get("content") or "" for e in found for c in e["choices"])
    if shape.format == "responses":
        return "".join(e["delta"] for e in found if e["type"] == "response.output_text.delta")
    return "".join(text_of(shape, e) for e in found)


async def test_a_bedrock_stream_that_breaks_is_an_error() -> None:
    shape = SHAPES["anthropic"]
    throttled = event("throttlingException", {"message": "slow"}, "exception")
    broken = Answer(200, BINARY, [*BEDROCK_STREAM[:2], PAUSE, throttled])
    async with provider(broken) as up, front(models(up.base, "bedrock")) as gate:
        got = await gate.send(shape.path, shape.stream_body(), reading=up.resume)
    assert events(got)[-1] == {"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}


# What a provider does not say itself.


@pytest.mark.parametrize(
    ("shape", "id_", "dated"),
    [
        ("openai", "chatcmpl-1", True),
        ("responses", "resp_1", True),
        ("anthropic", "msg_1", False),
        ("gemini", "1", False),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_an_answer_without_id_and_date_gets_those_of_the_request(
    shape: str, id_: str, dated: bool, stream: bool
) -> None:
    asked = SHAPES[shape]
    answer = stream_of("bedrock") if stream else scripted.json(BEDROCK)
    path = (asked.stream_path() + ("?alt=sse" if shape == "gemini" else "")) if stream else asked.path
    async with provider(answer) as up, front(models(up.base, "bedrock")) as gate:
        before = int(gate.clock.now())
        got = await gate.send(path, asked.stream_body() if stream else asked.body())
        after = int(gate.clock.now())
    first = events(got)[0] if stream else got.json
    first = first.get("response") or first.get("message") or first
    assert (first.get("id") or first.get("responseId")).removeprefix("fgid-") == ("1" if shape == "gemini" else id_)
    created = first.get("created") or first.get("created_at")
    assert created is None or before <= created <= after
    assert (created is not None) is dated
    assert "created" not in got.headers.get(b"x-fedgate-dropped", b"").decode()


async def test_an_answers_own_id_and_date_stand() -> None:
    async with provider(scripted.json(WHOLE["openai"])) as up, front(models(up.base, "openai")) as gate:
        got = await gate.send(SHAPES["responses"].path, SHAPES["responses"].body())
    assert got.json["id"] == f"resp_{WHOLE['openai']['id']}"
    assert got.json["created_at"] == WHOLE["openai"]["created"]


PATCH = "*** Begin Patch\n*** End Patch"
APPLY_PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
}
PATCHED = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "gpt",
    "content": [{"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {"input": PATCH}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
PATCHING = [
    ANTHROPIC_START,
    {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "tool_use", "id": "toolu_1", "name": "apply_patch", "input": {}},
    },
    *(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": part}}
        for part in ('{"input": "*** Begin', ' Patch\\n*** End Patch"}')
    ),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]


async def test_a_custom_tool_is_called_as_such_though_the_provider_knows_only_functions() -> None:
    shape = SHAPES["responses"]
    async with provider(scripted.json(PATCHED)) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send(shape.path, shape.body(tools=[APPLY_PATCH]))
    assert up.bodies[0]["tools"][0]["input_schema"]["required"] == ["input"]
    (item,) = got.json["output"]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "apply_patch", PATCH)


async def test_a_custom_tool_is_called_as_such_in_a_stream() -> None:
    shape = SHAPES["responses"]
    async with (
        provider(sse(*frames(*PATCHING, named=True))) as up,
        front(models(up.base, "anthropic")) as gate,
    ):
        got = await gate.send(shape.path, shape.body(stream=True, tools=[APPLY_PATCH]))
    found = events(got)
    assert "".join(e["delta"] for e in found if e["type"] == "response.custom_tool_call_input.delta") == PATCH
    (item,) = found[-1]["response"]["output"]
    assert (item["type"], item["input"]) == ("custom_tool_call", PATCH)


# Ends.


async def test_the_empty_line_behind_the_last_event_may_be_missing() -> None:
    shape = SHAPES["openai"]
    *chunks, last = SHAPES["anthropic"].stream
    async with provider(sse(*chunks, last.rstrip(b"\r\n"))) as up, front(models(up.base, "anthropic")) as gate:
        got = await gate.send(shape.path, shape.stream_body())
    assert (streamed_text(shape, got), got.record.error) == ("Hello there!", "")


@pytest.mark.parametrize(("cut", "whole"), [(4, False), (5, True)])
async def test_a_bedrock_stream_that_is_cut_within_an_event_is_complete_only_if_its_end_was_told(
    cut: int, whole: bool
) -> None:
    shape = SHAPES["anthropic"]
    chunks = [*BEDROCK_STREAM[:cut], BEDROCK_STREAM[cut][:-3]]
    async with provider(Answer(200, BINARY, chunks)) as up, front(models(up.base, "bedrock")) as gate:
        got = await gate.send(shape.path, shape.stream_body())
    assert (events(got)[-1]["type"] == "message_stop") is whole
    assert (got.record.error == "") is whole

"""llm/gemini_stream.py: streamGenerateContent, both ways."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.gemini_stream import MAX_HELD, ReadStream, WriteStream
from fedgate.llm.neutral import (
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Foreign,
    Refusal,
    Response,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    Usage,
)
from tests.llm.judges import blocks_of, events_of, frames, gemini_answer, gemini_stream, plain
from tests.llm.test_gemini_answer import RESPONSES, with_reason


def read(*told: Any) -> list[Event]:
    reader = ReadStream()
    return [event for data in told for event in reader.feed(json.dumps(data).encode(), b"message")] + reader.end()


def write(*events: Event, array: bool = False) -> bytes:
    writer = WriteStream("smart", array=array)
    return b"".join(writer.write(event) for event in events)


def chunk(*parts: Any, finish: str | None = None, **members: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **members}


def test_a_recorded_stream_is_read() -> None:
    events = read(
        chunk({"text": "Hm", "thought": True}, responseId="r", modelVersion="g", usageMetadata={"promptTokenCount": 9}),
        chunk({"text": "m.", "thought": True}, responseId="r", modelVersion="g"),
        chunk({"text": "Hel"}),
        chunk({"text": "lo"}),
        chunk({"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}),
        chunk({"functionCall": {"id": "given", "name": "f"}}),
        chunk(
            {"text": "", "thoughtSignature": "dGFpbA=="},
            finish="STOP",
            usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 2},
        ),
    )
    assert events[0] == Started("r", "g", usage=Usage(9))
    assert events[-1] == Finished("tools", Usage(9, 6, reasoning=2))
    thought, text, call, given_, tail = blocks_of(events)
    assert (thought, text) == (Thinking("Hmm.", format="gemini"), Text("Hello"))
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments), call.signature) == ("f", {"a": 1}, "c2ln")
    assert call.id.startswith("call_")
    assert given_ == ToolCall("given", "f")
    assert tail == Thinking("", signature="dGFpbA==", format="gemini")


def test_usage_may_come_after_the_end() -> None:
    events = read(chunk({"text": "a"}, finish="MAX_TOKENS"), {"usageMetadata": {"promptTokenCount": 3}})
    assert events[-1] == Finished("length", Usage(3))
    assert read(chunk({"text": "a"}, finish="STOP"))[-1] == Finished("stop")


def test_a_prompt_that_was_blocked_ends_at_once() -> None:
    assert read({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}) == [
        Started("", "", usage=Usage(3)),
        Finished("filter", Usage(3)),
    ]


def test_a_provider_that_fails_in_the_middle() -> None:
    error = {"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}
    assert read(chunk({"text": "a"}), error, chunk({"text": "b"}))[-1] == Failed("overloaded_error", "Busy.")


def test_a_stream_that_stops_in_the_middle_failed() -> None:
    assert read(chunk({"text": "a"}))[-1] == Failed(
        "api_error", "The provider ended its stream before the answer was complete."
    )


def test_only_the_first_candidate_is_streamed() -> None:
    second = {"content": {"parts": [{"text": "b"}]}, "index": 1}
    told = chunk({"text": "a"}, finish="STOP")
    told["candidates"].append(second)
    assert blocks_of(read(told)) == (Text("a"),)


def test_a_stream_of_too_many_blocks_is_invalid() -> None:
    call = json.dumps(chunk({"functionCall": {"name": "f"}})).encode()
    reader = ReadStream()
    for _ in range(4096):
        reader.feed(call)
    with pytest.raises(UpstreamInvalid, match="more than 4096 blocks"):
        reader.feed(call)


ANSWER = Response(
    "msg_1",
    "claude",
    (
        Thinking("Let me see.", signature="sig", format="anthropic"),
        Text("It is sunny."),
        ToolCall("toolu_1", "f", '{"a":1}'),
        Refusal("No more."),
    ),
)
END = Finished("tools", Usage(10, 20, cache_read=4, reasoning=5))


def test_chunks_are_answers_that_the_sdk_reads() -> None:
    body = write(*events_of(ANSWER), END)
    assert body.endswith(b"\r\n\r\n")
    for frame in frames(body):
        gemini_answer(frame.data)
    chunks = gemini_stream(body)
    parts = [part for each in chunks for c in each.candidates or () if c.content for part in c.content.parts or ()]
    assert "".join(part.text or "" for part in parts if part.thought) == "Let me see."
    assert "".join(part.text or "" for part in parts if not part.thought) == "It is sunny.No more."
    [call] = [part.function_call for part in parts if part.function_call]
    assert (call.id, call.args) == ("toolu_1", {"a": 1})
    last = chunks[-1]
    assert last.usage_metadata is not None
    assert (last.usage_metadata.candidates_token_count, last.usage_metadata.thoughts_token_count) == (15, 5)
    assert [c.finish_reason for c in last.candidates or ()] == ["STOP"]
    assert all((each.response_id, each.model_version) == ("msg_1", "smart") for each in chunks)


def test_without_server_sent_events_the_stream_is_one_array() -> None:
    chunks = json.loads(write(*events_of(ANSWER), END, array=True))
    assert [frame.data for frame in frames(write(*events_of(ANSWER), END))] == [
        json.dumps(each, separators=(",", ":")).encode() for each in chunks
    ]
    assert write(Started("r", "m"), Failed("api_error", "Oh."), array=True) == (
        b'[{"error":{"code":500,"message":"Oh.","status":"INTERNAL"}}]'
    )


def test_a_failure_is_an_error_among_the_chunks() -> None:
    body = write(Started("r", "m"), BlockStarted(0, Text("")), TextDelta(0, "a"), Failed("overloaded_error", "Busy."))
    assert json.loads(frames(body)[-1].data) == {"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}


def test_a_call_whose_end_never_came_is_written_at_the_end() -> None:
    body = write(Started("r", "m"), BlockStarted(0, ToolCall("1", "f")), TextDelta(0, "{}"), Finished("length"))
    assert b'"functionCall":{"id":"1","name":"f","args":{}}' in body


def test_a_signature_that_comes_late_stands_on_its_call() -> None:
    body = write(Started("r", "m"), BlockStarted(0, ToolCall("1", "f")), Signed(0, "S"), BlockEnded(0), END)
    assert b"thoughtSignature" in frames(body)[0].data


def test_arguments_are_held_up_to_a_limit() -> None:
    writer = WriteStream("m")
    writer.write(BlockStarted(0, ToolCall("1", "f")))
    writer.write(TextDelta(0, "x" * MAX_HELD))
    with pytest.raises(UpstreamInvalid, match="longer than"):
        writer.write(TextDelta(0, "x"))


def test_log_probabilities_stand_with_their_text() -> None:
    told = Raw(b'[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}]')
    body = write(Started("r", "m"), BlockStarted(0, Text("")), TextDelta(0, "a", told), BlockEnded(0), END)
    gemini_answer(frames(body)[0].data)
    reader = ReadStream()
    events = [event for frame in frames(body) for event in reader.feed(frame.data)]
    assert [plain(event.logprobs) for event in events if isinstance(event, TextDelta)] == [plain(told)]


def joined(content: tuple[Any, ...]) -> Any:
    """Neighbours of one kind as one block: the stream has no boundaries between them."""
    blocks: list[Any] = []
    for block in content:
        if blocks and type(block) is type(blocks[-1]) and isinstance(block, Text | Thinking):
            blocks[-1] = (
                type(block)(blocks[-1].text + block.text, format="gemini")
                if isinstance(block, Thinking)
                else Text(blocks[-1].text + block.text)
            )
        else:
            blocks.append(block)
    return plain(blocks)


@settings(max_examples=80, deadline=None)
@given(RESPONSES.map(with_reason), st.integers(1, 5))
def test_a_stream_survives_the_way_there_and_back(response: Response, size: int) -> None:
    body = write(*events_of(response, size), Finished(response.reason, response.usage))
    reader = ReadStream()
    events = [event for frame in frames(body) for event in reader.feed(frame.data)]
    for frame in frames(body):
        gemini_answer(frame.data)
    assert joined(blocks_of(events)) == joined(response.content)
    assert events[-1] == Finished(response.reason, response.usage)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from([chunk({"text": "a"}), chunk({"functionCall": {"name": "f"}}), chunk(finish="STOP")]),
            st.dictionaries(
                st.sampled_from(["candidates", "usageMetadata", "error", "promptFeedback", "responseId"]),
                st.sampled_from([None, 1, "x", {}, [], [{}], [{"content": {"parts": [{}]}}], {"promptTokenCount": -1}]),
            ),
        ),
        max_size=6,
    )
)
def test_whatever_a_provider_streams_is_read_or_invalid(told: list[Any]) -> None:
    try:
        events = read(*told)
    except UpstreamInvalid:
        return
    assert isinstance(events[-1], Finished | Failed)


def test_what_only_gemini_knows_stays_as_it_is() -> None:
    part = {"executableCode": {"language": "PYTHON", "code": "1"}}
    [block] = blocks_of(read(chunk(part, finish="STOP")))
    assert isinstance(block, Foreign)
    assert json.loads(bytes(block.raw)) == part


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_junk_is_invalid(data: bytes) -> None:
    try:
        assert ReadStream().feed(data) is not None
    except UpstreamInvalid:
        return

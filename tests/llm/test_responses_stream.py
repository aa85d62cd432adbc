"""llm/responses_stream.py and llm/responses_events.py: the stream of OpenAI's Responses API, both ways."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.carried import unpack
from fedgate.llm.custom_calls import Customs
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
    Tool,
    ToolCall,
    Usage,
)
from fedgate.llm.responses_events import MAX_HELD
from fedgate.llm.responses_stream import ReadStream, WriteStream
from tests.llm.judges import blocks_of, events_of, foreign, frames, plain, responses_events, responses_stream
from tests.llm.test_responses_answer import RESPONSES

USAGE = Usage(10, 20, cache_read=4, cache_write=0, reasoning=5)


def write(*events: Event) -> bytes:
    writer = WriteStream("smart")
    return b"".join(writer.write(event) for event in events)


def read(*told: dict[str, Any]) -> list[Event]:
    reader = ReadStream()
    events = [event for data in told for event in reader.feed(json.dumps(data).encode(), data["type"].encode())]
    return events + reader.end()


ANSWER = Response(
    "msg_01",
    "claude",
    (
        Thinking("Let me see.", signature="sig", format="anthropic"),
        Text("It is sunny."),
        ToolCall("toolu_1", "add", '{"a":1}', namespace="mcp__notes"),
        ToolCall("toolu_2", "apply_patch", "*** Begin", custom=True),
    ),
    created=1756315696,
)


def test_events_come_in_the_order_of_the_real_api() -> None:
    body = write(*events_of(ANSWER, 100), Finished("tools", USAGE))
    assert [event["type"].removeprefix("response.") for event in responses_events(body)] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
        "completed",
    ]


def test_the_sdk_puts_the_stream_together() -> None:
    answer = responses_stream(write(*events_of(ANSWER), Finished("tools", USAGE, service_tier="flex")))
    assert (answer.id, answer.model, answer.status, answer.output_text) == (
        "resp_msg_01",
        "smart",
        "completed",
        "It is sunny.",
    )
    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call", "custom_tool_call"]
    assert (answer.service_tier, answer.created_at) == ("flex", 1756315696)
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens_details.reasoning_tokens) == (10, 5)


def test_places_and_ids_of_items_stay_the_same() -> None:
    events = responses_events(write(*events_of(ANSWER), Finished("tools")))
    added = {e["output_index"]: e["item"]["id"] for e in events if e["type"] == "response.output_item.added"}
    assert added == {0: "rs_msg_01_0", 1: "msg_msg_01_1", 2: "fc_msg_01_2", 3: "ctc_msg_01_3"}
    for event in events:
        if "item_id" in event:
            assert event["item_id"] == added[event["output_index"]]
        elif event["type"] == "response.output_item.done":
            assert event["item"]["id"] == added[event["output_index"]]
    assert [item["id"] for item in events[-1]["response"]["output"]] == list(added.values())


def test_texts_that_follow_one_another_are_parts_of_one_message() -> None:
    content = (Text("a"), Refusal("b"), Text("c"))
    body = write(*events_of(Response("r", "m", content)), Finished("stop"))
    responses_events(body)
    [message] = responses_stream(body).output
    assert [part.type for part in message.content] == ["output_text", "refusal", "output_text"]  # type: ignore[union-attr]


def test_a_signature_of_a_call_travels_as_a_thought() -> None:
    call = ToolCall("c1", "f", signature="S")
    body = write(Started("r", "m"), BlockStarted(0, call), TextDelta(0, "{}"), BlockEnded(0), Finished("tools"))
    responses_events(body)
    thought, _ = responses_stream(body).output
    carried = unpack(thought.encrypted_content or "")  # type: ignore[union-attr]
    assert carried is not None
    assert (carried.call, carried.signature) == ("c1", "S")


def test_a_signature_that_comes_late_travels_behind_its_call() -> None:
    body = write(
        Started("r", "m"), BlockStarted(0, ToolCall("c1", "f")), Signed(0, "S"), BlockEnded(0), Finished("tools")
    )
    responses_events(body)
    assert [item.type for item in responses_stream(body).output] == ["function_call", "reasoning"]


def test_log_probabilities_are_told_in_pieces_and_whole() -> None:
    told = Raw(b'[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}]')
    events = responses_events(
        write(Started("r", "m"), BlockStarted(0, Text("")), TextDelta(0, "a", told), TextDelta(0, "b"), BlockEnded(0),
              Finished("stop"))
    )  # fmt: skip
    [done] = [event for event in events if event["type"] == "response.output_text.done"]
    assert done["logprobs"] == plain(told)


@pytest.mark.parametrize(("reason", "last"), [("length", "incomplete"), ("filter", "incomplete"), ("error", "failed")])
def test_an_answer_that_was_cut_ends_so(reason: Any, last: str) -> None:
    events = responses_events(write(Started("r", "m"), BlockStarted(0, Text("")), TextDelta(0, "a"), Finished(reason)))
    assert events[-1]["type"] == f"response.{last}"
    assert events[-2]["type"] == "response.output_item.done"


def test_a_failure_after_the_beginning_is_a_failed_response() -> None:
    body = write(
        Started("r", "m"), BlockStarted(0, Text("")), TextDelta(0, "a"), Failed("rate_limit_error", "Slow down.")
    )
    last = responses_events(body)[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Slow down."}


def test_a_failure_before_the_beginning_is_an_error() -> None:
    assert responses_events(write(Failed("api_error", "Broken."))) == [
        {"type": "error", "sequence_number": 0, "code": "server_error", "message": "Broken.", "param": None}
    ]


def test_what_only_this_format_knows_passes_and_what_only_others_know_does_not() -> None:
    ours, theirs = foreign("responses"), Foreign("anthropic", Raw(b"{}"))
    body = write(
        Started("r", "m"), BlockStarted(0, ours), BlockEnded(0), BlockStarted(1, theirs), BlockEnded(1),
        TextDelta(7, "of no block"), Signed(7, "s"), Finished("stop"),
    )  # fmt: skip
    assert [event["type"] for event in responses_events(body)][2:-1] == [
        "response.output_item.added",
        "response.output_item.done",
    ]
    assert responses_events(body)[-1]["response"]["output"] == [plain(ours.raw)]


def test_an_answer_is_held_up_to_a_limit() -> None:
    writer = WriteStream("m")
    writer.write(BlockStarted(0, Text("")))
    writer.write(TextDelta(0, "x" * MAX_HELD))
    with pytest.raises(UpstreamInvalid, match="longer than"):
        writer.write(TextDelta(0, "x"))


def test_a_stream_without_an_id_gets_one() -> None:
    body = write(BlockStarted(0, Text("")), TextDelta(0, "a"), BlockEnded(0), Finished("stop"))
    assert responses_stream(body).id.startswith("resp_")


def test_free_text_is_taken_out_of_the_arguments_of_a_function() -> None:
    customs = Customs([Tool("apply_patch", custom=Raw(b'{"type":"text"}'))])
    call = ToolCall("c1", "apply_patch")
    events: list[Event] = [
        Started("r", "m"),
        BlockStarted(0, call),
        TextDelta(0, '{"input":"**'),
        TextDelta(0, '* B"}'),
    ]
    events += [BlockEnded(0), Finished("tools")]
    body = write(*[each for event in events for each in customs.event(event)])
    [item] = responses_stream(body).output
    assert (item.type, item.input) == ("custom_tool_call", "*** B")  # type: ignore[union-attr]


# Reading.

RECORDED: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5", "created_at": 7}},
    {"type": "response.in_progress", "response": {"id": "resp_1", "model": "gpt-5"}},
    {"type": "response.output_item.added", "output_index": 0,
     "item": {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAA"}},
    {"type": "response.reasoning_summary_part.added", "item_id": "rs_1", "output_index": 0, "summary_index": 0,
     "part": {"type": "summary_text", "text": ""}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "One"},
    {"type": "response.reasoning_summary_text.done", "output_index": 0, "summary_index": 0, "text": "One"},
    {"type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 1,
     "part": {"type": "summary_text", "text": ""}},
    {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 1, "delta": "Two"},
    {"type": "response.output_item.done", "output_index": 0,
     "item": {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}},
    {"type": "response.output_item.added", "output_index": 1,
     "item": {"id": "msg_1", "type": "message", "status": "in_progress", "content": [], "role": "assistant"}},
    {"type": "response.content_part.added", "output_index": 1, "content_index": 0,
     "part": {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hel", "logprobs": [],
     "obfuscation": "x9"},
    {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "lo"},
    {"type": "response.output_text.done", "output_index": 1, "content_index": 0, "text": "Hello"},
    {"type": "response.content_part.done", "output_index": 1, "content_index": 0,
     "part": {"type": "output_text", "text": "Hello"}},
    {"type": "response.output_item.done", "output_index": 1,
     "item": {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "Hello"}]}},
    {"type": "response.output_item.added", "output_index": 2,
     "item": {"id": "fc_1", "type": "function_call", "arguments": "", "call_id": "call_1", "name": "f"}},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "item_id": "fc_1", "delta": '{"a"'},
    {"type": "response.function_call_arguments.delta", "output_index": 2, "item_id": "fc_1", "delta": ":1}"},
    {"type": "response.function_call_arguments.done", "output_index": 2, "item_id": "fc_1", "arguments": '{"a":1}'},
    {"type": "response.output_item.done", "output_index": 2,
     "item": {"id": "fc_1", "type": "function_call", "arguments": '{"a":1}', "call_id": "call_1", "name": "f"}},
    {"type": "response.output_item.added", "output_index": 3, "item": {"id": "ws_1", "type": "web_search_call"}},
    {"type": "response.web_search_call.searching", "output_index": 3, "item_id": "ws_1"},
    {"type": "response.output_item.done", "output_index": 3, "item": {"id": "ws_1", "type": "web_search_call"}},
    {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "service_tier": "default",
     "usage": {"input_tokens": 9, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 2}}}},
]  # fmt: skip


def test_a_recorded_stream_is_read() -> None:
    events = read(*RECORDED)
    assert events[0] == Started("resp_1", "gpt-5", 7)
    assert events[-1] == Finished("tools", Usage(9, 4, reasoning=2), service_tier="default")
    assert plain(blocks_of(events)) == plain(
        (
            Thinking("One\n\nTwo", sealed="gAAAA", id="rs_1", format="responses"),
            Text("Hello"),
            ToolCall("call_1", "f", '{"a":1}'),
            Foreign("responses", Raw(b'{"id": "ws_1", "type": "web_search_call"}')),
        )
    )


def test_what_was_not_streamed_is_taken_from_the_items_that_are_done() -> None:
    items = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "id": "rs_1"},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    done = [{"type": "response.output_item.done", "output_index": at, "item": item} for at, item in enumerate(items)]
    wanted = (Thinking("Hm", id="rs_1", format="responses"), Text("Hi"), Refusal("No"), ToolCall("c", "f", "{}"))
    last = {"type": "response.completed", "response": {"status": "completed", "output": items}}
    assert blocks_of(read(*done, last)) == wanted
    assert blocks_of(read(last)) == wanted


def test_the_text_of_thoughts_is_not_told_twice() -> None:
    events = read(
        RECORDED[2],
        {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "delta": "raw"},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "summary"},
        RECORDED[8],
        RECORDED[-1],
    )
    assert blocks_of(events) == (Thinking("raw", sealed="gAAAA", id="rs_1", format="responses"),)


@pytest.mark.parametrize(
    ("event", "failed"),
    [
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "Slow."}}},
            Failed("rate_limit_error", "Slow."),
        ),
        ({"type": "error", "code": "server_error", "message": "Oh."}, Failed("api_error", "Oh.")),
        (
            {"type": "error", "error": {"code": "invalid_prompt", "message": "Bad."}},
            Failed("invalid_request_error", "Bad."),
        ),
        ({"type": "", "error": {"code": 500, "message": "Oh."}}, Failed("api_error", "Oh.")),
        ({"type": "response.failed"}, Failed("api_error", "The provider's answer failed.")),
    ],
)
def test_a_provider_that_fails_in_the_middle(event: dict[str, Any], failed: Failed) -> None:
    assert read(RECORDED[0], event, RECORDED[-1])[1:] == [failed]


def test_a_stream_that_stops_in_the_middle_failed() -> None:
    assert read(*RECORDED[:12])[-1] == Failed(
        "api_error", "The provider ended its stream before the answer was complete."
    )


def test_a_stream_of_too_many_blocks_is_invalid() -> None:
    reader = ReadStream()
    done = b'{"type":"response.output_item.done","item":{"type":"web_search_call"}}'
    for _ in range(4096):
        reader.feed(done)
    with pytest.raises(UpstreamInvalid, match="more than 4096 blocks"):
        reader.feed(done)


@settings(max_examples=80, deadline=None)
@given(RESPONSES, st.integers(1, 5))
def test_a_stream_survives_the_way_there_and_back(response: Response, size: int) -> None:
    body = write(*events_of(response, size), Finished(response.reason, response.usage))
    responses_events(body)
    reader = ReadStream()
    events = [event for frame in frames(body) for event in reader.feed(frame.data, frame.event)]
    assert plain(blocks_of(events)) == plain(response.content)
    assert isinstance(last := events[-1], Finished)
    assert last.usage == response.usage


NAMES = sorted({event["type"] for event in RECORDED})


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(RECORDED),
            st.fixed_dictionaries(
                {"type": st.sampled_from(NAMES)},
                optional={
                    "output_index": st.integers(-1, 2),
                    "content_index": st.integers(0, 1),
                    "delta": st.one_of(st.text(max_size=3), st.none(), st.just({})),
                    "item": st.one_of(st.none(), st.just({}), st.just({"type": "message"}), st.just({"type": "x"})),
                    "part": st.one_of(st.none(), st.just({"type": "output_text"})),
                    "response": st.one_of(st.none(), st.just({}), st.just({"output": [1]})),
                },
            ),
        ),
        max_size=8,
    )
)
def test_whatever_a_provider_streams_is_read_or_invalid(told: list[dict[str, Any]]) -> None:
    try:
        events = read(*told)
    except UpstreamInvalid:
        return
    assert isinstance(events[-1], Finished | Failed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_junk_is_invalid(data: bytes) -> None:
    try:
        assert ReadStream().feed(data, b"message") is not None
    except UpstreamInvalid:
        return

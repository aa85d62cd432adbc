import json
from typing import Any

import anthropic
import pytest
from anthropic.types import ThinkingBlock
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.anthropic_answer import write_response
from fedgate.llm.anthropic_request import CANNOT
from fedgate.llm.anthropic_request import read_request as read_history
from fedgate.llm.anthropic_stream import ReadStream, WriteStream
from fedgate.llm.neutral import (
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Foreign,
    Message,
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
from tests.llm.fuzzing import damaged
from tests.llm.neutral_values import collect, events_of, excused, gone, response_facts, responses
from tests.llm.oracles import anthropic_stream, frames

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 20, "output_tokens": 1},
    },
}
STARTED = Started("msg_1", "claude", usage=Usage(25, 1, 20))
END = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
]


def block(index: int, start: Any, *deltas: Any) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def read(*events: Any) -> list[Event]:
    stream = ReadStream()
    found = []
    for event in events:
        data = event if isinstance(event, bytes) else json.dumps(event, separators=(",", ":")).encode()
        found += stream.feed(data, b"ignored")
    return found + stream.end()


class TestReading:
    def test_the_example_of_the_reference_is_read_event_by_event(self) -> None:
        tool = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
        assert read(
            START,
            *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Okay"}),
            {"type": "ping"},
            *block(
                1,
                tool,
                {"type": "input_json_delta", "partial_json": ""},
                {"type": "input_json_delta", "partial_json": '{"location":'},
                {"type": "input_json_delta", "partial_json": ' "SF"}'},
            ),
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 89}},
            {"type": "message_stop"},
        ) == [
            STARTED,
            BlockStarted(0, Text("")),
            TextDelta(0, "Okay"),
            BlockEnded(0),
            BlockStarted(1, ToolCall("toolu_1", "get_weather")),
            TextDelta(1, '{"location":'),
            TextDelta(1, ' "SF"}'),
            BlockEnded(1),
            Finished("tools", Usage(25, 89, 20)),
        ]

    def test_thoughts_keep_their_signature_and_stay_sealed(self) -> None:
        assert read(
            START,
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            *block(1, {"type": "redacted_thinking", "data": "ZW5j"}),
            *END,
        )[1:-1] == [
            BlockStarted(0, Thinking(format="anthropic")),
            TextDelta(0, "hm"),
            Signed(0, "c2ln"),
            BlockEnded(0),
            BlockStarted(1, Thinking(sealed="ZW5j", format="anthropic")),
            BlockEnded(1),
        ]

    def test_arguments_that_come_with_the_start_are_given_once(self) -> None:
        tool = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}
        whole = [BlockStarted(0, ToolCall("t", "f")), TextDelta(0, '{"x":1}'), BlockEnded(0)]
        assert read(START, *block(0, tool), *END)[1:-1] == whole
        assert (
            read(START, *block(0, tool, {"type": "input_json_delta", "partial_json": '{"x":1}'}), *END)[1:-1] == whole
        )

    def test_blocks_of_server_tools_pass_without_their_pieces(self) -> None:
        start = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
        events = read(START, *block(0, start, {"type": "input_json_delta", "partial_json": "{}"}), *END)
        raw = Raw(json.dumps(start, separators=(",", ":")).encode())
        assert events[1:-1] == [BlockStarted(0, Foreign("anthropic", raw)), BlockEnded(0)]

    def test_why_it_refused_comes_before_the_end(self) -> None:
        details = {"type": "refusal", "category": None, "explanation": "No."}
        delta = {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}}
        assert read(START, delta, {"type": "message_stop"})[1:] == [
            BlockStarted(0, Refusal("")),
            TextDelta(0, "No."),
            BlockEnded(0),
            Finished("refusal", Usage(25, 1, 20)),
        ]

    def test_later_counts_stand_for_earlier_ones(self) -> None:
        usage = {"input_tokens": 7, "output_tokens": 3, "cache_creation_input_tokens": 2}
        delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}
        assert read(START, delta)[-1] == Finished("stop", Usage(29, 3, 20, 2))

    def test_a_stream_that_is_cut_has_failed(self) -> None:
        message = "the provider's stream ended in the middle of the answer"
        assert read(START, *block(0, {"type": "text", "text": "a"}))[-1] == Failed("api_error", message)

    def test_an_error_in_the_stream_has_failed_and_nothing_follows(self) -> None:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        assert read(START, error, *END) == [STARTED, Failed("overloaded_error", "Overloaded")]

    def test_an_unknown_event_is_passed_over_and_a_missing_start_made_up(self) -> None:
        assert read({"type": "news"}, *block(0, {"type": "text", "text": "a"}), *END)[:2] == [
            Started("", ""),
            BlockStarted(0, Text("")),
        ]

    @pytest.mark.parametrize(
        "data",
        [
            b"[DONE]",
            b"{}",
            b'{"type":"content_block_start","index":0}',
            b'{"type":"content_block_start","content_block":{"type":"tool_use"}}',
        ],
    )
    def test_what_is_no_event_is_told(self, data: bytes) -> None:
        with pytest.raises(UpstreamInvalid):
            read(data)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.one_of(
                *(
                    damaged(event)
                    for event in (
                        START,
                        *block(
                            0,
                            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
                            {"type": "input_json_delta", "partial_json": "{}"},
                        ),
                        *END,
                    )
                )
            ),
            max_size=4,
        )
    )
    def test_nothing_but_upstream_invalid_is_raised(self, data: list[bytes]) -> None:
        try:
            events = read(*data)
        except UpstreamInvalid:
            return
        writer = WriteStream("m")
        for event in events:
            writer.write(event)


def write(*events: Event) -> bytes:
    writer = WriteStream("claude-opus-5")
    return b"".join(writer.write(event) for event in events)


class TestWriting:
    def test_a_stream_has_the_bytes_and_order_of_the_real_one(self) -> None:
        assert write(
            Started("c1", "gpt", 7),
            BlockStarted(0, Text("")),
            TextDelta(0, 'Say "hi"'),
            BlockEnded(0),
            Finished("stop", Usage(10, 2, 4)),
        ) == (
            b'event: message_start\ndata: {"type":"message_start","message":{"id":"c1","type":"message",'
            b'"role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,'
            b'"usage":{"input_tokens":0,"output_tokens":0}}}\n\n'
            b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
            b'"content_block":{"type":"text","text":""}}\n\n'
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
            b'"delta":{"type":"text_delta","text":"Say \\"hi\\""}}\n\n'
            b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
            b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
            b'"stop_sequence":null},"usage":{"input_tokens":6,"output_tokens":2,"cache_read_input_tokens":4}}\n\n'
            b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
        )

    def test_the_sdk_puts_calls_and_thoughts_together_and_they_come_back(self) -> None:
        message = anthropic_stream(
            write(
                Started("c1", "gpt"),
                BlockStarted(0, Thinking(id="rs_1", format="responses")),
                TextDelta(0, "hm"),
                Signed(0, sealed="ZW5j"),
                BlockEnded(0),
                BlockStarted(1, Thinking(format="anthropic")),
                TextDelta(1, "well"),
                Signed(1, "c2ln"),
                BlockEnded(1),
                BlockStarted(2, ToolCall("t1", "f", signature="Z2VtaW5p")),
                TextDelta(2, '{"a":'),
                TextDelta(2, "1}"),
                BlockEnded(2),
                BlockStarted(3, ToolCall("t2", "g")),
                Signed(3, "bGF0ZQ=="),
                BlockEnded(3),
                Finished("tools", Usage(1, 2)),
            )
        )
        assert message.stop_reason == "tool_use"
        sent = [block.model_dump(exclude_none=True) for block in message.content]
        body = json.dumps({"model": "m", "messages": [{"role": "assistant", "content": sent}]}).encode()
        assert read_history(body).messages == (
            Message(
                "assistant",
                (
                    Thinking("hm", sealed="ZW5j", id="rs_1", format="responses"),
                    Thinking("well", "c2ln", format="anthropic"),
                    ToolCall("t1", "f", '{"a": 1}', signature="Z2VtaW5p"),
                    ToolCall("t2", "g", "{}", signature="bGF0ZQ=="),
                ),
            ),
        )

    def test_a_signature_behind_the_last_text_is_left_out_and_one_before_a_call_is_not(self) -> None:
        text = (BlockStarted(0, Text("")), TextDelta(0, "Hello"), BlockEnded(0))
        signature = (BlockStarted(1, Thinking(format="gemini")), Signed(1, "c2ln"), BlockEnded(1))
        call = (BlockStarted(2, ToolCall("t", "f")), TextDelta(2, "{}"), BlockEnded(2))
        ended = anthropic_stream(write(Started("c1", "g"), *text, *signature, Finished("stop")))
        assert [block.type for block in ended.content] == ["text"]
        goes_on = anthropic_stream(write(Started("c1", "g"), *text, *signature, *call, Finished("tools")))
        assert [block.type for block in goes_on.content] == ["text", "thinking", "tool_use"]
        alone = anthropic_stream(write(Started("c1", "g"), *signature, Finished("stop")))
        assert [block.type for block in alone.content] == ["thinking"]

    def test_a_thought_that_says_nothing_at_first_is_shown_from_its_first_word_on(self) -> None:
        begun = (BlockStarted(0, Thinking(format="gemini")), TextDelta(0, ""), TextDelta(0, "h"), TextDelta(0, "m"))
        message = anthropic_stream(
            write(Started("c1", "g"), *begun, Signed(0, "c2ln"), BlockEnded(0), Finished("stop"))
        )
        (thought,) = message.content
        assert isinstance(thought, ThinkingBlock)
        assert thought.thinking == "hm"
        assert thought.signature.startswith("fedgate1.")

    def test_free_text_of_a_custom_tool_stands_in_an_object(self) -> None:
        message = anthropic_stream(
            write(
                Started("c1", "gpt"),
                BlockStarted(0, ToolCall("t", "patch", custom=True)),
                TextDelta(0, 'say "'),
                TextDelta(0, 'hi"\n'),
                BlockEnded(0),
                Finished("tools"),
            )
        )
        assert [each.model_dump()["input"] for each in message.content] == [{"input": 'say "hi"\n'}]

    def test_a_failure_is_an_error_to_the_sdk(self) -> None:
        body = write(Started("c1", "gpt"), Failed("overloaded_error", "Overloaded"))
        assert frames(body)[-1].data == b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
        assert frames(body)[-1].event == b"error"
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            anthropic_stream(body)

    def test_own_blocks_of_server_tools_pass_and_others_are_left_out(self) -> None:
        own = Raw(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{}}')
        message = anthropic_stream(
            write(
                Started("c1", "gpt"),
                BlockStarted(0, Foreign("gemini", Raw(b"{}"))),
                TextDelta(0, "{}"),
                BlockEnded(0),
                BlockStarted(1, Foreign("anthropic", own)),
                TextDelta(1, "{}"),
                BlockEnded(1),
                Finished("pause"),
            )
        )
        assert [each.type for each in message.content] == ["server_tool_use"]
        assert message.stop_reason == "pause_turn"

    @settings(max_examples=100, deadline=None)
    @given(responses(), st.integers(1, 9))
    def test_nothing_is_lost_that_a_whole_answer_would_not_lose(self, response: Response, cut: int) -> None:
        body = write(*events_of(response, cut))
        anthropic_stream(body)
        again = collect(read(*(each.data for each in frames(body))))
        # What is packed in signatures is unpacked with the next turn only.
        lost = gone(response_facts(response), response_facts(again))
        lost -= {"tool_call.signature", "thinking.sealed", "thinking.id"}
        dropped = {*write_response(response, "m").dropped, "service_tier"}
        assert {name for name in lost if not excused(name, dropped)} == set()
        assert dropped <= CANNOT.keys()

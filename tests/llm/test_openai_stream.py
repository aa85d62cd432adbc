import json
from contextlib import suppress
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
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
from fedgate.llm.openai_answer import write_response
from fedgate.llm.openai_request import CANNOT
from fedgate.llm.openai_stream import ReadStream, WriteStream
from tests.llm.fuzzing import damaged
from tests.llm.neutral_values import collect, events_of, excused, gone, response_facts, responses
from tests.llm.oracles import frames, openai_chunks, openai_stream


def chunk(delta: Any = None, finish: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "gpt"}
    return json.dumps(head | {"choices": [choice]} | members).encode()


def call(index: int | None = 0, **members: Any) -> Any:
    function = {key: members.pop(key) for key in ("name", "arguments") if key in members}
    piece = members | {"function": function}
    return {"tool_calls": [piece if index is None else {"index": index} | piece]}


def read(*data: bytes, done: bool = True) -> list[Event]:
    stream = ReadStream()
    events = [event for each in data for event in stream.feed(each)]
    if done:
        events += stream.feed(b"[DONE]")
    return events + stream.end()


class TestReading:
    def test_a_stream_of_text_is_read_event_by_event(self) -> None:
        assert read(
            chunk({"role": "assistant", "content": "", "refusal": None}),
            chunk({"content": "Hel"}),
            chunk({"content": "lo"}),
            chunk({}, "stop"),
            chunk(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}),
        ) == [
            Started("c1", "gpt", 7),
            BlockStarted(0, Text("")),
            TextDelta(0, "Hel"),
            TextDelta(0, "lo"),
            BlockEnded(0),
            Finished("stop", Usage(9, 2)),
        ]

    def test_parallel_calls_are_told_apart_by_index(self) -> None:
        assert read(
            chunk({"role": "assistant", "content": None}),
            chunk(call(0, id="call_1", type="function", name="f", arguments="")),
            chunk(call(0, arguments='{"a"')),
            chunk(call(0, arguments=":1}")),
            chunk(call(1, id="call_2", type="function", name="g", arguments="")),
            chunk(call(1, arguments="{}")),
            chunk({}, "tool_calls"),
        ) == [
            Started("c1", "gpt", 7),
            BlockStarted(0, ToolCall("call_1", "f")),
            TextDelta(0, '{"a"'),
            TextDelta(0, ":1}"),
            BlockEnded(0),
            BlockStarted(1, ToolCall("call_2", "g")),
            TextDelta(1, "{}"),
            BlockEnded(1),
            Finished("tools"),
        ]

    def test_whole_calls_at_one_index_are_told_apart_by_id(self) -> None:
        events = read(
            chunk(call(0, id="a", name="f", arguments="{}")),
            chunk(call(0, id="b", name="f", arguments="{}")),
            chunk({}, "stop"),
        )
        assert [event.block for event in events if isinstance(event, BlockStarted)] == [
            ToolCall("a", "f"),
            ToolCall("b", "f"),
        ]
        assert events[-1] == Finished("tools")

    def test_calls_without_index_or_id_are_read(self) -> None:
        events = read(chunk(call(None, name="f", arguments="{")), chunk(call(None, arguments="}")), chunk({}, "stop"))
        assert isinstance(events[1], BlockStarted)
        assert isinstance(events[1].block, ToolCall)
        assert events[1].block.id.startswith("call_")
        assert events[2:4] == [TextDelta(0, "{"), TextDelta(0, "}")]

    def test_a_name_that_comes_late_is_waited_for(self) -> None:
        assert read(chunk(call(0, id="a", arguments="{")), chunk(call(0, name="f", arguments="}")), chunk({}, "stop"))[
            1:3
        ] == [
            BlockStarted(0, ToolCall("a", "f")),
            TextDelta(0, "{}"),
        ]

    def test_thoughts_are_blocks_of_their_own_in_every_spelling(self) -> None:
        for member in ("reasoning_content", "reasoning"):
            assert read(chunk({member: "hm"}), chunk({"content": "a"}), chunk({}, "stop"))[1:6] == [
                BlockStarted(0, Thinking()),
                TextDelta(0, "hm"),
                BlockEnded(0),
                BlockStarted(1, Text("")),
                TextDelta(1, "a"),
            ]

    def test_details_of_one_index_are_one_thought(self) -> None:
        def detail(**members: Any) -> bytes:
            return chunk({"reasoning": "ignored", "reasoning_details": [members]})

        assert read(
            detail(type="reasoning.text", text="h", format="anthropic-claude-v1", index=0),
            detail(type="reasoning.text", text="m", format="anthropic-claude-v1", index=0),
            detail(type="reasoning.text", signature="c2ln", index=0),
            detail(type="reasoning.encrypted", data="ZW5j", id="rs_1", format="openai-responses-v1", index=1),
            chunk({}, "stop"),
        )[1:8] == [
            BlockStarted(0, Thinking(format="anthropic")),
            TextDelta(0, "h"),
            TextDelta(0, "m"),
            Signed(0, "c2ln"),
            BlockEnded(0),
            BlockStarted(1, Thinking(id="rs_1", format="responses")),
            Signed(1, sealed="ZW5j"),
        ]

    def test_mistral_thinks_in_parts(self) -> None:
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
        events = read(
            chunk({"content": [thinking]}), chunk({"content": [{"type": "text", "text": "a"}]}), chunk({}, "stop")
        )
        assert events[1:3] == [BlockStarted(0, Thinking()), TextDelta(0, "hm")]
        assert events[4:6] == [BlockStarted(1, Text("")), TextDelta(1, "a")]

    def test_log_probabilities_stay_with_their_text(self) -> None:
        choice = {"index": 0, "delta": {"content": "A"}, "logprobs": {"content": [{"token": "A", "logprob": -0.5}]}}
        assert read(chunk(choices=[choice]), chunk({}, "stop"))[2] == TextDelta(
            0, "A", Raw(b'[{"token": "A", "logprob": -0.5}]')
        )

    def test_what_is_spoken_is_text(self) -> None:
        assert read(chunk({"audio": {"transcript": "hi"}}), chunk({}, "stop"))[2] == TextDelta(0, "hi")

    def test_a_refusal_ends_as_one(self) -> None:
        events = read(chunk({"refusal": "No."}), chunk({}, "stop"))
        assert events[1:3] == [BlockStarted(0, Refusal("")), TextDelta(0, "No.")]
        assert events[-1] == Finished("refusal")

    def test_azure_begins_without_a_choice_and_other_choices_are_nobodys(self) -> None:
        other = {"index": 1, "delta": {"content": "B"}}
        assert read(
            chunk(id="", model="", choices=[]), chunk({"content": "A"}), chunk(choices=[other]), chunk({}, "stop")
        )[:3] == [
            Started("c1", "gpt", 7),
            BlockStarted(0, Text("")),
            TextDelta(0, "A"),
        ]

    def test_the_usage_may_come_with_the_reason(self) -> None:
        assert read(chunk({}, "length", usage={"prompt_tokens": 1, "completion_tokens": 2}))[-1] == Finished(
            "length", Usage(1, 2)
        )

    def test_an_end_without_done_is_an_end_if_the_reason_was_told(self) -> None:
        assert read(chunk({"content": "A"}, "stop"), done=False)[-1] == Finished("stop")

    def test_a_stream_that_is_cut_has_failed(self) -> None:
        message = "the provider's stream ended in the middle of the answer"
        assert read(chunk({"content": "A"}), done=False)[-1] == Failed("api_error", message)
        assert read(done=False) == [Failed("api_error", message)]

    def test_an_error_in_the_stream_has_failed_and_nothing_follows(self) -> None:
        error = {"message": "Too many", "type": "tokens", "code": "rate_limit_exceeded"}
        events = read(chunk({"content": "A"}), json.dumps({"error": error}).encode(), chunk({"content": "B"}))
        assert events[-1] == Failed("rate_limit_error", "Too many")

    @pytest.mark.parametrize(
        "data",
        [
            (b"<html>",),
            (b"[]",),
            (chunk({"content": 5}),),
            (chunk(call(0, id="a", arguments="{}")),),
            (chunk(call(0, id="a", name="f")), chunk(call(1, id="b", name="g")), chunk(call(0, arguments="{}"))),
            (chunk(call(0, id="a", arguments="x" * 70_000)),),
        ],
    )
    def test_what_is_no_chunk_is_told(self, data: tuple[bytes, ...]) -> None:
        with pytest.raises(UpstreamInvalid):
            read(*data)

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.one_of(
                damaged(json.loads(chunk(call(0, id="a", name="f", arguments="{}"), usage={"prompt_tokens": 1}))),
                damaged(
                    json.loads(chunk({"content": "a", "reasoning_details": [{"type": "reasoning.text", "index": 0}]}))
                ),
            ),
            max_size=3,
        )
    )
    def test_nothing_but_upstream_invalid_is_raised(self, data: list[bytes]) -> None:
        try:
            events = read(*data)
        except UpstreamInvalid:
            return
        writer = WriteStream("m", True)
        for event in events:
            writer.write(event)


def write(*events: Event, wants_usage: bool = True) -> bytes:
    writer = WriteStream("gpt-5", wants_usage)
    return b"".join(writer.write(event) for event in events)


class TestWriting:
    def test_a_stream_has_the_bytes_and_order_of_the_real_one(self) -> None:
        frame = b'data: {"id":"msg_1","object":"chat.completion.chunk","created":7,"model":"gpt-5"'
        head = frame + b',"choices":[{"index":0,"delta":'
        tail = b',"logprobs":null,"finish_reason":null}]}\n\n'
        events = (
            Started("msg_1", "claude", 7),
            BlockStarted(0, Text("")),
            TextDelta(0, 'Say "hi"'),
            BlockEnded(0),
            Finished("stop", Usage(1, 2)),
        )
        assert write(*events, wants_usage=False) == (
            head
            + b'{"role":"assistant","content":"","refusal":null}'
            + tail
            + head
            + b'{"content":"Say \\"hi\\""}'
            + tail
            + head
            + b'{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
            + b"data: [DONE]\n\n"
        )

    def test_usage_comes_last_and_is_null_before_if_it_is_wanted(self) -> None:
        chunks = openai_chunks(write(Started("i", "m"), Finished("stop", Usage(10, 2, 4))))
        assert [each["usage"] for each in chunks[:-1]] == [None, None]
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"] == {
            "prompt_tokens": 10,
            "completion_tokens": 2,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4},
        }

    def test_the_sdk_puts_calls_and_thoughts_together(self) -> None:
        body = write(
            Started("i", "m"),
            BlockStarted(0, Thinking(format="anthropic")),
            TextDelta(0, "h"),
            TextDelta(0, "m"),
            Signed(0, "c2ln"),
            BlockEnded(0),
            BlockStarted(1, Text("")),
            TextDelta(1, "I look."),
            BlockEnded(1),
            BlockStarted(2, ToolCall("t1", "f", signature="Z2VtaW5p")),
            TextDelta(2, '{"a":'),
            TextDelta(2, "1}"),
            BlockEnded(2),
            BlockStarted(3, ToolCall("t2", "g")),
            BlockEnded(3),
            Finished("tools", Usage(1, 2)),
        )
        openai_chunks(body)
        message = openai_stream(body).choices[0].message.model_dump(exclude_none=True)
        assert message["content"] == "I look."
        assert message["reasoning_content"] == "hm"
        assert message["reasoning_details"] == [
            {"type": "reasoning.text", "text": "hm", "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"}
        ]
        calls = [
            (each["id"], each["function"]["name"], each["function"]["arguments"]) for each in message["tool_calls"]
        ]
        assert calls == [("t1", "f", '{"a":1}'), ("t2", "g", "{}")]
        assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "Z2VtaW5p"}}

    def test_log_probabilities_pass_to_the_letter(self) -> None:
        raw = Raw(b'[{"token":"A","logprob":-0.10,"bytes":null,"top_logprobs":[]}]')
        body = write(
            Started("i", "m"), BlockStarted(0, Text("")), TextDelta(0, "A", raw), BlockEnded(0), Finished("stop")
        )
        assert b'"logprobs":{"content":' + bytes(raw) + b',"refusal":null}' in body
        assert openai_stream(body).choices[0].logprobs is not None

    def test_a_failure_is_an_error_to_the_sdk(self) -> None:
        body = write(Started("i", "m"), Failed("overloaded_error", "Overloaded"))
        assert frames(body)[-1].data == (
            b'{"error":{"message":"Overloaded","type":"overloaded_error","param":null,"code":"overloaded"}}'
        )
        with pytest.raises(openai.APIError, match="Overloaded"):
            openai_stream(body)

    def test_what_is_known_when_a_block_begins_is_written_at_once(self) -> None:
        body = write(
            Started("i", "m"),
            BlockStarted(0, Thinking("hm", "c2ln", sealed="ZW5j", id="rs_1", format="responses")),
            BlockEnded(0),
            BlockStarted(1, Text("a")),
            BlockEnded(1),
            BlockStarted(2, ToolCall("t1", "f", "{}")),
            Signed(2, "Z2VtaW5p"),
            BlockEnded(2),
            BlockStarted(3, ToolCall("t2", "p", custom=True)),
            TextDelta(3, "free"),
            BlockEnded(3),
            Finished("tools", service_tier="default"),
        )
        events = read(*(each.data for each in frames(body)))
        assert collect(events).content == (
            Thinking("hm", "c2ln", sealed="ZW5j", id="rs_1", format="responses"),
            Text("a"),
            ToolCall("t1", "f", "{}"),
            ToolCall("t2", "p", "free"),
        )
        assert b'"thought_signature":"Z2VtaW5p"' in body
        assert events[-1] == Finished("tools", service_tier="default")

    def test_blocks_of_other_formats_are_left_out(self) -> None:
        body = write(
            Started("i", "m"),
            BlockStarted(0, Foreign("anthropic", Raw(b"{}"))),
            TextDelta(0, "{}"),
            BlockEnded(0),
            TextDelta(5, "nobody's"),
            Finished("refusal"),
        )
        assert len(openai_chunks(body)) == 2
        assert openai_chunks(body)[-1]["choices"][0]["finish_reason"] == "content_filter"

    @settings(max_examples=100, deadline=None)
    @given(responses(), st.integers(1, 9))
    def test_nothing_is_lost_that_a_whole_answer_would_not_lose(self, response: Response, cut: int) -> None:
        body = write(*events_of(response, cut))
        openai_chunks(body)
        with suppress(openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
            openai_stream(body)
        again = collect(read(*(each.data for each in frames(body)), done=False))
        lost = gone(response_facts(response), response_facts(again))
        dropped = write_response(response, "m").dropped
        assert {name for name in lost if not excused(name, dropped)} == set()
        assert set(dropped) <= CANNOT.keys()

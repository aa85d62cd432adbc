"""llm/bedrock_stream.py: events of Bedrock's ConverseStream, as they come out of their frames."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.bedrock_frames import Reader
from fedgate.llm.bedrock_stream import ReadStream
from fedgate.llm.neutral import (
    BlockStarted,
    Event,
    Failed,
    Finished,
    Foreign,
    Started,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from tests.llm.event_stream import event, exception
from tests.llm.judges import blocks_of, plain


def read(*frames: bytes) -> list[Event]:
    reader, stream = Reader(), ReadStream()
    return [each for frame in reader.feed(b"".join(frames)) for each in stream.feed(*frame)] + stream.end()


def delta(place: int, **told: Any) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": place, "delta": told, "p": "abcd"})


def stop(place: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": place})


START = event("messageStart", {"role": "assistant"})
USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12, "cacheReadInputTokens": 2}
RECORDED = (
    START,
    delta(0, reasoningContent={"text": "h"}),
    delta(0, reasoningContent={"text": "m"}),
    delta(0, reasoningContent={"signature": "sig"}),
    stop(0),
    delta(1, text="Hel"),
    delta(1, text="lo"),
    stop(1),
    event("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "add"}}}),
    delta(2, toolUse={"input": '{"a"'}),
    delta(2, toolUse={"input": ":1}"}),
    stop(2),
    event("messageStop", {"stopReason": "tool_use"}),
    event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}, "serviceTier": {"type": "default"}}),
)


def test_a_recorded_stream_is_read() -> None:
    events = read(*RECORDED)
    assert events[0] == Started("", "")
    assert events[-1] == Finished("tools", Usage(7, 7, cache_read=2), service_tier="default")
    assert blocks_of(events) == (
        Thinking("hm", "sig", format="bedrock"),
        Text("Hello"),
        ToolCall("t1", "add", '{"a":1}'),
    )


def test_sealed_thoughts_are_read() -> None:
    events = read(START, delta(0, reasoningContent={"redactedContent": "YmxvYg=="}), stop(0), *RECORDED[-2:])
    assert blocks_of(events) == (Thinking(sealed="YmxvYg==", format="bedrock"),)


def test_tools_of_the_provider_are_its_own_affair() -> None:
    use = {"toolUseId": "s1", "name": "search", "type": "server_tool_use"}
    events = read(
        START,
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": use}}),
        delta(0, toolUse={"input": "{}"}),
        stop(0),
        event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolResult": {"toolUseId": "s1"}}}),
        delta(1, toolResult=[{"text": "x"}]),
        stop(1),
        delta(2, text="a"),
        event("messageStop", {"stopReason": "end_turn"}),
    )
    use_, result, text = blocks_of(events)
    assert plain(use_) == plain(Foreign("bedrock", Raw(json.dumps({"toolUse": use | {"input": {}}}).encode())))
    assert plain(result) == plain(Foreign("bedrock", Raw(b'{"toolResult":{"toolUseId":"s1"}}')))
    assert text == Text("a")
    assert events[-1] == Finished("stop")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("throttlingException", "rate_limit_error"),
        ("modelStreamErrorException", "api_error"),
        ("serviceUnavailableException", "overloaded_error"),
        ("validationException", "invalid_request_error"),
    ],
)
def test_a_provider_that_fails_in_the_middle(name: str, kind: str) -> None:
    assert read(START, exception(name, "Oh."), *RECORDED[-2:]) == [Started("", ""), Failed(kind, "Oh.")]


def test_a_stream_that_stops_in_the_middle_failed() -> None:
    assert read(*RECORDED[:6])[-1] == Failed(
        "api_error", "The provider ended its stream before the answer was complete."
    )


def test_blocks_that_were_left_open_are_ended() -> None:
    assert blocks_of(read(START, delta(0, text="a"), *RECORDED[-2:])) == (Text("a"),)


def test_a_stream_of_too_many_blocks_is_invalid() -> None:
    stream = ReadStream()
    for number in range(4096):
        stream.feed(json.dumps({"contentBlockIndex": number, "delta": {"text": "a"}}).encode(), b"contentBlockDelta")
    with pytest.raises(UpstreamInvalid, match="more than 4096 blocks"):
        stream.feed(b'{"contentBlockIndex":9999,"delta":{"text":"a"}}', b"contentBlockDelta")


NAMES = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "x"]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.one_of(
                st.sampled_from([[], None, "x", 1]),
                st.fixed_dictionaries(
                    {},
                    optional={
                        "contentBlockIndex": st.integers(-1, 2),
                        "start": st.sampled_from([{}, {"toolUse": {"toolUseId": "a", "name": "b"}}, {"toolResult": 1}]),
                        "delta": st.sampled_from([{}, {"text": "a"}, {"text": 1}, {"toolUse": {"input": "x"}},
                                                  {"reasoningContent": {"text": "t"}},
                                                  {"reasoningContent": {"signature": "s"}}]),
                        "stopReason": st.sampled_from(["end_turn", None, 1]),
                        "usage": st.sampled_from([{}, {"inputTokens": 1.0}, {"inputTokens": -1}, None]),
                    },
                ),
            ),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_a_provider_streams_is_read_or_invalid(told: list[tuple[str, Any]]) -> None:
    try:
        events = read(*[event(name, payload) for name, payload in told])
    except UpstreamInvalid:
        return
    assert isinstance(events[-1], Finished | Failed)
    if isinstance(events[-1], Finished):
        blocks_of(events)
    assert [e.index for e in events if isinstance(e, BlockStarted)] == list(
        range(sum(isinstance(e, BlockStarted) for e in events))
    )

"""llm/custom_calls.py: custom tools stay custom tools though the provider knows only functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.custom_calls import MAX_TEXT, Customs, arguments_of, text_of
from fedgate.llm.neutral import (
    BlockEnded,
    BlockStarted,
    Event,
    Finished,
    Response,
    Text,
    TextDelta,
    Tool,
    ToolCall,
)

PATCH = Tool("patch", namespace="ns", custom=Raw(b'{"type":"text"}'))
ADD = Tool("add")


@given(st.text())
def test_free_text_survives_as_an_argument(text: str) -> None:
    assert text_of(arguments_of(text)) == text


@pytest.mark.parametrize("arguments", ["", "no json", "[1]", "{}", '{"a":"b","c":"d"}', '{"a":1}', "[" * 5000])
def test_other_arguments_are_the_text_themselves(arguments: str) -> None:
    assert text_of(arguments) == arguments


def test_calls_of_a_whole_answer_are_made_custom_again() -> None:
    calls = (
        Text("a"),
        ToolCall("1", "patch", '{"input":"*** Begin"}', namespace="ns"),
        ToolCall("2", "add", '{"a":"b"}'),
    )
    wanted = (calls[0], ToolCall("1", "patch", "*** Begin", namespace="ns", custom=True), calls[2])
    response = Customs([PATCH, ADD]).response(Response("r", "m", calls, others=(Response("", "", calls),)))
    assert (response.content, response.others[0].content) == (wanted, wanted)


def test_without_custom_tools_nothing_changes() -> None:
    response = Response("r", "m", (ToolCall("1", "add", '{"a":"b"}'),))
    assert Customs([ADD]).response(response) is response


def test_arguments_of_a_stream_are_held_until_they_are_complete() -> None:
    customs = Customs([PATCH, ADD])
    events: list[Event] = [
        BlockStarted(0, ToolCall("1", "patch", namespace="ns")),
        TextDelta(0, '{"input":"a\\'),
        TextDelta(0, 'nb"}'),
        BlockEnded(0),
        BlockStarted(1, ToolCall("2", "add")),
        TextDelta(1, "{}"),
        BlockEnded(1),
        Finished("tools"),
    ]
    assert [each for event in events for each in customs.event(event)] == [
        BlockStarted(0, ToolCall("1", "patch", namespace="ns", custom=True)),
        TextDelta(0, "a\nb"),
        BlockEnded(0),
        *events[4:],
    ]


def test_what_is_held_has_a_limit() -> None:
    customs = Customs([PATCH])
    customs.event(BlockStarted(0, ToolCall("1", "patch", namespace="ns")))
    customs.event(TextDelta(0, "x" * MAX_TEXT))
    with pytest.raises(UpstreamInvalid, match="longer than"):
        customs.event(TextDelta(0, "x"))

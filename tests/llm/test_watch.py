"""llm/watch.py and the watch_ modules: when a stream commits, ends and fails."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.sse_frames import read
from fedgate.llm.marks import Mark
from fedgate.llm.neutral import Usage
from fedgate.llm.watch import watch_for
from tests.llm import providers as scripted
from tests.llm.providers import SHAPES, gemini_chunk, openai_chunk

PING, PREAMBLE, THOUGHT, CONTENT, END, ERROR = Mark


def marks(format_: Any, *frames: bytes) -> list[Mark]:
    watch = watch_for(format_)
    return [watch.see(*read(frame)) for frame in frames]


@pytest.mark.parametrize(
    ("format_", "expected", "usage"),
    [
        ("openai", [PREAMBLE, CONTENT, CONTENT, CONTENT, CONTENT, END], Usage(19, 10)),
        ("responses", [PREAMBLE, PREAMBLE, PREAMBLE, PREAMBLE, CONTENT, PREAMBLE, END], Usage(36, 87, 6, None, 7)),
        (
            "anthropic",
            [PREAMBLE, PING, THOUGHT, THOUGHT, THOUGHT, PREAMBLE, PREAMBLE, CONTENT, CONTENT, PREAMBLE, CONTENT, END],
            Usage(19, 10, 2, 5),
        ),
        ("gemini", [CONTENT, CONTENT], Usage(8, 31, 3, None, 21)),
    ],
)
def test_a_recorded_stream_commits_with_its_first_text_and_ends_with_its_last_event(
    format_: Any, expected: list[Mark], usage: Usage
) -> None:
    watch = watch_for(format_)
    seen = [watch.see(*read(frame)) for frame in SHAPES[format_].stream]
    assert seen == expected
    assert watch.ended
    assert watch.told.usage == usage
    assert watch.told.error is None
    assert watch.told.model == read_model(format_)


def read_model(format_: str) -> str:
    whole = SHAPES[format_].whole
    return str(whole["modelVersion"] if format_ == "gemini" else whole["model"])


def one(format_: Any, event: Any, name: bytes = b"message") -> Mark:
    return watch_for(format_).see(json.dumps(event).encode(), name)


@pytest.mark.parametrize(
    ("delta", "mark"),
    [
        ({"role": "assistant", "content": ""}, PREAMBLE),
        ({"content": None}, PREAMBLE),
        ({"reasoning_content": "Hm"}, THOUGHT),
        ({"reasoning": "Hm", "content": ""}, THOUGHT),
        ({"content": "a"}, CONTENT),
        ({"refusal": "no"}, CONTENT),
        ({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": ""}}]}, CONTENT),
        ({"tool_calls": []}, PREAMBLE),
    ],
)
def test_openai_commits_with_text_refusals_and_calls(delta: dict[str, Any], mark: Mark) -> None:
    assert one("openai", openai_chunk(delta)) == mark


def test_openai_may_end_without_done() -> None:
    watch = watch_for("openai")
    watch.see(json.dumps(openai_chunk({}, "stop")).encode(), b"message")
    assert watch.ended


def test_openai_ends_when_every_choice_has_ended() -> None:
    watch = watch_for("openai")
    steps = [(0, None, False), (1, None, False), (0, "stop", False), (1, "stop", True)]
    for index, finish, ended in steps:
        choice = {"index": index, "delta": {"content": "a"}, "finish_reason": finish}
        watch.see(json.dumps({"choices": [choice]}).encode(), b"message")
        assert watch.ended is ended


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t"}}, CONTENT),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, PREAMBLE),
        ({"type": "content_block_start", "index": 0, "content_block": {"type": "redacted_thinking"}}, THOUGHT),
        ({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta"}}, THOUGHT),
        ({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta"}}, CONTENT),
        ({"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta"}}, CONTENT),
        ({"type": "new_event"}, PREAMBLE),
        (scripted.ANTHROPIC_OVERLOADED, ERROR),
    ],
)
def test_anthropic_commits_with_text_and_calls(event: dict[str, Any], mark: Mark) -> None:
    assert one("anthropic", event) == mark


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        ({"type": "response.output_item.added", "item": {"type": "reasoning"}}, THOUGHT),
        ({"type": "response.reasoning_summary_text.delta", "delta": "Hm"}, THOUGHT),
        ({"type": "response.output_item.added", "item": {"type": "message"}}, PREAMBLE),
        ({"type": "response.output_item.added", "item": {"type": "function_call"}}, CONTENT),
        ({"type": "response.refusal.delta", "delta": "no"}, CONTENT),
        ({"type": "response.incomplete", "response": {}}, END),
        ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "no"}}}, ERROR),
        ({"type": "error", "code": "x", "message": "no"}, ERROR),
    ],
)
def test_responses_commit_with_text_and_calls(event: dict[str, Any], mark: Mark) -> None:
    assert one("responses", event) == mark


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (gemini_chunk("Hm", thought=True), THOUGHT),
        (gemini_chunk(""), THOUGHT),
        ({"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}}]}, CONTENT),
        ({"candidates": [{"finishReason": "SAFETY"}]}, CONTENT),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, CONTENT),
        ({"usageMetadata": {}}, PREAMBLE),
        ({"error": {"code": 503, "message": "no"}}, ERROR),
    ],
)
def test_gemini_commits_with_text_and_calls(event: dict[str, Any], mark: Mark) -> None:
    assert one("gemini", event) == mark


@pytest.mark.parametrize(
    ("format_", "event", "error"),
    [
        ("openai", {"error": {"type": "server_error", "message": "no"}}, ("server_error", "no")),
        ("anthropic", scripted.ANTHROPIC_OVERLOADED, ("overloaded_error", "Overloaded")),
        ("responses", {"type": "error", "code": "x", "message": "no"}, ("x", "no")),
        ("responses", {"type": "response.failed", "response": {"error": {"code": "x", "message": "no"}}}, ("x", "no")),
        ("gemini", {"error": {"code": 503, "message": "no"}}, ("", "no")),
    ],
)
def test_an_error_event_says_why(format_: Any, event: Any, error: tuple[str, str]) -> None:
    watch = watch_for(format_)
    assert watch.see(json.dumps(event).encode(), b"message") == ERROR
    assert watch.told.error == error


@pytest.mark.parametrize("format_", SHAPES)
def test_an_event_of_an_odd_shape_is_passed_on_and_what_is_no_json_is_an_error(format_: Any) -> None:
    odd = b'{"type":5,"choices":{},"candidates":"x","delta":[]}'
    assert watch_for(format_).see(odd, b"message") == CONTENT
    with pytest.raises(ValueError, match="not JSON"):
        watch_for(format_).see(b"{cut", b"message")


@given(st.binary(max_size=200), st.sampled_from(list(SHAPES)), st.binary(max_size=10))
def test_nothing_but_a_value_error_comes_of_rubbish(data: bytes, format_: Any, name: bytes) -> None:
    with suppress(ValueError):
        assert watch_for(format_).see(data, name) in Mark

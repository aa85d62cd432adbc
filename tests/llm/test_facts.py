"""llm/facts.py: what a request is, in each of the formats that clients speak."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.errors import BadRequest
from fedgate.llm.facts import MAX_BACK, MAX_TEXT
from tests.llm.asking import CHAT, GEMINI, MESSAGES, RESPONSES, facts

PATHS = (CHAT, RESPONSES, MESSAGES, GEMINI)
TURNS = {CHAT: "messages", RESPONSES: "input", MESSAGES: "messages", GEMINI: "contents"}


def turn(path: str, text: str, role: str = "user") -> dict[str, Any]:
    if path == GEMINI:
        return {"role": role if role == "user" else "model", "parts": [{"text": text}]}
    return {"role": role, "content": text}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, {"max_tokens": 5}, 5),
        (CHAT, {"max_completion_tokens": 6}, 6),
        (RESPONSES, {"max_output_tokens": 7}, 7),
        (MESSAGES, {"max_tokens": 8}, 8),
        (GEMINI, {"generationConfig": {"maxOutputTokens": 9}}, 9),
        (GEMINI, {"generationConfig": {"maxOutputTokens": "9"}}, None),
        (GEMINI, {"generationConfig": 3}, None),
        (CHAT, {}, None),
        (CHAT, {"max_tokens": -1}, None),
    ],
)
def test_the_most_that_an_answer_may_have(path: str, body: dict[str, Any], expected: int | None) -> None:
    assert facts(body, path).max_tokens == expected


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, {"tools": [{"type": "function", "function": {"name": "f"}}]}, True),
        (CHAT, {"functions": [{"name": "f"}]}, True),
        (RESPONSES, {"tools": [{"type": "function", "name": "f"}]}, True),
        (MESSAGES, {"tools": [{"name": "f", "input_schema": {}}]}, True),
        (GEMINI, {"tools": [{"functionDeclarations": [{"name": "f"}]}]}, True),
        (CHAT, {"tools": []}, False),
        (CHAT, {"tools": None}, False),
        (CHAT, {}, False),
    ],
)
def test_tools(path: str, body: dict[str, Any], expected: bool) -> None:
    assert facts(body, path).has_tools is expected


URL = {"type": "image_url", "image_url": {"url": "https://x/a.png"}}
BLOCK = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}


@pytest.mark.parametrize(
    ("path", "said", "expected"),
    [
        (CHAT, [{"role": "user", "content": [{"type": "text", "text": "see"}, URL]}], True),
        (RESPONSES, [{"role": "user", "content": [{"type": "input_image", "image_url": "https://x"}]}], True),
        (RESPONSES, [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image"}]}], True),
        (RESPONSES, [{"type": "computer_call_output", "output": {"type": "computer_screenshot"}}], True),
        (MESSAGES, [{"role": "user", "content": [BLOCK]}], True),
        (MESSAGES, [{"role": "user", "content": [{"type": "tool_result", "content": [BLOCK]}]}], True),
        (GEMINI, [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "iVBOR"}}]}], True),
        (GEMINI, [{"parts": [{"file_data": {"mime_type": "image/png", "file_uri": "gs://x"}}]}], True),
        (GEMINI, [{"parts": [{"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}]}], False),
        (GEMINI, [{"parts": [{"functionCall": {"name": "f", "args": {"type": "image"}}}]}], False),
        (MESSAGES, [{"role": "assistant", "content": [{"type": "tool_use", "input": {"type": "image"}}]}], False),
        (CHAT, [{"role": "user", "content": 'what does {"type": "image_url"} mean?'}], False),
        (CHAT, [{"role": "user", "content": "no"}], False),
        (CHAT, "no list", False),
    ],
)
def test_images_are_seen_where_each_format_has_them_and_nowhere_else(path: str, said: Any, expected: bool) -> None:
    assert facts({TURNS[path]: said}, path).has_images is expected


def test_an_image_is_seen_however_it_is_spelt() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":[{"type":"im\\u0061ge_url"}]}]}'
    assert facts(body).has_images


def test_what_is_nested_too_deep_to_be_read_may_show_an_image() -> None:
    deep = b'{"model":"m","messages":[{"type":"image_url"},%b1%b]}' % (b"[" * 5000, b"]" * 5000)
    try:
        one = facts(deep)
    except BadRequest:
        return
    assert one.has_images


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, {"reasoning_effort": "high"}, True),
        (CHAT, {"reasoning_effort": "none"}, False),
        (RESPONSES, {"reasoning": {"effort": "low"}}, True),
        (RESPONSES, {"reasoning": {"summary": "auto"}}, False),
        (MESSAGES, {"thinking": {"type": "enabled", "budget_tokens": 2000}}, True),
        (MESSAGES, {"thinking": {"type": "adaptive"}}, True),
        (MESSAGES, {"thinking": {"type": "disabled"}}, False),
        (GEMINI, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "high"}}}, True),
        (GEMINI, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}, False),
        *((path, {}, False) for path in PATHS),
    ],
)
def test_reasoning_is_asked_for(path: str, body: dict[str, Any], expected: bool) -> None:
    assert facts(body, path).wants_reasoning is expected


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (CHAT, {"response_format": {"type": "json_schema", "json_schema": {}}}, True),
        (CHAT, {"response_format": {"type": "json_object"}}, False),
        (RESPONSES, {"text": {"format": {"type": "json_schema", "schema": {}}}}, True),
        (MESSAGES, {"output_format": {"type": "json_schema", "schema": {}}}, True),
        (MESSAGES, {"output_config": {"format": {"type": "json_schema"}}}, True),
        (MESSAGES, {"output_config": {"effort": "high"}}, False),
        (GEMINI, {"generationConfig": {"responseSchema": {"type": "OBJECT"}}}, True),
        (GEMINI, {"generationConfig": {"responseJsonSchema": {}}}, True),
        *((path, {}, False) for path in PATHS),
    ],
)
def test_a_schema_is_asked_for(path: str, body: dict[str, Any], expected: bool) -> None:
    assert facts(body, path).wants_schema is expected


@pytest.mark.parametrize("path", PATHS)
def test_the_last_text_is_the_users_not_the_models_nor_a_tools(path: str) -> None:
    said = [turn(path, "first"), turn(path, "refactor this"), turn(path, "sure", "assistant")]
    assert facts({TURNS[path]: said}, path).last_text == "refactor this"


def test_results_of_tools_are_passed_over() -> None:
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "noise"}]}
    said = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, result]
    assert facts({"messages": said}, MESSAGES).last_text == "a\nb"
    calls = [turn(RESPONSES, "do it"), {"type": "function_call_output", "call_id": "c", "output": "noise"}]
    assert facts({"input": calls}, RESPONSES).last_text == "do it"


def test_the_input_of_responses_may_be_a_text_alone() -> None:
    assert facts({"input": "write code"}, RESPONSES).last_text == "write code"


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    said = facts({"messages": [turn(CHAT, "a" * 20_000 + "z" * 20_000)]}).last_text
    assert (len(said), said[0], said[-1]) == (MAX_TEXT + 1, "a", "z")


def test_no_more_than_the_last_messages_are_gone_through() -> None:
    said = [turn(CHAT, "far"), *[turn(CHAT, "no", "assistant")] * MAX_BACK]
    assert facts({"messages": said}).last_text == ""
    assert facts({"messages": said[:-1]}).last_text == "far"


def test_the_intent_is_asked_for_once() -> None:
    heard: list[str] = []

    def intent(text: str) -> str:
        heard.append(text)
        return "code"

    one = facts({"messages": [turn(CHAT, "hi")]}, intent=intent)
    assert (one.intent, one.intent, heard) == ("code", "code", ["hi"])


@pytest.mark.parametrize("path", PATHS)
def test_the_opening_stays_while_the_conversation_goes_on(path: str) -> None:
    system = {"system": "be brief"} if path == MESSAGES else {}
    first = [turn(path, "hello")]
    later = [*first, turn(path, "yes?", "assistant"), turn(path, "more")]
    other = [turn(path, "hullo")]
    opening = facts({TURNS[path]: first, **system}, path).opening
    assert opening == facts({TURNS[path]: later, **system}, path).opening
    assert opening != facts({TURNS[path]: other, **system}, path).opening
    assert (opening != facts({TURNS[path]: first}, path).opening) is bool(system)


def test_marks_for_a_cache_that_move_on_do_not_change_the_opening() -> None:
    def opening(mark: dict[str, Any]) -> tuple[bytes, ...]:
        block = {"type": "text", "text": "hello", **mark}
        return facts({"messages": [{"role": "user", "content": [block]}]}, MESSAGES).opening

    assert opening({"cache_control": {"type": "ephemeral"}}) == opening({}) == (b"hello",)


def test_the_opening_of_a_long_conversation_is_bounded() -> None:
    one = facts({"system": "s" * 100_000, "messages": [turn(MESSAGES, "u" * 100_000)]}, MESSAGES)
    assert [len(piece) for piece in one.opening] == [2 * MAX_TEXT, 2 * MAX_TEXT]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "parts", "inlineData", "image_url", "input"])
            | st.text(max_size=4),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(
    st.sampled_from(PATHS),
    st.dictionaries(
        st.sampled_from(
            ["messages", "input", "contents", "system", "tools", "thinking", "reasoning", "generationConfig", "text"]
        ),
        JUNK,
    ),
)
def test_whatever_is_sent_has_facts_or_is_refused(path: str, body: dict[str, Any]) -> None:
    try:
        one = facts(json.dumps({"model": "m", **body}).encode(), path)
    except BadRequest:
        return
    assert one.has_images in (True, False)
    assert one.has_tools in (True, False)
    assert one.wants_reasoning in (True, False)
    assert one.wants_schema in (True, False)
    assert isinstance(one.last_text, str)
    assert all(isinstance(piece, bytes) for piece in one.opening)
    assert one.estimated_tokens > 0

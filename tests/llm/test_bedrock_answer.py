"""llm/bedrock_answer.py, llm/bedrock_stream.py and llm/bedrock_errors.py: answers of Bedrock's Converse."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.bedrock_answer import read_response
from fedgate.llm.bedrock_errors import read_error, write_error
from fedgate.llm.neutral import Foreign, Media, Response, Text, Thinking, ToolCall, Usage

RECORDED: dict[str, Any] = {
    "metrics": {"latencyMs": 1275},
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "YmxvYg=="}},
                {"text": "I call."},
                {"toolUse": {"toolUseId": "tooluse_1", "name": "add", "input": {"a": 1}}},
                {"citationsContent": {"content": [{"text": "So "}, {"text": "it is."}], "citations": []}},
                {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
                {"toolUse": {"toolUseId": "srv_1", "name": "search", "input": {}, "type": "server_tool_use"}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {
        "inputTokens": 10,
        "outputTokens": 20,
        "totalTokens": 35,
        "cacheReadInputTokens": 3,
        "cacheWriteInputTokens": 2,
    },
    "serviceTier": {"type": "flex"},
}


def test_an_answer_is_read_whole() -> None:
    server = Foreign("bedrock", Raw(json.dumps(RECORDED["output"]["message"]["content"][-1]).encode()))
    assert read_response(json.dumps(RECORDED).encode()) == Response(
        "",
        "",
        (
            Thinking("hm", "sig", format="bedrock"),
            Thinking("", sealed="YmxvYg==", format="bedrock"),
            Text("I call."),
            ToolCall("tooluse_1", "add", '{"a": 1}'),
            Text("So it is."),
            Media("image", media_type="image/png", data="iVBORw0KGgo="),
            server,
        ),
        reason="tools",
        usage=Usage(15, 20, cache_read=3, cache_write=2),
        service_tier="flex",
    )


@pytest.mark.parametrize(
    ("word", "reason"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length"), ("guardrail_intervened", "filter"),
     ("content_filtered", "filter"), ("malformed_tool_use", "error"), ("model_context_window_exceeded", "context"),
     (None, "other"), ("new_one", "other")],
)  # fmt: skip
def test_why_an_answer_ended(word: str | None, reason: str) -> None:
    told = {"output": {"message": {"content": [{"text": "a"}]}}, "stopReason": word}
    assert read_response(json.dumps(told).encode()).reason == reason


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "not a JSON object"),
        (b"{}", "output.message: is missing"),
        (b'{"output":{"message":{"content":["x"]}}}', r"output.message.content\[0\]: must be an object"),
        (b'{"output":{"message":{"content":[{"text":1}]}}}', r"content\[0\].text: Expected `str`, got `int`"),
    ],
)
def test_what_is_no_answer_is_invalid(body: bytes, sentence: str) -> None:
    with pytest.raises(UpstreamInvalid, match=sentence):
        read_response(body)


@pytest.mark.parametrize(
    ("status", "body", "name", "wanted"),
    [
        (400, b'{"message":"Bad."}', "ValidationException:http://internal/", ("invalid_request_error", "Bad.")),
        (403, b'{"Message":"No."}', "", ("permission_error", "No.")),
        (429, b'{"message":"Slow."}', "ThrottlingException", ("rate_limit_error", "Slow.")),
        (
            400,
            b'{"__type":"com.amazon.coral#ThrottlingException","message":"Slow."}',
            "",
            ("rate_limit_error", "Slow."),
        ),
        (424, b'{"message":"Oh."}', "ModelErrorException", ("api_error", "Oh.")),
        (503, b"<html>", "", ("overloaded_error", "")),
        (0, b'{"message":"Oh."}', "unknownException", ("api_error", "Oh.")),
        (418, b"[]", "", ("invalid_request_error", "")),
    ],
)
def test_errors_are_read(status: int, body: bytes, name: str, wanted: tuple[str, str]) -> None:
    assert read_error(status, body, name) == wanted


def test_errors_are_written_plainly() -> None:
    assert write_error(400, "invalid_request_error", "Bad.") == b'{"message":"Bad."}'


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(-2, 2), st.sampled_from(["end_turn", "x"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["output", "message", "content", "text", "toolUse", "reasoningContent", "usage",
                                 "image", "citationsContent", "stopReason", "name", "toolUseId", "inputTokens"]),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    ),
    st.binary(max_size=3),
)  # fmt: skip
def test_whatever_a_provider_answers_is_read_or_invalid(told: Any, junk: bytes) -> None:
    deep = {"output": {"message": {"content": told}}}
    for body in (json.dumps(told).encode(), json.dumps(deep).encode(), json.dumps(told).encode() + junk):
        read_error(500, body)
        try:
            read_response(body)
        except UpstreamInvalid:
            continue

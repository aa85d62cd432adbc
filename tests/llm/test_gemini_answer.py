"""llm/gemini_answer.py, llm/gemini_count.py and llm/gemini_errors.py: whole answers of Gemini, both ways."""

import base64
import json
from typing import Any

import msgspec
import pytest
from google.genai.errors import APIError
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import BadRequest, UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.gemini_answer import read_response, write_response
from fedgate.llm.gemini_count import read_count, read_count_request, write_count, write_count_request
from fedgate.llm.gemini_errors import read_error, write_error
from fedgate.llm.gemini_request import read_request
from fedgate.llm.neutral import Foreign, Media, Message, Refusal, Response, Text, Thinking, ToolCall, Usage
from tests.llm.judges import gemini_answer, plain

RECORDED: dict[str, Any] = {
    "candidates": [
        {
            "content": {
                "parts": [
                    {"text": "**Weather**", "thought": True},
                    {"text": "Let me look."},
                    {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "c2ln"},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                ],
                "role": "model",
            },
            "finishReason": "STOP",
            "index": 0,
            "avgLogprobs": -0.1,
            "logprobsResult": {
                "chosenCandidates": [{"token": "a", "tokenId": 1, "logProbability": -0.5}],
                "topCandidates": [{"candidates": [{"token": "a", "logProbability": -0.5}]}],
            },
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 100,
        "candidatesTokenCount": 20,
        "totalTokenCount": 160,
        "thoughtsTokenCount": 40,
        "cachedContentTokenCount": 64,
        "toolUsePromptTokenCount": 3,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}


def test_an_answer_is_read_whole() -> None:
    response = read_response(json.dumps(RECORDED).encode())
    assert (response.id, response.model, response.reason) == ("abc", "gemini-2.5-flash", "tools")
    assert response.usage == Usage(103, 60, cache_read=64, reasoning=40)
    thought, text, call, code = response.content
    assert (thought, text) == (Thinking("**Weather**", format="gemini"), Text("Let me look."))
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments), call.signature) == ("weather", {"city": "Paris"}, "c2ln")
    assert call.id.startswith("call_")
    assert isinstance(code, Foreign)
    top = {"token": "a", "logprob": -0.5, "bytes": [97]}
    assert plain(response.logprobs) == [top | {"top_logprobs": [top]}]
    assert read_response(json.dumps(RECORDED).encode()) == response


@pytest.mark.parametrize(
    ("word", "reason"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "filter"), ("RECITATION", "filter"),
     ("MALFORMED_FUNCTION_CALL", "error"), ("OTHER", "other"), (None, "other"), ("NEW_ONE", "other")],
)  # fmt: skip
def test_why_an_answer_ended(word: str | None, reason: str) -> None:
    told = {"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": word}]}
    assert read_response(json.dumps(told).encode()).reason == reason


def test_a_prompt_that_was_blocked_is_an_answer_without_content() -> None:
    told = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 5}}
    assert read_response(json.dumps(told).encode()) == Response("", "", (), reason="filter", usage=Usage(5))


def test_further_candidates_are_further_answers() -> None:
    told = {
        "candidates": [
            {"content": {"parts": [{"text": t}]}, "finishReason": "STOP", "index": n} for n, t in enumerate("ab")
        ]
    }
    response = read_response(json.dumps(told).encode())
    assert [each.content for each in (response, *response.others)] == [(Text("a"),), (Text("b"),)]
    written = gemini_answer(write_response(response, "m").body)
    assert [each.content.parts[0].text for each in written.candidates or () if each.content and each.content.parts] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>", "not a JSON object"),
        (b"{}", "candidates: there is none"),
        (b'{"error":{"code":500,"message":"Oh."}}', "it is an error: Oh."),
        (b'{"candidates":[{"content":{"parts":[1]}}]}', r"candidates\[0\].content.parts\[0\]: must be an object"),
        (b'{"candidates":[{"content":{"parts":[{"text":"\xff"}]}}]}', "not UTF-8"),
    ],
)
def test_what_is_no_answer_is_invalid(body: bytes, sentence: str) -> None:
    with pytest.raises(UpstreamInvalid, match=sentence):
        read_response(body)


def test_the_sdk_reads_what_is_written() -> None:
    response = Response(
        "msg_1",
        "claude",
        (
            Thinking("hm", signature="sig", format="anthropic"),
            Text("Sunny."),
            ToolCall("toolu_1", "f", '{"a":1}'),
            Media("image", media_type="image/png", data="iVBORw0KGgo="),
        ),
        reason="tools",
        usage=Usage(10, 20, cache_read=4, reasoning=5),
    )
    written = write_response(response, "smart")
    answer = gemini_answer(written.body)
    assert written.dropped == ()
    assert (answer.response_id, answer.model_version) == ("msg_1", "smart")
    [candidate] = answer.candidates or []
    assert candidate.finish_reason == "STOP"
    assert candidate.content is not None
    thought, text, call, image = candidate.content.parts or []
    assert (thought.thought, thought.text, text.text) == (True, "hm", "Sunny.")
    assert call.function_call is not None
    assert (call.function_call.id, call.function_call.args) == ("toolu_1", {"a": 1})
    assert image.inline_data is not None
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.model_dump(exclude_none=True) == {
        "prompt_token_count": 10,
        "candidates_token_count": 15,
        "thoughts_token_count": 5,
        "cached_content_token_count": 4,
        "total_token_count": 30,
    }


def test_what_a_caller_sends_back_is_what_it_was_given() -> None:
    content = (
        Thinking("hm", signature="sig+/", format="anthropic"),
        Thinking("", sealed="blob", id="rs_1", format="responses"),
        ToolCall("c1", "f", "{}", signature="S"),
    )
    [candidate] = gemini_answer(write_response(Response("r", "m", content), "m").body).candidates or []
    # As the SDK keeps it and sends it on: bytes, written in the other alphabet.
    kept = json.loads(candidate.content.model_dump_json(by_alias=True, exclude_none=True))  # type: ignore[union-attr]
    assert base64.urlsafe_b64decode(kept["parts"][0]["thoughtSignature"])
    [message] = read_request(json.dumps({"contents": [kept]}).encode(), "m").messages
    assert message.content == content


def test_arguments_that_are_no_object_become_its_one_string() -> None:
    written = write_response(Response("r", "m", (ToolCall("1", "f", '{"cut'),)), "m")
    gemini_answer(written.body)
    assert json.loads(written.body)["candidates"][0]["content"]["parts"][0]["functionCall"]["args"] == {
        "input": '{"cut'
    }
    assert "tool_call.arguments" in written.dropped


@pytest.mark.parametrize(
    ("reason", "word", "dropped"),
    [("stop", "STOP", ()), ("length", "MAX_TOKENS", ()), ("filter", "SAFETY", ()), ("refusal", "SAFETY", ("reason",)),
     ("context", "MAX_TOKENS", ("reason",)), ("pause", "OTHER", ("reason",)), ("other", "OTHER", ("reason",))],
)  # fmt: skip
def test_why_it_ended_is_written(reason: Any, word: str, dropped: tuple[str, ...]) -> None:
    written = write_response(Response("r", "m", (), reason=reason, usage=Usage(1, 1)), "m")
    [candidate] = gemini_answer(written.body).candidates or []
    assert (candidate.finish_reason, written.dropped) == (word, dropped)


def test_what_an_answer_cannot_say_is_named() -> None:
    content = (Text("a", citations=Raw(b"[1]")), Refusal("b"), Foreign("anthropic", Raw(b"{}")))
    response = Response(
        "r", "m", content, stop_sequence="x", usage=Usage(cache_write=1), created=7, service_tier="flex"
    )
    assert set(write_response(response, "m").dropped) == {
        "citations", "refusal", "foreign", "stop_sequence", "usage.unknown", "usage.cache_write", "created",
        "service_tier",
    }  # fmt: skip


WORD = st.text(min_size=1, max_size=8)
BLOCKS = st.one_of(
    st.builds(Text, WORD),
    st.builds(Thinking, WORD, format=st.just("gemini")),
    st.builds(ToolCall, WORD, WORD, st.just('{"a":1}')),
    st.just(Foreign("gemini", Raw(b'{"executableCode":{"code":"1","language":"PYTHON"}}'))),
)
COUNT = st.integers(0, 1000)
RESPONSES = st.builds(
    Response,
    st.just("r"),
    st.just("m"),
    st.lists(BLOCKS, max_size=4).map(tuple),
    reason=st.sampled_from(["stop", "length", "filter"]),
    usage=st.builds(lambda i, o, c, r: Usage(i, o + r, c, reasoning=r), COUNT, COUNT, COUNT, COUNT),
    logprobs=st.sampled_from([Raw(b""), Raw(b'[{"token":"a","logprob":-1.0,"bytes":[97],"top_logprobs":[]}]')]),
)


def with_reason(response: Response) -> Response:
    """An answer with calls ends for their sake."""
    if response.reason == "stop" and any(isinstance(block, ToolCall) for block in response.content):
        return msgspec.structs.replace(response, reason="tools")
    return response


@settings(max_examples=80, deadline=None)
@given(RESPONSES.map(with_reason))
def test_what_an_answer_can_say_survives_the_way_there_and_back(response: Response) -> None:
    written = write_response(response, "m")
    gemini_answer(written.body)
    assert written.dropped == ()
    assert plain(read_response(written.body)) == plain(response)


# Counting.


def test_what_is_counted_is_the_body_or_the_request_in_it() -> None:
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    wanted = (Message("user", (Text("hi"),)),)
    assert read_count_request(json.dumps({"contents": contents}).encode(), "m").messages == wanted
    inner = {"model": "models/m", "contents": contents, "systemInstruction": {"parts": [{"text": "s"}]}}
    request = read_count_request(json.dumps({"generateContentRequest": inner}).encode(), "m")
    assert (request.messages, request.system, request.unread) == (wanted, (Text("s"),), ())
    with pytest.raises(BadRequest, match="generateContentRequest: must be an object"):
        read_count_request(b'{"generateContentRequest":7}', "m")


def test_a_count_is_asked_for_and_answered() -> None:
    asked = write_count_request(b'{"contents":[]}', "gemini-2.5-pro")
    assert asked == b'{"generateContentRequest":{"model":"models/gemini-2.5-pro","contents":[]}}'
    assert read_count(write_count(7)) == 7
    assert write_count(7) == b'{"totalTokens":7}'
    with pytest.raises(UpstreamInvalid, match="totalTokens: is missing"):
        read_count(b"{}")


# Errors.


def test_errors_are_written_as_the_sdk_reads_them() -> None:
    error = APIError(429, json.loads(write_error(429, "rate_limit_error", "Slow down.")))
    assert (error.code, error.status, error.message) == (429, "RESOURCE_EXHAUSTED", "Slow down.")
    told = json.loads(write_error(502, "", "Oh."))
    assert told == {"error": {"code": 502, "message": "Oh.", "status": "INTERNAL"}}


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (
            400,
            b'{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT"}}',
            ("invalid_request_error", "Bad."),
        ),
        (
            429,
            b'[{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED"}}]',
            ("rate_limit_error", "Slow."),
        ),
        (500, b'{"error":{"code":503,"message":"Busy."}}', ("overloaded_error", "Busy.")),
        (404, b"<html>", ("not_found_error", "")),
        (500, b"[]", ("api_error", "")),
        (418, b'{"error":"tea"}', ("invalid_request_error", "")),
    ],
)
def test_errors_are_read(status: int, body: bytes, wanted: tuple[str, str]) -> None:
    assert read_error(status, body) == wanted


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(-2, 2), st.sampled_from(["STOP", "text"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["candidates", "content", "parts", "text", "usageMetadata", "functionCall", "error",
                                 "finishReason", "logprobs_result", "totalTokens", "promptTokenCount", "name"]),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    ),
    st.binary(max_size=3),
)  # fmt: skip
def test_whatever_a_provider_answers_is_read_or_invalid(told: Any, junk: bytes) -> None:
    for body in (
        json.dumps(told).encode(),
        json.dumps({"candidates": told}).encode(),
        json.dumps(told).encode() + junk,
    ):
        read_error(500, body)
        for read in (read_response, read_count):
            try:
                read(body)
            except UpstreamInvalid:
                continue

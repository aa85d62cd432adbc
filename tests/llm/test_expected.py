"""llm/expected.py: what is reserved for a request before anybody knows what it costs."""

from typing import Any

import pytest

from fedgate.core.call import Call, Record, Request
from fedgate.core.rawjson import encode
from fedgate.core.spending import Expected
from fedgate.llm.counting import estimate
from fedgate.llm.endpoint import Bound
from fedgate.llm.expected import MOST, USUAL, expected
from fedgate.llm.inbound import read
from fedgate.llm.places import place_of


async def _no_body() -> bytes:
    return b""


def call(path: str, body: dict[str, Any] | None) -> Call:
    request = Request("1", "POST", path, b"", {}, "127.0.0.1:1", "gw", "HTTP/1.1", _no_body)
    place = place_of("POST" if body is not None else "GET", path, {}, in_route=False)
    asked = None if body is None else read(place, request, encode(body))
    return Call("llm", request, Record(request, "llm", 0.0), message=Bound(place, None, asked))


MESSAGES = [{"role": "user", "content": "word " * 760}]
CHAT = {"model": "m", "messages": MESSAGES}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "word " * 760}]}]}


@pytest.mark.parametrize(
    ("path", "body", "output", "most"),
    [
        ("/v1/chat/completions", CHAT, USUAL, None),
        ("/v1/chat/completions", {**CHAT, "max_tokens": 50}, 50, 50),
        ("/v1/chat/completions", {**CHAT, "max_completion_tokens": 128_000}, MOST, 128_000),
        ("/v1/messages", {**CHAT, "max_tokens": 32_000}, MOST, 32_000),
        ("/v1/responses", {"model": "m", "input": "word " * 760, "max_output_tokens": 7}, 7, 7),
        ("/v1beta/models/m:generateContent", GEMINI, USUAL, None),
        ("/v1beta/models/m:generateContent", {**GEMINI, "generationConfig": {"maxOutputTokens": 9}}, 9, 9),
        ("/v1beta/models/m:generateContent", {**GEMINI, "generationConfig": {"maxOutputTokens": "9"}}, USUAL, None),
        ("/v1beta/models/m:generateContent", {**GEMINI, "generationConfig": [1]}, USUAL, None),
        ("/v1/embeddings", {"model": "m", "input": ["word " * 760]}, 0, 0),
    ],
)
def test_the_prompt_is_estimated_and_the_answer_reserved_within_bounds(
    path: str, body: dict[str, Any], output: int, most: int | None
) -> None:
    made = call(path, body)
    found = expected(made)
    assert found == Expected(estimate(made.message.asked), output, most)
    assert 990 <= found.input <= 1030


@pytest.mark.parametrize(("path", "body"), [("/v1/messages/count_tokens", CHAT), ("/v1/models", None)])
def test_what_writes_no_tokens_reserves_none(path: str, body: dict[str, Any] | None) -> None:
    assert expected(call(path, body)) is None


def test_what_is_no_call_of_a_model_reserves_none() -> None:
    made = call("/v1/models", None)
    assert expected(Call("mcp", made.request, made.record, message=object())) is None

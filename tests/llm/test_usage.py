"""llm/usage.py: usage, model and errors of whole answers, read without reading the rest."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.llm.neutral import Usage
from fedgate.llm.usage import merged, read_answer, usage_of
from tests.llm.providers import SHAPES

FORMATS: list[Any] = list(SHAPES)


@pytest.mark.parametrize(
    ("format_", "model", "usage"),
    [
        ("openai", "gpt-4.1-2025-04-14", Usage(19, 10, 4, None, 3)),
        ("responses", "gpt-4.1-2025-04-14", Usage(36, 87, 6, None, 7)),
        ("anthropic", "claude-sonnet-4-5-20250929", Usage(19, 10, 2, 5)),
        ("gemini", "gemini-2.5-flash", Usage(8, 31, 3, None, 21)),
    ],
)
def test_each_formats_usage_means_the_same(format_: Any, model: str, usage: Usage) -> None:
    told = read_answer(format_, json.dumps(SHAPES[format_].whole).encode())
    assert (told.model, told.usage, told.error) == (model, usage, None)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("usage", [None, {}, [], "x", {"prompt_tokens": "many"}, {"input_tokens": -1.5}])
def test_usage_that_cannot_be_read_says_nothing(format_: Any, usage: Any) -> None:
    body = json.dumps({"usage": usage, "usageMetadata": usage, "model": 5, "modelVersion": None}).encode()
    assert read_answer(format_, body).usage == Usage()


@pytest.mark.parametrize(
    ("error", "found"),
    [
        ({"type": "overloaded_error", "message": "no"}, ("overloaded_error", "no")),
        ({"code": "rate_limit_exceeded", "message": "no"}, ("rate_limit_exceeded", "no")),
        ({"code": 503, "message": "no", "status": "UNAVAILABLE"}, ("", "no")),
        ("no", ("", "no")),
        ({"message": 5}, ("", "")),
        ([], ("", "")),
        (None, None),
        ({}, None),
    ],
)
def test_an_error_is_seen_whoever_wrote_it(error: Any, found: tuple[str, str] | None) -> None:
    assert read_answer("openai", json.dumps({"error": error}).encode()).error == found


def test_a_half_of_an_emoji_does_not_hide_the_usage() -> None:
    told = read_answer("openai", b'{"id":"\\ud83d","usage":{"prompt_tokens":1}}')
    assert told.usage == Usage(1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"5", b'{"usage":', b"\xff"])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="it is not a JSON object"):
        read_answer("openai", body)


def test_later_usage_completes_the_earlier() -> None:
    assert merged(Usage(1, 2, 3), Usage(output=9)) == Usage(1, 9, 3)
    assert usage_of("openai", b"null", Usage(1)) == Usage(1)


@given(st.binary(max_size=300), st.sampled_from(FORMATS))
def test_nothing_but_invalid_comes_of_rubbish(body: bytes, format_: Any) -> None:
    with suppress(UpstreamInvalid):
        read_answer(format_, body)

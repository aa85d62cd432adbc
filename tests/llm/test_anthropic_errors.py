import json

import pytest
from anthropic.types.shared import ErrorResponse
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.anthropic_errors import read_error, write_error


def test_an_error_is_one_to_the_sdk() -> None:
    body = write_error(429, "rate_limit_error", "Slow down.")
    assert body == b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}'
    assert ErrorResponse.model_validate_json(body).error.message == "Slow down."


def test_without_a_kind_the_status_tells_it() -> None:
    kinds = {status: json.loads(write_error(status, "", "x"))["error"]["type"] for status in (401, 413, 418, 502, 529)}
    assert kinds == {
        401: "authentication_error",
        413: "request_too_large",
        418: "invalid_request_error",
        502: "api_error",
        529: "overloaded_error",
    }


@pytest.mark.parametrize("kind", ["overloaded_error", "not_found_error", "billing_error", "timeout_error"])
def test_every_kind_is_read_again(kind: str) -> None:
    assert read_error(400, write_error(400, kind, "why")) == (kind, "why")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"", ("overloaded_error", "")),
        (b"<html>", ("overloaded_error", "")),
        (b'{"error":"m"}', ("overloaded_error", "m")),
        (b'{"message":"m"}', ("overloaded_error", "m")),
        (b'{"error":{"type":"a b\\r\\n","message":"m"}}', ("overloaded_error", "m")),
        (b'{"error":{"type":5}}', ("overloaded_error", "")),
    ],
)
def test_what_cannot_be_read_is_told_by_its_status(body: bytes, read: tuple[str, str]) -> None:
    assert read_error(529, body) == read


def test_a_sentence_without_end_is_cut() -> None:
    assert len(read_error(500, write_error(500, "api_error", "x" * 100_000))[1]) == 2000


@given(st.integers(100, 599), st.binary(max_size=40))
def test_reading_never_fails(status: int, body: bytes) -> None:
    kind, _ = read_error(status, body)
    assert kind

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.openai_errors import read_error, write_error

KINDS = [
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "request_too_large",
    "not_found_error",
    "rate_limit_error",
    "api_error",
    "overloaded_error",
    "timeout_error",
]


def test_an_error_has_the_members_that_the_sdk_reads() -> None:
    assert write_error(429, "rate_limit_error", "Slow down.") == (
        b'{"error":{"message":"Slow down.","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}'
    )


def test_without_a_kind_the_status_tells_it() -> None:
    assert json.loads(write_error(404, "", "x"))["error"]["code"] == "model_not_found"
    assert json.loads(write_error(418, "", "x"))["error"]["type"] == "invalid_request_error"
    assert json.loads(write_error(502, "", "x"))["error"]["type"] == "server_error"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_again(kind: str) -> None:
    assert read_error(400, write_error(400, kind, "why")) == (kind, "why")


@pytest.mark.parametrize(
    ("status", "body", "read"),
    [
        (429, b'{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}', "rate_limit_error"),
        (401, b'{"error":{"message":"m","code":"invalid_api_key"}}', "authentication_error"),
        (404, b'{"error":{"message":"m","type":"invalid_request_error","code":"model_not_found"}}', "not_found_error"),
        (500, b'{"error":"m"}', "api_error"),
        (503, b'{"message":"m"}', "overloaded_error"),
        (200, b'{"error":{"message":"m","code":429}}', "rate_limit_error"),
        (422, b'{"error":{"message":"m","type":"odd"}}', "invalid_request_error"),
    ],
)
def test_errors_of_imitations_are_read(status: int, body: bytes, read: str) -> None:
    assert read_error(status, body) == (read, "m")


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"[]", b'{"error":null}', b'{"error":{"message":5}}'])
def test_what_cannot_be_read_is_told_by_its_status(body: bytes) -> None:
    assert read_error(502, body) == ("api_error", "")


def test_a_sentence_without_end_is_cut() -> None:
    assert len(read_error(500, write_error(500, "api_error", "x" * 100_000))[1]) == 2000


@given(st.integers(100, 599), st.binary(max_size=40))
def test_reading_never_fails(status: int, body: bytes) -> None:
    kind, _ = read_error(status, body)
    assert kind

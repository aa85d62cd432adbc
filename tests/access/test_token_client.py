"""The answers of token endpoints: what is no bearer token that can be sent is an error that repeats nothing of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fedgate.access.fetch import Fetched
from fedgate.access.token_client import MAX_LIFETIME, MAX_TOKEN, Granted, NoCredentials, TokenClient
from fedgate.core.auth_settings import ClientCredentials
from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient

AUTH = ClientCredentials(
    type="client_credentials",
    token_url="https://idp/token",
    client_id="x",
    client_secret=SecretStr("s"),
    lifetime=300.0,
)
GOOD: dict[str, Any] = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 60}


def read(status: int, body: bytes) -> Granted:
    return TokenClient("mcp.servers.notes", AUTH, HttpClient(), None, ManualClock()).read(
        Fetched(status, (), body), "idp"
    )


@pytest.mark.parametrize(
    ("said", "lifetime"),
    [(60, 60), ("60", 60), (1e9, MAX_LIFETIME), (0, 0), (-1, 300), (True, 300), ("soon", 300), (None, 300), ([], 300)],
)
def test_a_token_is_good_for_as_long_as_is_said_within_bounds(said: object, lifetime: float) -> None:
    assert read(200, json.dumps({**GOOD, "expires_in": said}).encode()) == Granted(b"t0ken", lifetime)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, b"<html>", "idp answered HTTP 200 without JSON"),
        (200, b"[]", "idp answered HTTP 200 without JSON"),
        (503, b"", "idp answered HTTP 503 without JSON"),
        (302, b"{}", "idp refuses it (HTTP 302)"),
        (400, b'{"error":"invalid_scope","error_description":"secret"}', "idp refuses it (invalid_scope)"),
        (400, b'{"error":"<b>secret</b>"}', "idp refuses it (HTTP 400)"),
        (400, b'{"error":7}', "idp refuses it (HTTP 400)"),
        (200, b'{"token_type":"bearer"}', "the answer of idp has none that can be sent"),
        (200, b'{"access_token":"a\\r\\nb","token_type":"bearer"}', "the answer of idp has none that can be sent"),
        (200, b'{"access_token":"","token_type":"bearer"}', "the answer of idp has none that can be sent"),
        (200, b'{"access_token":"\\u00e9","token_type":"bearer"}', "the answer of idp has none that can be sent"),
        (200, b'{"access_token":"a","token_type":"N_A"}', "idp gives one that is not of the Bearer type"),
        (200, b'{"access_token":"a","token_type":"DPoP"}', "idp gives one that is not of the Bearer type"),
        (200, b'{"access_token":"a"}', "idp gives one that is not of the Bearer type"),
    ],
)
def test_anything_else_is_no_token(status: int, body: bytes, said: str) -> None:
    with pytest.raises(NoCredentials) as caught:
        read(status, body)
    assert caught.value.message == f"no token for mcp.servers.notes: {said}"


def test_a_token_without_end_is_none() -> None:
    with pytest.raises(NoCredentials):
        read(200, json.dumps({**GOOD, "access_token": "x" * (MAX_TOKEN + 1)}).encode())


@given(
    st.integers(200, 599),
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from([*GOOD, "error"]), st.none() | st.text() | st.integers() | st.floats(allow_nan=False)
    ).map(lambda members: json.dumps(members).encode()),
)
def test_no_answer_brings_it_down(status: int, body: bytes) -> None:
    try:
        found = read(status, body)
    except NoCredentials:
        return
    assert status == 200
    assert 0 <= found.lifetime <= MAX_LIFETIME
    assert b"t0ken" not in repr(found).encode()

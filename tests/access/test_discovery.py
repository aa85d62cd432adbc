"""An issuer's description: looked for where the standards put it, believed only if it is its own."""

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.access.discovery import AGAIN, KEPT, Discovery, addresses, read
from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamError, UpstreamInvalid
from fedgate.core.http_client import HttpClient
from fedgate.core.tasks import Tasks
from tests.access.issuer import running

PLAIN = "http://idp/authorize"
pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("issuer", "found"),
    [
        (
            "https://idp",
            ("https://idp/.well-known/openid-configuration", "https://idp/.well-known/oauth-authorization-server"),
        ),
        (
            "https://idp/realms/x/",
            (
                "https://idp/realms/x/.well-known/openid-configuration",
                "https://idp/.well-known/oauth-authorization-server/realms/x",
                "https://idp/.well-known/openid-configuration/realms/x",
            ),
        ),
    ],
)
def test_the_document_is_looked_for_where_the_standards_put_it(issuer: str, found: tuple[str, ...]) -> None:
    assert addresses(issuer) == found


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"issuer":"https://idp/"}', b'{"issuer":7}', b"<html>"])
def test_a_document_of_anybody_else_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        read(body, "https://idp")


def test_addresses_that_cannot_be_used_are_none() -> None:
    body = {
        "issuer": "https://idp",
        "jwks_uri": "file:///etc/passwd",
        "token_endpoint": 7,
        "authorization_endpoint": PLAIN,
    }
    found = read(json.dumps(body).encode(), "https://idp")
    assert (found.jwks_uri, found.token_endpoint, found.authorization_endpoint) == ("", "", "")


@given(st.binary(max_size=60))
def test_no_bytes_bring_it_down(body: bytes) -> None:
    with suppress(UpstreamInvalid):
        read(body, "https://idp")


async def test_a_document_is_asked_for_once_and_a_failure_is_remembered_for_a_moment() -> None:
    http, clock, tasks = HttpClient(), ManualClock(), Tasks("test")
    async with running() as issuer:
        one = Discovery(issuer.url, http, clock, tasks)
        found = await asyncio.gather(*(one.metadata() for _ in range(10)))
        assert {each.jwks_uri for each in found} == {f"{issuer.url}/jwks"}
        assert sum(issuer.asked.values()) == 1
        clock.advance(KEPT)
        issuer.away = True
        for _ in range(5):
            with pytest.raises(UpstreamError, match="answered HTTP 503"):
                await one.metadata()
        assert sum(issuer.asked.values()) == 3
        issuer.away = False
        clock.advance(AGAIN)
        assert (await one.metadata()).issuer == issuer.url
    await tasks.aclose()
    await http.aclose()

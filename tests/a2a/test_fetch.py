"""a2a/fetch.py"""

import pytest

from fedgate.a2a.card_in import MAX_CARD
from fedgate.a2a.fetch import Fetched, get, refusal
from fedgate.core.errors import UpstreamInvalid, UpstreamRefused
from fedgate.core.http_values import Target
from tests.a2a.agent_kit import Process, header, http, running
from tests.core.http_peer import opened

pytestmark = pytest.mark.anyio


async def test_an_answer_is_read_whole() -> None:
    process = Process()
    process.answers["/x?y=1"] = http(200, b"body", "ETag: one", "etag: two")
    async with running(process), opened() as client:
        found = await get(client, Target.parse(process.url), "/x?y=1", ((b"authorization", b"Bearer t"),))
    assert (found.status, found.body, found.header(b"etag"), found.header(b"x")) == (200, b"body", b"one", b"")
    (asked,) = process.asked
    assert (asked.method, header(asked.headers, b"accept")) == (b"GET", b"application/json")
    assert header(asked.headers, b"authorization") == b"Bearer t"


async def test_an_accept_header_of_the_manifest_wins() -> None:
    process = Process()
    async with running(process), opened() as client:
        await get(client, Target.parse(process.url), "/", ((b"accept", b"text/plain"),))
    assert [value for key, value in process.asked[0].headers if key == b"accept"] == [b"text/plain"]


async def test_redirects_are_not_followed() -> None:
    process = Process()
    process.answers["/"] = http(302, b"", "location: /elsewhere")
    async with running(process), opened() as client:
        assert (await get(client, Target.parse(process.url), "/", ())).status == 302
    assert process.paths == ["/"]


async def test_a_body_that_is_too_long_is_refused() -> None:
    process = Process()
    process.answers["/"] = http(200, b" " * (MAX_CARD + 1))
    async with running(process), opened() as client:
        with pytest.raises(UpstreamInvalid):
            await get(client, Target.parse(process.url), "/", ())


async def test_nobody_there_is_refused() -> None:
    process = Process()
    async with running(process), opened() as client:
        await process.stop()
        with pytest.raises(UpstreamRefused):
            await get(client, Target.parse(process.url), "/", ())


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "refuses the gateway's credentials (HTTP 401); set its headers in the manifest"),
        (403, "refuses the gateway's credentials (HTTP 403); set its headers in the manifest"),
        (301, "redirects elsewhere (HTTP 301); put its final address into the manifest"),
        (404, "answers HTTP 404"),
        (503, "answers HTTP 503"),
    ],
)
def test_a_status_that_is_no_success_says_what_to_do(status: int, why: str) -> None:
    assert refusal(status) == why


def test_the_first_of_equal_headers_is_taken() -> None:
    assert Fetched(200, ((b"a", b"1"), (b"a", b"2")), b"").header(b"a") == b"1"

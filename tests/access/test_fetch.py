"""Small documents of authorization servers: how long they may be kept, and what is not followed."""

import pytest

from fedgate.access.fetch import MAX_ANSWER, Fetched, get, host_of
from fedgate.core.errors import UpstreamInvalid
from fedgate.core.http_client import HttpClient
from tests.federation.upstreams import Seen, http, upstream

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ([], None),
        ([b"max-age=60"], 60.0),
        ([b"public, Max-Age = 60"], 60.0),
        ([b'public,max-age="60"'], 60.0),
        ([b"s-maxage=1"], None),
        ([b"public", b"max-age=5"], 5.0),
        ([b"max-age=60, no-store"], 0.0),
        ([b"no-cache"], 0.0),
        ([b"max-age=-1"], None),
        ([b"max-age=99999999999999"], 999999999.0),
    ],
)
def test_the_sender_says_how_long_an_answer_may_be_kept(said: list[bytes], seconds: float | None) -> None:
    headers = tuple((b"cache-control", each) for each in said)
    assert Fetched(200, headers, b"").max_age == seconds


def test_errors_name_the_host_alone() -> None:
    assert host_of("https://user:secret@idp.example.com:8443/path?key=secret") == "idp.example.com:8443"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(302, b"", extra=b"location: http://127.0.0.1/\r\n"), "redirects elsewhere"),
        (http(404, b"{}"), "answered HTTP 404"),
        (http(200, b"x" * (MAX_ANSWER + 1)), "longer than"),
    ],
)
async def test_what_is_not_the_document_is_an_error(answer: bytes, said: str) -> None:
    async def answered(_seen: Seen) -> bytes:
        return answer

    client = HttpClient()
    async with upstream("modern") as one:
        one.on["GET"] = answered
        with pytest.raises(UpstreamInvalid, match=said):
            await get(client, one.url)
        assert len(one.seen) == 1
    await client.aclose()


async def test_an_address_that_is_none_is_an_error() -> None:
    with pytest.raises(UpstreamInvalid, match="cannot be used"):
        await get(HttpClient(), "ftp://idp")

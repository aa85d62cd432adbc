"""Requests over real sockets: what goes out, many at once, and the end."""

import asyncio
import random
from typing import Any

import pytest

from fedgate.core.errors import (
    Overloaded,
    UpstreamBroken,
    UpstreamRefused,
)
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import HttpLimits, Target, Timeouts
from tests.core.http_calls import CHUNKED, call, serve_ok
from tests.core.http_peer import Received, Wire, counts, on_both_loops, opened, peer, pieces

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


async def sent(method: str, target: str = "/", **arguments: Any) -> Received:
    seen: list[Received] = []

    async def script(wire: Wire) -> None:
        seen.append(await wire.answer())

    async with peer(script) as server, opened() as client:
        at = Target(server.target.scheme, server.target.host, server.target.port, target)
        response = await client.request(method, at, **arguments)
        await response.read(10)
    (received,) = seen
    assert received.header(b"host") == at.authority.encode()
    received.headers = [header for header in received.headers if header[0] != b"host"]
    return received


async def test_a_get_carries_nothing_of_the_clients_own() -> None:
    received = await sent("GET", "/a/b?c=d")
    assert (received.method, received.target, received.headers) == (b"GET", b"/a/b?c=d", [])


async def test_a_post_carries_the_callers_headers_and_its_length() -> None:
    received = await sent("POST", headers=[(b"X-A", b"1"), (b"x-a", b"2")], body=b"hello")
    assert received.headers == [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"5")]
    assert received.body == b"hello"


async def test_an_empty_post_says_so_and_an_empty_delete_says_nothing() -> None:
    assert (await sent("POST")).headers == [(b"content-length", b"0")]
    assert (await sent("DELETE")).headers == []


async def test_a_path_given_stands_in_place_of_the_targets() -> None:
    assert (await sent("GET", "/base?x=y", path="/other")).target == b"/other"


async def test_an_iterator_is_sent_in_chunks_and_empty_pieces_do_not_end_it() -> None:
    received = await sent("POST", body=pieces(b"one", b"", b"two" * 1000))
    assert received.headers == [(b"transfer-encoding", b"chunked")]
    assert received.body == b"one" + b"two" * 1000


async def test_a_body_larger_than_one_write_arrives_whole() -> None:
    body = random.Random(1).randbytes(3_000_000)
    assert (await sent("PUT", body=body)).body == body


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "GET /x HTTP/1.1\r\nx: y\r\n\r\nGET"},
        {"path": "/x HTTP/1.1\r\nx: y"},
        {"headers": [(b"a", b"b\r\nc: d")]},
        {"headers": [(b"Host", b"elsewhere")]},
        {"headers": [(b"transfer-encoding", b"chunked")]},
    ],
)
async def test_what_could_smuggle_a_request_is_refused_before_anything_is_opened(wrong: dict[str, Any]) -> None:
    async with opened() as client:
        arguments: dict[str, Any] = {"method": "GET", **wrong}
        with pytest.raises(ValueError, match=r"must|does not allow|leave it out"):
            await client.request(target=Target.parse("http://127.0.0.1:1/"), **arguments)
        assert client.statistics() == {}


async def test_nobody_home_is_refused() -> None:
    async with peer(serve_ok) as server:
        target = server.target
    async with opened() as client:
        with pytest.raises(UpstreamRefused, match=f"{target.origin} refused the connection"):
            await client.request("POST", target, body=b"x")
        assert counts(client).active == 0


async def test_an_unknown_host_is_refused() -> None:
    async with opened() as client:
        with pytest.raises(UpstreamRefused, match="cannot be resolved"):
            await client.request("GET", Target.parse("http://nowhere.invalid/"), timeouts=Timeouts(connect=4))


async def test_two_hundred_callers_share_one_client() -> None:
    async def script(wire: Wire) -> None:
        while True:
            received = await wire.request()
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(received.body), received.body))

    async with peer(script) as server, opened() as client:

        async def caller(number: int) -> None:
            for turn in range(3):
                body = b"%d.%d" % (number, turn)
                assert await call(client, server, "POST", body) == (200, body)

        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(caller(number))
        assert len(server.wires) <= 100
        statistics = counts(client)
        assert (statistics.active, statistics.waiting) == (0, 0)
        assert statistics.opened + statistics.reused == 600


async def test_closing_the_client_breaks_open_answers_and_refuses_new_requests() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(CHUNKED)
        await wire.gone()

    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target)
        await client.aclose()
        with pytest.raises(UpstreamBroken, match="closed by the gateway"):
            await response.read(10)
        with pytest.raises(Overloaded, match="shutting down"):
            await client.request("GET", server.target)
        with pytest.raises(Overloaded, match="shutting down"):
            await client.request("GET", Target.parse("http://other/"))
        await client.aclose()


async def test_a_client_shown_says_what_it_holds() -> None:
    async with peer(serve_ok) as server, opened() as client:
        await call(client, server)
        assert server.target.origin in repr(client)
        assert "idle=1" in repr(client)


async def test_origins_without_connections_make_room_for_new_ones() -> None:
    async with peer(serve_ok) as server, opened(HttpClient(limits=HttpLimits(origins=2))) as client:
        for port in (1, 2, 3):
            with pytest.raises(UpstreamRefused):
                await client.request("GET", Target("http", "127.0.0.1", port))
        assert list(client.statistics()) == ["http://127.0.0.1:2", "http://127.0.0.1:3"]
        await call(client, server)
        async with peer(serve_ok) as other:
            await call(client, other)
            with pytest.raises(Overloaded, match="too many different upstreams"):
                await client.request("GET", Target("http", "127.0.0.1", 4))

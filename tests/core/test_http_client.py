"""Requests over real sockets: what goes out, every framing that comes back, time, and endings."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fedgate.core.errors import (
    Overloaded,
    UpstreamBroken,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)
from fedgate.core.http_client import HttpClient
from fedgate.core.http_response import HttpResponse
from fedgate.core.http_values import Target, Timeouts
from tests.core.http_peer import OK, Peer, Received, Wire, after, counts, on_both_loops, opened, peer, pieces, until

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SHORT = Timeouts(connect=5, first_byte=0.05, idle=0.05)


async def serve_ok(wire: Wire) -> None:
    while True:
        await wire.answer()


def serving(*answers: bytes) -> Callable[[Wire], Awaitable[None]]:
    """A script that gives these answers on each connection, then closes it."""

    async def script(wire: Wire) -> None:
        for answer in answers:
            await wire.answer(answer)
        wire.finish()

    return script


async def call(client: HttpClient, server: Peer, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    response = await client.request(method, server.target, body=body)
    return response.status, await response.read(1 << 20)


async def drained(response: HttpResponse) -> bytes:
    return b"".join([chunk async for chunk in response])


# What goes out.


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


# What comes back.


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, b""),
        (CHUNKED + b"3;e=f\r\nabc\r\n4\r\ndefg\r\n0\r\nX: y\r\n\r\n", 200, b"abcdefg"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", 200, b"ok"),
    ],
)
async def test_a_delimited_answer_leaves_its_connection_for_the_next_request(
    answer: bytes, status: int, body: bytes
) -> None:
    async with peer(serving(answer, answer)) as server, opened() as client:
        assert await call(client, server) == (status, body)
        assert await call(client, server) == (status, body)
        assert len(server.wires) == 1
        assert counts(client).reused == 1


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (OK + b"extra", b"ok"),
        (OK + OK, b"ok"),
        (CHUNKED + b"0\r\n\r\nextra", b""),
    ],
)
async def test_an_answer_not_perfectly_delimited_costs_its_connection(answer: bytes, body: bytes) -> None:
    async with peer(serving(answer)) as server, opened() as client:
        for number in range(1, 3):
            assert await call(client, server) == (200, body)
            assert len(server.wires) == number
        assert counts(client).active == counts(client).idle == 0


@pytest.mark.parametrize("framing", [b"content-length: 9\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n", b"\r\n"])
async def test_a_head_request_gets_a_head_and_no_body(framing: bytes) -> None:
    async with peer(serving(b"HTTP/1.1 200 OK\r\n" + framing)) as server, opened() as client:
        assert await call(client, server, "HEAD") == (200, b"")
        assert await call(client, server, "HEAD") == (200, b"")
        assert counts(client).active == 0


async def test_an_answer_split_into_single_bytes_is_read() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        for byte in CHUNKED + b"5\r\nhello\r\n0\r\n\r\n":
            wire.send(bytes([byte]))
            await wire.writer.drain()

    async with peer(script) as server, opened() as client:
        assert await call(client, server) == (200, b"hello")


async def test_a_stream_is_handed_over_as_it_comes() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(CHUNKED)
        for _ in range(5):
            wire.send(b"4\r\ntick\r\n")
            await heard.get()
        wire.send(b"0\r\n\r\n")

    heard: asyncio.Queue[None] = asyncio.Queue()
    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target)
        chunks = []
        async for chunk in response:
            chunks.append(chunk)
            heard.put_nowait(None)
        assert chunks == [b"tick"] * 5
        assert counts(client).idle == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na: b\x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * 100_000,
    ],
)
async def test_a_hostile_head_is_invalid_and_named_after_its_origin(answer: bytes) -> None:
    async with peer(serving(answer)) as server, opened() as client:
        with pytest.raises(UpstreamInvalid, match=server.target.origin):
            await call(client, server, "POST")
        assert counts(client).active == 0


@pytest.mark.parametrize("rest", [b"zz\r\n", b"-1\r\n", b"1;" + b"x" * 200_000, b"ffffffffffffffffff\r\n"])
async def test_hostile_framing_in_the_middle_gives_the_good_part_and_then_is_invalid(rest: bytes) -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(CHUNKED + b"4\r\ngood\r\n")
        await heard.wait()
        wire.send(rest)
        await wire.gone()

    heard = asyncio.Event()
    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target)
        assert await anext(response) == b"good"
        heard.set()
        with pytest.raises(UpstreamInvalid):
            await anext(response)
        assert counts(client).active == 0


# Truncation.


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "answer", [OK, CHUNKED + b"3;x\r\nabc\r\n0\r\nA: b\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" + OK]
)
async def test_an_answer_cut_short_anywhere_is_broken(answer: bytes, reset: bool) -> None:
    cuts = iter(range(len(answer)))

    async def script(wire: Wire) -> None:
        await wire.answer(answer[: next(cuts)])
        await wire.writer.drain()
        wire.reset() if reset else wire.finish()

    async with peer(script) as server, opened() as client:
        for _ in range(len(answer)):
            with pytest.raises(UpstreamBroken):
                await call(client, server, "POST")
            assert counts(client).active == counts(client).idle == 0


async def test_a_close_delimited_answer_that_is_reset_is_broken() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await heard.wait()
        wire.reset()

    heard = asyncio.Event()
    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target)
        assert await anext(response) == b"half"
        heard.set()
        with pytest.raises(UpstreamBroken):
            await response.read(100)


# Time.


async def silent(wire: Wire) -> None:
    await wire.request()
    await wire.gone()


async def test_no_answer_in_time_is_a_timeout() -> None:
    async with peer(silent) as server, opened() as client:
        with pytest.raises(UpstreamTimeout, match="did not answer in time"):
            await client.request("GET", server.target, timeouts=SHORT)
        assert counts(client).active == 0


async def test_a_head_that_drips_does_not_move_the_timeout() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(b"HTTP/1.1 200 OK\r\n")
        while not wire.reader.at_eof():
            wire.send(b"a: b\r\n")
            await after(0.02)

    async with peer(script) as server, opened() as client:
        with pytest.raises(UpstreamTimeout):
            await client.request("GET", server.target, timeouts=SHORT)


@pytest.mark.parametrize("way", ["read", "iterate"])
async def test_a_body_that_stops_is_a_timeout(way: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(CHUNKED + b"4\r\npart\r\n")
        await wire.gone()

    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target, timeouts=SHORT)
        with pytest.raises(UpstreamTimeout, match="in the middle"):
            await (response.read(100) if way == "read" else drained(response))
        assert counts(client).active == 0


async def test_a_body_that_keeps_coming_is_read_however_long_it_takes() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(CHUNKED)
        for _ in range(8):
            await after(0.02)
            wire.send(b"1\r\n.\r\n")
        wire.send(b"0\r\n\r\n")

    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target, timeouts=Timeouts(first_byte=5, idle=0.1))
        assert await response.read(100) == b"." * 8


@pytest.mark.parametrize("reading", [True, False])
async def test_the_total_time_ends_an_answer_that_keeps_coming_and_one_that_nobody_reads(reading: bool) -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(CHUNKED)
        while not wire.reader.at_eof():
            wire.send(b"1\r\n.\r\n")
            await after(0.01)

    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target, timeouts=Timeouts(total=0.1))
        if not reading:
            await until(lambda: counts(client).active == 0)
        with pytest.raises(UpstreamTimeout, match="in the time allowed"):
            await drained(response)
        assert counts(client).active == 0


async def test_the_total_time_counts_while_waiting_for_the_head() -> None:
    async with peer(silent) as server, opened() as client:
        with pytest.raises(UpstreamTimeout, match="in the time allowed"):
            await client.request("GET", server.target, timeouts=Timeouts(total=0.05))


async def test_a_slow_reader_is_not_mistaken_for_a_slow_upstream() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(CHUNKED + b"1\r\na\r\n")
        await slept.wait()
        wire.send(b"1\r\nb\r\n0\r\n\r\n")

    slept = asyncio.Event()
    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target, timeouts=SHORT)
        assert await anext(response) == b"a"
        await after(0.15)
        slept.set()
        assert await response.read(10) == b"b"


async def test_a_timeout_of_one_request_does_not_haunt_the_next_on_the_same_connection() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer()
        await wire.request()
        await after(0.15)
        wire.send(OK)
        await wire.gone()

    async with peer(script) as server, opened() as client:
        quick = await client.request("GET", server.target, timeouts=Timeouts(first_byte=0.05, idle=0.05, total=0.1))
        assert await quick.read(10) == b"ok"
        patient = await client.request("GET", server.target)
        assert await patient.read(10) == b"ok"
        assert counts(client).reused == 1


# Dead connections that were kept.


def dying(first: bytes = OK, *, then: bytes = b"") -> Callable[[Wire], Awaitable[None]]:
    """The first connection answers once, takes one more request, and dies with `then`; later ones live."""

    async def script(wire: Wire) -> None:
        if wire.number:
            await serve_ok(wire)
        await wire.answer(first)
        await wire.request()
        wire.send(then)
        wire.finish()

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_an_idempotent_request_into_a_dead_connection_is_sent_again(method: str) -> None:
    async with peer(dying()) as server, opened() as client:
        await call(client, server)
        assert (await call(client, server, method))[0] == 200
        assert len(server.wires) == 2
        assert counts(client).active == 0


async def test_a_post_into_a_connection_that_died_after_the_write_is_never_sent_twice() -> None:
    async with peer(dying()) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await call(client, server, "POST", b"pay")
        assert len(server.wires) == 1
        assert counts(client).active == 0


async def test_a_request_is_not_sent_again_once_a_byte_of_an_answer_came() -> None:
    async with peer(dying(then=b"H")) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await call(client, server)
        assert len(server.wires) == 1


async def test_a_request_is_sent_again_only_once() -> None:
    async def script(wire: Wire) -> None:
        if not wire.number:
            await wire.answer()
        await wire.request()
        wire.finish()

    async with peer(script) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await call(client, server)
        assert len(server.wires) == 2


async def test_a_request_on_a_fresh_connection_is_not_sent_again() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.finish()

    async with peer(script) as server, opened() as client:
        with pytest.raises(UpstreamBroken):
            await call(client, server)
        assert len(server.wires) == 1


async def test_an_iterator_is_not_sent_again() -> None:
    async with peer(dying()) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await client.request("PUT", server.target, body=pieces(b"once"))
        assert len(server.wires) == 1


async def test_nobody_home_is_refused() -> None:
    async with peer(serve_ok) as server:
        target = server.target
    async with opened() as client:
        with pytest.raises(UpstreamRefused, match=target.origin):
            await client.request("POST", target, body=b"x")
        assert counts(client).active == 0


async def test_an_unknown_host_is_refused() -> None:
    async with opened() as client:
        with pytest.raises(UpstreamRefused):
            await client.request("GET", Target.parse("http://nowhere.invalid/"), timeouts=Timeouts(connect=4))


# Many, and the end.


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


async def test_mutated_answers_over_a_socket_never_hang_and_raise_only_what_is_promised() -> None:
    chance = random.Random(7)
    seeds = [OK, CHUNKED + b"3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\nHTTP/1.0 200 OK\r\n\r\nabc"]

    async def script(wire: Wire) -> None:
        await wire.request()
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(data))
            data[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        half = chance.randrange(len(data))
        wire.send(bytes(data[:half]))
        await wire.writer.drain()
        wire.send(bytes(data[half:]))
        wire.finish()

    async with peer(script) as server, opened() as client:
        outcomes = {"read": 0, "refused": 0}
        for number in range(300):
            try:
                response = await client.request("POST", server.target, timeouts=Timeouts(total=2))
                await (response.read(1000) if number % 2 else drained(response))
                outcomes["read"] += 1
            except (UpstreamInvalid, UpstreamBroken):
                outcomes["refused"] += 1
            assert counts(client).active == 0
        assert min(outcomes.values()) > 20

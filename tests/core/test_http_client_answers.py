"""Answers over real sockets: every framing, hostile ones, and ones cut short."""

import asyncio
import random

import pytest

from fedgate.core.errors import (
    UpstreamBroken,
    UpstreamInvalid,
)
from fedgate.core.http_values import Timeouts
from tests.core.http_calls import CHUNKED, call, drained, serving
from tests.core.http_peer import OK, Wire, counts, on_both_loops, opened, peer

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


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

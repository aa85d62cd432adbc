"""Each timeout, and what must not be mistaken for one."""

import asyncio

import pytest

from fedgate.core.errors import (
    UpstreamTimeout,
)
from fedgate.core.http_values import Timeouts
from tests.core.http_calls import CHUNKED, drained
from tests.core.http_peer import OK, Wire, after, counts, on_both_loops, opened, peer, until

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()

SHORT = Timeouts(first_byte=0.05)
STALLED = Timeouts(idle=0.05)


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
        response = await client.request("GET", server.target, timeouts=STALLED)
        with pytest.raises(UpstreamTimeout, match="in the middle"):
            await (response.read(100) if way == "read" else drained(response))
        assert counts(client).active == 0


async def test_a_body_that_keeps_coming_is_read_however_long_it_takes() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(CHUNKED)
        for _ in range(8):
            await after(0.05)
            wire.send(b"1\r\n.\r\n")
        wire.send(b"0\r\n\r\n")

    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target, timeouts=Timeouts(idle=0.3))
        assert await response.read(100) == b"." * 8


@pytest.mark.parametrize("reading", [True, False])
async def test_the_total_time_ends_an_answer_that_keeps_coming_and_one_that_nobody_reads(reading: bool) -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(CHUNKED)
        while not wire.reader.at_eof():
            wire.send(b"1\r\n.\r\n")
            await after(0.01)

    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target, timeouts=Timeouts(idle=0.1, total=0.3))
        for _ in range(3):
            assert await anext(response)
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
        response = await client.request("GET", server.target, timeouts=Timeouts(idle=0.3))
        assert await anext(response) == b"a"
        await after(0.4)
        slept.set()
        assert await response.read(10) == b"b"


async def test_a_timeout_of_one_request_does_not_haunt_the_next_on_the_same_connection() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer()
        await wire.request()
        await after(0.6)
        wire.send(OK)
        await wire.gone()

    async with peer(script) as server, opened() as client:
        quick = await client.request("GET", server.target, timeouts=Timeouts(first_byte=0.4, idle=0.4, total=0.5))
        assert await quick.read(10) == b"ok"
        patient = await client.request("GET", server.target)
        assert await patient.read(10) == b"ok"
        assert counts(client).reused == 1

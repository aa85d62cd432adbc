"""Request bodies from iterators: pace, interruption, and whose error it is."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fedgate.core.errors import UpstreamBroken, UpstreamTimeout
from fedgate.core.http_values import Timeouts
from tests.core.http_peer import OK, Wire, after, background, cancelled, counts, on_both_loops, opened, peer, until

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()

PIECE = b"x" * 100_000


class Body:
    """An endless body, unless told otherwise, that knows how much was taken from it and how it ended."""

    def __init__(self, pieces: int = 1_000_000, *, stall_after: int = 1_000_000) -> None:
        self.taken = 0
        self.closed = False
        self._pieces = pieces
        self._stall_after = stall_after

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            while self.taken < self._pieces:
                if self.taken == self._stall_after:
                    await asyncio.get_running_loop().create_future()
                self.taken += 1
                yield PIECE
        finally:
            self.closed = True


async def reading_nothing(wire: Wire) -> None:
    await wire.head()
    wire.stop_reading()
    await asyncio.get_running_loop().create_future()


async def test_a_large_body_arrives_whole_and_its_connection_is_kept() -> None:
    sizes: list[int] = []

    async def script(wire: Wire) -> None:
        while True:
            sizes.append(len((await wire.answer()).body))

    body = Body(100)
    async with peer(script) as server, opened() as client:
        response = await client.request("POST", server.target, body=body.stream())
        assert await response.read(10) == b"ok"
        assert counts(client).idle == 1
    assert sizes == [100 * len(PIECE)]
    assert body.closed


async def test_a_peer_that_does_not_read_stops_the_body_and_times_out() -> None:
    body = Body()
    async with peer(reading_nothing) as server, opened() as client:
        with pytest.raises(UpstreamTimeout, match="stopped reading"):
            await client.request("POST", server.target, body=body.stream(), timeouts=Timeouts(idle=0.05))
        assert counts(client).active == 0
    assert body.taken < 200
    assert body.closed


async def test_a_caller_that_is_slow_is_not_timed_out_by_idleness_but_by_the_total() -> None:
    body = Body(stall_after=1)
    async with peer(reading_nothing) as server, opened() as client:
        timeouts = Timeouts(first_byte=0.02, idle=0.02, total=0.15)
        with pytest.raises(UpstreamTimeout, match="in the time allowed"):
            await client.request("POST", server.target, body=body.stream(), timeouts=timeouts)
        assert counts(client).active == 0
    assert body.closed


async def test_a_caller_that_pauses_after_the_peer_was_slow_is_not_timed_out() -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield PIECE
        await after(0.6)
        yield b"late"

    async def script(wire: Wire) -> None:
        await wire.answer()

    async with peer(script) as server, opened() as client:
        response = await client.request("POST", server.target, body=stream(), timeouts=Timeouts(idle=0.4))
        assert response.status == 200
        await response.aclose()


@pytest.mark.parametrize("stall_after", [1, 1_000_000])
async def test_an_error_answer_ends_the_body_early_and_costs_the_connection(stall_after: int) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        wire.send(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await wire.gone()

    body = Body(stall_after=stall_after)
    async with peer(script) as server, opened() as client:
        response = await client.request("POST", server.target, body=body.stream())
        assert (response.status, await response.read(10)) == (413, b"big")
        assert body.taken < 1000
        await until(lambda: counts(client).active == 0)
        assert counts(client).idle == 0
    assert body.closed


async def test_an_early_good_head_lets_the_body_go_on() -> None:
    received: list[int] = []

    async def script(wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n")
        received.append(len((await wire.request()).body))
        wire.send(b"done")
        await wire.gone()

    async with peer(script) as server, opened() as client:
        response = await client.request("POST", server.target, body=Body(50).stream())
        assert await response.read(10) == b"done"
        assert counts(client).idle == 1
    assert received == [50 * len(PIECE)]


async def test_a_good_answer_complete_before_the_body_ends_it() -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        wire.send(OK)
        await wire.gone()

    body = Body(stall_after=2)
    async with peer(script) as server, opened() as client:
        response = await client.request("POST", server.target, body=body.stream())
        assert await response.read(10) == b"ok"
        assert counts(client).active == counts(client).idle == 0
    assert body.closed


@pytest.mark.parametrize("stall_after", [1, 1_000_000])
async def test_a_connection_lost_during_the_body_is_broken(stall_after: int) -> None:
    async def script(wire: Wire) -> None:
        await wire.head()
        wire.reset()

    body = Body(stall_after=stall_after)
    async with peer(script) as server, opened() as client:
        with pytest.raises(UpstreamBroken):
            await client.request("POST", server.target, body=body.stream())
        assert counts(client).active == 0
    assert body.taken < 1000
    assert body.closed


@pytest.mark.parametrize("error", [KeyError("mine"), TimeoutError("mine")])
async def test_what_the_iterator_raises_leaves_as_it_is_and_costs_the_connection(error: Exception) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"a"
        raise error

    async def script(wire: Wire) -> None:
        await wire.gone()

    async with peer(script) as server, opened() as client:
        with pytest.raises(type(error), match="mine"):
            await client.request("POST", server.target, body=failing())
        assert counts(client).active == counts(client).idle == 0


@pytest.mark.parametrize("stall_after", [1, 1_000_000])
async def test_cancelling_closes_the_body_and_the_connection(stall_after: int) -> None:
    body = Body(stall_after=stall_after)
    async with peer(reading_nothing) as server, opened() as client:
        async with background(client.request("POST", server.target, body=body.stream())) as task:
            seen = -1
            while seen != body.taken or not body.taken:
                seen = body.taken
                await asyncio.wait([task], timeout=0.02)
            await cancelled(task)
        assert counts(client).active == counts(client).idle == 0
    assert body.closed

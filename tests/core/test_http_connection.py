"""One connection: what it does with bytes nobody asked for, with pressure, and with its owner."""

import asyncio
from math import inf

import pytest

from fedgate.core.errors import UpstreamBroken
from fedgate.core.http_connection import Connection, Stale
from fedgate.core.http_response import HttpResponse
from fedgate.core.http_values import HttpLimits, Timeouts
from tests.core.http_peer import (
    LIMIT,
    OK,
    FakeTransport,
    Wire,
    background,
    cancelled,
    counts,
    on_both_loops,
    opened,
    peer,
    until,
)

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()

LONG = b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n"


class FakeOwner:
    def __init__(self) -> None:
        self.told: list[str] = []

    def made(self, connection: Connection) -> None:
        self.told.append("made")

    def finished(self, connection: Connection) -> None:
        self.told.append("reusable" if connection.reusable else "used up")

    def ended(self, connection: Connection) -> None:
        self.told.append("ended")

    def gone(self, connection: Connection) -> None:
        self.told.append("gone")


def connect() -> tuple[Connection, FakeTransport, FakeOwner]:
    owner = FakeOwner()
    transport = FakeTransport()
    connection = Connection(owner, "http://h", HttpLimits())
    connection.connection_made(transport)
    return connection, transport, owner


def ask(connection: Connection, body: bytes = b"") -> HttpResponse:
    response = HttpResponse(connection, asyncio.get_running_loop(), Timeouts(), inf)
    connection.start(response, b"HEAD", body)
    return response


async def test_a_small_body_goes_out_with_its_head_in_one_write_and_a_large_one_uncopied() -> None:
    connection, transport, _ = connect()
    ask(connection, b"small")
    assert transport.written == [b"HEADsmall"]
    large = b"x" * 1_000_000
    ask(connection, large)
    assert transport.written[1:] == [b"HEAD", large]
    connection.close()


async def test_the_owner_hears_once_of_each_step() -> None:
    connection, _, owner = connect()
    ask(connection)
    connection.data_received(OK)
    ask(connection)
    connection.data_received(OK + b"extra")
    connection.close()
    connection.close()
    connection.connection_lost(None)
    assert owner.told == ["made", "reusable", "used up", "ended", "gone"]


async def test_a_write_into_a_connection_that_is_closed_is_known_as_unsent() -> None:
    connection, transport, owner = connect()
    transport.breaks_at = 1
    response = ask(connection)
    with pytest.raises(Stale) as caught:
        await response.arrive()
    assert caught.value.unsent
    assert owner.told == ["made", "ended"]


async def test_a_connection_whose_request_is_not_out_yet_is_not_used_again() -> None:
    connection, transport, owner = connect()
    ask(connection, b"x" * 1_000_000)
    transport.unsent = 900_000
    connection.data_received(OK)
    assert owner.told == ["made", "used up"]
    connection.close()


async def test_a_failure_after_the_head_is_not_called_unsent() -> None:
    connection, transport, _ = connect()
    transport.breaks_at = 2
    response = ask(connection, b"x" * 1_000_000)
    connection.connection_lost(BrokenPipeError())
    with pytest.raises(UpstreamBroken) as caught:
        await response.arrive()
    assert not isinstance(caught.value, Stale)


@pytest.mark.parametrize("served", [0, 1])
async def test_only_a_connection_that_served_before_is_called_stale(served: int) -> None:
    connection, _, _ = connect()
    for _ in range(served):
        ask(connection)
        connection.data_received(OK)
    response = ask(connection)
    connection.connection_lost(ConnectionResetError("reset"))
    with pytest.raises(UpstreamBroken) as caught:
        await response.arrive()
    assert isinstance(caught.value, Stale) == bool(served)
    assert isinstance(caught.value.__cause__, ConnectionResetError)


async def test_a_connection_made_after_it_was_given_up_is_dropped() -> None:
    owner = FakeOwner()
    connection = Connection(owner, "http://h", HttpLimits())
    connection.close()
    transport = FakeTransport()
    connection.connection_made(transport)
    assert transport.is_closing()
    assert not connection.usable


async def test_a_connection_shown_says_its_state() -> None:
    connection, _, _ = connect()
    assert repr(connection) == "<Connection http://h idle, 0 served>"
    ask(connection)
    assert "busy, 1 served" in repr(connection)
    connection.close()
    assert "ended" in repr(connection)


async def test_a_connection_without_a_transport_has_none_to_hand_over() -> None:
    with pytest.raises(ValueError, match="no transport"):
        Connection(FakeOwner(), "http://h", HttpLimits()).detach()


async def test_an_answer_that_nobody_asked_for_is_never_given_to_the_next_request() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer()
        if not wire.number:
            await idle.wait()
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")
        await wire.gone()

    idle = asyncio.Event()
    async with peer(script) as server, opened() as client:
        assert await (await client.request("GET", server.target)).read(10) == b"ok"
        assert counts(client).idle == 1
        idle.set()
        await until(lambda: counts(client).idle == 0)
        assert await (await client.request("GET", server.target)).read(10) == b"ok"


async def test_an_idle_connection_that_the_peer_closes_is_forgotten() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer()
        wire.finish()

    async with peer(script) as server, opened() as client:
        await (await client.request("GET", server.target)).read(10)
        await until(lambda: counts(client).idle == 0)
        assert counts(client).active == 0


async def test_a_body_that_nobody_reads_is_not_pulled_in() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(LONG)
        for number in range(500):
            wire.send(b"x" * 100_000)
            written[0] = number
            await wire.writer.drain()

    written = [0]
    async with peer(script) as server, opened() as client:
        response = await client.request("GET", server.target)
        seen = -1
        while seen != written[0]:
            seen = written[0]
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.05)
        # What is stuck in the kernel's buffers and ours is far from fifty megabytes.
        assert seen < 250
        total = 0
        async for chunk in response:
            assert len(chunk) < 1_000_000
            total += len(chunk)
        assert total == 50_000_000
        assert counts(client).idle == 1


async def test_an_answer_that_was_paused_and_then_completes_leaves_a_connection_that_reads() -> None:
    async def script(wire: Wire) -> None:
        while True:
            await wire.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n" + b"x" * 90000)

    async with peer(script) as server, opened() as client:
        for _ in range(5):
            response = await client.request("GET", server.target)
            assert sum([len(chunk) async for chunk in response]) == 90000
        assert counts(client).opened == 1


@pytest.mark.parametrize("phase", ["head", "read", "iterate", "unread"])
async def test_giving_up_in_any_phase_frees_the_slot_and_tells_the_peer(phase: str) -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.send(b"" if phase == "head" else b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart")
        asked.set()
        await wire.gone()
        closed.set()

    asked, closed = asyncio.Event(), asyncio.Event()
    async with peer(script) as server, opened() as client:

        async def work() -> None:
            response = await client.request("GET", server.target)
            if phase == "unread":
                await response.aclose()
            elif phase == "read":
                await response.read(100)
            else:
                _ = [chunk async for chunk in response]

        async with background(work()) as task, asyncio.timeout(LIMIT):
            await asked.wait()
            if phase == "unread":
                await task
            else:
                await asyncio.wait([task], timeout=0.02)
                await cancelled(task)
            assert counts(client).active == counts(client).idle == 0
            await closed.wait()

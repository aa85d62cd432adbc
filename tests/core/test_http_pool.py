"""Who gets which connection, in which order, and what is left when nobody wants one."""

import asyncio
import ssl
from typing import Any

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded, UpstreamTimeout
from fedgate.core.http_client import HttpClient
from fedgate.core.http_response import HttpResponse
from fedgate.core.http_values import HttpLimits, OriginStatistics, Target, Timeouts
from tests.core.http_peer import (
    OK,
    Peer,
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


class Gate:
    """A script whose answers wait until they are let out, and which notes the order of requests."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.out: asyncio.Queue[bytes] = asyncio.Queue()

    def let(self, count: int = 1, answer: bytes = OK) -> None:
        for _ in range(count):
            self.out.put_nowait(answer)

    async def __call__(self, wire: Wire) -> None:
        while True:
            self.seen.append((await wire.request()).target)
            wire.send(await self.out.get())


async def ask(client: HttpClient, server: Peer, path: str = "/", **arguments: Any) -> bytes:
    response = await client.request("GET", server.target, path=path, **arguments)
    return await response.read(1000)


async def in_line(client: HttpClient, number: int) -> None:
    """Wait until so many wait."""
    await until(lambda: counts(client).waiting == number)


def small(connections: int = 1, **limits: Any) -> HttpClient:
    return HttpClient(limits=HttpLimits(per_origin=connections, **limits))


async def test_the_connection_used_last_is_used_first() -> None:
    served: list[int] = []
    gate = Gate()

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            served.append(wire.number)
            wire.send(await gate.out.get())

    async with peer(script) as server, opened() as client:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask(client, server))
            group.create_task(ask(client, server))
            await until(lambda: len(served) == 2)
            gate.let()
            await until(lambda: counts(client).idle == 1)
            gate.let()
        last = served[1]
        for _ in range(3):
            gate.let()
            await ask(client, server)
        assert len(set(served[2:])) == 1
        assert served[2] == last
        assert counts(client) == OriginStatistics(active=0, idle=2, waiting=0, opened=2, reused=3)


async def test_requests_beyond_the_connections_wait_in_order() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client, asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(client, server, f"/{number}"))
            await in_line(client, number)
        await until(lambda: len(gate.seen) == 1)
        assert counts(client).active == 1
        gate.let(5)
        await until(lambda: counts(client).idle == 1)
        assert gate.seen == [b"/0", b"/1", b"/2", b"/3", b"/4"]
        assert len(server.wires) == 1


async def test_a_newcomer_does_not_overtake_those_who_wait() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client:
        async with asyncio.TaskGroup() as group:
            group.create_task(ask(client, server, "/first"))
            await until(lambda: len(gate.seen) == 1)
            group.create_task(ask(client, server, "/waiting"))
            await until(lambda: counts(client).waiting == 1)
            gate.let(3)
            await until(lambda: counts(client).waiting == 0)
            # The connection is promised, but its request has not begun.
            group.create_task(ask(client, server, "/newcomer"))
        assert gate.seen == [b"/first", b"/waiting", b"/newcomer"]


async def test_a_connection_that_ends_makes_room_for_the_next_who_waits() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client, asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(ask(client, server, f"/{number}"))
            await in_line(client, number)
        gate.let(3, b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        await until(lambda: counts(client).active == 0)
        assert gate.seen == [b"/0", b"/1", b"/2"]
        assert len(server.wires) == 3


async def test_a_request_that_waits_too_long_times_out_and_leaves_the_line() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client, background(ask(client, server)):
        await until(lambda: len(gate.seen) == 1)
        with pytest.raises(UpstreamTimeout, match="all connections are busy"):
            await ask(client, server, timeouts=Timeouts(connect=0.05))
        assert (counts(client).active, counts(client).waiting) == (1, 0)


async def test_one_waiter_too_many_is_overloaded_at_once() -> None:
    gate = Gate()
    async with (
        peer(gate) as server,
        opened(small(1, waiters=1)) as client,
        background(ask(client, server)),
        background(ask(client, server)),
    ):
        await until(lambda: counts(client).waiting == 1)
        with pytest.raises(Overloaded, match="too many requests wait"):
            await ask(client, server)


async def test_a_cancelled_waiter_leaves_the_line_to_the_next() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client, background(ask(client, server, "/0")) as first:
        await until(lambda: len(gate.seen) == 1)
        async with background(ask(client, server, "/1")) as second, background(ask(client, server, "/2")) as third:
            await until(lambda: counts(client).waiting == 2)
            await cancelled(second)
            assert counts(client).waiting == 1
            gate.let(2)
            assert [await first, await third] == [b"ok", b"ok"]
        assert gate.seen == [b"/0", b"/2"]
        assert counts(client) == OriginStatistics(active=0, idle=1, waiting=0, opened=1, reused=1)


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"])
async def test_what_is_granted_to_a_request_cancelled_at_that_moment_goes_to_the_next(answer: bytes) -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client:
        async with (
            background(ask(client, server, "/0")),
            background(ask(client, server, "/1")) as second,
            background(ask(client, server, "/2")) as third,
        ):
            await until(lambda: counts(client).waiting == 2 and len(gate.seen) == 1)
            gate.let(2, answer)
            await until(lambda: counts(client).waiting == 1)
            # Granted in this very turn of the loop: its task has not run yet.
            await cancelled(second)
            await third
        assert gate.seen == [b"/0", b"/2"]
        assert (counts(client).active, counts(client).waiting) == (0, 0)


async def test_closing_the_client_refuses_those_who_wait() -> None:
    gate = Gate()
    async with (
        peer(gate) as server,
        opened(small(1)) as client,
        background(ask(client, server)),
        background(ask(client, server)) as waiting,
    ):
        await until(lambda: counts(client).waiting == 1 and len(gate.seen) == 1)
        await client.aclose()
        with pytest.raises(Overloaded, match="shutting down"):
            await waiting
        assert counts(client) == OriginStatistics(active=0, idle=0, waiting=0, opened=1, reused=0)


async def test_an_old_idle_connection_is_not_used() -> None:
    gate = Gate()
    clock = ManualClock()
    async with peer(gate) as server, opened(HttpClient(clock=clock)) as client:
        gate.let(3)
        await ask(client, server)
        clock.advance(29)
        await ask(client, server)
        assert len(server.wires) == 1
        clock.advance(31)
        await ask(client, server)
        assert len(server.wires) == 2
        assert counts(client) == OriginStatistics(active=0, idle=1, waiting=0, opened=2, reused=1)


async def test_idle_connections_are_closed_after_their_time_without_any_request() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(HttpClient(limits=HttpLimits(keepalive=0.05))) as client:
        gate.let()
        await ask(client, server)
        assert counts(client).idle == 1
        await until(lambda: counts(client).idle == 0)
        await server.wires[0].over.wait()


async def test_idle_connections_beyond_the_limit_are_closed_the_oldest_first() -> None:
    gate = Gate()
    clock = ManualClock()
    async with peer(gate) as server, opened(HttpClient(limits=HttpLimits(idle_per_origin=2), clock=clock)) as client:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(ask(client, server))
            await until(lambda: len(gate.seen) == 5)
            gate.let(5)
        assert counts(client).idle == 5
        clock.advance(2)
        await until(lambda: counts(client).idle == 2)


async def test_a_kept_connection_that_the_kernel_knows_to_be_closed_is_not_written_to() -> None:
    clock = ManualClock()
    gate = Gate()
    async with peer(gate) as server, opened(HttpClient(clock=clock)) as client:
        gate.let(2)
        await ask(client, server)
        clock.advance(1)
        server.wires[0].shut()
        # No turn of the loop between the shutdown and this: only the kernel can know.
        response = await client.request("POST", server.target, body=b"pay")
        assert response.status == 200
        await response.aclose()
        assert len(server.wires) == 2
        assert counts(client).reused == 0


async def test_a_connection_that_nobody_accepts_times_out_and_frees_its_slot() -> None:
    async def never(wire: Wire) -> None:
        await wire.gone()

    async with peer(never) as server, opened(HttpClient(tls=ssl.create_default_context())) as client:
        # TLS towards a peer that never says a word hangs in the handshake.
        target = Target("https", "127.0.0.1", server.target.port)
        with pytest.raises(UpstreamTimeout, match="no connection in time"):
            await client.request("GET", target, timeouts=Timeouts(connect=0.1))
        seen = len(server.wires)
        async with background(client.request("GET", target)) as task:
            await until(lambda: len(server.wires) > seen)
            assert counts(client).active == 1
            await cancelled(task)
        assert counts(client) == OriginStatistics(active=0, idle=0, waiting=0, opened=0, reused=0)
        for wire in server.wires:
            await wire.over.wait()


async def test_closing_the_client_while_it_connects_leaves_nothing_open() -> None:
    gate = Gate()
    async with peer(gate) as server:
        client = HttpClient()
        async with background(client.request("GET", server.target)) as task:
            await asyncio.wait([task], timeout=0)
            await client.aclose()
            with pytest.raises(Overloaded, match="shutting down"):
                await task
        assert counts(client).active == 0


async def test_an_answer_is_held_until_it_is_read() -> None:
    gate = Gate()
    async with peer(gate) as server, opened(small(1)) as client:
        gate.let(1, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfi")
        response: HttpResponse = await client.request("GET", server.target)
        assert counts(client).active == 1
        server.wires[0].send(b"ve!")
        assert await response.read(5) == b"five!"
        assert counts(client).active == 0

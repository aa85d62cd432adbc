"""What a pool does in moments that can only be brought about with a hand on every step."""

import asyncio
from math import inf

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamRefused
from fedgate.core.http_connect import Connector
from fedgate.core.http_connection import Connection
from fedgate.core.http_pool import OriginPool
from fedgate.core.http_response import HttpResponse
from fedgate.core.http_values import HttpLimits, OriginStatistics, Target, Timeouts
from tests.core.http_peer import (
    OK,
    FakeTransport,
    background,
    cancelled,
    on_both_loops,
    until,
)

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


class FakeConnector(Connector):
    """Connects to nothing, at once."""

    def __init__(self) -> None:
        super().__init__(None, None, HttpLimits())
        self.made: list[Connection] = []
        self.stillborn = False

    async def open(self, target: Target, connection: Connection) -> None:
        connection.connection_made(FakeTransport())
        self.made.append(connection)
        if self.stillborn:
            connection.connection_lost(None)


def pool_of(connections: int) -> tuple[OriginPool, FakeConnector]:
    connector = FakeConnector()
    limits = HttpLimits(per_origin=connections)
    return OriginPool(Target("http", "h", 80), connector, limits, ManualClock()), connector


async def served(pool: OriginPool) -> Connection:
    """A connection in use."""
    connection = await pool.obtain(inf)
    connection.start(HttpResponse(connection, asyncio.get_running_loop(), Timeouts(), inf), b"")
    return connection


async def test_a_second_try_at_the_limit_makes_room_by_closing_an_idle_connection() -> None:
    pool, _ = pool_of(1)
    kept = await served(pool)
    kept.data_received(OK)
    assert pool.statistics().idle == 1
    fresh = await served(pool)
    assert fresh is not kept
    assert kept.ended
    assert pool.statistics() == OriginStatistics(active=1, idle=0, waiting=0, opened=2, reused=0)
    fresh.close()
    assert "active=0" in repr(pool)


async def test_a_connection_that_dies_on_its_way_to_a_waiter_is_replaced() -> None:
    pool, connector = pool_of(1)
    first = await served(pool)
    async with background(served(pool)) as waiting:
        await until(lambda: pool.statistics().waiting == 1)
        first.data_received(OK)
        first.connection_lost(None)
        second = await waiting
    assert second is connector.made[1]
    assert pool.statistics() == OriginStatistics(active=1, idle=0, waiting=0, opened=2, reused=0)
    second.close()


async def test_a_connection_that_ends_before_it_is_used_is_refused() -> None:
    pool, connector = pool_of(1)
    connector.stillborn = True
    with pytest.raises(UpstreamRefused, match="closed the connection at once"):
        await served(pool)
    assert pool.statistics().active == 0
    assert pool.empty


@pytest.mark.parametrize("granted", ["connection", "slot", "dead connection", "end"])
async def test_whatever_is_granted_to_a_request_cancelled_in_the_same_moment_is_not_lost(granted: str) -> None:
    pool, _ = pool_of(1)
    first = await served(pool)
    async with background(served(pool)) as waiting:
        await until(lambda: pool.statistics().waiting == 1)
        if granted == "end":
            pool.close()
        elif granted == "slot":
            first.close()
        else:
            first.data_received(OK)
        if granted == "dead connection":
            first.connection_lost(None)
        await cancelled(waiting)
    assert (pool.statistics().active, pool.statistics().waiting) == (0, 0)
    assert pool.statistics().idle == (1 if granted == "connection" else 0)
    pool.close()


async def test_a_waiter_cancelled_but_not_yet_gone_is_passed_over() -> None:
    pool, _ = pool_of(1)
    first = await served(pool)
    async with background(served(pool)) as given_up, background(served(pool)) as patient:
        await until(lambda: pool.statistics().waiting == 2)
        given_up.cancel()
        first.data_received(OK)
        assert await patient is first
    first.close()

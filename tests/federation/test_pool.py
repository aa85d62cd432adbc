"""Which connection a client's calls travel on. The opener is a fake: what it opens are real, unopened connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from anyio.lowlevel import checkpoint

from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded, UpstreamRefused
from fedgate.core.rawjson import Raw
from fedgate.core.tasks import Tasks
from fedgate.federation.connect import Opened
from fedgate.federation.http_legacy import LegacyHttp
from fedgate.federation.http_modern import ModernHttp
from fedgate.federation.messages import Client, Inbox
from fedgate.federation.pool import Pool, Rule
from tests.core.http_peer import background, until
from tests.federation.connections import ALICE, ASKABLE, BOB, World, answer, call, events, world
from tests.federation.upstreams import Upstream, never, upstream

pytestmark = pytest.mark.anyio

PRIVATE = Rule()


class Openings:
    """An `Opener` that opens legacy sessions with a real server, and can be told to wait or to fail."""

    per_caller = False

    def __init__(self, one: Upstream, made: World) -> None:
        self.one = one
        self.made = made
        self.clients: list[str] = []
        self.hold: asyncio.Event | None = None
        self.failing = False

    async def open(self, tasks: Tasks, inbox: Inbox, client: Client | None = None) -> Opened:
        assert client is not None
        self.clients.append(client.key)
        if self.hold is not None:
            await self.hold.wait()
        if self.failing:
            raise UpstreamRefused("it is not there")
        return await session(self.one, self.made, client)


async def session(one: Upstream, made: World, client: Client, *, shared: bool = False) -> LegacyHttp:
    connection = LegacyHttp(made.wire(one), made.tasks, made.clock, made.inbox.append, client=client, shared=shared)
    await connection.open(5.0)
    return connection


@asynccontextmanager
async def pool(
    *, stateful: bool = True, rule: Rule = PRIVATE, clock: ManualClock | None = None
) -> AsyncIterator[tuple[Pool, LegacyHttp, Openings]]:
    """A pool beside a shared connection."""
    clock = clock or ManualClock()
    async with upstream(session=stateful) as one, world(clock) as made:
        openings = Openings(one, made)
        found = Pool(openings, made.inbox.append, clock, rule)
        shared = await session(one, made, ALICE, shared=True)
        try:
            yield found, shared, openings
        finally:
            if openings.hold is not None:
                openings.hold.set()
            await found.aclose()


async def test_a_server_that_keeps_sessions_has_one_for_each_client() -> None:
    async with pool() as (found, shared, openings):
        alice, bob = await found.connection(shared, ALICE), await found.connection(shared, BOB)
        assert alice is not bob
        assert alice is not shared
        assert await found.connection(shared, ALICE) is alice
        assert openings.clients == ["alice", "bob"]
        assert found.private("alice") is alice
        assert len(found) == 2


async def test_a_server_without_sessions_is_shared_unless_it_may_ask_the_client_something() -> None:
    async with pool(stateful=False) as (found, shared, openings):
        assert await found.connection(shared, ALICE) is shared
        assert await found.connection(shared, ASKABLE) is not shared
        assert openings.clients == ["alice"]


async def test_the_gateway_itself_and_modern_servers_have_none() -> None:
    async with pool() as (found, shared, openings):
        assert await found.connection(shared, Client()) is shared
        modern = ModernHttp(openings.made.wire(openings.one), openings.made.inbox.append)
        assert await found.connection(modern, ASKABLE) is modern
        assert openings.clients == []


async def test_always_means_for_every_client_of_any_server() -> None:
    async with pool(stateful=False, rule=Rule(always=True)) as (found, shared, _):
        assert await found.connection(shared, ALICE) is not shared
        assert await found.connection(shared, Client()) is shared


async def test_calls_that_come_at_once_share_one_opening() -> None:
    async with pool() as (found, shared, openings):
        openings.hold = asyncio.Event()
        waiting = [asyncio.create_task(found.connection(shared, ALICE)) for _ in range(10)]
        await until(lambda: openings.clients == ["alice"])
        for _ in range(10):
            await checkpoint()
        openings.hold.set()
        assert len(set(await asyncio.gather(*waiting))) == 1
        assert openings.clients == ["alice"]


async def test_one_that_gives_up_waiting_leaves_the_opening_to_the_others() -> None:
    async with pool() as (found, shared, openings):
        openings.hold = asyncio.Event()
        async with (
            background(found.connection(shared, ALICE)) as one,
            background(found.connection(shared, ALICE)) as two,
        ):
            await until(lambda: openings.clients == ["alice"])
            one.cancel()
            openings.hold.set()
            assert await two is found.private("alice")


async def test_an_opening_that_failed_fails_its_callers_and_is_made_again_for_the_next() -> None:
    async with pool() as (found, shared, openings):
        openings.failing = True
        for _ in range(2):
            with pytest.raises(UpstreamRefused):
                await found.connection(shared, ALICE)
        assert found.private("alice") is None
        openings.failing = False
        await found.connection(shared, ALICE)
        assert openings.clients == ["alice"] * 3


async def test_a_client_that_has_gone_has_its_session_ended() -> None:
    async with pool() as (found, shared, openings):
        await found.connection(shared, ALICE)
        found.forget("alice")
        found.forget("nobody")
        gone = await openings.one.saw("DELETE")
        assert gone.header("mcp-session-id") == "session-2"
        assert len(found) == 0


async def test_sessions_that_are_idle_are_ended_but_not_those_at_work() -> None:
    clock = ManualClock()
    async with pool(clock=clock, rule=Rule(idle=60.0)) as (found, shared, openings):
        await found.connection(shared, ALICE)
        busy = await found.connection(shared, BOB)
        openings.one.on["tools/call"] = never
        async with background(events(busy, call(client=BOB))):
            await openings.one.saw("tools/call")
            clock.advance(61.0)
            found.trim()
            assert (await openings.one.saw("DELETE")).header("mcp-session-id") == "session-2"
            assert found.private("alice") is None
            assert found.private("bob") is busy


async def test_a_session_that_is_used_stays() -> None:
    clock = ManualClock()
    async with pool(clock=clock, rule=Rule(idle=60.0)) as (found, shared, _):
        for _ in range(3):
            clock.advance(40.0)
            await found.connection(shared, ALICE)
            found.trim()
        assert len(found) == 1


async def test_at_the_limit_the_longest_unused_goes_and_if_all_are_at_work_none_more_comes() -> None:
    async with pool(rule=Rule(limit=2)) as (found, shared, openings):
        carol, dave = (Client(key=key, info=Raw(b'{"name":"x","version":"1"}')) for key in ("carol", "dave"))
        await found.connection(shared, ALICE)
        bob = await found.connection(shared, BOB)
        await found.connection(shared, ALICE)
        third = await found.connection(shared, carol)
        assert (found.private("bob"), found.private("carol")) == (None, third)
        await openings.one.saw("DELETE")
        assert bob is not third
        alice = await found.connection(shared, ALICE)
        openings.one.on["tools/call"] = never
        async with background(events(alice, call())), background(events(third, call())):
            await openings.one.saw("tools/call", 2)
            with pytest.raises(Overloaded, match="all 2 private connections"):
                await found.connection(shared, dave)


async def test_closing_ends_every_session_and_waits_for_nobody_too_long() -> None:
    async with pool() as (found, shared, openings):
        await found.connection(shared, ALICE)
        openings.hold = asyncio.Event()
        opening = asyncio.create_task(found.connection(shared, BOB))
        await until(lambda: "bob" in openings.clients)
        async with asyncio.timeout(8):
            await found.aclose()
        await asyncio.wait([opening])
        assert opening.cancelled()
        assert openings.one.all("DELETE")


async def test_two_clients_never_meet_on_one_session() -> None:
    async with pool() as (found, shared, openings):
        for client in (ALICE, BOB, ALICE):
            await answer(await found.connection(shared, client), call(client=client))
        used = [seen.header("mcp-session-id") for seen in openings.one.all("tools/call")]
        assert used == ["session-2", "session-3", "session-2"]

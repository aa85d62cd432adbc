"""The life of one server: reached, lost, reached again, listed anew. Real connections to a scripted server."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fedgate.core.clock import ManualClock, SystemClock
from fedgate.core.errors import UpstreamRefused
from fedgate.core.tasks import Tasks
from fedgate.federation.connect import Deps, Opened, ServerOpener
from fedgate.federation.messages import Client, Inbox
from fedgate.federation.process import ProcessTable
from fedgate.federation.server import GRACE, Server, Status
from fedgate.federation.settings import HttpServer
from tests.core.http_peer import until
from tests.federation.connections import ALICE, answer, call, world
from tests.federation.upstreams import Seen, Upstream, always, error, hang_up, http, never, result, upstream

pytestmark = pytest.mark.anyio


class Meter:
    """Counts reconnections."""

    def __init__(self) -> None:
        self.reconnections = 0

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        pass

    def reconnected(self, name: str) -> None:
        self.reconnections += 1

    def pinned(self, result: str) -> None:
        pass


class Watched:
    """A server, what it became, and what its lists became."""

    def __init__(self, server: Server, meter: Meter, clock: ManualClock | SystemClock) -> None:
        self.server = server
        self.meter = meter
        self.clock = clock
        self.states: list[Status] = []
        self.announced: list[frozenset[str]] = []
        self._news = asyncio.Event()
        server.on_change = self._changed

    def _changed(self, _name: str, announced: frozenset[str]) -> None:
        self.states.append(self.server.status)
        self.announced.append(announced)
        self._news.set()

    async def until(self, wanted: Callable[[Status], bool]) -> Status:
        """Wait until its state is as wanted; moves a manual clock on whenever something sleeps."""
        while not wanted(self.server.status):
            self._news.clear()
            if isinstance(self.clock, ManualClock):
                await until(lambda: self._news.is_set() or self._sleeps() or wanted(self.server.status))
                if self._sleeps() and not wanted(self.server.status):
                    self.clock.advance(1.0)
            else:
                await self._news.wait()
        return self.server.status

    def _sleeps(self) -> bool:
        return isinstance(self.clock, ManualClock) and self.clock.sleeping > 0


@asynccontextmanager
async def watching(
    one: Upstream, clock: ManualClock | SystemClock | None = None, **settings: Any
) -> AsyncIterator[Watched]:
    clock = clock or SystemClock()
    async with world(clock) as made:
        meter = Meter()
        deps = Deps(made.http, clock, ProcessTable(clock), meter, "1")
        told = HttpServer(url=one.url, **settings)
        server = Server("one", told, ServerOpener("one", told, deps), deps)
        watched = Watched(server, meter, clock)
        server.start()
        try:
            yield watched
        finally:
            await server.aclose()


def ready(status: Status) -> bool:
    return status.state == "ready"


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_server_is_reached_and_listed(era: Any) -> None:
    async with upstream(era) as one, watching(one) as watched:
        assert (watched.server.state, watched.server.reason) == ("starting", "not reached yet")
        with pytest.raises(UpstreamRefused, match="it is starting: not reached yet"):
            await watched.server.connection(ALICE)
        status = await watched.until(ready)
        assert (status.era, status.tools, status.reason, status.name) == (era, 1, "", "one")
        assert status.endpoint == f"127.0.0.1:{one.port}"
        assert b'"text"' in (await answer(await watched.server.connection(ALICE), call())).result
        assert watched.meter.reconnections == 0


async def test_a_server_that_was_never_there_is_down_until_it_comes() -> None:
    clock = ManualClock()
    async with upstream() as one:
        await one.stop()
        async with watching(one, clock) as watched:
            status = await watched.until(lambda status: status.state == "down")
            assert "refused" in status.reason
            assert status.tools == 0
            await one.start()
            await watched.until(ready)
        assert watched.meter.reconnections == 1


async def test_a_lost_server_keeps_its_tools_for_a_while_and_then_loses_them() -> None:
    clock = ManualClock()
    async with upstream("modern") as one, watching(one, clock) as watched:
        await watched.until(ready)
        await one.stop()
        watched.server.suspect()
        status = await watched.until(lambda status: status.state == "degraded")
        assert (status.tools, status.era) == (1, "")
        with pytest.raises(UpstreamRefused, match="it is degraded: "):
            await watched.server.connection(ALICE)
        lost = clock.monotonic()
        status = await watched.until(lambda status: status.state == "down")
        assert status.tools == 0
        assert clock.monotonic() - lost >= GRACE - 1
        await one.start()
        status = await watched.until(ready)
        assert status.tools == 1
        assert watched.meter.reconnections == 1


async def test_a_server_that_comes_back_in_time_was_never_missing_in_the_catalog() -> None:
    clock = ManualClock()
    async with upstream("modern") as one, watching(one, clock) as watched:
        await watched.until(ready)
        await one.stop()
        watched.server.suspect()
        await watched.until(lambda status: status.state == "degraded")
        await one.start()
        await watched.until(ready)
        assert all(status.tools == 1 for status in watched.states)


class Failing:
    """An opener of what cannot be opened."""

    per_caller = False

    def __init__(self) -> None:
        self.attempts = 0

    async def open(self, tasks: Tasks, inbox: Inbox, client: Client | None = None) -> Opened:
        self.attempts += 1
        raise UpstreamRefused("nobody is there")


async def test_the_pauses_between_attempts_grow_up_to_half_a_minute() -> None:
    clock = ManualClock()
    async with world(clock) as made:
        deps = Deps(made.http, clock, ProcessTable(clock), Meter(), "1")
        failing = Failing()
        server = Server("one", HttpServer(url="http://127.0.0.1:1/mcp"), failing, deps)
        server.start()
        begun = clock.monotonic()
        pauses = []
        for attempt in range(1, 10):
            await until(lambda count=attempt: failing.attempts == count and clock.sleeping == 1)  # type: ignore[misc]
            before = clock.monotonic()
            while failing.attempts == attempt:
                clock.advance(0.1)
                await until(lambda count=attempt: failing.attempts > count or clock.sleeping == 1)  # type: ignore[misc]
            pauses.append(clock.monotonic() - before)
        assert pauses[0] <= 0.6
        assert all(later > earlier for earlier, later in itertools.pairwise(pauses[:6]))
        assert all(pause <= 30.1 for pause in pauses)
        assert clock.monotonic() - begun > 60
        await server.aclose()


# Lists.


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_an_announced_change_is_fetched_and_told_with_what_was_announced(era: Any) -> None:
    async with upstream(era) as one, watching(one) as watched:
        await watched.until(ready)
        await one.listening()
        one.tools = [*one.tools, {"name": "late", "inputSchema": {}}]
        one.announce("notifications/tools/list_changed")
        await watched.until(lambda status: status.tools == 2)
        assert watched.announced[-1] == {"tools"}
        assert len(one.all("tools/list")) == 2


async def test_an_announcement_without_a_change_is_told_too_for_those_who_pass_it_on() -> None:
    async with upstream() as one, watching(one) as watched:
        await watched.until(ready)
        await one.listening()
        before = len(watched.announced)
        one.announce("notifications/tools/list_changed")
        async with asyncio.timeout(10):
            await until(lambda: len(watched.announced) > before)
        assert watched.announced[-1] == {"tools"}


async def test_a_list_that_is_announced_but_not_implemented_is_empty_and_costs_the_others_nothing() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(200, error(seen, -32601, "Method not found"))

    async with upstream() as one:
        one.capabilities = {"tools": {}, "resources": {}, "prompts": {}}
        one.lists = {"prompts": [{"name": "p"}], "resources": [{"uri": "a:b", "name": "r"}]}
        one.on["resources/templates/list"] = refuse
        async with watching(one) as watched:
            status = await watched.until(lambda status: status.state != "starting")
            assert (status.state, status.tools, status.prompts, status.resources) == ("ready", 1, 1, 1)


async def test_a_refresh_that_fails_makes_the_server_degraded_with_its_tools() -> None:
    clock = SystemClock()
    async with upstream() as one, watching(one, clock) as watched:
        await watched.until(ready)
        await one.listening()
        one.on["tools/list"] = hang_up
        one.announce("notifications/tools/list_changed")
        status = await watched.until(lambda status: status.state == "degraded")
        assert status.tools == 1


async def test_pages_are_followed() -> None:
    async def page(seen: Seen) -> bytes:
        number = int(seen.params.get("cursor", 0))
        more = {"nextCursor": str(number + 1)} if number < 4 else {}
        return http(200, result(seen, {"tools": [{"name": f"t{number}", "inputSchema": {}}], **more}))

    async with upstream() as one:
        one.on["tools/list"] = page
        async with watching(one) as watched:
            assert (await watched.until(ready)).tools == 5


# Sessions.


async def test_a_server_that_forgot_the_session_is_listed_again() -> None:
    async with upstream() as one, watching(one) as watched:
        await watched.until(ready)
        one.sessions.clear()
        one.tools = [*one.tools, {"name": "new", "inputSchema": {}}]
        watched.server.suspect()
        await watched.until(lambda status: status.tools == 2)
        assert watched.meter.reconnections == 1
        assert all(status.state in ("starting", "ready") for status in watched.states)


async def test_a_suspected_server_that_answers_a_ping_stays() -> None:
    async with upstream() as one, watching(one) as watched:
        await watched.until(ready)
        watched.server.suspect()
        await one.saw("ping")
        assert watched.server.state == "ready"


async def test_closing_ends_its_sessions_and_needs_no_answer() -> None:
    async with upstream() as one, watching(one) as watched:
        await watched.until(ready)
        await watched.server.connection(ALICE)
        one.on["DELETE"] = always(http(500))
        await watched.server.aclose()
        assert len(one.all("DELETE")) == 2
        with pytest.raises(UpstreamRefused):
            await watched.server.connection(ALICE)


async def test_closing_while_it_is_being_reached_is_quick() -> None:
    async with upstream() as one:
        one.on["server/discover"] = never
        async with watching(one) as watched:
            asked = await one.saw("server/discover")
            await watched.server.aclose()
            await asked.gone.wait()

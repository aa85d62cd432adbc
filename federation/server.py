"""One configured MCP server, kept alive: opened, listed, watched, opened again.

    starting ──► ready ──► degraded ──► down
                   ▲           │          │
                   └───────────┴──────────┘

`degraded`: the connection is lost and being made anew; the last listing still stands.
`down`: that has lasted longer than `GRACE` (or never worked); the listing is withdrawn.
Nothing outside ever waits for this: callers get what there is at the moment.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any, Literal

import msgspec

from ..core.call import Caller, replace
from ..core.errors import (
    GatewayError,
    UpstreamBroken,
    UpstreamDenied,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)
from ..core.jsonrpc import METHOD_NOT_FOUND
from ..core.rawjson import Fields, raw
from ..core.tasks import Tasks
from .backoff import Attempts, Backoff
from .connect import Deps, Opened, Opener, ServerSettings
from .duplex import Duplex
from .eras import LISTS
from .handshake import reason, rpc_error
from .http_legacy import LegacyHttp
from .listing import Listing, fetch
from .messages import Answer, Client, Connection, Outbound, answer_of_call
from .news import News
from .pool import Pool, rule_of

log = logging.getLogger("fedgate.server")

State = Literal["starting", "ready", "degraded", "down"]

GRACE = 30.0
"""Seconds that a lost server's tools stay in the catalog while it is being reached again."""
SETTLE = 0.1
"""Seconds to gather list changes before the lists are fetched: a storm of them is one refresh."""
HEALTH = 30.0
"""Seconds between health checks of a server that has no connection whose end would tell."""
REFRESH = 300.0
"""Seconds after which lists are fetched again even if nothing was announced."""
OWN_TIMEOUT = 10.0
"""Seconds for what the gateway asks on its own behalf, lists excepted."""


class Status(msgspec.Struct, frozen=True):
    """What people are shown of a server. Times on the wall clock."""

    name: str
    state: State
    since: float
    reason: str = ""
    era: str = ""
    version: str = ""
    tools: int = 0
    prompts: int = 0
    resources: int = 0
    endpoint: str = ""
    tokens: int = 0
    """Estimated cost of its tools to a model."""
    changed: int = 0
    """Tools whose definition is another than the accepted one."""


class Server:
    """Runs from `start` to `aclose`.

    `on_change(name, announced)` after every change of state or listing, and after a refresh that the
    server itself announced, with the kinds of lists that it named.
    """

    def __init__(self, name: str, settings: ServerSettings, opener: Opener, deps: Deps) -> None:
        self.name = name
        self.settings = settings
        self.listing: Listing | None = None
        self.state: State = "starting"
        self.reason = "not reached yet"
        self.denied = False  # whether it does not let the gateway in: then there is no list, not an empty one
        self.since = deps.clock.now()
        self.on_change: Callable[[str, frozenset[str]], None] = lambda _name, _announced: None
        self.news = News(name, self._request, deps.clock, self.suspect)
        self.pool = Pool(opener, self.news.heard, deps.clock, rule_of(settings, per_caller=opener.per_caller))
        self._opener = opener
        self._per_caller = opener.per_caller
        self._deps = deps
        self._tasks = Tasks(f"server {name}")
        self._connection: Opened | None = None
        self._wake = asyncio.Event()
        self._lost_at = self._fetched_at = deps.clock.monotonic()

    def start(self) -> None:
        self._tasks.start(self._live(), "live")

    def succeed(self, old: "Server") -> None:
        """Stand in for the server of this name as it was configured before: its lists stand until it is reached."""
        self.listing = old.listing
        self.news.take_over(old.news)

    async def retire(self, patience: float) -> None:
        """No longer configured: calls under way may end first, for so many seconds; then as `aclose`."""
        self.on_change = lambda _name, _announced: None
        self.news.on_notice = lambda _notice: None
        clock, until = self._deps.clock, self._deps.clock.monotonic() + patience
        while self.busy and clock.monotonic() < until:
            await clock.sleep(SETTLE)
        await self.aclose()

    @property
    def busy(self) -> bool:
        """Whether calls are under way that would end with its connections."""
        return self.pool.busy or (self._connection is not None and self._connection.busy)

    @property
    def status(self) -> Status:
        listing = self.listing
        return Status(
            name=self.name,
            state=self.state,
            since=self.since,
            reason=self.reason,
            era=self._connection.era if self._connection else "",
            version=listing.greeting.version if listing else "",
            tools=listing.count("tools/list") if listing else 0,
            prompts=listing.count("prompts/list") if listing else 0,
            resources=listing.count("resources/list") if listing else 0,
            endpoint=self._connection.endpoint if self._connection else self.settings.endpoint,
        )

    def known_as(self, client: Client, caller: Caller | None) -> Client:
        """The client as this server is to know it: with its caller, if the server is asked in the caller's name."""
        return replace(client, caller=caller) if self._per_caller else client

    def connection(self, client: Client) -> Coroutine[Any, Any, Connection]:
        """The connection on which this client's calls travel. `UpstreamRefused` if there is none now."""
        if self._connection is None:
            raise UpstreamRefused(f"it is {self.state}: {self.reason}")
        return self.pool.connection(self._connection, client)

    def sweep(self) -> None:
        """Close private connections that have been idle for too long."""
        self.pool.trim()

    def suspect(self) -> None:
        """A call found the connection broken: look at it now instead of at the next health check."""
        self._wake.set()

    async def aclose(self) -> None:
        await self._tasks.aclose()
        await self.pool.aclose()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.aclose()

    # Life.

    async def _live(self) -> None:
        attempts = Attempts(Backoff())
        clock = self._deps.clock
        while True:
            began = clock.monotonic()
            try:
                await self._once()
                why = "the connection ended"
            except GatewayError as error:
                why, self.denied = error.message, isinstance(error, UpstreamDenied)
            self._lost(why)
            await clock.sleep(attempts.failed(clock.monotonic() - began, random.random()))  # noqa: S311
            if self._connection is None and clock.monotonic() - self._lost_at >= GRACE:
                self._become("down", self.reason)

    async def _once(self) -> None:
        """Open, list, and stay until the connection is lost. Raises what ended it."""
        tasks = Tasks(f"connection {self.name}")
        connection: Opened | None = None
        try:
            connection = await self._opener.open(tasks, self.news.heard)
            listing = await self._fetch(connection, tuple(LISTS))
            self._connection = connection
            self._ready(listing)
            await self._stay(connection, tasks)
        finally:
            self._connection = None
            self.news.detach()
            if connection is not None:
                await asyncio.shield(connection.aclose())
            await tasks.aclose()

    def _ready(self, listing: Listing) -> None:
        if self.state in ("degraded", "down"):
            self._deps.meter.reconnected(self.name)
        self.listing = listing
        self.denied = False
        self._become("ready", "")

    def _lost(self, why: str) -> None:
        never = self.listing is None
        if self.state == "ready":
            self._lost_at = self._deps.clock.monotonic()
        log.warning("server %s is lost: %s", self.name, why)
        expired = self._deps.clock.monotonic() - self._lost_at >= GRACE
        self._become("down" if never or expired else "degraded", why)

    def _become(self, state: State, why: str) -> None:
        if state == "down":
            self.listing = None
        if state != self.state:
            self.since = self._deps.clock.now()
            log.info("server %s is %s%s", self.name, state, f": {why}" if why else "")
        self.state, self.reason = state, why
        self.on_change(self.name, frozenset())

    async def _fetch(self, connection: Connection, methods: tuple[str, ...]) -> Listing:
        async def ask(method: str, params: Fields) -> bytes:
            answer = await self._request(connection, method, params)
            if answer.error and rpc_error(answer.error).code == METHOD_NOT_FOUND:
                log.debug("server %s announces %s but does not have it", self.name, method)
                return b"{}"  # some servers announce a capability and implement a part of it
            if answer.error:
                raise UpstreamInvalid(f"it refused {method}: {reason(answer.error)}")
            return answer.result

        self._fetched_at = self._deps.clock.monotonic()
        return await fetch(self.name, connection.greeting, ask, methods)

    async def _request(self, connection: Connection, method: str, params: Fields) -> Answer:
        """A request of the gateway itself."""
        client = Client(info=raw({"name": "fedgate", "version": self._deps.version}))
        timeout = self.settings.timeout if method in LISTS else min(self.settings.timeout, OWN_TIMEOUT)
        outbound = Outbound(method, params, {}, client=client, timeout=timeout)
        return await answer_of_call(connection.call(outbound))

    # Staying.

    async def _stay(self, connection: Opened, tasks: Tasks) -> None:
        """React to what happens, until the connection is lost."""
        if isinstance(connection, LegacyHttp):
            connection.on_renewed = self._renewed
        if isinstance(connection, Duplex):
            connection.on_closed = self._wake.set
        await self.news.attach(connection, tasks)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEALTH):
                    await self._wake.wait()
            self._wake.clear()
            if isinstance(connection, Duplex) and connection.ended:
                raise UpstreamBroken(connection.ended)
            if self._clock_says_refresh():
                self.news.expire()
            if self.news.stale:
                await self.news.restore()
                await self._refresh(connection)
            else:
                await self._check(connection)

    def _clock_says_refresh(self) -> bool:
        """Not every server announces its changes."""
        ttls = [hint.ttl_ms / 1000 for hint in self.listing.hints.values() if hint.ttl_ms] if self.listing else []
        return self._deps.clock.monotonic() - self._fetched_at > max(HEALTH, min([REFRESH, *ttls]))

    async def _refresh(self, connection: Opened) -> None:
        await self._deps.clock.sleep(SETTLE)
        news = self.news
        methods, news.stale = tuple(method for method in LISTS if method in news.stale), set()
        announced, news.announced = frozenset(news.announced), set()
        fresh = await self._fetch(connection, methods)
        old = self.listing
        assert old is not None
        merged = Listing(connection.greeting, {**old.items, **fresh.items}, {**old.hints, **fresh.hints})
        if merged != old or announced:
            self.listing = merged
            self.on_change(self.name, announced)

    async def _check(self, connection: Opened) -> None:
        """Any answer will do, an error included: it is there."""
        method = "ping" if connection.era == "legacy" else "server/discover"
        try:
            await self._request(connection, method, {})
        except UpstreamTimeout:
            if not (connection.busy or self.pool.busy):  # else it may work on one request after the other
                raise

    def _renewed(self) -> None:
        """The server was restarted behind the same address: its lists may be others."""
        self._deps.meter.reconnected(self.name)
        self.news.forgotten()

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
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

import msgspec

from ..core.errors import GatewayError, UpstreamBroken, UpstreamInvalid, UpstreamRefused
from ..core.rawjson import Fields, raw
from ..core.tasks import Tasks
from .backoff import Attempts, Backoff
from .connect import Deps, Opened, Opener, ServerSettings
from .duplex import Duplex
from .eras import CHANGED, LISTS, LOG_LEVELS
from .handshake import reason, rpc_error
from .http_legacy import LegacyHttp
from .listing import Ask, Listing, fetch
from .messages import Answer, Client, Connection, Notice, Outbound
from .pool import Pool

log = logging.getLogger("fedgate.server")

State = Literal["starting", "ready", "degraded", "down"]

GRACE = 30.0
"""Seconds that a lost server's tools stay in the catalog while it is being reached again."""
SETTLE = 0.1
"""Seconds to gather list changes before the lists are fetched: a storm of them is one refresh."""
HEALTH = 30.0
"""Seconds between health checks of a server that has no connection whose end would tell."""
HEALTH_TIMEOUT = 10.0
RELISTEN = 1.0


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
        self.since = deps.clock.now()
        self.on_change: Callable[[str, frozenset[str]], None] = lambda _name, _announced: None
        self.on_notice: Callable[[str, Notice], None] = lambda _name, _notice: None
        self.pool = Pool(opener, self._heard, deps.clock)
        self._opener = opener
        self._deps = deps
        self._tasks = Tasks(f"server {name}")
        self._connection: Opened | None = None
        self._work: Tasks | None = None
        self._listening: asyncio.Task[None] | None = None
        self._level = ""
        self._stale: set[str] = set()
        self._announced: set[str] = set()
        self._watched: set[str] = set()
        self._wake = asyncio.Event()
        self._lost_at = deps.clock.monotonic()

    def start(self) -> None:
        self._tasks.start(self._live(), "live")

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

    async def connection(self, client: Client) -> Connection:
        """The connection on which this client's calls travel. `UpstreamRefused` if there is none now."""
        if self._connection is None:
            raise UpstreamRefused(f"it is {self.state}: {self.reason}")
        return await self.pool.connection(self._connection, client)

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
                why = error.message
            self._lost(why)
            await clock.sleep(attempts.failed(clock.monotonic() - began, random.random()))  # noqa: S311
            if self._connection is None and clock.monotonic() - self._lost_at >= GRACE:
                self._become("down", self.reason)

    async def _once(self) -> None:
        """Open, list, and stay until the connection is lost. Raises what ended it."""
        tasks = Tasks(f"connection {self.name}")
        connection: Opened | None = None
        try:
            connection = await self._opener.open(tasks, self._heard)
            listing = await fetch(self.name, connection.greeting, self._asker(connection))
            self._connection, self._work = connection, tasks
            self._ready(listing)
            await self._stay(connection, tasks)
        finally:
            self._connection = self._work = self._listening = None
            if connection is not None:
                await asyncio.shield(connection.aclose())
            await tasks.aclose()

    def _ready(self, listing: Listing) -> None:
        if self.state in ("degraded", "down"):
            self._deps.meter.reconnected(self.name)
        self.listing = listing
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

    def _asker(self, connection: Connection) -> Ask:
        async def ask(method: str, params: Fields) -> bytes:
            answer = await self._ask(connection, method, params, self.settings.timeout)
            if answer.error:
                raise UpstreamInvalid(f"it refused {method}: {reason(answer.error)}")
            return answer.result

        return ask

    async def _ask(self, connection: Connection, method: str, params: Fields, timeout: float) -> Answer:
        client = Client(info=raw({"name": "fedgate", "version": self._deps.version}))
        outbound = Outbound(method, params, {}, client=client, timeout=timeout)
        async with aclosing(connection.call(outbound)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    return event
        raise UpstreamBroken("its answer ended before it was complete")

    # Watching.

    async def _stay(self, connection: Opened, tasks: Tasks) -> None:
        """React to what happens, until the connection is lost."""
        if isinstance(connection, LegacyHttp):
            connection.on_renewed = self._renewed
        if isinstance(connection, Duplex):
            connection.on_closed = self._wake.set
        if not isinstance(connection, Duplex) or connection.era == "modern":
            self._listening = tasks.start(self._listen(connection), "listen")
        await self._resubscribe(connection)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEALTH):
                    await self._wake.wait()
            self._wake.clear()
            if isinstance(connection, Duplex) and connection.ended:
                raise UpstreamBroken(connection.ended)
            if self._stale:
                await self._resubscribe(connection)
                await self._refresh(connection)
            else:
                await self._check(connection)

    async def _refresh(self, connection: Opened) -> None:
        await self._deps.clock.sleep(SETTLE)
        methods, self._stale = tuple(method for method in LISTS if method in self._stale), set()
        announced, self._announced = frozenset(self._announced), set()
        fresh = await fetch(self.name, connection.greeting, self._asker(connection), methods)
        old = self.listing
        assert old is not None
        merged = Listing(connection.greeting, {**old.items, **fresh.items}, {**old.hints, **fresh.hints})
        if merged != old or announced:
            self.listing = merged
            self.on_change(self.name, announced)

    async def _check(self, connection: Opened) -> None:
        """Any answer will do, an error included: it is there."""
        method = "ping" if connection.era == "legacy" else "server/discover"
        await self._ask(connection, method, {}, min(self.settings.timeout, HEALTH_TIMEOUT))

    def _renewed(self) -> None:
        """The server was restarted behind the same address: its lists may be others."""
        self._deps.meter.reconnected(self.name)
        self._stale.update(LISTS)
        self._wake.set()

    async def _listen(self, connection: Opened) -> None:
        """Keep the server's own stream open, as long as it has one."""
        while True:
            try:
                if not await self._listen_once(connection):
                    return
            except GatewayError as error:
                log.debug("the stream of server %s ended: %s", self.name, error)
                self._wake.set()
            await self._deps.clock.sleep(RELISTEN)
            # What changed while the stream was closed was not announced.
            self._stale.update(LISTS)
            self._wake.set()

    async def _listen_once(self, connection: Opened) -> bool:
        if isinstance(connection, LegacyHttp):
            return await connection.listen()
        capabilities = connection.greeting.capabilities
        wanted = {f"{kind}ListChanged": raw(True) for kind in CHANGED if isinstance(capabilities.get(kind), dict)}
        if self._watched:
            wanted["resourceSubscriptions"] = raw(sorted(self._watched))
        return await connection.listen(wanted)

    async def set_level(self, client: Client, level: str) -> None:
        """`logging/setLevel` at a legacy server that logs; modern ones are told with each request."""
        shared = self._connection
        if shared is None or shared.era == "modern" or "logging" not in shared.greeting.capabilities:
            return
        private = self.pool.private(client.key)
        if private is None:
            if self._level and LOG_LEVELS.index(self._level) <= LOG_LEVELS.index(level):
                return
            self._level = level
        try:
            await self._ask(private or shared, "logging/setLevel", {"level": raw(level)}, HEALTH_TIMEOUT)
        except GatewayError as error:
            log.debug("server %s: setting the log level failed: %s", self.name, error)

    # Subscriptions to resources.

    async def watch(self, uri: str) -> None:
        """Hear of updates of `uri` from now on, across reconnections. Raises `UpstreamError` or `RpcError`."""
        connection = self._connection
        if connection is None:
            raise UpstreamRefused(f"it is {self.state}: {self.reason}")
        if connection.era == "legacy":
            answer = await self._ask(connection, "resources/subscribe", {"uri": raw(uri)}, self.settings.timeout)
            if answer.error:
                raise rpc_error(answer.error)
        self._watched.add(uri)
        self._relisten(connection)

    async def unwatch(self, uri: str) -> None:
        """No longer. A server that cannot be told will notice."""
        self._watched.discard(uri)
        connection = self._connection
        if connection is None:
            return
        self._relisten(connection)
        if connection.era == "legacy":
            try:
                await self._ask(connection, "resources/unsubscribe", {"uri": raw(uri)}, self.settings.timeout)
            except GatewayError as error:
                log.debug("server %s: unsubscribing failed: %s", self.name, error)

    def _relisten(self, connection: Opened) -> None:
        """A modern server hears of the new filter by a new stream."""
        if connection.era == "modern" and self._work is not None and self._listening is not None:
            self._listening.cancel()
            self._listening = self._work.start(self._listen(connection), "listen")

    async def _resubscribe(self, connection: Opened) -> None:
        if connection.era == "legacy":
            for uri in sorted(self._watched):
                await self._ask(connection, "resources/subscribe", {"uri": raw(uri)}, self.settings.timeout)

    def _heard(self, notice: Notice) -> None:
        """A notice outside of any call."""
        for kind, method in CHANGED.items():
            if notice.method == method:
                self._announced.add(kind)
                self._stale.update(m for m in LISTS if m.startswith(kind))
                self._wake.set()
                return
        self.on_notice(self.name, notice)

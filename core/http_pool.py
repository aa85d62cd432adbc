"""Which connection a request gets: a pool per origin (and addresses, where they are given), and the table of pools.

A pool has `limits.per_origin` slots. A slot is taken by a connection that is being
opened, in use or idle; when it comes free, or its connection does, the longest waiting
request gets it. Idle connections are used newest first and expire from the oldest.
Every step of a request is O(1). Above: the client. Below: `http_connect`,
`http_connection`.
"""

import asyncio
from collections import deque

from .clock import Clock
from .errors import Overloaded, UpstreamRefused, UpstreamTimeout
from .http_connect import Connector
from .http_connection import Connection
from .http_values import HttpLimits, OriginStatistics, Target

_PROBE_AFTER = 0.5
"""Seconds of idleness after which the kernel is asked whether the peer has closed the connection: a request
that went out into a closed connection could not be repeated unless it is idempotent."""

_SURPLUS_AFTER = 1.0
"""Seconds that idle connections may be more than `limits.idle_per_origin`. Answers to many requests come in one
turn of the loop, before any of the callers can send the next: closing at once would close what they need."""


class OriginPool:
    """The connections of one origin."""

    def __init__(self, target: Target, connector: Connector, limits: HttpLimits, clock: Clock) -> None:
        self._target = target
        self._connector = connector
        self._limits = limits
        self._clock = clock
        self._idle: dict[Connection, None] = {}
        self._live: set[Connection] = set()
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._tidying: asyncio.TimerHandle | None = None
        self._gone: asyncio.Future[None] | None = None
        self._closed = False
        self._slots = 0
        self._opened = 0
        self._reused = 0

    def __repr__(self) -> str:
        return f"<OriginPool {self._target.origin} {self.statistics()}>"

    @property
    def empty(self) -> bool:
        return not self._slots and not self._live and not self._waiters

    def statistics(self) -> OriginStatistics:
        idle = len(self._idle)
        return OriginStatistics(self._slots - idle, idle, len(self._waiters), self._opened, self._reused)

    def take(self) -> Connection | None:
        """An idle connection that is still good, without waiting; or none."""
        while self._idle:
            connection, _ = self._idle.popitem()
            age = self._clock.monotonic() - connection.idle_since
            if connection.usable and age <= self._limits.keepalive and (age < _PROBE_AFTER or connection.quiet()):
                self._reused += 1
                return connection
            connection.close()
        return None

    async def obtain(self, deadline: float) -> Connection:
        """A connection, new if a slot is free, else the first that comes free, until `deadline` (loop's clock).

        Raises `Overloaded`, `UpstreamTimeout`, `UpstreamRefused`.
        """
        busy = self._slots >= self._limits.per_origin
        try:
            async with asyncio.timeout_at(deadline):
                granted = await self._slot()
                if granted is not None:
                    self._reused += 1
                    return granted
                busy = False
                return await self._open()
        except TimeoutError as error:
            what = "all connections are busy" if busy else "no connection in time"
            raise UpstreamTimeout(f"{self._target.origin}: {what}") from error

    async def _slot(self) -> Connection | None:
        """A connection that came free; or none, and then a slot is taken for a new one."""
        if self._idle and self._slots >= self._limits.per_origin:
            next(iter(self._idle)).close()
        while self._slots >= self._limits.per_origin:
            granted = await self._wait()
            if granted is None or granted.usable:
                return granted
        self._slots += 1
        return None

    async def _open(self) -> Connection:
        """Fill a slot that is taken already."""
        connection = Connection(self, self._target.origin, self._limits)
        try:
            self._check_open()
            await self._connector.open(self._target, connection)
            self._check_open()
            if not connection.usable:
                raise UpstreamRefused(f"{self._target.origin} closed the connection at once")
        except BaseException:
            connection.close()
            raise
        self._opened += 1
        return connection

    def _check_open(self) -> None:
        if self._closed:
            raise Overloaded("the gateway is shutting down")

    # Waiting for a slot.

    async def _wait(self) -> Connection | None:
        """A connection that came free (it may die on the way), or none: then a slot is ours."""
        if len(self._waiters) >= self._limits.waiters:
            raise Overloaded(f"too many requests wait for a connection to {self._target.origin}")
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._hand_back(waiter)
            else:
                self._waiters.remove(waiter)
            raise

    def _hand_back(self, waiter: "asyncio.Future[Connection | None]") -> None:
        """The request gave up at the very moment it was granted something."""
        if waiter.exception() is not None:
            return
        granted = waiter.result()
        if granted is None:
            self._free()
        elif not granted.ended:
            self.finished(granted)

    def _grant(self, connection: Connection | None) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _free(self) -> None:
        if not self._grant(None):
            self._slots -= 1

    # What connections report.

    def made(self, connection: Connection) -> None:
        self._live.add(connection)

    def finished(self, connection: Connection) -> None:
        if self._closed or not connection.reusable:
            connection.close()
        elif not self._waiters or not self._grant(connection):
            self._rest(connection)

    def ended(self, connection: Connection) -> None:
        self._idle.pop(connection, None)
        self._free()

    def gone(self, connection: Connection) -> None:
        self._live.discard(connection)
        if not self._live and self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # Idle connections.

    def _rest(self, connection: Connection) -> None:
        connection.idle_since = self._clock.monotonic()
        self._idle[connection] = None
        if self._tidying is None:
            self._tidy_later()

    def _tidy_later(self) -> None:
        delay = min(self._limits.keepalive, _SURPLUS_AFTER)
        self._tidying = asyncio.get_running_loop().call_later(delay, self._tidy)

    def _tidy(self) -> None:
        """Close, from the oldest, what was not used for too long or is too many."""
        self._tidying = None
        now = self._clock.monotonic()
        while self._idle:
            oldest = next(iter(self._idle))
            surplus = len(self._idle) > self._limits.idle_per_origin
            if now - oldest.idle_since < (_SURPLUS_AFTER if surplus else self._limits.keepalive):
                self._tidy_later()
                return
            oldest.close()

    # The end.

    def close(self) -> asyncio.Future[None] | None:
        """Close everything. The future, if any, is done when the last transport is gone."""
        self._closed = True
        if self._tidying is not None:
            self._tidying.cancel()
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(Overloaded("the gateway is shutting down"))
        for connection in list(self._live):
            connection.close()
        if self._live and self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
        return self._gone


class Pools:
    """The pools by origin. A new origin beyond `limits.origins` takes the place of one without connections."""

    def __init__(self, connector: Connector, limits: HttpLimits, clock: Clock) -> None:
        self._connector = connector
        self._limits = limits
        self._clock = clock
        self._by_origin: dict[str, OriginPool] = {}
        self._closed = False

    def of(self, target: Target) -> OriginPool:
        pool = self._by_origin.get(target.pool)
        return self._add(target) if pool is None else pool

    def _add(self, target: Target) -> OriginPool:
        if self._closed:
            raise Overloaded("the gateway is shutting down")
        if len(self._by_origin) >= self._limits.origins:
            unused = next((origin for origin, pool in self._by_origin.items() if pool.empty), None)
            if unused is None:
                raise Overloaded("the gateway is connected to too many different upstreams")
            del self._by_origin[unused]
        pool = OriginPool(target, self._connector, self._limits, self._clock)
        self._by_origin[target.pool] = pool
        return pool

    def statistics(self) -> dict[str, OriginStatistics]:
        return {origin: pool.statistics() for origin, pool in self._by_origin.items()}

    async def aclose(self, grace: float) -> None:
        """Close everything at once, then wait up to `grace` seconds for the transports to be gone."""
        self._closed = True
        leaving = [gone for pool in self._by_origin.values() if (gone := pool.close()) is not None]
        if leaving:
            await asyncio.wait(leaving, timeout=grace)

"""What a server says unasked, and what it was asked to say: list changes, resource updates, log level.

Belongs to one `Server` and outlives its connections: after a new one is opened, the
subscriptions are made again. It knows which lists are stale; fetching them is the
server's affair.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..core.clock import Clock
from ..core.errors import GatewayError, UpstreamRefused
from ..core.rawjson import Fields, raw
from ..core.tasks import Tasks
from .connect import Opened
from .duplex import Duplex
from .eras import CHANGED, LISTS, LOG_LEVELS
from .handshake import rpc_error
from .http_legacy import LegacyHttp
from .messages import Answer, Connection, Notice

log = logging.getLogger("fedgate.server")

RELISTEN = 1.0
"""Seconds before a stream that ended is opened again."""

AskOn = Callable[[Connection, str, Fields], Awaitable[Answer]]
"""`await ask(connection, method, params)`: a request of the gateway itself."""


class News:
    """`wake` is called when there is something to do; `on_notice` gets resource updates."""

    def __init__(self, name: str, ask: AskOn, clock: Clock, wake: Callable[[], None]) -> None:
        self.stale: set[str] = set()
        """List methods whose result may be another now."""
        self.announced: set[str] = set()
        """Kinds of lists that the server itself said have changed."""
        self.on_notice: Callable[[Notice], None] = lambda _: None
        self._name = name
        self._ask = ask
        self._clock = clock
        self._wake = wake
        self._watched: set[str] = set()
        self._level = ""
        self._forgotten = False
        self._connection: Opened | None = None
        self._tasks: Tasks | None = None
        self._listening: asyncio.Task[None] | None = None

    def take_over(self, old: "News") -> None:
        """What the server was asked to say, it is to say from now on as another one."""
        self._watched, self._level = set(old._watched), old._level

    # Connections come and go.

    async def attach(self, connection: Opened, tasks: Tasks) -> None:
        """A connection is open: hear what it says, and subscribe anew. Raises `UpstreamError`."""
        self._connection, self._tasks = connection, tasks
        if not isinstance(connection, Duplex) or connection.era == "modern":
            self._listening = tasks.start(self._listen(connection), "listen")
        await self._resubscribe()

    def detach(self) -> None:
        """It is gone, and its tasks with it."""
        self._connection = self._tasks = self._listening = None

    def forgotten(self) -> None:
        """The server began anew behind the same connection: its lists may be others, and it knows nothing of us."""
        self._forgotten = True
        self.expire()

    async def restore(self) -> None:
        """Tell a server that began anew what it was told before. Raises `UpstreamError`."""
        if self._forgotten:
            self._forgotten = False
            await self._resubscribe()

    async def _resubscribe(self) -> None:
        """Make the subscriptions and the level of a legacy server again. Raises `UpstreamError`."""
        connection = self._connection
        if connection is None or connection.era == "modern":
            return
        for uri in sorted(self._watched):
            await self._ask(connection, "resources/subscribe", {"uri": raw(uri)})
        if self._level:
            await self._ask(connection, "logging/setLevel", {"level": raw(self._level)})

    # What arrives.

    def heard(self, notice: Notice) -> None:
        """A notice outside of any call."""
        for kind, method in CHANGED.items():
            if notice.method == method:
                self.announced.add(kind)
                self.expire(kind)
                return
        self.on_notice(notice)

    def expire(self, kind: str = "") -> None:
        """The lists of a kind (all, if empty) must be fetched again."""
        self.stale.update(method for method in LISTS if method.startswith(kind))
        self._wake()

    async def _listen(self, connection: Opened) -> None:
        """Keep the server's own stream open, as long as it has one."""
        while True:
            try:
                if not await self._listen_once(connection):
                    return
            except GatewayError as error:
                log.debug("the stream of server %s ended: %s", self._name, error)
                self._wake()
            await self._clock.sleep(RELISTEN)
            self.expire()  # what changed while the stream was closed was not announced

    async def _listen_once(self, connection: Opened) -> bool:
        if isinstance(connection, LegacyHttp):
            return await connection.listen()
        capabilities = connection.greeting.capabilities
        wanted = {f"{kind}ListChanged": raw(True) for kind in CHANGED if isinstance(capabilities.get(kind), dict)}
        if self._watched:
            wanted["resourceSubscriptions"] = raw(sorted(self._watched))
        return await connection.listen(wanted)

    # What is asked for.

    async def watch(self, uri: str) -> None:
        """Hear of updates of `uri` from now on, across reconnections. Raises `UpstreamError` or `RpcError`."""
        connection = self._connection
        if connection is None:
            raise UpstreamRefused("it is not connected")
        if connection.era == "legacy":
            answer = await self._ask(connection, "resources/subscribe", {"uri": raw(uri)})
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
            await self._quietly(connection, "resources/unsubscribe", {"uri": raw(uri)})

    def _relisten(self, connection: Opened) -> None:
        """A modern server hears of the new filter by a new stream."""
        if connection.era == "modern" and self._tasks is not None and self._listening is not None:
            self._listening.cancel()
            self._listening = self._tasks.start(self._listen(connection), "listen")

    async def set_level(self, private: Connection | None, level: str) -> None:
        """`logging/setLevel` at a legacy server that logs; modern ones are told with each request.

        On a connection that clients share, the most verbose wish wins.
        """
        shared = self._connection
        if shared is None or shared.era == "modern" or "logging" not in shared.greeting.capabilities:
            return
        if private is None:
            if self._level and LOG_LEVELS.index(self._level) <= LOG_LEVELS.index(level):
                return
            self._level = level
        await self._quietly(private or shared, "logging/setLevel", {"level": raw(level)})

    async def _quietly(self, connection: Connection, method: str, params: Fields) -> None:
        try:
            await self._ask(connection, method, params)
        except GatewayError as error:
            log.debug("server %s: %s failed: %s", self._name, method, error)

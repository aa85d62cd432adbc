"""Which connection a client's calls travel on: the shared one, or one of its own.

A server that keeps a session for us (legacy, with a session id) gets one per client, so
that nobody sees another's state; so does any legacy HTTP server that may want to ask
this client something, because its questions must reach the right one. Stateless
servers, and processes, are shared. Private sessions are opened on the first call,
closed when the client's session ends, when idle, or when there are too many.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..core.clock import Clock
from ..core.errors import GatewayError, Overloaded
from ..core.tasks import Tasks
from .connect import Opened, Opener, ServerSettings
from .duplex import Duplex
from .http_legacy import LegacyHttp
from .messages import Ask, Client, Connection, Inbox
from .openapi_settings import OpenApiServer
from .settings import StdioServer
from .wire import refuse

AskClient = Callable[[str, Ask], Coroutine[Any, Any, None]]
"""`await ask(client key, question)`: brings the question to the client and its answer back."""


@dataclass(frozen=True)
class Rule:
    """`always`: every client gets its own. At most `limit` at a time; those unused for `idle` seconds are closed."""

    always: bool = False
    limit: int = 2000
    idle: float = 1800.0


def rule_of(settings: ServerSettings, *, per_caller: bool) -> Rule:
    """`per_caller`: each caller is somebody else to the server."""
    if isinstance(settings, OpenApiServer):
        return Rule()  # nothing of a caller is kept on it: credentials are got for each call
    if per_caller:
        return Rule(always=True)  # what one caller's session holds is no other's, even at a server without sessions
    if isinstance(settings, StdioServer) and settings.process == "per_session":
        return Rule(always=True, limit=settings.max_processes, idle=settings.idle)
    return Rule()


@dataclass
class _Private:
    opening: "asyncio.Task[Opened]"
    used: float


class Pool:
    """The private connections to one server, least recently used first."""

    def __init__(self, opener: Opener, inbox: Inbox, clock: Clock, rule: Rule = Rule()) -> None:
        self.on_ask: AskClient = refuse_ask
        """Takes what a server asks the client of a private connection outside of any call."""
        self._opener = opener
        self._rule = rule
        self._inbox = inbox
        self._clock = clock
        self._tasks = Tasks("pool")
        self._private: OrderedDict[str, _Private] = OrderedDict()

    def __len__(self) -> int:
        return len(self._private)

    @property
    def busy(self) -> bool:
        """Whether a call is under way on any of them."""
        return any(_busy(private) for private in self._private.values())

    async def connection(self, shared: Opened, client: Client) -> Connection:
        """The connection for this client; opens its own if it must have one. Raises `UpstreamError`."""
        if not client.key or not self._is_private(shared, client):
            return shared
        private = self._private.get(client.key)
        if private is None or _failed(private):
            private = self._open(client)
        private.used = self._clock.monotonic()
        self._private.move_to_end(client.key)
        if private.opening.done():
            return private.opening.result()
        # Shielded: others of the same client may wait for this very opening.
        return await asyncio.shield(private.opening)

    def _is_private(self, shared: Opened, client: Client) -> bool:
        if self._rule.always:
            return True
        return shared.stateful or (client.bridges and isinstance(shared, LegacyHttp))

    def _open(self, client: Client) -> _Private:
        self.trim()
        if len(self._private) >= self._rule.limit:
            self._make_room()
        work = self._private_connection(client)
        opening = self._tasks.start(work, "open private session", awaited=True)
        private = self._private[client.key] = _Private(opening, self._clock.monotonic())
        return private

    async def _private_connection(self, client: Client) -> Opened:
        connection = await self._opener.open(self._tasks, self._inbox, client)
        if isinstance(connection, Duplex):
            connection.on_ask = partial(self.on_ask, client.key)
        return connection

    def trim(self) -> None:
        """Close what has been idle for too long. Cheap: stops at the first that is not."""
        oldest = self._clock.monotonic() - self._rule.idle
        for key, private in list(self._private.items()):
            if private.used > oldest:
                return
            if not _busy(private):
                self.forget(key)

    def _make_room(self) -> None:
        """The longest unused one without a call under way goes. `Overloaded` if all are at work."""
        for key, private in self._private.items():
            if not _busy(private):
                self.forget(key)
                return
        raise Overloaded(f"all {self._rule.limit} private connections to it are at work")

    def private(self, key: str) -> Connection | None:
        """The client's own connection, if it has one that is open."""
        private = self._private.get(key)
        if private is None or not private.opening.done() or _failed(private):
            return None
        return private.opening.result()

    def forget(self, key: str) -> None:
        """The client has gone: end its session, in the background."""
        private = self._private.pop(key, None)
        if private is not None and not self._tasks.closed:
            self._tasks.start(_close(private), "close private session")

    async def aclose(self) -> None:
        """End all, politely but for a bounded time."""
        privates, self._private = list(self._private.values()), OrderedDict()
        if privates:
            closing = [self._tasks.start(_close(private), "close private session") for private in privates]
            await asyncio.wait(closing, timeout=2.0)
        await self._tasks.aclose()


async def refuse_ask(_client: str, ask: Ask) -> None:
    """For servers that nobody can be asked for."""
    await ask.reply(refuse(ask.method, "no call asked for it"))


def _failed(private: _Private) -> bool:
    task = private.opening
    if not task.done():
        return False
    return task.cancelled() or task.exception() is not None or bool(task.result().ended)


def _busy(private: _Private) -> bool:
    return not private.opening.done() or (not _failed(private) and private.opening.result().busy)


async def _close(private: _Private) -> None:
    try:
        connection = await private.opening
    except GatewayError:
        return
    await connection.aclose()

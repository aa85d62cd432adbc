"""A server behind a two-way channel (stdio, or the old HTTP+SSE transport), in either era.

One reader sorts what arrives: answers and progress by id, list changes to the inbox,
other messages to the call they can only belong to. The channel does not say for which
call a server asks its client something, so a question goes to a client only when it is
the only one with a call under way; two users of one process never see each other's.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from ..core import jsonrpc
from ..core.errors import GatewayError, Overloaded, RpcError, UpstreamInvalid, UpstreamTimeout
from ..core.jsonrpc import Message
from ..core.rawjson import Fields, raw
from ..core.tasks import Tasks
from .eras import ACKNOWLEDGED, Era
from .handshake import discovered, initialize_params, initialized
from .http_wire import FOREVER
from .link import Link, LinkClosed
from .listing import Greeting
from .messages import Answer, Ask, Client, Event, Inbox, Notice, Outbound, answer_of_call
from .wire import (
    PING,
    PROGRESS,
    cancelled,
    notice_of,
    refuse,
    request_body,
    response_body,
    server_answer,
    token_of,
)

log = logging.getLogger("fedgate.server")

BACKLOG = 1000
"""Messages that may wait for one slow client; beyond, its call is ended rather than everybody's server held up."""
DISCOVER_TIMEOUT = 5.0


class Pending:
    """A call under way on the channel."""

    def __init__(self, outbound: Outbound) -> None:
        self.outbound = outbound
        self.events: asyncio.Queue[Event | GatewayError] = asyncio.Queue(BACKLOG)

    def put(self, event: Event | GatewayError) -> None:
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            self.events.get_nowait()
            self.events.put_nowait(Overloaded(f"more than {BACKLOG} messages of this call wait for a slow client"))


class Duplex:
    """A `Connection` over a `Link`."""

    def __init__(
        self, link: Link, tasks: Tasks, inbox: Inbox, *, client: Client, shared: bool, stateful: bool = False
    ) -> None:
        self.era: Era = "legacy"
        self.shared = shared
        self.stateful = stateful
        """Whether one channel is one client's session at the server (old HTTP+SSE), so that each needs its own."""
        self.greeting = Greeting("", {}, {})
        self.endpoint = link.endpoint
        self.ended = ""
        """Why the channel ended; empty while it is open."""
        self.on_closed: Callable[[], None] = lambda: None
        self.on_ask: Callable[[Ask], Coroutine[Any, Any, None]] | None = None
        """Takes what the server asks outside of any call, if the channel belongs to one client."""
        self._link = link
        self._tasks = tasks
        self._inbox = inbox
        self._client = client
        self._ids = 0
        self._pending: dict[int, Pending] = {}
        self._reader = tasks.start(self._read(), f"read {link.name}")

    @property
    def busy(self) -> bool:
        return bool(self._pending)

    # Opening.

    async def discover(self, timeout: float) -> None:
        """Open in the modern era; `NotModern`, `UpstreamTimeout` and `LinkClosed` say that it is not."""
        self.era = "modern"
        outbound = Outbound("server/discover", {}, {}, client=self._client, timeout=min(timeout, DISCOVER_TIMEOUT))
        self.greeting = discovered(await self.ask(outbound))

    async def initialize(self, timeout: float) -> None:
        """Open in the legacy era."""
        self.era = "legacy"
        outbound = Outbound("initialize", initialize_params(self._client), {}, client=self._client, timeout=timeout)
        self.greeting = initialized(await self.ask(outbound))
        await self.notify("notifications/initialized", b"")

    async def listen(self, notifications: Fields) -> bool:
        """Keep one `subscriptions/listen` open (modern), until it ends. `False`: the server has none."""
        params: Fields = {"notifications": raw(notifications)}
        outbound = Outbound("subscriptions/listen", params, {}, client=self._client, timeout=FOREVER)
        answer = await self.ask(outbound)
        return not answer.error

    # Calls.

    async def ask(self, outbound: Outbound) -> Answer:
        """A call of which only the answer matters."""
        return await answer_of_call(self.call(outbound))

    async def call(self, outbound: Outbound) -> AsyncGenerator[Event, None]:
        self._ids += 1
        ident = self._ids
        pending = self._pending[ident] = Pending(outbound)
        answered = False
        try:
            await self._link.send(request_body(outbound, self.era, ident))
            while not answered:
                event = await self._next(pending)
                answered = isinstance(event, Answer)
                yield event
        except LinkClosed:
            answered = True
            raise
        finally:
            self._pending.pop(ident, None)
            if not answered and not self._tasks.closed and not self.ended:
                self._tasks.start(self._tell("notifications/cancelled", cancelled(ident)), "cancel")

    async def _next(self, pending: Pending) -> Event:
        try:
            async with asyncio.timeout(pending.outbound.timeout):
                event = await pending.events.get()
        except TimeoutError as error:
            seconds = pending.outbound.timeout
            raise UpstreamTimeout(f"it said nothing for {seconds:g} s") from error
        if isinstance(event, GatewayError):
            raise event
        return event

    # What arrives.

    async def _read(self) -> None:
        reason = "the channel was closed"
        try:
            while True:
                self._sort(await self._link.receive())
        except LinkClosed as error:
            reason = error.message
        finally:
            self._end(reason)

    def _end(self, reason: str) -> None:
        for pending in self._pending.values():
            pending.put(LinkClosed(reason))
        if not self.ended:
            self.ended = reason
            self.on_closed()

    def _sort(self, body: bytes) -> None:
        try:
            parsed = jsonrpc.parse(body)
            for message in parsed if isinstance(parsed, list) else [parsed]:
                self._place(message)
        except (RpcError, ValueError) as error:
            log.warning("%s sent something that is no JSON-RPC message: %s", self._link.name, error)

    def _place(self, message: Message) -> None:
        if message.is_response:
            key = message.key
            pending = self._pending.get(key) if isinstance(key, int) else None
            if pending is not None:
                pending.put(_checked(message))
            else:
                log.debug("%s answered request %s, which nobody waits for", self._link.name, key)
        elif message.is_request:
            self._place_ask(message)
        elif message.is_notification:
            self._place_notice(message)

    def _place_notice(self, message: Message) -> None:
        method = message.method or ""
        if method == PROGRESS:
            pending = self._pending.get(token_of(message) or -1)
        elif method.startswith("notifications/message"):
            pending = self._only_call()
        else:
            if method != ACKNOWLEDGED:
                self._inbox(Notice(method, bytes(message.params)))
            return
        if pending is not None:
            pending.put(notice_of(message, pending.outbound))

    def _place_ask(self, message: Message) -> None:
        ask = Ask(message.method or "", bytes(message.params), lambda answer: self._reply(message, answer))
        if message.method == PING:
            self._tasks.start(ask.reply(Answer(result=b"{}")), "pong")
        elif (pending := self._only_call()) is not None:
            pending.put(ask)
        elif self.on_ask is not None and not self._pending:
            self._tasks.start(self.on_ask(ask), "question outside of calls")
        else:
            calls = any(pending.outbound.client.key for pending in self._pending.values())
            why = "several clients share this server now" if calls else "no call asked for it"
            self._tasks.start(ask.reply(refuse(ask.method, why)), "refuse")

    def _only_call(self) -> Pending | None:
        """The latest call, if all calls under way are of one client; else nobody can be told apart.

        The gateway's own (lists, health, listening) have no client and make nobody ask anything.
        """
        calls = [pending for pending in self._pending.values() if pending.outbound.client.key]
        return calls[-1] if len({pending.outbound.client.key for pending in calls}) == 1 else None

    async def _reply(self, message: Message, answer: Answer) -> None:
        try:
            await self._link.send(response_body(message.id, answer))
        except LinkClosed as error:
            log.debug("%s: no answer to its %s: %s", self._link.name, message.method, error)

    async def _tell(self, method: str, params: bytes) -> None:
        try:
            await self.notify(method, params)
        except LinkClosed as error:
            log.debug("%s: %s not sent: %s", self._link.name, method, error)

    async def notify(self, method: str, params: bytes) -> None:
        await self._link.send(jsonrpc.notification(method, params))

    async def aclose(self) -> None:
        await self._link.aclose()
        await asyncio.wait([self._reader], timeout=1.0)
        self._end("the channel was closed")


def _checked(message: Message) -> Event | GatewayError:
    """An answer, or what is wrong with it: the call that waits for it is told, not the reader."""
    try:
        return server_answer(message)
    except UpstreamInvalid as error:
        return error

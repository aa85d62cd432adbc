"""A session with a server that speaks streamable HTTP of the legacy era (2025-03-26 to 2025-11-25).

The session heals itself: when the server has forgotten it (404, 410, "session not
found"), one handshake is made for all who wait and the request, which was never
executed, is sent again. A cut event stream is resumed by `Last-Event-ID` where the
server gave ids. Servers without session ids work the same, without sessions.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from ..core import jsonrpc
from ..core.call import Header
from ..core.clock import Clock
from ..core.errors import GatewayError, UpstreamBroken, UpstreamRefused, UpstreamTimeout
from ..core.http_response import HttpResponse
from ..core.jsonrpc import Message
from ..core.rawjson import join
from ..core.tasks import Tasks
from .eras import H_SESSION, H_VERSION, Era
from .handshake import initialize_params, initialized
from .http_call import HttpCall
from .http_own import OwnStream
from .http_wire import NEWS, Cursor, HttpWire
from .listing import Greeting
from .messages import Answer, Ask, Client, Event, Events, Inbox, Notice, Outbound
from .wire import PING, cancelled, notice_of, refuse, request_body, response_body, server_answer

log = logging.getLogger("fedgate.server")

RESUMES = 5
"""Attempts in a row to resume a stream that bring no new event."""
RETRY = 1.0
"""Seconds before one, if the server does not say."""
SOONEST = 0.1
CLOSING = 2.0


class LegacyHttp:
    """A `Connection`. `inbox` gets what arrives outside of calls; `on_renewed` is told of a new handshake."""

    era: Era = "legacy"
    ended = ""

    def __init__(
        self, wire: HttpWire, tasks: Tasks, clock: Clock, inbox: Inbox, *, client: Client, shared: bool
    ) -> None:
        self.shared = shared
        self.greeting = Greeting("", {}, {})
        self.endpoint = wire.endpoint
        self.on_renewed: Callable[[], None] = lambda: None
        self.session_id = b""
        self._wire = wire
        self._tasks = tasks
        self._clock = clock
        self._inbox = inbox
        self._client = client
        self._ids = 0
        self._headers: tuple[Header, ...] = ()
        self._generation = 0
        self._calls = 0
        self._renewal: asyncio.Task[None] | None = None
        asked = not shared and client.bridges
        self._own = OwnStream(self._listen, tasks, clock) if asked else None

    @property
    def stateful(self) -> bool:
        """Whether the server keeps a session for us."""
        return bool(self.session_id)

    @property
    def busy(self) -> bool:
        return self._calls > 0

    # Handshake.

    async def open(self, timeout: float) -> None:
        """`initialize` and `notifications/initialized` (2025-11-25, lifecycle)."""
        params = join(initialize_params(self._client))
        response = await self._wire.post(jsonrpc.request(0, "initialize", params), (), timeout)
        session_id = response.header(H_SESSION) or b""
        answer = await self._first_answer(response, 0)
        self.greeting = initialized(answer)
        self.session_id = session_id
        session = ((H_SESSION, session_id),) if session_id else ()
        self._headers = ((H_VERSION, self.greeting.version.encode()), *session)
        await self.notify("notifications/initialized", b"", timeout=timeout)

    async def _first_answer(self, response: HttpResponse, ident: int) -> Answer:
        if response.status >= 300:
            return self._wire.refusal(response.status, await self._wire.drain(response))
        async with aclosing(self._wire.messages(response, Cursor())) as messages:
            async for message in messages:
                if message.is_response and message.key == ident:
                    return server_answer(message)
        raise UpstreamBroken("its answer ended before it was complete")

    async def _renew(self, seen: int, timeout: float) -> None:
        if self._generation != seen:
            return
        if self._renewal is None or self._renewal.done():
            self._renewal = self._tasks.start(self._renew_once(timeout), "renew session", awaited=True)
        await asyncio.shield(self._renewal)

    async def _renew_once(self, timeout: float) -> None:
        log.info("%s has forgotten the session; a new one is opened", self._wire.name)
        await self.open(timeout)
        self._generation += 1
        if self._own is not None:
            await self._own.begin(anew=True)
        self.on_renewed()

    # Calls.

    def call(self, outbound: Outbound) -> Events:
        self._ids += 1
        events = HttpCall(self, outbound, self._ids)
        return events if self._own is None else self._own.merged(events)

    async def send(self, outbound: Outbound, ident: int) -> HttpResponse | Answer:
        """Post it; once more in a new session if the server does not know ours (so nothing was executed)."""
        self._calls += 1
        self._wire = self._wire.on_behalf_of(outbound.client.caller)  # its credentials may be newer than the session
        body, timeout, trace = request_body(outbound, "legacy", ident), outbound.timeout, outbound.trace
        generation = self._generation
        response = await self._wire.post(body, (*self._headers, *trace), timeout)
        if response.status < 300:
            return response
        refused = await self._wire.drain(response)
        if not self._gone(response.status, refused):
            return self._wire.refusal(response.status, refused)
        await self._renew(generation, timeout)
        response = await self._wire.post(body, (*self._headers, *trace), timeout)
        if response.status < 300:
            return response
        return self._wire.refusal(response.status, await self._wire.drain(response))

    def whole(self, response: HttpResponse) -> Coroutine[Any, Any, list[Message] | None]:
        return self._wire.whole(response)

    def over(self, ident: int, *, answered: bool) -> None:
        self._calls -= 1
        if not answered and not self._tasks.closed:
            self._tasks.start(self._quietly(self.notify("notifications/cancelled", cancelled(ident))), "cancel")

    def _gone(self, status: int, body: bytes) -> bool:
        """Whether the server says that it does not know our session. Never so for servers without sessions."""
        if not self.session_id:
            return False
        # Some servers say 400 and put it into words; any other 400 is about the request, as a 404 may be.
        if status == 404:
            return b"%d" % jsonrpc.METHOD_NOT_FOUND not in body
        return status == 410 or (status == 400 and b"session" in body.lower())

    def event(self, message: Message, outbound: Outbound, ident: int) -> Event | None:
        if message.is_response:
            if jsonrpc.id_key(message.id) == ident:
                return server_answer(message)
            log.warning("%s answered a request that was not asked; ignored", self._wire.name)
            return None
        if message.is_notification:
            return self._notice(notice_of(message, outbound))
        return self._ask(message)

    def _notice(self, notice: Notice) -> Notice | None:
        if notice.method in NEWS:
            self._inbox(notice)
            return None
        return notice

    def _ask(self, message: Message) -> Ask | None:
        if not message.is_request:
            return None
        ask = Ask(message.method or "", bytes(message.params), lambda answer: self._reply(message, answer))
        if message.method == PING:
            self._tasks.start(self._quietly(ask.reply(Answer(result=b"{}"))), "pong")
            return None
        return ask

    async def _reply(self, message: Message, answer: Answer) -> None:
        response = await self._wire.post(response_body(message.id, answer), self._headers, CLOSING * 5)
        await response.aclose()

    async def messages(self, response: HttpResponse, timeout: float) -> AsyncGenerator[Message, None]:
        """The messages of a stream and of its resumptions (2025-11-25, resumability)."""
        cursor = Cursor()
        heard = self._clock.monotonic()
        vain = 0
        while True:
            seen = cursor.last_id
            try:
                async with aclosing(self._wire.messages(response, cursor)) as messages:
                    async for message in messages:
                        heard = self._clock.monotonic()
                        yield message
            except UpstreamBroken:
                if not cursor.last_id:
                    raise
            vain = 0 if cursor.last_id != seen else vain + 1
            if not cursor.last_id or vain >= RESUMES:
                return
            if self._clock.monotonic() - heard >= timeout:
                raise UpstreamTimeout(f"it said nothing for {timeout:g} s")
            again = await self._resume(cursor, timeout)
            if again is None:
                return
            response = again

    async def _resume(self, cursor: Cursor, timeout: float) -> HttpResponse | None:
        """The rest of a stream; `None` if the server does not have it."""
        await self._clock.sleep(RETRY if cursor.retry is None else min(max(cursor.retry, SOONEST), timeout))
        headers = (*self._headers, (b"last-event-id", cursor.last_id))
        try:
            response = await self._wire.get(headers, timeout, idle=timeout)
        except UpstreamRefused:
            return None  # that nothing was sent is true of this attempt, not of the call
        if response.status == 200:
            return response
        await response.aclose()
        return None

    # Outside of calls.

    async def notify(self, method: str, params: bytes, *, timeout: float = 10.0) -> None:
        response = await self._wire.post(jsonrpc.notification(method, params), self._headers, timeout)
        await response.aclose()

    async def listen(self) -> bool:
        """Read the server's own stream (GET) once, until it ends. `False`: the server has none."""
        return await self._listen(lambda: None)

    async def _listen(self, begun: Callable[[], None]) -> bool:
        generation = self._generation
        response = await self._wire.get(self._headers, 30.0)
        if response.status != 200:
            gone = self._gone(response.status, await self._wire.drain(response))
            if gone:
                await self._renew(generation, 30.0)
            return gone
        begun()
        async with aclosing(self._wire.messages(response, Cursor())) as messages:
            async for message in messages:
                self._outside(message)
        return True

    def _outside(self, message: Message) -> None:
        if message.is_notification:
            notice = Notice(message.method or "", bytes(message.params))
            if notice.method in NEWS or not self._is_of_call(notice):
                self._inbox(notice)
        elif (ask := self._ask(message)) is not None and not self._is_of_call(ask):
            self._tasks.start(self._quietly(ask.reply(refuse(ask.method, "no call asked for it"))), "refuse")

    def _is_of_call(self, event: Event) -> bool:
        return self._own is not None and self._own.offer(event)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except GatewayError as error:
            log.debug("%s: %s", self._wire.name, error)

    async def aclose(self) -> None:
        """End the session with DELETE, as a courtesy: failures do not matter."""
        if self._own is not None:
            self._own.close()
        if self.session_id:
            headers, self.session_id = self._headers, b""
            await self._quietly(self._wire.delete(headers, CLOSING))

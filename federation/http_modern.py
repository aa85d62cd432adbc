"""A server that speaks streamable HTTP of the modern era (2026-07-28): no session, every request stands alone.

Closing a response stream cancels its request. List changes and resource updates come
on a `subscriptions/listen` stream that the gateway keeps open with the union of what
its clients want.
"""

import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any

from ..core import jsonrpc
from ..core.errors import UpstreamInvalid
from ..core.http_response import HttpResponse
from ..core.jsonrpc import Message
from ..core.rawjson import Fields, fields, raw, value
from .eras import ACKNOWLEDGED, MODERN, UNSUPPORTED_VERSION, Era
from .handshake import NotModern, discovered
from .http_call import HttpCall
from .http_wire import FOREVER, NEWS, Cursor, HttpWire
from .listing import Greeting
from .messages import GATEWAY, Answer, Client, Event, Events, Inbox, Notice, Outbound, answer_of_call
from .wire import notice_of, request_body, request_headers, server_answer

log = logging.getLogger("fedgate.server")


class ModernHttp:
    """A `Connection`, shared by all clients: it holds nothing of theirs."""

    era: Era = "modern"
    shared = True
    stateful = False
    ended = ""
    busy = False

    def __init__(self, wire: HttpWire, inbox: Inbox, *, client: Client = GATEWAY) -> None:
        self.greeting = Greeting("", {}, {})
        self.endpoint = wire.endpoint
        self._wire = wire
        self._inbox = inbox
        self._client = client
        self._ids = 0

    async def open(self, timeout: float) -> None:
        """`server/discover`. Raises `NotModern` for what only a legacy server would say (2026-07-28, versioning)."""
        answer = await self._discover(timeout)
        if _supports_modern(answer.error):  # it refused, but names this very version: so with a supported version again
            answer = await self._discover(timeout)
        self.greeting = discovered(answer)

    async def _discover(self, timeout: float) -> Answer:
        discover = Outbound("server/discover", {}, {}, client=self._client, timeout=timeout)
        try:
            return await self.ask(discover)
        except UpstreamInvalid as error:
            raise NotModern(error.message) from error

    async def ask(self, outbound: Outbound) -> Answer:
        """A call of which only the answer matters."""
        return await answer_of_call(self.call(outbound))

    def call(self, outbound: Outbound) -> Events:
        self._ids += 1
        return HttpCall(self, outbound, self._ids)

    async def send(self, outbound: Outbound, ident: int) -> HttpResponse | Answer:
        body = request_body(outbound, "modern", ident)
        wire = self._wire.on_behalf_of(outbound.client.caller)
        response = await wire.post(body, request_headers(outbound), outbound.timeout)
        if response.status < 300:
            return response
        return self._wire.refusal(response.status, await self._wire.drain(response))

    def whole(self, response: HttpResponse) -> Coroutine[Any, Any, list[Message] | None]:
        return self._wire.whole(response)

    def messages(self, response: HttpResponse, timeout: float) -> AsyncGenerator[Message, None]:  # noqa: ARG002
        return self._wire.messages(response, Cursor())

    def event(self, message: Message, outbound: Outbound, ident: int) -> Event | None:
        if message.is_response and jsonrpc.id_key(message.id) == ident:
            return server_answer(message)
        if not message.is_notification:
            log.warning("%s sent a message that belongs to no request; ignored", self._wire.name)
            return None
        if message.method in NEWS:
            self._inbox(Notice(message.method or "", bytes(message.params)))
            return None
        return notice_of(message, outbound)

    def over(self, ident: int, *, answered: bool) -> None:
        """Nothing: that its stream is closed says so."""

    async def notify(self, method: str, params: bytes) -> None:
        """Nothing: clients of this era have no notifications to send over HTTP."""

    async def listen(self, notifications: Fields) -> bool:
        """Keep one `subscriptions/listen` open with this filter, until it ends. `False`: the server has none."""
        params: Fields = {"notifications": raw(notifications)}
        outbound = Outbound("subscriptions/listen", params, {}, client=self._client, timeout=FOREVER)
        async with aclosing(self.call(outbound)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    return not event.error
                if isinstance(event, Notice) and event.method != ACKNOWLEDGED:
                    self._inbox(event)
        return True

    async def aclose(self) -> None:
        """Nothing to end: the pool's connections belong to the client."""


def _supports_modern(error: bytes) -> bool:
    """Whether it is an UnsupportedProtocolVersionError whose list of supported versions has ours."""
    try:
        members = fields(error) if error else {}
        return value(members["code"]) == UNSUPPORTED_VERSION and MODERN in value(fields(members["data"])["supported"])
    except (KeyError, TypeError, ValueError):
        return False

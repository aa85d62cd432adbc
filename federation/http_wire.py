"""MCP messages over HTTP towards one URL: what streamable HTTP of both eras has in common.

A POST carries one message; its answer is JSON or an event stream of messages. This
module knows framing, statuses and limits, and nothing of sessions or eras.
"""

from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ..core import jsonrpc, sse
from ..core.call import Caller, Header
from ..core.errors import RpcError, UpstreamDenied, UpstreamError, UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.http_response import HttpResponse
from ..core.http_values import Target, Timeouts
from ..core.jsonrpc import Message
from ..core.ports import Credentials, shown
from .eras import CHANGED, UPDATED
from .messages import Answer
from .wire import is_error

MAX_MESSAGE = 64 * 1024 * 1024
MAX_REFUSAL = 64 * 1024
FOREVER = 24 * 3600.0
"""Seconds an event stream without a request of ours may stay silent before it is opened anew."""

ACCEPT: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json, text/event-stream"),
)


NEWS = frozenset({*CHANGED.values(), UPDATED})
"""Notifications that concern no single call, on whatever stream they come."""


class Denied(UpstreamDenied):
    """The server does not accept the gateway's credentials."""


@lru_cache(256)
def _timeouts(connect: float, timeout: float) -> Timeouts:
    return Timeouts(connect=min(connect, timeout), first_byte=timeout, idle=timeout)


@dataclass
class Cursor:
    """Where an event stream stands: what a resumption needs."""

    last_id: bytes = b""
    retry: float | None = None


@dataclass(frozen=True)
class HttpWire:
    """One MCP URL, the headers that the manifest gives it, and the credentials that are got for each request.

    `caller`: in whose name requests are made; `None`: the gateway's own.
    """

    name: str
    http: HttpClient
    target: Target
    headers: tuple[Header, ...] = field(repr=False, default=())
    connect: float = 5.0
    credentials: Credentials | None = None
    caller: Caller | None = None

    @property
    def endpoint(self) -> str:
        return self.target.host_and_port

    def on_behalf_of(self, caller: Caller | None) -> "HttpWire":
        """The same for another caller; `None` changes nothing."""
        return self if caller is None or caller is self.caller else replace(self, caller=caller)

    def at(self, target: Target) -> "HttpWire":
        """The same at another address."""
        return replace(self, target=target)

    def post(self, body: bytes, headers: tuple[Header, ...], timeout: float) -> Coroutine[Any, Any, HttpResponse]:
        return self._ask("POST", (*ACCEPT, *headers), _timeouts(self.connect, timeout), body)

    async def _ask(
        self, method: str, headers: tuple[Header, ...], timeouts: Timeouts, body: bytes = b""
    ) -> HttpResponse:
        """Send it; once more with other credentials where there are, for a 401 says that nothing was done."""
        own = self.headers if self.credentials is None else await shown(self.headers, self.credentials, self.caller)
        response = await self.http.request(method, self.target, headers=(*headers, *own), body=body, timeouts=timeouts)
        if response.status != 401 or self.credentials is None or not self.credentials.refused(own):
            return response
        await response.aclose()
        own = await shown(self.headers, self.credentials, self.caller)
        return await self.http.request(method, self.target, headers=(*headers, *own), body=body, timeouts=timeouts)

    async def get(self, headers: tuple[Header, ...], timeout: float, *, idle: float = FOREVER) -> HttpResponse:
        timeouts = Timeouts(connect=min(self.connect, timeout), first_byte=timeout, idle=idle)
        return await self._ask("GET", ((b"accept", b"text/event-stream"), *headers), timeouts)

    async def delete(self, headers: tuple[Header, ...], timeout: float) -> None:
        timeouts = Timeouts(connect=min(self.connect, timeout), first_byte=timeout, idle=timeout)
        response = await self._ask("DELETE", headers, timeouts)
        await response.aclose()

    async def whole(self, response: HttpResponse) -> list[Message] | None:
        """All messages of an answer that is one JSON document; `None` if it is a stream."""
        if not (response.header(b"content-type") or b"").startswith(b"application/json"):
            return None
        parsed = self._parse(await response.read(MAX_MESSAGE))
        return parsed if isinstance(parsed, list) else [parsed]

    async def messages(self, response: HttpResponse, cursor: Cursor) -> AsyncGenerator[Message, None]:
        """The JSON-RPC messages of a successful answer, in order, until it ends."""
        kind = (response.header(b"content-type") or b"").split(b";")[0].strip().lower()
        if kind == b"application/json":
            parsed = self._parse(await response.read(MAX_MESSAGE))
            for message in parsed if isinstance(parsed, list) else [parsed]:
                yield message
        elif kind == b"text/event-stream":
            async with aclosing(self._events(response, cursor)) as events:
                async for message in events:
                    yield message
        else:
            await response.aclose()
            shown = kind.decode("latin-1")[:80] or "no content type"
            raise UpstreamInvalid(f"it answered with {shown} instead of JSON or an event stream")

    async def _events(self, response: HttpResponse, cursor: Cursor) -> AsyncGenerator[Message, None]:
        reader = sse.Reader(MAX_MESSAGE)
        try:
            async for chunk in response:
                for event in reader.feed(chunk):
                    cursor.last_id = event.id or cursor.last_id
                    if event.retry >= 0:
                        cursor.retry = event.retry / 1000
                    if event.data and event.event == b"message":
                        parsed = self._parse(event.data)
                        for message in parsed if isinstance(parsed, list) else [parsed]:
                            yield message
        finally:
            await response.aclose()

    def _parse(self, body: bytes) -> Message | list[Message]:
        try:
            return jsonrpc.parse(body)
        except RpcError as error:
            raise UpstreamInvalid(f"its answer is no JSON-RPC message: {error.message}") from error

    async def drain(self, response: HttpResponse) -> bytes:
        """The body of an error answer, as far as it is of use."""
        try:
            return await response.read(MAX_REFUSAL)
        except UpstreamError:
            return b""

    def refusal(self, status: int, body: bytes) -> Answer:
        """An answer whose status is no success: its JSON-RPC error, or an `UpstreamError` that says the status."""
        try:
            message = jsonrpc.parse_one(body)
        except RpcError:
            message = Message()
        if is_error(message.error):
            return Answer(error=bytes(message.error))
        if status < 400:
            raise UpstreamInvalid(f"it redirects elsewhere (HTTP {status}); put its final address into the manifest")
        if status in (401, 403):
            raise Denied(_denied(status, self.credentials))
        raise UpstreamInvalid(f"it answered HTTP {status}")


def _denied(status: int, credentials: Credentials | None) -> str:
    if credentials is None:
        return f"it refuses the gateway's credentials (HTTP {status}); set its headers in the manifest"
    whose = "the caller's" if credentials.per_caller else "the gateway's"
    return f"it refuses {whose} credentials (HTTP {status}); see its auth in the manifest"

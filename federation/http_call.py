"""One call over HTTP, of either era: what comes back on the answer to its POST, whole or as an event stream.

Most answers are one JSON document: those need no generator. The call ends with its answer, with an error, or when
nobody wants it any more. Knows framing, and nothing of sessions. Above: `relay.py`. Below: the port `Speaking`, which
`http_legacy.py` and `http_modern.py` are.
"""

from collections.abc import AsyncGenerator, Coroutine
from typing import Any, Protocol, Self

from ..core.errors import GatewayError, UpstreamBroken, UpstreamTimeout
from ..core.http_response import HttpResponse
from ..core.jsonrpc import Message
from .messages import Answer, Event, Outbound


class Speaking(Protocol):
    """What a call asks of the connection that it is made on."""

    def send(self, outbound: Outbound, ident: int) -> Coroutine[Any, Any, HttpResponse | Answer]:
        """Post the request: the answer's head, or the refusal. Raises `UpstreamError`."""
        ...

    def whole(self, response: HttpResponse) -> Coroutine[Any, Any, list[Message] | None]:
        """All messages of an answer that is one JSON document; `None` if it is a stream."""
        ...

    def messages(self, response: HttpResponse, timeout: float) -> AsyncGenerator[Message, None]:
        """The messages of a stream as they come."""
        ...

    def event(self, message: Message, outbound: Outbound, ident: int) -> Event | None:
        """What a message is to the call; `None` if it is nothing to it."""
        ...

    def over(self, ident: int, *, answered: bool) -> None:
        """The call is over. `answered`: nobody works on it any more."""
        ...


class HttpCall:
    """An `Events`: begun with the first event that is asked for."""

    def __init__(self, connection: Speaking, outbound: Outbound, ident: int) -> None:
        self._connection = connection
        self._outbound = outbound
        self._ident = ident
        self._begun = False
        self._over = False
        self._ready: list[Message] = []
        self._response: HttpResponse | None = None
        self._stream: AsyncGenerator[Message, None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._over:
            raise StopAsyncIteration
        try:
            event = await self._next()
        except BaseException as error:
            # After a timeout, or when the caller has gone, somebody may be working on it still.
            await self._end(answered=isinstance(error, GatewayError) and not isinstance(error, UpstreamTimeout))
            raise
        if isinstance(event, Answer):
            await self._end(answered=True)
        return event

    async def _next(self) -> Event:
        connection, outbound, ident = self._connection, self._outbound, self._ident
        if not self._begun:
            self._begun = True
            response = await connection.send(outbound, ident)
            if isinstance(response, Answer):
                return response
            self._response = response
            whole = await connection.whole(response)
            if whole is None:
                self._stream = connection.messages(response, outbound.timeout)
            else:
                self._ready, self._response = whole, None
        while self._ready:
            event = connection.event(self._ready.pop(0), outbound, ident)
            if event is not None:
                return event
        if self._stream is not None:
            async for message in self._stream:
                event = connection.event(message, outbound, ident)
                if event is not None:
                    return event
        raise UpstreamBroken("its answer ended before it was complete")

    async def _end(self, *, answered: bool) -> None:
        self._over = True
        try:
            if self._stream is not None:
                await self._stream.aclose()
        finally:
            self._connection.over(self._ident, answered=answered)
            if self._response is not None:
                await self._response.aclose()

    async def aclose(self) -> None:
        """Nobody wants the rest: the server is told, if it has begun."""
        if self._begun and not self._over:
            await self._end(answered=False)

"""The old HTTP+SSE transport (2024-11-05) as a `Link`: one event stream in, one POST per message out.

The server's first event names the URL to post to. It must be on the server's own
origin: a server cannot send the gateway, with its credentials, elsewhere.
"""

import asyncio
from collections import deque
from urllib.parse import urljoin

from ..core import sse
from ..core.errors import GatewayError, UpstreamError, UpstreamInvalid, UpstreamTimeout
from ..core.http_response import HttpResponse
from ..core.http_values import Target
from .http_wire import MAX_MESSAGE, HttpWire
from .link import LinkClosed

POST_TIMEOUT = 30.0


class SseLink:
    """A `Link`. Made by `open_sse`."""

    def __init__(self, wire: HttpWire, response: HttpResponse) -> None:
        self._wire = wire
        self._response = response
        self._reader = sse.Reader(MAX_MESSAGE)
        self._events: deque[sse.Event] = deque()
        self._post_to: HttpWire | None = None

    @property
    def name(self) -> str:
        return self._wire.name

    @property
    def endpoint(self) -> str:
        return self._wire.endpoint

    async def start(self) -> None:
        """Wait for the `endpoint` event."""
        event = await self._next()
        if event is None or event.event != b"endpoint":
            raise UpstreamInvalid("its event stream does not begin with the endpoint to post to")
        target = self._endpoint(event.data.decode("utf-8", "replace"))
        self._post_to = self._wire.at(target)

    def _endpoint(self, given: str) -> Target:
        base = self._wire.target
        try:
            target = Target.parse(urljoin(base.origin + base.path, given))
        except ValueError as error:
            raise UpstreamInvalid("the endpoint it names to post to is no URL") from error
        if (target.scheme, target.host, target.port) != (base.scheme, base.host, base.port):
            raise UpstreamInvalid(f"the endpoint it names is on another origin, {target.host}:{target.port}")
        return target

    async def _next(self) -> sse.Event | None:
        """The next event; `None` at the end of the stream."""
        while not self._events:
            chunk = await anext(self._response, None)
            if chunk is None:
                return None
            self._events.extend(self._reader.feed(chunk))
        return self._events.popleft()

    async def send(self, message: bytes) -> None:
        if self._post_to is None:
            raise LinkClosed("the event stream is not open")
        try:
            response = await self._post_to.post(message, (), POST_TIMEOUT)
            await self._post_to.drain(response)
        except GatewayError as error:
            raise LinkClosed(f"posting a message failed: {error.message}") from error
        if response.status >= 300:
            raise LinkClosed(f"posting a message was answered with HTTP {response.status}")

    async def receive(self) -> bytes:
        try:
            while (event := await self._next()) is not None:
                if event.event == b"message" and event.data:
                    return event.data
        except GatewayError as error:
            raise LinkClosed(f"the event stream broke: {error.message}") from error
        raise LinkClosed("the server ended its event stream")

    async def aclose(self) -> None:
        await self._response.aclose()


async def open_sse(wire: HttpWire, timeout: float) -> SseLink:
    """Open the event stream and learn where to post. Raises `UpstreamError`."""
    response = await wire.get((), timeout)
    kind = (response.header(b"content-type") or b"").lower()
    if response.status != 200 or not kind.startswith(b"text/event-stream"):
        body = await wire.drain(response)
        if response.status >= 300:
            wire.refusal(response.status, body)
        raise UpstreamInvalid("it has no event stream at this URL")
    link = SseLink(wire, response)
    try:
        async with asyncio.timeout(timeout):
            await link.start()
    except TimeoutError as error:
        await link.aclose()
        raise UpstreamTimeout(f"it did not name the endpoint to post to within {timeout:g} s") from error
    except UpstreamError:
        await link.aclose()
        raise
    return link

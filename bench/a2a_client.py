"""Sends A2A requests of `a2a_speech` over the gateway's own HTTP client and reads what comes back.

Above: the experiment and the conformance tests. Below: `a2a_speech.py`, `a2a_heard.py`, the client.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bench.a2a_heard import Answer, Heard, hear
from bench.a2a_speech import Headers, Wire
from fedgate.a2a.values import Speech
from fedgate.core.http_client import HttpClient
from fedgate.core.http_response import HttpResponse
from fedgate.core.http_values import Target, Timeouts
from fedgate.core.sse import Reader

MAX_ANSWER = 16 * 1024 * 1024
TIMEOUTS = Timeouts(connect=10.0, first_byte=30.0, idle=30.0, total=60.0)


class Agent:
    """An agent at a URL. `headers` go with every request; a Wire's own come after them."""

    def __init__(self, http: HttpClient, url: str, headers: Headers = (), timeouts: Timeouts = TIMEOUTS) -> None:
        self.http = http
        self.url = url.rstrip("/")
        self._target = Target.parse(self.url)
        self._base = "" if self._target.path == "/" else self._target.path
        self._headers = headers
        self._timeouts = timeouts

    def __repr__(self) -> str:
        return f"Agent({self.url})"

    async def ask(self, speech: Speech, wire: Wire, *, headers: Headers | None = None) -> Answer:
        """One exchange, read to its end. `headers` stand in place of the Wire's own."""
        async with self._sent(wire, wire.headers if headers is None else headers) as response:
            body = await response.read(MAX_ANSWER)
        heads = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        answer = Answer(response.status, heads, body)
        if not answer.streamed:
            return Answer(response.status, heads, body, [hear(speech, body)] if body else [])
        events = Reader().feed(body)
        names = tuple(event.event.decode("latin-1") for event in events)
        return Answer(response.status, heads, body, [hear(speech, event.data) for event in events], names)

    @asynccontextmanager
    async def follow(self, speech: Speech, wire: Wire) -> AsyncIterator[AsyncIterator[Heard]]:
        """Events as they come; leaving ends the stream. An answer that is no stream is one event."""
        async with self._sent(wire, wire.headers) as response:
            yield _events(speech, response)

    @asynccontextmanager
    async def _sent(self, wire: Wire, headers: Headers) -> AsyncIterator[HttpResponse]:
        response = await self.http.request(
            wire.method,
            self._target,
            path=self._base + wire.path or "/",
            headers=(*self._headers, *headers),
            body=wire.body,
            timeouts=self._timeouts,
        )
        try:
            yield response
        finally:
            await response.aclose()


async def _events(speech: Speech, response: HttpResponse) -> AsyncIterator[Heard]:
    if (response.header(b"content-type") or b"").startswith(b"text/event-stream"):
        reader = Reader()
        async for chunk in response:
            for event in reader.feed(chunk):
                yield hear(speech, event.data)
    else:
        yield hear(speech, await response.read(MAX_ANSWER))


def plain(headers: Mapping[str, str]) -> Headers:
    """Headers as this client takes them."""
    return tuple((name.lower().encode(), value.encode()) for name, value in headers.items())

"""The load generator's HTTP client: one keep-alive connection, one request at a time.

Hand-written on asyncio and httptools because the driver shares two cores with what it
measures. Above: `mcp_client.py`, `a2a_caller.py`, `llm_caller.py`. Below: nothing of ours.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

REQUEST_TIMEOUT = 10.0
Sink = Callable[[bytes], None]


class Wrong(Exception):
    """An answer that does not count: late, broken, refused or not what was asked for."""


@dataclass
class Reply:
    """A complete response; header names are lower case."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


class Connection(asyncio.Protocol):
    """A connection to one origin, made when first used and again after it was lost."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._reply = Reply()
        self._waiter: asyncio.Future[Reply] | None = None
        self._headers_only = False
        self._sink: Sink | None = None

    async def send(self, request: bytes, *, headers_only: bool = False, sink: Sink | None = None) -> Reply:
        """Send a framed request and wait for its reply, at most 10 s; raises `Wrong`.

        With `headers_only` the reply is handed out when its headers have come (for streams
        that do not end); the connection then serves nothing else. `sink` takes the body of
        a 200 as it comes, and must not raise.
        """
        loop = asyncio.get_running_loop()
        try:
            if self._transport is None:
                await loop.create_connection(lambda: self, self._host, self._port)
            self._headers_only = headers_only
            self._sink = sink
            self._waiter = loop.create_future()
            cast("asyncio.Transport", self._transport).write(request)
            async with asyncio.timeout(REQUEST_TIMEOUT):
                return await self._waiter
        except TimeoutError as error:
            self.close()
            raise Wrong(f"no answer within {REQUEST_TIMEOUT:.0f} s") from error
        except OSError as error:
            raise Wrong(f"connection failed: {error}") from error

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._settle(ConnectionError("closed by the other side"))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.close()
            self._settle(ConnectionError(f"not HTTP: {error}"))

    def on_message_begin(self) -> None:
        self._reply = Reply()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._reply.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._reply.status = self._parser.get_status_code()
        if self._headers_only:
            self._settle(self._reply)

    def on_body(self, body: bytes) -> None:
        if self._sink is not None and self._reply.status == 200:
            self._sink(body)
        elif not self._headers_only:
            self._reply.body += body

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        self._settle(self._reply)

    def _settle(self, outcome: Reply | ConnectionError) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if isinstance(outcome, Reply):
            waiter.set_result(outcome)
        else:
            waiter.set_exception(outcome)

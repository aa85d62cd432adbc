"""One connection to an upstream: a request's bytes out, the answer's bytes to its parser, and time.

It knows neither pools nor retries: an `Owner` hears when it is free and when it is
over. Above: `http_pool`, `http_connect`. Below: `http_parser`, `http_response`.
"""

import asyncio
import select
import ssl
from collections.abc import Callable
from math import inf
from typing import Protocol, cast

from .errors import GatewayError, UpstreamBroken, UpstreamInvalid, UpstreamTimeout
from .http_deadline import Deadline
from .http_parser import AnswerParser
from .http_response import HttpResponse
from .http_values import HttpLimits

_ONE_WRITE = 64 * 1024
"""Up to here head and body are joined, because a copy costs less than a second write."""


class Stale(UpstreamBroken):
    """The connection ended before the first byte of the answer, as happens when the peer's idle timeout strikes.

    `unsent`: and not even the request went out.
    """

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent


class Owner(Protocol):
    """Who holds a connection."""

    def made(self, connection: "Connection") -> None:
        """There is a transport."""
        ...

    def finished(self, connection: "Connection") -> None:
        """The answer is complete; `connection.reusable` tells what comes next."""
        ...

    def ended(self, connection: "Connection") -> None:
        """It must not be used any more. Once."""
        ...

    def gone(self, connection: "Connection") -> None:
        """The transport is closed."""
        ...


class Connection(asyncio.Protocol):
    """A connection before, while and after it is open. `name` is the origin, for errors."""

    def __init__(self, owner: Owner, name: str, limits: HttpLimits) -> None:
        self.name = name
        self.idle_since = 0.0
        self.served = 0
        """Requests started."""
        self.sending = False
        """A request's body is still being sent, by `send`."""
        self.ended = False
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(self._loop, self._expired)
        self._parser = AnswerParser(limits)
        self._transport: asyncio.Transport | None = None
        self._write: Callable[[bytes], None]
        self._poll: select.poll | None = None
        self._paused = False
        self._congested = False
        self._room: asyncio.Future[None] | None = None
        self._response: HttpResponse | None = None

    def __repr__(self) -> str:
        state = "ended" if self.ended else "busy" if self._response is not None else "idle"
        return f"<Connection {self.name} {state}, {self.served} served>"

    # For whoever sends a request.

    @property
    def usable(self) -> bool:
        return not self.ended and self._transport is not None and not self._transport.is_closing()

    def quiet(self) -> bool:
        """Ask the kernel: false if there is a byte or an end to read that the loop has not seen yet."""
        if self._poll is None:
            if self._transport is None or (socket := self._transport.get_extra_info("socket")) is None:
                return True
            self._poll = select.poll()
            self._poll.register(socket.fileno(), select.POLLIN)
        return not self._poll.poll(0)

    def start(self, response: HttpResponse, head: bytes, body: bytes = b"", *, bodiless: bool = False) -> None:
        """Send a request whose answer goes to `response`; `bodiless`: that answer has no body (HEAD, CONNECT)."""
        self._parser.begin(response, bodiless=bodiless)
        self._response = response
        self.served += 1
        if response.total_at != inf:
            self._deadline.set(response.total_at)
        joined = len(body) <= _ONE_WRITE
        self._write(head + body if joined else head)
        if not self.usable:
            self._end(Stale(f"{self.name} had closed the connection", unsent=True))
        elif not joined:
            self._write(body)

    def send(self, data: bytes) -> None:
        """More of the request's body."""
        if not self.ended:
            self._write(data)

    @property
    def congested(self) -> bool:
        """Should the sender `drain` before it sends more?"""
        return self._congested and not self.ended

    async def drain(self) -> None:
        """Wait until the transport has room, or the connection ends."""
        self._room = self._loop.create_future()
        try:
            await self._room
        finally:
            self._room = None

    @property
    def reusable(self) -> bool:
        """After a complete answer: may another request be sent?

        Not while the last one is still on its way out: the peer answered without it and need not read it.
        """
        if self.sending or self._transport is None or self._transport.get_write_buffer_size():
            return False
        return self._parser.reusable and self.usable

    @property
    def exact(self) -> bool:
        """Did nothing come after the end of the last answer?"""
        return self._parser.exact

    def detach(self) -> asyncio.Transport:
        """Hand the transport, which must be usable, to somebody else; this connection is over."""
        transport, self._transport = self._transport, None
        if transport is None:
            raise ValueError("there is no transport to hand over")
        self._end(None)
        self._parser.discard()
        return transport

    def close(self) -> None:
        self._end(UpstreamBroken(f"the connection to {self.name} was closed by the gateway"))

    # The answer's link.

    def expect(self, seconds: float) -> None:
        when = self._loop.time() + seconds
        response = self._response
        if response is not None and response.total_at < when:
            when = response.total_at
        self._deadline.set(when)

    def pause(self) -> None:
        if not self._paused and self.usable and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            if self.usable and self._transport is not None:
                self._transport.resume_reading()

    def abandon(self) -> None:
        self._end(UpstreamBroken("the answer was given up before its end"))

    # The transport's events.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        self._owner.made(self)
        if self.ended:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            # Nobody asked: an answer to nothing must not become the answer to the next request.
            self.close()
            return
        try:
            complete = self._parser.feed(data)
        except UpstreamInvalid as error:
            self._end(UpstreamInvalid(f"{self.name} answered with {error.message}"), error)
        else:
            if complete:
                self._finish(response)

    def eof_received(self) -> None:
        response = self._response
        if response is not None and self._parser.ends() and not self._truncated():
            self._finish(response)
        else:
            self._end(self._broken())

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._broken(), exc)
        self._owner.gone(self)
        self._transport = self._poll = None
        self._parser.discard()

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False
        self._wake_sender()

    def _wake_sender(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # How an exchange, or the connection, ends.

    def _finish(self, response: HttpResponse) -> None:
        self._response = None
        self._deadline.clear()
        self.resume()
        self._owner.finished(self)
        response.finish()

    def _broken(self) -> UpstreamBroken:
        response = self._response
        if response is None or response.status:
            return UpstreamBroken(f"{self.name} closed the connection in the middle of its answer")
        sentence = f"{self.name} closed the connection before it answered"
        reused = self.served > 1 and self._parser.untouched
        return Stale(sentence) if reused else UpstreamBroken(sentence)

    def _truncated(self) -> bool:
        """Over TLS: did the bytes end without a goodbye, so that anybody could have cut them (RFC 9112 9.8)?"""
        if self._transport is None or (tls := self._transport.get_extra_info("ssl_object")) is None:
            return False
        try:
            return bool(tls.read(1))
        except ssl.SSLError:
            return True

    def _expired(self) -> None:
        response = self._response
        if response is None:
            return
        if self._loop.time() + 0.001 >= response.total_at:
            self._end(UpstreamTimeout(f"{self.name} did not finish its answer in the time allowed"))
        elif response.waiting:
            phase = "stopped in the middle of its answer" if response.status else "did not answer in time"
            self._end(UpstreamTimeout(f"{self.name} {phase}"))
        elif response.total_at != inf:
            self._deadline.set(response.total_at)

    def _end(self, error: GatewayError | None, cause: BaseException | None = None) -> None:
        if self.ended:
            return
        self.ended = True
        self._deadline.stop()
        self._owner.ended(self)
        if self._transport is not None:
            self._transport.abort()
        response, self._response = self._response, None
        if response is not None and error is not None:
            error.__cause__ = cause
            response.fail(error)
        self._wake_sender()

"""The stage before any work: is there room, and is this request meant for us.

Concurrency is a plain counter: what does not fit is refused at once, with a hint when
to come again, instead of waiting in a line that only grows. Streams count for as long
as they are open, against a limit of their own, so that idle listeners cannot crowd out
calls.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from ..access.hosts import HostPolicy
from ..core.call import Call, Handler, Reply, replace
from ..core.errors import Overloaded, TooLarge
from ..core.streams import closing

RETRY = ((b"retry-after", b"1"),)
STREAMS_PER_CALL = 16
"""Open streams for each call that may be under way."""


class Admit:
    """`limit` calls at a time, bodies of at most `max_body` bytes, hosts by `hosts`."""

    def __init__(self, hosts: HostPolicy, *, limit: int, max_body: int) -> None:
        self.calls = 0
        self.streams = 0
        self._hosts = hosts
        self._limit = limit
        self._max_body = max_body

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        request = call.request
        self._hosts.check(request.header(b"host"), request.header(b"origin"))
        length = request.headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._max_body:
            raise TooLarge(f"the body is larger than {self._max_body} bytes (gateway.max_body)")
        if self.calls >= self._limit or self.streams >= self._limit * STREAMS_PER_CALL:
            raise Overloaded(f"{self._limit} requests are under way (gateway.max_concurrent)", headers=RETRY)
        self.calls += 1
        try:
            reply = await inner(call)
        finally:
            self.calls -= 1
        if isinstance(reply.body, bytes):
            return reply
        return replace(reply, body=self._counted(reply.body))

    async def _counted(self, body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        self.streams += 1
        try:
            async with closing(body) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self.streams -= 1

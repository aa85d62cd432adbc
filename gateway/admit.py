"""The stage before any work: is there room, and is this request meant for us.

Concurrency is a plain counter: what does not fit is refused at once, with a hint when
to come again, instead of waiting in a line that only grows. Streams count for as long
as they are open, against limits of their own: those that only listen cannot crowd out
calls, nor those whose answer takes its time.
"""

from collections.abc import AsyncIterator

from ..access.hosts import HostPolicy
from ..core.call import Call, Handler, Reply, replace
from ..core.errors import Overloaded
from ..core.streams import Followed, discard, follow
from .exchange import too_large

RETRY = ((b"retry-after", b"1"),)
STREAMS_PER_CALL = 16
"""Open streams of either kind for each call that may be under way."""
LISTENING = frozenset({"stream", "subscriptions/listen"})
"""Operations that only wait for news: to refuse one loses no work."""


class Admit:
    """`limit` calls at a time, bodies of at most `max_body` bytes, hosts by `hosts`."""

    def __init__(self, hosts: HostPolicy, *, limit: int, max_body: int) -> None:
        self.calls = 0
        self.listening = 0
        self.answering = 0
        self._hosts = hosts
        self._limit = limit
        self._max_streams = limit * STREAMS_PER_CALL
        self._max_body = max_body

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return self.listening + self.answering

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        request = call.request
        self._hosts.check(request.header(b"host"), request.header(b"origin"))
        length = request.headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._max_body:
            raise too_large(self._max_body)
        if self.calls >= self._limit or self.answering >= self._max_streams:
            raise Overloaded(f"{self._limit} requests are under way (gateway.max_concurrent)", headers=RETRY)
        self.calls += 1
        try:
            reply = await inner(call)
        finally:
            self.calls -= 1
        if isinstance(reply.body, bytes):
            return reply
        return replace(reply, body=await self._counted(reply.body, call.record.operation in LISTENING))

    async def _counted(self, body: AsyncIterator[bytes], listens: bool) -> Followed:
        if not listens:
            self.answering += 1
            return follow(body, self._answered)
        if self.listening >= self._max_streams:
            await discard(body)
            raise Overloaded(f"{self._max_streams} streams are open (gateway.max_concurrent)", headers=RETRY)
        self.listening += 1
        return follow(body, self._left)

    def _answered(self, _body: Followed) -> None:
        self.answering -= 1

    def _left(self, _body: Followed) -> None:
        self.listening -= 1

"""The outermost stage: whatever becomes of a call, it is counted once and has one access line.

A reply that streams is over when its body ends, breaks or is closed, and not before.
Inner stages write what they learn into `call.record`; this one reads it at the end. It
does not know protocols, and makes no errors into replies (`rescue`, one further in, does).
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from ..core.call import Call, Handler, Record, Reply, replace
from ..core.clock import Clock
from ..core.errors import GatewayError
from ..core.streams import Followed, follow
from ..core.trail import Trail
from ..telemetry.lines import Ended

REQUEST_ID = b"x-fedgate-request-id"
CLIENT_GONE = 499
"""nginx's status for a caller that left before it got one."""


class Counts(Protocol):
    """What `observe` asks of the metrics."""

    def request(self, ended: Ended) -> None: ...


class Lines(Protocol):
    """What `observe` asks of the access log."""

    def write(self, ended: Ended) -> None: ...


class Watcher(Protocol):
    """Who hears of every operation at its beginning and at its end. Must be quick, and must not raise."""

    def began(self, record: Record) -> None: ...

    def ended(self, ended: Ended) -> None: ...


class Observe:
    """`operations` is the closed set that may become metric labels; others are `other`."""

    def __init__(
        self,
        metrics: Counts,
        access_log: Lines,
        clock: Clock,
        operations: frozenset[str],
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._metrics = metrics
        self._access_log = access_log
        self._clock = clock
        self._operations = operations
        self._began = tuple(each.began for each in watchers)
        self._ended = tuple(each.ended for each in watchers)

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        record = call.record
        if self._began:
            record.trail = Trail(self._clock)
            for began in self._began:
                began(record)
        try:
            reply = await inner(call)
        except BaseException as error:
            record.error = record.error or _reason(error)
            self._end(record, CLIENT_GONE if isinstance(error, asyncio.CancelledError) else 500)
            raise
        headers = (*reply.headers, (REQUEST_ID, record.request.id.encode()))
        if isinstance(reply.body, bytes):
            record.sent = len(reply.body)
            self._end(record, reply.status)
            return replace(reply, headers=headers)
        # What follows the head is the upstream's pace and the reader's, not ours.
        overhead = self._overhead(record, self._clock.monotonic())

        def over(body: Followed) -> None:
            record.sent = body.sent
            if not body.whole:
                # Closed before its end means that the caller left.
                record.error = record.error or _reason(body.error or asyncio.CancelledError())
            self._end(record, reply.status, overhead)

        record.stream = body = follow(reply.body, over)
        return replace(reply, headers=headers, body=body)

    def _end(self, record: Record, status: int, overhead: float | None = None) -> None:
        clock = self._clock
        now = clock.monotonic()
        operation = record.operation if record.operation in self._operations else "other"
        if overhead is None:
            overhead = self._overhead(record, now)
        ended = Ended(record, operation, status, now - record.started, overhead, clock.now())
        self._metrics.request(ended)
        self._access_log.write(ended)
        for told in self._ended:
            told(ended)

    def _overhead(self, record: Record, now: float) -> float:
        # Upstream calls of one operation may run side by side and add up to more than the wall clock.
        return max(0.0, now - record.started - record.upstream_seconds)


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "client_disconnected"
    return error.reason if isinstance(error, GatewayError) else GatewayError.reason

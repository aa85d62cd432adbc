"""The stage of limits: a call takes its share before it is made, and settles it when it is over, a stream at its end.

The same for every protocol. What is no call of its own, or only tells of one, is not counted: to refuse it would
save nothing. Above: `authorize`. Below: `guard`; `governance/limits.py` does the counting.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from ..core.call import Call, Handler, Reply, replace
from ..core.ports import Telling
from ..core.spending import Expected
from ..core.streams import closing, discard
from ..governance.limits import Asking, Limits
from ..governance.rated import Held
from ..governance.tokens import is_told, used
from ..llm.expected import expected
from .admit import LISTENING

UNCOUNTED = frozenset(
    {
        *("batch", "message"),  # what is in it is counted
        *("stream", "end", "ping", "response"),
        *("notifications/initialized", "notifications/cancelled", "notifications/progress"),
        "notifications/roots/list_changed",
        "PushCallback",  # of an agent, about a call that was counted
    }
)
"""Operations that take nothing of any limit."""


class Limit:
    """For calls of one endpoint. `limits`: the manifest's, the same for all."""

    def __init__(self, limits: Limits, telling: Telling, expect: Callable[[Call], Expected | None] = expected) -> None:
        self._limits = limits
        self._telling = telling
        self._expect = expect

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        """Raises `RateLimited`, and `TooLarge` for what is more than a limit allows in all."""
        operation = call.operation
        if operation in UNCOUNTED:
            return await inner(call)
        asking = Asking(partial(self._expect, call), occupies=operation not in LISTENING)
        held = await self._limits.take(call, partial(self._telling.variables, call), asking)
        if not held:
            return await inner(call)
        try:
            reply = await inner(call)
        except asyncio.CancelledError:
            held.over(_used(held, call))  # the caller has left, not the model that works for it
            raise
        except BaseException:
            held.over(_used(held, call) if is_told(call.record.fields) else 0)
            raise
        if not isinstance(reply.body, bytes):
            return replace(reply, body=LimitedBody(reply.body, held, call))
        failed = reply.status >= 400 and not is_told(call.record.fields)
        held.over(0 if failed else _used(held, call))
        return reply


def _used(held: Held, call: Call, sent: int | None = None) -> int:
    return 0 if held.expected is None else used(held.expected, call.record.fields, sent=sent)


class LimitedBody:
    """A body that settles what its call has taken, once, however it ends. Closing it unread closes what is in it."""

    def __init__(self, body: AsyncIterator[bytes], held: Held, call: Call) -> None:
        self._body = body
        self._held = held
        self._call = call
        self._sent = 0
        self._begun = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._begun = True
        try:
            chunk = await anext(self._body)
        except StopAsyncIteration:
            self._over(whole=not self._call.record.error)
            raise
        except BaseException:
            self._over(whole=False)
            raise
        self._sent += len(chunk)
        return chunk

    async def aclose(self) -> None:
        try:
            if self._begun:
                async with closing(self._body):
                    pass
            else:
                self._begun = True
                await discard(self._body)
        finally:
            self._over(whole=False)

    def _over(self, *, whole: bool) -> None:
        self._held.over(_used(self._held, self._call, None if whole else self._sent))

"""The stage of limits: a call takes its share before it is made, and settles it when it is over, a stream at its end.

Who passes is told by headers how much is left, as who is refused. The same for every protocol. What is no call of its
own, or only tells of one, is not counted: to refuse it would save nothing. Above: `authorize`. Below: `guard`;
`governance/limits.py` does the counting.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from ..core.call import Call, Handler, Reply, replace
from ..core.ports import Telling
from ..core.spending import Expected
from ..core.streams import Followed, follow
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
            return _shown(await inner(call), held)
        try:
            reply = await inner(call)
        except asyncio.CancelledError:
            held.over(_used(held, call))  # the caller has left, not the model that works for it
            raise
        except BaseException:
            held.over(_used(held, call) if is_told(call.record.fields) else 0)
            raise
        if not isinstance(reply.body, bytes):
            return _shown(replace(reply, body=follow(reply.body, partial(_over, held, call))), held)
        failed = reply.status >= 400 and not is_told(call.record.fields)
        held.over(0 if failed else _used(held, call))
        return _shown(reply, held)


def _shown(reply: Reply, held: Held) -> Reply:
    """With how the caller stands to the rates that were checked. What an upstream says of its own under the same names
    is about the gateway's account there, and is left out."""
    own = held.headers
    if not own:
        return reply
    names = {name for name, _ in own}
    theirs = reply.headers
    if any(header[0] in names for header in theirs):
        theirs = tuple(header for header in theirs if header[0] not in names)
    return replace(reply, headers=(*theirs, *own))


def _used(held: Held, call: Call, sent: int | None = None) -> int:
    return 0 if held.expected is None else used(held.expected, call.record.fields, sent=sent)


def _over(held: Held, call: Call, body: Followed) -> None:
    """The stream has ended, however it did: what it used is settled."""
    held.over(_used(held, call, None if body.whole and not call.record.error else body.sent))

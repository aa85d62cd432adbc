"""The one shape of the data path, and how a list of stages becomes one handler.

A stage sees the call, decides, and awaits `inner(call)` (or refuses by raising). It
is a class or function with the signature of `Stage`; nothing else runs between the
wire and an upstream.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from .call import Call, Handler, Reply


class Stage(Protocol):
    """`async def __call__(self, call, inner) -> Reply`."""

    async def __call__(self, call: Call, inner: Handler) -> Reply: ...


def compose(stages: Sequence[Stage], last: Handler) -> Handler:
    """Wrap `last` in the stages, the first one outermost."""
    handler = _last(last) if stages else last
    for stage in reversed(stages):
        handler = _wrap(stage, handler)
    return handler


def _wrap(stage: Stage, inner: Handler) -> Handler:
    name = type(stage).__name__.lower()

    # No coroutine of its own: it would be one more frame to resume, each time that something below waits.
    def handle(call: Call) -> Awaitable[Reply]:
        trail = call.record.trail
        if trail is not None:
            trail.step(name)
        return stage(call, inner)

    return handle


def _last(dispatch: Handler) -> Handler:
    def handle(call: Call) -> Awaitable[Reply]:
        trail = call.record.trail
        if trail is not None:
            trail.step("dispatch")
        return dispatch(call)

    return handle

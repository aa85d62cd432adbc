"""A deadline that is cheap to move: one timer per connection instead of one per wait.

Moving it later, the normal case with every request and chunk, is an assignment; the
timer that is already running looks at it when it fires. Above: `http_connection`.
Below: nothing.
"""

import asyncio
from collections.abc import Callable
from math import inf

_RESOLUTION = 0.001
"""Loops run timers up to a millisecond early."""


class Deadline:
    """Calls `expired` once the moment given last to `set` has come (seconds on the loop's clock)."""

    __slots__ = ("_armed", "_expired", "_loop", "_timer", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._when = inf
        self._armed = inf
        self._timer: asyncio.TimerHandle | None = None

    def set(self, when: float) -> None:
        self._when = when
        if when < self._armed:
            self._arm(when)

    def clear(self) -> None:
        """No deadline for now. The timer, if any, runs out unheard."""
        self._when = inf

    def stop(self) -> None:
        """No deadline, and nothing left in the loop."""
        self._when = self._armed = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = when
        self._timer = self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self._armed = inf
        when = self._when
        if when - self._loop.time() > _RESOLUTION:
            if when != inf:
                self._arm(when)
            return
        self._when = inf
        self._expired()

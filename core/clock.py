"""The clocks: the only place that reads time or waits.

Everything that expires, backs off or is measured takes a `Clock`, so that tests
move time by hand. Above: every part. Below: nothing.
"""

import asyncio
import time

from .clock_port import Clock

__all__ = ["Clock", "ManualClock", "SystemClock"]


class SystemClock:
    """The real clock."""

    now = staticmethod(time.time)  # noqa: TID251 - this module is where time is read
    monotonic = staticmethod(time.monotonic)  # noqa: TID251
    sleep = staticmethod(asyncio.sleep)  # noqa: TID251


class ManualClock:
    """A clock that moves only when told to. For tests; shipped because other parts' tests need it."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self._now = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)  # noqa: TID251
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, waiter))
        await waiter

    def advance(self, seconds: float) -> None:
        """Move time on and wake everyone whose moment has come, earliest first."""
        self._now += seconds
        due = sorted((s for s in self._sleepers if s[0] <= self._now), key=lambda s: s[0])
        self._sleepers = [s for s in self._sleepers if s[0] > self._now]
        for _, waiter in due:
            if not waiter.done():
                waiter.set_result(None)

    @property
    def sleeping(self) -> int:
        """How many tasks wait on this clock."""
        return sum(not waiter.done() for _, waiter in self._sleepers)

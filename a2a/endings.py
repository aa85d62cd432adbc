"""Tasks of agents that nobody wants any more: cancelled in the background, a bounded number at a time.

Above: `door.py`, which knows how a task is cancelled. Below: `core.tasks`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from ..core.errors import GatewayError
from ..core.tasks import Tasks

log = logging.getLogger("fedgate.a2a")

MAX_ENDINGS = 256
"""Tasks that are being cancelled at a time; more are left alone."""
GRACE = 2.0
"""Seconds at shutdown for those that are under way."""


class Endings:
    """Runs until `aclose`."""

    def __init__(self) -> None:
        self._tasks = Tasks("abandoned tasks")
        self._running: set[asyncio.Task[None]] = set()

    def start(self, cancel: Callable[[], Coroutine[object, object, str]], name: str) -> None:
        """Returns at once."""
        if self._tasks.closed or len(self._running) >= MAX_ENDINGS:
            log.warning("the abandoned task %s is not cancelled: too many are, or the gateway stops", name)
            return
        task = self._tasks.start(_quietly(cancel, name), name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def aclose(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE)
        await self._tasks.aclose()


async def _quietly(cancel: Callable[[], Coroutine[object, object, str]], name: str) -> None:
    try:
        state = await cancel()
    except GatewayError as error:
        log.info("the abandoned task %s could not be cancelled: %s", name, error)
    else:
        log.debug("the abandoned task %s is %s", name, state)

"""Supervised tasks: every background task has a name, an owner and an end that is awaited.

`asyncio.create_task` is banned elsewhere (ruff TID251); this module is why that works.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("fedgate.tasks")


class Tasks:
    """Owns background tasks. `aclose()` cancels what still runs and waits for it, for at most `grace` seconds.

    A task that ends with an exception is logged at once under its name: it must not die in silence.
    """

    def __init__(self, name: str, *, grace: float = 5.0) -> None:
        self._name = name
        self._grace = grace
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False

    def start(self, work: Coroutine[Any, Any, Any], name: str, *, awaited: bool = False) -> asyncio.Task[Any]:
        """Run `work` as a task of this owner. After `aclose` it is refused.

        `awaited`: whoever starts it takes its outcome, so a failure is not logged here.
        """
        if self._closed:
            work.close()
            raise RuntimeError(f"{self._name} is closed; cannot start {name}")
        task = asyncio.get_running_loop().create_task(work, name=f"{self._name}.{name}")
        self._running.add(task)
        task.add_done_callback(self._taken if awaited else self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)

    def _taken(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: no "never retrieved" warning if the one who waited has gone

    def __len__(self) -> int:
        return len(self._running)

    @property
    def closed(self) -> bool:
        return self._closed

    async def aclose(self) -> None:
        """Cancel everything and wait. Safe to call twice; survives cancellation of the caller."""
        self._closed = True
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.shield(self._settle(running))

    async def _settle(self, running: list[asyncio.Task[Any]]) -> None:
        _, late = await asyncio.wait(running, timeout=self._grace)
        for task in late:
            log.error("task %s did not end within %.0f s of being cancelled", task.get_name(), self._grace)

"""Brings the table's changes to the store, behind the requests: gathered, in batches, on a thread of its own.

New and changed records are written as soon as the last batch is, so that many of them
share a commit; that records were used, or ended, is written a moment later. When the
store fails, the gateway goes on with what it knows: nothing is lost while the process
lives, no new session is opened, and the store is tried again. Above: `gateway/app.py`. Below: `store.py`.
"""

import asyncio
import contextlib
import logging
import threading
from functools import partial
from queue import SimpleQueue

from ..core.tasks import Tasks
from .store import Changes, Store, StoreFailed, Worth
from .table import SessionTable
from .unsaved import Unsaved

log = logging.getLogger("fedgate.sessions")

EVERY = 0.25
"""Seconds between two writings of what nobody waits for: so much is forgotten when the process is killed."""
AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds until a store that failed is tried again, and again."""
PATIENCE = 5.0
"""Seconds to wait for the store: before the id of a new session is given out, and at shutdown."""


class Keeper:
    """Owns `store` from here on. Made (in a running loop) → `start` → `aclose`.

    Made, it has restored the table; raises `CannotOpenStore`.
    """

    def __init__(self, table: SessionTable, store: Store, *, patience: float = PATIENCE) -> None:
        self._table = table
        self._store = store
        self._patience = patience
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._tasks = Tasks("session store", grace=patience)
        self._saving: asyncio.Task[None] | None = None
        self._thread = _Thread(store)
        self._unsaved = Unsaved(table.clock, self._wake.set)
        try:
            stored = store.load(partial(_worth, table))
        except OSError:
            store.close()
            raise
        self.restored = len(stored)
        table.keep(self._unsaved, stored)

    def __repr__(self) -> str:
        return f"Keeper({self._store.place}, {len(self._unsaved)} unsaved)"

    @property
    def place(self) -> str:
        """Where people find what is stored."""
        return self._store.place

    @property
    def failing(self) -> str:
        """Why nothing can be stored at the moment; empty if all is well."""
        return self._unsaved.failing

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()
        self._saving = self._tasks.start(self._run(), "save")

    async def aclose(self) -> None:
        """Write what is left and close the store, within `patience` seconds each."""
        self._closing.set()
        self._wake.set()
        if self._saving is not None:
            await asyncio.wait({self._saving}, timeout=self._patience)
        await self._tasks.aclose()
        if not await self._thread.aclose(self._patience):
            log.error("the session store %s took too long: the last changes may be lost", self._store.place)

    async def _run(self) -> None:
        failures = 0
        while True:
            await self._due(AGAIN[min(failures, len(AGAIN)) - 1] if failures else 0.0)
            last = self._closing.is_set()
            failures = 0 if await self._save() else failures + 1
            if last and (failures or not len(self._unsaved)):
                return

    async def _due(self, delay: float) -> None:
        """Until somebody waits for a record to be saved, or `EVERY` has passed; after a failure for its `delay`."""
        event = self._closing if delay else self._wake
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay or EVERY):
                await event.wait()
        self._wake.clear()

    async def _save(self) -> bool:
        changes = self._table.gather()
        if changes is None:
            return True
        before = self._unsaved.failing
        alarm = asyncio.get_running_loop().call_later(self._patience, self._stalled)
        try:
            failure = await self._thread.save(changes)
        finally:
            alarm.cancel()
        before = before or self._unsaved.failing
        self._unsaved.settle(changes, failure)
        if failure and not before:
            self._failed(failure)
        elif before and not failure:
            log.info("sessions are stored again in %s", self._store.place)
        if len(self._unsaved) and not failure:
            self._wake.set()  # more than one batch
        return not failure

    def _stalled(self) -> None:
        why = f"{self._store.place} did not answer within {self._patience:g} s"
        if not self._unsaved.failing:
            self._failed(why)
        self._unsaved.stall(why)

    def _failed(self, why: str) -> None:
        log.error("sessions cannot be stored: %s; those open go on, new ones are refused until it works", why)


def _worth(table: SessionTable, shelf: str) -> Worth:
    rule = table.rule(shelf)
    return Worth(table.clock.now() - rule.idle, rule.limit)


class _Thread:
    """Calls a store from one thread, a batch at a time. A daemon: a disk that hangs must not keep the process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="fedgate-sessions", daemon=True)
        self._ended = _Job(None)

    def start(self) -> None:
        self._thread.start()

    async def save(self, changes: Changes) -> str:
        """Why it failed, or nothing."""
        job = _Job(changes)
        self._jobs.put(job)
        return await job.outcome

    async def aclose(self, timeout: float) -> bool:
        """End the thread, and the store with it; whether that was done in time."""
        if self._thread.ident is None:
            self._store.close()
            return True
        self._jobs.put(None)
        await asyncio.wait({self._ended.outcome}, timeout=timeout)
        return self._ended.outcome.done()

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                self._save(job)
            self._store.close()
        finally:
            self._ended.tell("")

    def _save(self, job: "_Job") -> None:
        failure = "of an unknown error"
        try:
            if job.changes is not None:
                self._store.save(job.changes)
            failure = ""
        except StoreFailed as error:
            failure = str(error)
        finally:
            job.tell(failure)


class _Job:
    """Something to be done by the thread, whose outcome the event loop waits for."""

    def __init__(self, changes: Changes | None) -> None:
        self.changes = changes
        self._loop = asyncio.get_running_loop()
        self.outcome: asyncio.Future[str] = self._loop.create_future()

    def tell(self, failure: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed before: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, failure)

    def _settle(self, failure: str) -> None:
        if not self.outcome.done():
            self.outcome.set_result(failure)

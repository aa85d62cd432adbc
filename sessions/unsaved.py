"""What the store does not know yet of the table's records. Pure bookkeeping: no disk, no thread, no waiting.

A record stands here once, however often it changed, so there is never more than the table
holds and has lately lost. Above: `table.py` notes, `keeper.py` gathers and settles. That a
record was used is not noted at all: the table is in the order of use, so those used since
the last time are the last ones.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice, takewhile

import msgspec

from ..core.clock import Clock
from .record import Session
from .store import Changes, Key, Seen, StoredSession

BATCH = 1000
"""New and changed records in one transaction: what the event loop encodes at a time."""


class Unsaved:
    """Owned by the event loop. `wake` is called when something should be saved at once."""

    def __init__(self, clock: Clock, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self.failing = ""
        """Why the last attempt to save failed; empty if it did not."""
        self._clock = clock
        self._put: dict[Key, Session] = {}
        self._gone: dict[Key, None] = {}
        self._flying: dict[Key, Session] = {}
        self._waiting: dict[Key, list[asyncio.Future[bool]]] = {}
        self._landing: dict[Key, list[asyncio.Future[bool]]] = {}
        self._mark = self._last_mark = clock.monotonic()

    def __len__(self) -> int:
        return len(self._put) + len(self._gone)

    def changed(self, session: Session) -> None:
        """It is new, or what it remembers is other now."""
        self._put[session.shelf, session.key] = session
        self.wake()

    def ended(self, session: Session) -> None:
        """It is to be forgotten, in a moment: nobody waits for that."""
        key = (session.shelf, session.key)
        self._put.pop(key, None)
        self._gone[key] = None
        _tell(self._waiting.pop(key, []), False)

    async def saved(self, session: Session) -> bool:
        """Wait until the record is stored as it is now; whether that succeeded.

        While the store fails nobody waits: it is tried again from time to time.
        """
        key = (session.shelf, session.key)
        waiting = self._waiting if key in self._put else self._landing if key in self._flying else None
        if waiting is None:
            return True
        if self.failing:
            return False
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting.setdefault(key, []).append(waiter)
        return await waiter

    def gather(self, latest: Iterable[Iterable[Session]]) -> Changes | None:
        """Everything that is to be written now. `latest`: the records of each shelf, the last used one first."""
        now = self._clock.monotonic()
        wall = self._clock.now() - now
        self._flying = dict(islice(self._put.items(), BATCH))
        for key in self._flying:
            del self._put[key]
        self._landing = {key: self._waiting.pop(key) for key in self._flying if key in self._waiting}
        used = [
            session
            for shelf in latest
            for session in takewhile(lambda session: session.seen >= self._mark, shelf)
            if (session.shelf, session.key) not in self._flying
        ]
        gone, self._gone = self._gone, {}
        self._last_mark, self._mark = self._mark, now
        if not (self._flying or used or gone):
            return None
        return Changes(
            put=[_stored(session, wall) for session in self._flying.values()],
            seen=[Seen(s.seen + wall, s.turns, s.shelf, s.key) for s in used],
            gone=list(gone),
        )

    def settle(self, changes: Changes, failure: str = "") -> None:
        """What was gathered last has been saved, or (`failure`) has not: then it is to be saved again."""
        self.failing = failure
        flying, self._flying = self._flying, {}
        landing, self._landing = self._landing, {}
        if failure:
            self._mark = self._last_mark
            self._gone = {**dict.fromkeys(changes.gone), **self._gone}
            again = {key: session for key, session in flying.items() if key not in self._gone}
            self._put = {**again, **self._put}
        for waiters in landing.values():
            _tell(waiters, not failure)

    def stall(self, why: str) -> None:
        """The store takes too long over what was gathered last: nobody waits any more. `settle` ends this."""
        self.failing = why
        for waiters in (*self._waiting.values(), *self._landing.values()):
            _tell(waiters, False)
        self._waiting, self._landing = {}, {}


def _tell(waiters: list[asyncio.Future[bool]], saved: bool) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(saved)


def _stored(session: Session, wall: float) -> StoredSession:
    return StoredSession(
        session.shelf,
        session.key,
        # A name that is no text cannot be stored as it is, and must not stop all others from being stored.
        session.owner.encode(errors="backslashreplace").decode(),
        session.view,
        session.created,
        session.seen + wall,
        session.turns,
        msgspec.json.encode(session.data).decode(),
        msgspec.json.encode(session.pins).decode(),
    )

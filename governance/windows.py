"""Sliding windows: the `limits` library's strategy on a store in memory that is bounded, quick, and on our clock.

The library's own memory store goes through all keys at every hit, in tasks that nobody owns, and cannot be bounded.
This one keeps three numbers for each key, and the keys that were used last. It answers the same port, so that
the library's strategy counts on it as on any other store; here nothing waits, so it is asked without that. Imported
only where limits are configured, for the library takes a fifth of a second. Above: `rated.py`. Below: the clock.
"""

from collections import OrderedDict
from math import floor

from limits.aio.storage import Storage
from limits.aio.storage.base import SlidingWindowCounterSupport

from ..core.clock import Clock
from .settings import Rate
from .sliding import Count

MAX_KEYS = 50_000
"""Keys of one limit; beyond, the one that was not used for the longest is forgotten."""

_LOOK = 2


class Cell:
    """What was counted under one key: in the window `index`, and in the one before it."""

    __slots__ = ("before", "count", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self.count = 0
        self.before = 0

    def move(self, index: int) -> None:
        """The window is `index` now."""
        if index != self.index:
            self.before = self.count if index == self.index + 1 else 0
            self.count = 0
            self.index = index


def _counts(cell: Cell, index: int) -> bool:
    """Whether anything in it counts in the window `index`."""
    return bool(cell.count or cell.before) if cell.index == index else bool(cell.count) and cell.index + 1 == index


class Windows(Storage, SlidingWindowCounterSupport):
    """For one rate. The methods of the library's port never wait."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock, seconds: int, *, max_keys: int = MAX_KEYS) -> None:
        super().__init__()
        self.evicted = 0
        """Keys that were forgotten while they still counted."""
        self._clock = clock
        self._seconds = seconds
        self._max = max_keys
        self._cells: OrderedDict[str, Cell] = OrderedDict()

    def __len__(self) -> int:
        return len(self._cells)

    def index(self) -> int:
        """The number of the window that is now."""
        return int(self._clock.monotonic() // self._seconds)

    def take(self, key: str, limit: int, amount: int) -> bool:
        """Count `amount` if it fits, else nothing."""
        now = self._clock.monotonic()
        index = int(now // self._seconds)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._made(key, index)
        else:
            self._cells.move_to_end(key)
            cell.move(index)
        weight = 1.0 - (now / self._seconds - index)
        if floor(cell.before * weight) + cell.count + amount > limit:
            return False
        cell.count += amount
        return True

    async def acquire_sliding_window_entry(
        self,
        key: str,
        limit: int,
        expiry: int,  # noqa: ARG002 - the library's port
        amount: int = 1,
    ) -> bool:
        return self.take(key, limit, amount)

    def _made(self, key: str, index: int) -> Cell:
        cells = self._cells
        for _ in range(_LOOK):  # more go than come, and no call has to clear up after all others
            if not cells or _counts(next(iter(cells.values())), index):
                break
            cells.popitem(last=False)
        if len(cells) >= self._max:
            cells.popitem(last=False)
            self.evicted += 1
        cell = cells[key] = Cell(index)
        return cell

    def adjust(self, key: str, index: int, amount: int) -> None:
        """Count so much more (or less) of what was counted in the window `index`.

        What is given back is given back there, for elsewhere it was never counted; what is added where nothing
        counts any more is added now.
        """
        now = self.index()
        cell = self._cells.get(key)
        if cell is None:
            if amount <= 0:
                return
            cell = self._made(key, now)
        cell.move(now)
        if index == now or (amount > 0 and index != now - 1):
            cell.count = max(0, cell.count + amount)
        elif index == now - 1:
            cell.before = max(0, cell.before + amount)

    def count(self, key: str) -> Count:
        seconds = self._seconds
        now = self._clock.monotonic()
        index = int(now // seconds)
        left = seconds * (index + 1) - now
        cell = self._cells.get(key)
        if cell is None:
            return Count(seconds, 0, 0, left)
        cell.move(index)
        return Count(seconds, cell.before, cell.count, left)

    async def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        found = self.count(key)
        return found.before, found.rest if found.before else 0.0, found.now, found.rest + expiry

    async def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002 - the library's port
        self._cells.pop(key, None)

    # What the library asks of every store.

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:  # noqa: ARG002 - the library's port
        self.adjust(key, self.index(), amount)
        return await self.get(key)

    async def get(self, key: str) -> int:
        cell = self._cells.get(key)
        return cell.count if cell is not None and cell.index == self.index() else 0

    async def get_expiry(self, key: str) -> float:  # noqa: ARG002 - the library's port
        return self._clock.now() + (self.index() + 1) * self._seconds - self._clock.monotonic()

    async def check(self) -> bool:
        return True

    async def reset(self) -> int | None:
        count = len(self._cells)
        self._cells.clear()
        return count

    async def clear(self, key: str) -> None:
        self._cells.pop(key, None)


class InMemory:
    """The `Store` port: one rate, counted here."""

    def __init__(self, clock: Clock, rate: Rate, *, max_keys: int = MAX_KEYS) -> None:
        self._most = rate.amount
        self._windows = Windows(clock, rate.seconds, max_keys=max_keys)

    @property
    def evicted(self) -> int:
        return self._windows.evicted

    def __len__(self) -> int:
        return len(self._windows)

    def index(self) -> int:
        return self._windows.index()

    async def take(self, key: str, cost: int) -> bool:
        return self._windows.take(key, self._most, cost)

    async def count(self, key: str) -> Count:
        return self._windows.count(key)

    def adjust(self, key: str, index: int, amount: int) -> None:
        self._windows.adjust(key, index, amount)

"""What one call has taken of rates and places, until it is over; and the port of those that count rates.

What is taken can be taken back, or settled to what was really used, in the window that it was taken in. Above:
`limits.py`. Below: `windows.py`, which is imported only where a rate is counted.
"""

from typing import Literal, Protocol

import msgspec

from ..core.call import Header
from ..core.spending import Expected
from .concurrency import InUse
from .headers import by_kind, of_rate
from .settings import Rate
from .sliding import Count, left, renewed, whole_seconds


class Store(Protocol):
    """Counts one rate, for each key. A store that is shared with other gateways implements this too."""

    @property
    def evicted(self) -> int:
        """Keys that were forgotten while they still counted."""
        ...

    def __len__(self) -> int:
        """Keys that are kept."""
        ...

    def index(self) -> int:
        """The number of the window that is now."""
        ...

    async def take(self, key: str, cost: int) -> bool:
        """Count `cost` if it fits, else nothing."""
        ...

    async def count(self, key: str) -> Count: ...

    def adjust(self, key: str, index: int, amount: int) -> None:
        """Count so much more (or less) of what was counted in the window `index`."""
        ...


class Rated(msgspec.Struct, frozen=True):
    """So much in so long, for each key."""

    kind: Literal["requests", "tokens"]
    rate: Rate
    store: Store
    limit: str = ""
    """The name of the limit that it belongs to."""


class Passed(msgspec.Struct, frozen=True):
    """A rate that had room for a call. `left`, with that taken; `reset`: seconds until there is more."""

    rated: Rated
    cost: int
    left: int
    reset: int

    def __str__(self) -> str:
        """For operators."""
        rate = self.rated.rate
        return f"limit {self.rated.limit}: {some(self.cost, self.rated.kind)}, {self.left} of {rate.spoken} left"


class _Taken(msgspec.Struct):
    rated: Rated
    key: str
    index: int
    cost: int


class Held:
    """What one call has taken. It is given back or settled once, by `undo` or `over`."""

    __slots__ = ("_open", "_places", "_taken", "expected", "passed", "told")

    def __init__(self) -> None:
        self.passed: list[Passed] = []
        """The rates that had room, in order."""
        self.told: list[object] = []
        """What was decided, for operators; each becomes a text when somebody looks."""
        self.expected: Expected | None = None
        """Set if tokens were taken by it."""
        self._open = True
        self._places: list[tuple[InUse, str]] = []
        self._taken: list[_Taken] = []

    def __bool__(self) -> bool:
        """Whether there is anything to settle at the end."""
        return self._open and bool(self._places or self.expected)

    def occupy(self, places: InUse, key: str) -> bool:
        if not places.take(key):
            return False
        self._places.append((places, key))
        return True

    async def take(self, rated: Rated, key: str, cost: int) -> bool:
        index = rated.store.index()
        if not await rated.store.take(key, cost):
            return False
        self._taken.append(_Taken(rated, key, index, cost))
        count, most = await rated.store.count(key), rated.rate.amount
        passed = Passed(rated, cost, left(count, most), whole_seconds(renewed(count, most)))
        self.passed.append(passed)
        self.told.append(passed)
        return True

    @property
    def headers(self) -> tuple[Header, ...]:
        """How the call stands to the rate that is nearest to its end, and to that of each kind."""
        passed = self.passed
        if not passed:
            return ()
        first = passed[0] if len(passed) == 1 else min(passed, key=_share)
        found = of_rate(*_numbers(first)) + by_kind(*_numbers(first))
        others = [each for each in passed if each.rated.kind != first.rated.kind]
        return found + by_kind(*_numbers(min(others, key=_share))) if others else found

    def undo(self) -> None:
        """The call was never made."""
        if self._close():
            for each in self._taken:
                each.rated.store.adjust(each.key, each.index, -each.cost)

    def over(self, tokens: int) -> None:
        """The call is over, and has used so many tokens."""
        if self._close():
            for each in self._taken:
                if each.rated.kind == "tokens" and tokens != each.cost:
                    each.rated.store.adjust(each.key, each.index, tokens - each.cost)

    def _close(self) -> bool:
        was_open, self._open = self._open, False
        if was_open:
            for places, key in self._places:
                places.give_back(key)
        return was_open


def some(number: int, kind: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{number} {kind if number != 1 else kind.removesuffix('s')}"


def _share(passed: Passed) -> float:
    """How much of it is left."""
    return passed.left / passed.rated.rate.amount


def _numbers(passed: Passed) -> tuple[str, str, Rate, int, int]:
    return passed.rated.limit, passed.rated.kind, passed.rated.rate, passed.left, passed.reset

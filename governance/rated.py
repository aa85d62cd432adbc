"""What one call has taken of rates and places, until it is over; and the port of those that count rates.

What is taken can be taken back, or settled to what was really used, in the window that it was taken in. Above:
`limits.py`. Below: `windows.py`, which is imported only where a rate is counted.
"""

from typing import Literal, Protocol

import msgspec

from ..core.spending import Expected
from .concurrency import InUse
from .settings import Rate
from .sliding import Count


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


class _Taken(msgspec.Struct):
    rated: Rated
    key: str
    index: int
    cost: int


class Held:
    """What one call has taken. It is given back or settled once, by `undo` or `over`."""

    __slots__ = ("_open", "_places", "_taken", "expected")

    def __init__(self) -> None:
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
        return True

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

"""The arithmetic of sliding windows: what is left of a limit, and when something fits again. Pure.

Two windows side by side are counted; of the earlier one counts the share that still lies within the last so many
seconds. This is how the `limits` library counts (sliding window counter), in every store. Above: `limits.py`.
"""

from math import ceil, floor

import msgspec


class Count(msgspec.Struct, frozen=True):
    """What stands under one key. `rest`: seconds until the current window ends."""

    seconds: int
    before: int
    now: int
    rest: float

    @property
    def used(self) -> int:
        return floor(self.before * self.rest / self.seconds) + self.now


def left(count: Count, limit: int) -> int:
    """How much still fits."""
    return max(0, limit - count.used)


def wait(count: Count, limit: int, cost: int) -> float:
    """Seconds until `cost` fits if nobody else comes; `cost` is at most `limit`."""
    room = limit - cost + 1  # what counts must be below this
    if count.now < room:  # in this window, for its end is the end of all that came before it
        return max(0.0, count.rest - (room - count.now) * count.seconds / count.before) if count.before else 0.0
    return count.rest + max(0.0, count.seconds - room * count.seconds / count.now)


def renewed(count: Count, limit: int) -> float:
    """Seconds until there is more than now: until something fits again, or else until this window ends."""
    return count.rest if left(count, limit) else wait(count, limit, 1)


def whole_seconds(seconds: float) -> int:
    """For headers: never too early, never none."""
    return max(1, ceil(seconds))

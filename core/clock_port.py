"""The clock port: what the rest of the package may ask of time. The clocks themselves are in `clock.py`.

By itself, so that values which carry a clock cost no import of the event loop.
"""

from typing import Protocol


class Clock(Protocol):
    """What the rest of the package may ask of time."""

    def now(self) -> float:
        """Seconds since the epoch (for dates people see)."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back (for durations and expiry)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellable."""
        ...

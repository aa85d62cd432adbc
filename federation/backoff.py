"""How long to wait before the next attempt: exponential, capped, jittered, pure.

Values in, values out: no clock, no random source, no sleep. Above: the supervisor that
restarts servers, and whoever reconnects.
"""

import msgspec


class Backoff(msgspec.Struct, frozen=True):
    """The curve `initial * multiplier ** attempt`, at most `max`; all in seconds.

    Jitter only shortens: the delay lies between `(1 - jitter)` times the curve and the curve,
    so that `max` holds and servers that died together do not return together.
    """

    initial: float = 0.5
    max: float = 30.0
    multiplier: float = 2.0
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if self.initial <= 0 or self.max < self.initial or self.multiplier < 1 or not 0 <= self.jitter <= 1:
            raise ValueError(
                f"{self!r}: initial must be above 0, max at least initial, "
                "multiplier at least 1, jitter between 0 and 1"
            )

    def delay(self, attempt: int, random: float) -> float:
        """Seconds before attempt number `attempt` (0 is the first retry); `random` is in [0, 1)."""
        try:
            curve = self.initial * self.multiplier**attempt
        except OverflowError:
            curve = self.max
        return min(curve, self.max) * (1 - self.jitter * random)


class Attempts:
    """Counts failures in a row: a run that lasted `stable` seconds starts the count anew."""

    def __init__(self, backoff: Backoff, *, stable: float = 60.0) -> None:
        self._backoff = backoff
        self._stable = stable
        self.failures = 0
        """Failures in a row so far."""

    def failed(self, lasted: float, random: float) -> float:
        """One more failure, after a run of `lasted` seconds; returns the seconds to wait now."""
        if lasted >= self._stable:
            self.failures = 0
        self.failures += 1
        return self._backoff.delay(self.failures - 1, random)

    def __repr__(self) -> str:
        return f"Attempts(failures={self.failures}, {self._backoff!r})"

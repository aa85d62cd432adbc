"""How long to wait before a provider is asked again, and after which failures. Pure.

Back-off grows by a factor up to a limit, with half of it jitter; a provider's Retry-After comes first.
Above: `attempts`. Below: the settings' values.
"""

import msgspec

from .values import Failure


class Backoff(msgspec.Struct, frozen=True):
    """`attempts` retries after the first try. `on`: statuses of the provider that are worth one."""

    attempts: int = 3
    initial: float = 1.0
    max: float = 10.0
    multiplier: float = 2.0
    on: frozenset[int] = frozenset({429, 500, 502, 503, 529})

    def wants(self, failure: Failure) -> bool:
        """Whether the same target may do better on the next try.

        A connection that could not be made counts as 503. A time-out does not: the next would take as long.
        """
        if failure.sort == "refused":
            return 503 in self.on
        return failure.sort == "status" and failure.provider_status in self.on

    def wait(self, retry: int, failure: Failure, random: float) -> float | None:
        """Seconds before retry number `retry` (from 0), `random` in [0, 1). None: not worth waiting for."""
        if retry >= self.attempts or not self.wants(failure):
            return None
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= self.max else None
        full = min(self.max, self.initial * self.multiplier**retry)
        return full * (0.5 + random / 2)


def parse_retry_after(value: str, now: float) -> float | None:
    """Seconds of a Retry-After header: a number or an HTTP date (RFC 9110 10.2.3). None if it is neither."""
    text = value.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 12:
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        when = parsedate_to_datetime(text[:64])
        return max(0.0, when.timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None

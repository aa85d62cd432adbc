"""A request's place at a provider: counted against its room, and told to its breaker how it went. No I/O.

Above: `attempts`, and the streams that hold one until they end. Below: `breaker`, `providers`.
"""

from .breaker import Breaker, Threshold
from .providers import Provider
from .values import Failure


class Slot:
    """One request's place at a provider, from the attempt's start to the answer's end. Told once how it went."""

    def __init__(self, provider: Provider, breaker: Breaker, threshold: Threshold) -> None:
        provider.active += 1
        self._provider = provider
        self._breaker = breaker
        self._threshold = threshold
        self._open = True

    def answering(self) -> None:
        """A stream has begun well; its end is still to come."""
        self._breaker.answering()

    def won(self) -> None:
        if self._close():
            self._breaker.succeeded()

    def lost(self, failure: Failure) -> None:
        if not self._close():
            return
        if failure.sort == "client":
            self._breaker.succeeded()  # the provider is well
        elif failure.sort in ("busy", "unfit"):
            self._breaker.release()
        else:
            self._breaker.failed(failure, self._threshold)

    def left(self) -> None:
        """Given up by the caller: nothing was learnt."""
        if self._close():
            self._breaker.release()

    def _close(self) -> bool:
        was, self._open = self._open, False
        if was:
            self._provider.active -= 1
        return was

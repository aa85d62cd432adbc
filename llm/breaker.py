"""Circuit breakers: a model of a provider that fails again and again is left alone for a while. Pure but for a clock.

    closed ──failures in a row──► open ──reset──► half-open ──success──► closed
                                   ▲                 │ one request at a time
                                   └────failure──────┘

Above: `attempts`. The table of breakers is bounded: models named by callers come and go.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import msgspec

from ..core.clock import Clock
from .values import Failure

State = Literal["closed", "open", "half_open"]
MAX_BREAKERS = 4096
"""Breakers that are remembered; the longest untouched one goes first."""


class Threshold(msgspec.Struct, frozen=True):
    """`failures` in a row open it, for `reset` seconds."""

    failures: int = 5
    reset: float = 60.0


class Breaker:
    """One model of one provider."""

    __slots__ = ("_clock", "_failures", "_open_until", "_probing", "_state", "_told", "last")

    def __init__(self, clock: Clock, told: Callable[[State], None]) -> None:
        self.last: Failure | None = None
        """What failed last; None as long as nothing did, or since a success."""
        self._clock = clock
        self._told = told
        self._state: State = "closed"
        self._failures = 0
        self._open_until = 0.0
        self._probing = False

    def __repr__(self) -> str:
        return f"<Breaker {self.state}, {self._failures} failures>"

    @property
    def state(self) -> State:
        return self._state

    @property
    def opens_in(self) -> float:
        """Seconds until a request may try again; 0 if one may now."""
        return max(0.0, self._open_until - self._clock.monotonic()) if self._state == "open" else 0.0

    def admit(self) -> bool:
        """May a request go out now? Whoever is admitted has to tell how it went, or `release`."""
        if self._state == "closed":
            return True
        if self._state == "open":
            if self._clock.monotonic() < self._open_until:
                return False
            self._become("half_open")
        if self._probing:
            return False
        self._probing = True
        return True

    def answering(self) -> None:
        """A stream has begun well. How it ends is still to be told, but others need not wait for that."""
        self._probing = False
        if self._state != "closed":
            self._become("closed")

    def succeeded(self) -> None:
        self.last = None
        self._failures = 0
        self._probing = False
        if self._state != "closed":
            self._become("closed")

    def failed(self, failure: Failure, threshold: Threshold) -> None:
        self.last = failure
        self._failures += 1
        probe, self._probing = self._probing, False
        if self._state == "closed" and self._failures < threshold.failures:
            return
        if self._state == "open" and not probe:
            return  # it was under way when the breaker opened
        seconds = threshold.reset
        if failure.retry_after is not None:
            seconds = min(seconds, max(failure.retry_after, 0.0))
        self._open_until = self._clock.monotonic() + seconds
        self._become("open")

    def release(self) -> None:
        """The request was given up before anything was learnt."""
        self._probing = False

    def _become(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._told(state)


class Breakers:
    """All of a gateway, by provider and model. `told(provider, model, state)` hears of every change."""

    def __init__(self, clock: Clock, told: Callable[[str, str, State], None]) -> None:
        self._clock = clock
        self._told = told
        self._breakers: OrderedDict[tuple[str, str], Breaker] = OrderedDict()

    def __len__(self) -> int:
        return len(self._breakers)

    def of(self, provider: str, model: str) -> Breaker:
        key = (provider, model)
        breaker = self._breakers.get(key)
        if breaker is None:
            breaker = Breaker(self._clock, lambda state: self._told(provider, model, state))
            self._breakers[key] = breaker
            if len(self._breakers) > MAX_BREAKERS:
                self._breakers.popitem(last=False)
        else:
            self._breakers.move_to_end(key)
        return breaker

    def states(self) -> dict[tuple[str, str], State]:
        """Of those that were used, for gauges and the administration."""
        return {key: breaker.state for key, breaker in self._breakers.items()}

"""The walk over a decision's targets: retries, breakers, fall-backs, deadlines, room. Knows no format and no HTTP.

What one attempt does is given as a function that raises `Unable`. A client error ends the walk: no other
provider would take the request. Above: `relay`. Below: `retry`, `breaker`, `providers`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from ..core.clock import Clock
from .breaker import Breaker, Breakers
from .choosing import Chooser
from .errors import busy, left_alone
from .exchange import Unable
from .meter import ModelMeter
from .providers import Provider
from .routes import Route
from .slots import Slot
from .values import Decision, Failure, Target

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Miss(msgspec.Struct, frozen=True):
    """A target that did not answer, and why."""

    target: Target
    failure: Failure


class Try(msgspec.Struct, frozen=True):
    """What one attempt is told."""

    target: Target
    provider: Provider
    model: str
    left: float
    """Seconds."""
    last: bool
    """Nothing stands behind this target: there is nothing to fall back to."""
    slot: Slot


class Won(Generic[T_co]):
    """What the walk found."""

    __slots__ = ("answer", "misses", "model", "provider", "slot", "target")

    def __init__(self, answer: T_co, tried: Try, misses: list[Miss]) -> None:
        self.answer = answer
        self.target = tried.target
        self.provider = tried.provider
        self.model = tried.model
        self.slot = tried.slot
        self.misses = misses


class AllFailed(Exception):
    """No target answered. `misses` is never empty."""

    def __init__(self, misses: list[Miss]) -> None:
        super().__init__(misses[-1].failure.message)
        self.misses = misses


@dataclass(frozen=True)
class Means:
    """What every walk needs. `random` gives numbers in [0, 1), for jitter."""

    providers: Mapping[str, Provider]
    breakers: Breakers
    chooser: Chooser
    clock: Clock
    meter: ModelMeter
    random: Callable[[], float]


class Walk(Generic[T]):
    """One request's way over the targets of `decision`. `model`: as the caller named it."""

    def __init__(
        self, means: Means, decision: Decision, route: Route, model: str, attempt: Callable[[Try], Awaitable[T]]
    ) -> None:
        self._means = means
        self._decision = decision
        self._route = route
        self._model = model
        self._attempt = attempt
        self._misses: list[Miss] = []
        self._deadline = means.clock.monotonic() + route.settings.timeout

    async def run(self) -> Won[T]:
        """Raises `AllFailed`."""
        targets = self._decision.targets
        for place, target in enumerate(targets):
            if self._misses:
                failure = self._misses[-1].failure
                if failure.sort == "client" or self._left() <= 0:
                    break
                if not is_wanted(target, self._misses):
                    continue
                self._means.meter.fallback(self._misses[-1].target.label, target.label, failure.reason)
            won = await self._at(target, last=place + 1 == len(targets))
            if won is not None:
                return won
        raise AllFailed(self._misses)

    def _left(self) -> float:
        return self._deadline - self._means.clock.monotonic()

    async def _at(self, target: Target, *, last: bool) -> Won[T] | None:
        """Try one target, again if that may help. None: it is added to the misses."""
        provider = self._means.providers[target.provider]
        model = target.model or self._model
        breaker = self._means.breakers.of(provider.name, model)
        retry = 0
        left = self._left() if self._misses else self._route.settings.timeout
        while True:
            failure = _barred(provider, breaker)
            if failure is None:
                slot = Slot(provider, breaker, self._route.threshold)
                found = await self._once(Try(target, provider, model, left, last, slot))
                if isinstance(found, Won):
                    return found
                failure = found
                wait = self._route.backoff.wait(retry, failure, self._means.random())
                # What is left of the deadline must do for another answer as well.
                if wait is not None and wait < self._left():
                    retry += 1
                    self._means.meter.retry(provider.name, failure.reason)
                    await self._means.clock.sleep(wait)
                    left = self._left()
                    continue
            self._misses.append(Miss(target, failure))
            return None

    async def _once(self, tried: Try) -> Won[T] | Failure:
        means = self._means
        started = means.clock.monotonic()
        try:
            answer = await self._attempt(tried)
        except Unable as unable:
            failure = unable.failure
            tried.slot.lost(failure)
            seconds = means.clock.monotonic() - started
            means.meter.error(failure.reason, tried.provider.name)
            means.chooser.tried(tried.target, tried.model, seconds, failure)
            return failure
        except BaseException:
            tried.slot.left()
            raise
        seconds = means.clock.monotonic() - started
        means.meter.upstream("llm", tried.provider.name, seconds)
        means.chooser.tried(tried.target, tried.model, seconds, None)
        return Won(answer, tried, self._misses)


def _barred(provider: Provider, breaker: Breaker) -> Failure | None:
    """Why a provider must not be asked now, if so. None: the breaker has admitted the request."""
    if provider.active >= provider.limit:
        return busy(provider.name, provider.limit)
    if breaker.admit():
        return None
    return left_alone(provider.name, breaker.last, breaker.opens_in)


def is_wanted(target: Target, misses: list[Miss]) -> bool:
    """Whether a target's `on` is fulfilled by what has failed so far. Without one, every failure will do."""
    return not target.on or any(_matches(condition, miss.failure) for miss in misses for condition in target.on)


def _matches(condition: str, failure: Failure) -> bool:
    if condition in ("all_failed", failure.sort) or failure.sort == "unfit":
        return True
    status = failure.provider_status
    if condition == "5xx":
        # No usable answer, and no room at all, are failures of a server like any other.
        return status >= 500 or failure.sort in ("invalid", "busy")
    if condition == "4xx":
        return 400 <= status < 500
    return condition == str(status)

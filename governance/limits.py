"""The limits of a manifest: what a call takes of them before it is made, and what it gives back when it is over.

All or nothing: a call that one limit refuses has taken nothing of the others. Tokens are taken by an estimate; when
the call is over, what it really used is counted in the same window. Knows neither protocols nor replies. Above: the
limit stage. Below: `scope.py` (which calls), `rated.py` and `concurrency.py` (how many).
"""

from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from ..core.call import Call
from ..core.clock import Clock
from ..core.errors import ClientError
from ..core.spending import Expected
from . import refusal
from .concurrency import InUse
from .rated import Held, Rated, some
from .scope import Scope
from .scopes import Own, Scopes
from .settings import LimitSettings, Rate
from .sliding import left, wait, whole_seconds

Kind = Literal["requests", "tokens", "concurrency"]
Expect = Callable[[], Expected | None]
"""What the call is expected to cost; `None`: it is no call of a model."""


def nobody(_limit: str) -> None:
    """Counts no refusals."""


class Standing(msgspec.Struct, frozen=True):
    """How a call stands to one number of one limit."""

    limit: str
    kind: Kind
    most: int
    per: str
    """The unit of the rate; empty for concurrency."""
    left: int


class _Place(msgspec.Struct, frozen=True):
    """What one limit on calls at a time has decided."""

    limit: str
    taken: bool
    left: int
    most: int

    def __str__(self) -> str:
        """For operators."""
        refused = "" if self.taken else "refused: "
        return f"limit {self.limit}: {refused}1 call, {self.left} of {self.most} at a time left"


class Asking:
    """One call, as limits see it. `occupies`: whether it counts among those under way."""

    def __init__(self, expect: Expect, *, occupies: bool) -> None:
        self.occupies = occupies
        self._expect: Expect | None = expect
        self._expected: Expected | None = None

    @property
    def expected(self) -> Expected | None:
        """Estimated when the first limit asks."""
        if self._expect is not None:
            self._expected, self._expect = self._expect(), None
        return self._expected


def _rated(kind: Literal["requests", "tokens"], limit: str, rate: Rate, clock: Clock) -> Rated:
    from .windows import InMemory  # the library takes a fifth of a second to import

    return Rated(kind, rate, InMemory(clock, rate), limit)


class Limit:
    """One entry of the section."""

    def __init__(self, settings: LimitSettings, clock: Clock) -> None:
        self.name = settings.name
        self.settings = settings
        self.scope = Scope(settings)
        self.places = None if settings.concurrency is None else InUse(settings.concurrency)
        name, requests, tokens = settings.name, settings.requests, settings.tokens
        self.requests = None if requests is None else _rated("requests", name, requests, clock)
        self.tokens = None if tokens is None else _rated("tokens", name, tokens, clock)
        self._clock = clock

    async def take(self, key: str, asking: Asking, held: Held) -> ClientError | None:
        """The refusal, if there is one."""
        if self.places is not None and asking.occupies and not self._occupied(self.places, key, held):
            return refusal.too_many(self.name, self.places.limit)
        if self.requests is not None and not await held.take(self.requests, key, 1):
            return await self._refused(self.requests, key, 1, held)
        if self.tokens is not None and (expected := asking.expected) is not None:
            return await self._take_tokens(self.tokens, key, expected, held)
        return None

    def _occupied(self, places: InUse, key: str, held: Held) -> bool:
        taken = held.occupy(places, key)
        held.told.append(_Place(self.name, taken, max(0, places.limit - places.of(key)), places.limit))
        return taken

    async def _take_tokens(self, rated: Rated, key: str, expected: Expected, held: Held) -> ClientError | None:
        most = rated.rate.amount
        if expected.input > most:
            held.told.append(f"limit {self.name}: refused: {expected.input} tokens, more than {rated.rate.spoken}")
            return refusal.too_large(self.name, rated.rate, expected.input)
        cost = min(expected.input + expected.output, most)
        if not await held.take(rated, key, cost):
            return await self._refused(rated, key, cost, held)
        held.expected = expected
        return None

    async def _refused(self, rated: Rated, key: str, cost: int, held: Held) -> ClientError:
        count, rate = await rated.store.count(key), rated.rate
        seconds, there = wait(count, rate.amount, cost), left(count, rate.amount)
        said = f"{some(cost, rated.kind)}, {there} of {rate.spoken} left, again in {whole_seconds(seconds)} s"
        held.told.append(f"limit {self.name}: refused: {said}")
        return refusal.too_often(self.name, rated.kind, rate, left=there, seconds=seconds, now=self._clock.now())

    async def standings(self, key: str) -> list[Standing]:
        """What is left, without taking anything."""
        found = []
        if self.places is not None:
            most = self.places.limit
            found.append(Standing(self.name, "concurrency", most, "", max(0, most - self.places.of(key))))
        for rated in (self.requests, self.tokens):
            if rated is not None:
                rate = rated.rate
                there = left(await rated.store.count(key), rate.amount)
                found.append(Standing(self.name, rated.kind, rate.amount, rate.unit, there))
        return found


class _Concerned:
    """The limits that may be about calls of one protocol."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self.limits = tuple(limits)
        self.scopes = Scopes(limit.scope for limit in self.limits)


class Limits:
    """All limits of a manifest. `rejected` hears the name of each one that refuses.

    `before`: those of the manifest before this one; what is the same goes on counting where it is.
    """

    def __init__(
        self,
        settings: Iterable[LimitSettings],
        clock: Clock,
        rejected: Callable[[str], None] = nobody,
        before: "Limits | None" = None,
    ) -> None:
        known = {} if before is None else {each.name: each for each in before._limits}
        self._limits: tuple[Limit, ...] = tuple(
            known[each.name] if each.name in known and known[each.name].settings == each else Limit(each, clock)
            for each in settings
        )
        self._rejected = rejected
        self._concerned: dict[str, _Concerned] = {}

    def __len__(self) -> int:
        return len(self._limits)

    async def take(self, call: Call, own: Own, asking: Asking) -> Held:
        """Raises `RateLimited`, or `TooLarge` for what could never fit."""
        concerned = self._concerning(call.protocol)
        held = Held()
        if not concerned.limits:
            return held
        try:
            for limit, key in zip(concerned.limits, concerned.scopes.keys(call, own), strict=True):
                error = None if key is None else await limit.take(key, asking, held)
                if error is not None:
                    self._rejected(limit.name)
                    call.record.fields["reason"] = f"limit {limit.name}"
                    raise error
        except BaseException:
            held.undo()
            raise
        finally:
            _tell(call, held)
        return held

    async def standings(self, call: Call, own: Own) -> list[Standing]:
        """Of every limit that is about this call, what is left. Takes nothing."""
        concerned = self._concerning(call.protocol)
        found: list[Standing] = []
        for limit, key in zip(concerned.limits, concerned.scopes.keys(call, own), strict=True):
            if key is not None:
                found += await limit.standings(key)
        return found

    def statistics(self) -> dict[str, int]:
        """Keys that are kept, and keys that were forgotten while they still counted."""
        rated = [each for limit in self._limits for each in (limit.requests, limit.tokens) if each is not None]
        places = [limit.places for limit in self._limits if limit.places is not None]
        return {
            "keys": sum(len(each.store) for each in rated) + sum(map(len, places)),
            "evicted": sum(each.store.evicted for each in rated),
        }

    def _concerning(self, protocol: str) -> _Concerned:
        found = self._concerned.get(protocol)
        if found is None:
            found = _Concerned(limit for limit in self._limits if limit.scope.concerns(protocol))
            self._concerned[protocol] = found
        return found


def _tell(call: Call, held: Held) -> None:
    """What was decided, in the story of the request. What a call that was refused has passed, it was given back."""
    if call.record.trail is not None:
        for each in held.told:
            call.record.trail.note(each)

"""In which order the targets of a route are asked: by shares, by speed, by cost. Pure but for what was measured.

Each gives all targets that it was given, the chosen one first, so that what follows can be fallen back to. Above:
`routing`. Below: `values`.
"""

import hashlib
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from .values import Target

HALF_LIFE = 60.0
"""Seconds after which a measured time counts half: who was slow is tried again some time."""
WEIGHT = 0.3
"""Of one more measurement against all before it."""
PENALTY = 10.0
"""Seconds that a failure counts for, beside those it took."""
MAX_MEASURED = 4096
"""Targets whose times are remembered; the longest unused goes first."""


Random = Callable[[], float]
"""Gives numbers in [0, 1)."""


class Choice(msgspec.Struct, frozen=True):
    """Targets in the order in which they are asked, and why the first is first."""

    targets: tuple[Target, ...]
    why: str


def weighted(targets: Sequence[Target], seed: bytes) -> Choice:
    """By shares. The same seed always gives the same order, and one target more or less moves no other.

    Each target draws a number from the seed and its own name; numbers of targets with larger shares are smaller in
    proportion (exponential draws), so over many seeds each comes first as often as its share says. A target
    without a share is not asked.
    """
    sharing = [target for target in targets if target.weight > 0]
    total = sum(target.weight for target in sharing)
    same: Counter[str] = Counter()
    drawn: list[tuple[float, int, Target]] = []
    for place, target in enumerate(sharing):
        drawn.append((_draw(seed, target, same[target.label]), place, target))
        same[target.label] += 1
    order = tuple(target for _, _, target in sorted(drawn, key=lambda each: each[:2]))
    return Choice(order, f"{order[0].weight} of {total}" if order else "")


def _draw(seed: bytes, target: Target, number: int) -> float:
    """`number`: how many of the same name stand before it."""
    name = b"%b\n%b\n%d" % (seed, target.label.encode(), number)
    digest = hashlib.blake2b(name, digest_size=8).digest()
    return -math.log((int.from_bytes(digest) + 0.5) / 2**64) / target.weight


def cheapest(targets: Sequence[Target], price: Callable[[Target], float | None]) -> Choice:
    """By cost; who has no known price comes after those who have one."""
    priced = [(price(target), place, target) for place, target in enumerate(targets)]
    order = sorted(priced, key=lambda each: (each[0] is None, each[0] or 0.0, each[1]))
    usd = order[0][0]
    return Choice(tuple(target for _, _, target in order), "no price is known" if usd is None else f"{usd:.2g} USD")


class Latencies:
    """How long targets took lately until their answers began."""

    def __init__(self) -> None:
        self._measured: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Label -> seconds, and when that was last true."""

    def __len__(self) -> int:
        return len(self._measured)

    def tried(self, label: str, seconds: float, now: float, *, failed: bool) -> None:
        taken = seconds + PENALTY if failed else seconds
        known = self._measured.get(label)
        if known is not None:
            before = self._faded(known, now)
            taken = before + WEIGHT * (taken - before)
        self._measured[label] = (taken, now)
        self._measured.move_to_end(label)
        if len(self._measured) > MAX_MEASURED:
            self._measured.popitem(last=False)

    def of(self, label: str, now: float) -> float | None:
        """Seconds; None for a target that was never tried."""
        known = self._measured.get(label)
        return None if known is None else self._faded(known, now)

    @staticmethod
    def _faded(known: tuple[float, float], now: float) -> float:
        seconds, at = known
        return float(seconds * 0.5 ** (max(0.0, now - at) / HALF_LIFE))

    def fastest(self, targets: Sequence[Target], labels: Sequence[str], now: float, random: Random) -> Choice:
        """The faster one of two that are drawn at random, so that not all requests run to the same target at once."""
        times = [self.of(label, now) for label in labels]
        scores = [seconds or 0.0 for seconds in times]
        places = list(range(len(targets)))
        one = places.pop(_drawn(random, len(places)))
        best = one
        if places:
            other = places[_drawn(random, len(places))]
            best = other if scores[other] < scores[one] else one
        rest = sorted((place for place in range(len(targets)) if place != best), key=lambda place: scores[place])
        seconds = times[best]
        why = "not tried yet" if seconds is None else f"{seconds:.2g} s"
        return Choice(tuple(targets[place] for place in (best, *rest)), why)


def _drawn(random: Random, count: int) -> int:
    return min(int(random() * count), count - 1)

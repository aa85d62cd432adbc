"""Which instance a new conversation begins on: the one with the least work in flight, by weight. Pure.

Above: `agent.py`. Below: nothing; an instance is known as a `Candidate`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Protocol, TypeVar


class Candidate(Protocol):
    """What is looked at."""

    @property
    def open(self) -> bool:
        """Whether it may be given a new conversation."""
        ...

    @property
    def inflight(self) -> int: ...

    @property
    def weight(self) -> int: ...


Chosen = TypeVar("Chosen", bound=Candidate)


def choose(candidates: Iterable[Chosen], turn: int) -> Chosen | None:
    """The least loaded candidate that is open; `None` if none is.

    Equal ones take turns by their weight: `turn` counts the choices so far. So idle instances get
    their shares, too, and a burst after a restart does not fall on the first.
    """
    open_ = [candidate for candidate in candidates if candidate.open]
    if not open_:
        return None
    least = min(_load(candidate) for candidate in open_)
    equal = [candidate for candidate in open_ if _load(candidate) == least]
    shares = list(accumulate(candidate.weight for candidate in equal))
    return equal[bisect_right(shares, turn % shares[-1])]


def _load(candidate: Candidate) -> float:
    return candidate.inflight / candidate.weight

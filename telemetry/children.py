"""Counters and histograms whose children cost a look-up and an addition, and are never more than a fixed number.

The library's own take a lock and three calls for each addition, which is most of what a request's metrics would cost.
It makes the exposition all the same. All counting happens on the event loop. Above: whoever counts. Below:
prometheus-client.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate
from math import inf
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

CAP = 1000
"""Children of one family before the rest is counted as `other`."""


class Count:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, amount: float = 1.0) -> None:
        """What is negative is no count, and left out."""
        if amount > 0:
            self.value += amount

    def put(self, family: CounterMetricFamily, values: tuple[str, ...]) -> None:
        """As a series of an exposition."""
        family.add_metric(values, self.value)


class Spread:
    """How values are distributed over `bounds`, the last of which is infinite."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * len(bounds)
        self.total = 0.0

    def observe(self, amount: float) -> None:
        self.counts[bisect_left(self.bounds, amount)] += 1
        self.total += amount

    def put(self, family: HistogramMetricFamily, values: tuple[str, ...]) -> None:
        """As series of an exposition."""
        bounds = [_spelled(bound) for bound in self.bounds]
        family.add_metric(values, list(zip(bounds, accumulate(self.counts), strict=True)), self.total)


Child = TypeVar("Child")
Made = TypeVar("Made", bound=Metric)
_spelled: Callable[[float], str] = floatToGoString


class Children(dict[tuple[str, ...], Child]):
    """The children of one family by label values."""

    def __init__(self, make: Callable[[], Child], labels: tuple[str, ...], cap: int = CAP) -> None:
        super().__init__()
        self.labels = labels
        self._make = make
        self._rest = ("other",) * len(labels)
        self._cap = cap

    def __missing__(self, values: tuple[str, ...]) -> Child:
        if len(self) >= self._cap and values != self._rest:
            return self[self._rest]
        child = self[values] = self._make()
        return child


class Exposed(Collector, Generic[Child]):
    """What the registry knows of children. `make` and `put`: an empty family, and a child's series in it."""

    def __init__(
        self, make: Callable[[], Made], put: Callable[[Child, Made, tuple[str, ...]], None], children: Children[Child]
    ) -> None:
        self.children = children
        self._make: Callable[[], Metric] = make
        self._put: Callable[[Child, Any, tuple[str, ...]], None] = put

    def describe(self) -> Iterable[Metric]:
        return [self._make()]

    def collect(self) -> Iterable[Metric]:
        family = self._make()
        for values, child in list(self.children.items()):
            self._put(child, family, values)
        return [family]


def counters(registry: CollectorRegistry, name: str, about: str, *labels: str) -> Exposed[Count]:
    """`name` ends in `_total`."""
    family = Exposed(lambda: CounterMetricFamily(name, about, labels=labels), Count.put, Children(Count, labels))
    registry.register(family)
    return family


def histograms(
    registry: CollectorRegistry, name: str, about: str, buckets: tuple[float, ...], *labels: str
) -> Exposed[Spread]:
    """`buckets`: upper bounds, without the infinite one."""
    bounds = (*map(float, buckets), inf)
    children = Children(lambda: Spread(bounds), labels)
    family = Exposed(lambda: HistogramMetricFamily(name, about, labels=labels), Spread.put, children)
    registry.register(family)
    return family

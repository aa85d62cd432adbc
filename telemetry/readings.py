"""Metrics whose truth lives elsewhere: they are asked for their value when somebody scrapes.

Owners hand in a function; nobody has to remember to count down. Above: `metrics.py`.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Read = Callable[[], float]


class Reading(Collector):
    """One value without labels. Zero until `source` names the owner."""

    def __init__(self, family: type[CounterMetricFamily] | type[GaugeMetricFamily], name: str, about: str) -> None:
        self._family = family
        self._name = name
        self._about = about
        self._read: Read = float

    def source(self, read: Read) -> None:
        """`read` is called at every scrape; it must be quick and must not raise."""
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return [self._family(self._name, self._about)]

    def collect(self) -> Iterable[Metric]:
        return [self._family(self._name, self._about, value=float(self._read()))]


Counted = Iterable[tuple[tuple[str, ...], float]]
"""Label values, and the value that goes with them."""


class Tallies(Collector):
    """A gauge whose one owner tells all its series at once, for things that come and go. At most `cap` of them."""

    def __init__(self, name: str, about: str, labels: tuple[str, ...], cap: int = 1000) -> None:
        self._name = name
        self._about = about
        self._labels = labels
        self._cap = cap
        self._read: Callable[[], Counted] = tuple

    def source(self, read: Callable[[], Counted]) -> None:
        """`read` is called at every scrape; it must be quick and must not raise."""
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._about, labels=self._labels)]

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self._name, self._about, labels=self._labels)
        for labels, value in islice(self._read(), self._cap):
            family.add_metric(labels, value)
        return [family]


class Readings(Collector):
    """A gauge with one label; every label value has its owner. At most `cap` of them."""

    def __init__(self, name: str, about: str, label: str, cap: int = 1000) -> None:
        self._name = name
        self._about = about
        self._label = label
        self._cap = cap
        self._reads: dict[str, Read] = {}

    def source(self, label: str, read: Read) -> None:
        """`read` is called at every scrape; it must be quick and must not raise. Beyond the cap: ignored."""
        if label in self._reads or len(self._reads) < self._cap:
            self._reads[label] = read

    def forget(self, label: str) -> None:
        """The thing is gone: so is its series."""
        self._reads.pop(label, None)

    def forget_all(self) -> None:
        """Others will come, or the same again."""
        self._reads.clear()

    def describe(self) -> Iterable[Metric]:
        return [GaugeMetricFamily(self._name, self._about, labels=[self._label])]

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(self._name, self._about, labels=[self._label])
        for label, read in list(self._reads.items()):
            family.add_metric([label], float(read()))
        return [family]

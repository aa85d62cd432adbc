"""Children of a metric family by their label values, and never more than a fixed number of them.

Above: whoever counts. Below: prometheus-client, whose `labels` is too slow for the hot path.
"""

from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

CAP = 1000
"""Children of one family before the rest is counted as `other`."""

Family = TypeVar("Family", Counter, Histogram)


class Children(dict[tuple[str, ...], Family]):
    """The children of one family by label values: a plain look-up on the hot path."""

    def __init__(self, family: Family, labels: int, cap: int = CAP) -> None:
        super().__init__()
        self.family: Family = family
        self._rest = ("other",) * labels
        self._cap = cap

    def __missing__(self, values: tuple[str, ...]) -> Family:
        if len(self) >= self._cap:
            return self.family.labels(*self._rest)
        child = self.family.labels(*values)
        self[values] = child
        return child


def counters(registry: CollectorRegistry, name: str, about: str, *labels: str) -> Children[Counter]:
    """`name` ends in `_total`."""
    return Children(Counter(name, about, labels, registry=registry), len(labels))


def histograms(
    registry: CollectorRegistry, name: str, about: str, buckets: tuple[float, ...], *labels: str
) -> Children[Histogram]:
    return Children(Histogram(name, about, labels, registry=registry, buckets=buckets), len(labels))

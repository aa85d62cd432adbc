"""telemetry/children.py: what is exposed is what the library's own counters and histograms would have exposed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from fedgate.telemetry.children import CAP, Children, Count, counters, histograms
from fedgate.telemetry.model_metrics import TOKENS

BUCKETS = (0.001, 0.25, 1, 600)
AMOUNTS = st.floats(min_value=0, max_value=1e9) | st.integers(0, 10**9) | st.sampled_from(BUCKETS)
NAMES = st.sampled_from(["a", "b", 'quo"ted', "line\nbreak", "größe"])


def lines(registry: CollectorRegistry) -> set[str]:
    """The exposition, without what the library adds for its own bookkeeping."""
    return {line for line in generate_latest(registry).decode().splitlines() if "_created" not in line}


@given(st.lists(st.tuples(NAMES, NAMES, AMOUNTS)), st.sampled_from([BUCKETS, TOKENS]))
def test_a_histogram_is_exposed_as_the_librarys_own(
    seen: list[tuple[str, str, float]], buckets: tuple[float, ...]
) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = histograms(ours, "took_seconds", "How long", buckets, "one", "two").children
    other = Histogram("took_seconds", "How long", ("one", "two"), registry=theirs, buckets=buckets)
    for one, two, amount in seen:
        mine[one, two].observe(amount)
        other.labels(one, two).observe(amount)
    assert lines(ours) == lines(theirs)


@given(st.lists(st.tuples(NAMES, AMOUNTS)))
def test_a_counter_is_exposed_as_the_librarys_own(seen: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = counters(ours, "things_total", "Things", "kind").children
    other = Counter("things_total", "Things", ("kind",), registry=theirs)
    for kind, amount in seen:
        mine[kind,].inc(amount)
        other.labels(kind).inc(amount)
    assert lines(ours) == lines(theirs)


def test_a_family_without_labels_is_there_before_anything_is_counted() -> None:
    registry = CollectorRegistry()
    assert counters(registry, "things_total", "Things").children[()].value == 0
    assert "things_total 0.0" in lines(registry)


def test_beyond_the_cap_the_rest_is_other() -> None:
    children = Children(Count, ("kind",), cap=2)
    for kind in ("a", "b", "c", "d", "a"):
        children[kind,].inc()
    assert {key: child.value for key, child in children.items()} == {("a",): 2, ("b",): 1, ("other",): 2}
    assert CAP == 1000


@pytest.mark.parametrize("amount", [0, -1, -0.5])
def test_a_count_never_goes_back(amount: float) -> None:
    count = Count()
    count.inc(5)
    count.inc(amount)
    assert count.value == 5


def test_two_families_of_one_name_are_refused() -> None:
    registry = CollectorRegistry()
    counters(registry, "things_total", "Things")
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        counters(registry, "things_total", "Things")

"""bench/stats.py"""

import pytest

from bench.stats import Spread, percentile, spread, written


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50, 99, 100)


def test_the_percentile_of_one_value_is_that_value_and_of_none_is_zero() -> None:
    assert (percentile([3.0], 0.99), percentile([], 0.5)) == (3.0, 0.0)


def test_a_spread_keeps_the_median_and_the_range() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0, 3)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0421, "0.042"), (2.345, "2.35"), (25.14, "25.1"), (44_100, "44100")]
)
def test_figures_are_written_short_and_without_exponent(value: float, text: str) -> None:
    assert written(value) == text

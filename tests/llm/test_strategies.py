"""llm/strategies.py: shares, speed, cost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.strategies import HALF_LIFE, MAX_MEASURED, PENALTY, Latencies, cheapest, weighted
from fedgate.llm.values import Target

NAMES = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)


def targets(*weights: int) -> list[Target]:
    return [Target(f"p{place}", "m", weight=weight) for place, weight in enumerate(weights)]


# Shares.


@pytest.mark.parametrize("weights", [(80, 20), (1, 1), (1, 2, 7), (1, 0, 1)])
def test_over_many_conversations_each_target_gets_its_share(weights: tuple[int, ...]) -> None:
    some, seeds = targets(*weights), 4000
    first = Counter(weighted(some, b"%d" % seed).targets[0].provider for seed in range(seeds))
    for target in some:
        assert first[target.provider] / seeds == pytest.approx(target.weight / sum(weights), abs=0.03)


def test_the_reason_tells_the_share() -> None:
    choice = weighted(targets(80, 20), b"x")
    assert choice.why == f"{choice.targets[0].weight} of 100"


@given(st.binary(), st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_a_conversation_stays_on_its_side_and_may_fall_to_every_other_with_a_share(
    seed: bytes, weights: list[int]
) -> None:
    some = targets(*weights)
    choice = weighted(some, seed)
    assert choice == weighted(some, seed)
    assert sorted(choice.targets, key=some.index) == [target for target in some if target.weight]


@given(st.binary(), NAMES, st.data())
def test_one_target_less_moves_only_the_conversations_that_stood_there(
    seed: bytes, names: list[str], data: st.DataObject
) -> None:
    some = [Target(name, "m", weight=data.draw(st.integers(1, 9))) for name in names]
    order = weighted(some, seed).targets
    gone = data.draw(st.sampled_from(some))
    less = [target for target in some if target is not gone]
    assert weighted(less, seed).targets == tuple(target for target in order if target is not gone)


def test_the_same_target_twice_is_asked_twice() -> None:
    twice = [Target("p", "m"), Target("p", "m")]
    assert len(weighted(twice, b"x").targets) == 2


@given(st.binary(), st.integers(1, 50), st.integers(1, 50))
def test_a_larger_share_never_loses_a_conversation(seed: bytes, share: int, more: int) -> None:
    before = weighted([Target("a", weight=share), Target("b", weight=50)], seed).targets[0]
    after = weighted([Target("a", weight=share + more), Target("b", weight=50)], seed).targets[0]
    assert before.provider == "b" or after.provider == "a"


# Cost.


def test_the_cheapest_comes_first_and_who_has_no_price_last() -> None:
    some = targets(1, 1, 1, 1)
    prices = {"p0": None, "p1": 0.002, "p2": 0.0015, "p3": 0.0}
    choice = cheapest(some, lambda target: prices[target.provider])
    assert [target.provider for target in choice.targets] == ["p3", "p2", "p1", "p0"]
    assert choice.why == "0 USD"
    assert cheapest(some[:3], lambda target: prices[target.provider]).why == "0.0015 USD"


def test_equal_or_unknown_costs_leave_the_manifests_order() -> None:
    some = targets(1, 1, 1)
    assert cheapest(some, lambda _: 0.1).targets == tuple(some)
    assert cheapest(some, lambda _: None).targets == tuple(some)
    assert cheapest(some, lambda _: None).why == "no price is known"


# Speed.


def draws(*numbers: float) -> "list[float]":
    return list(reversed(numbers))


def fastest(known: Latencies, some: list[Target], now: float, *numbers: float) -> tuple[list[str], str]:
    left = draws(*numbers)
    choice = known.fastest(some, [target.label for target in some], now, left.pop)
    return [target.provider for target in choice.targets], choice.why


def test_of_two_that_are_drawn_the_faster_one_comes_first_and_the_others_by_speed() -> None:
    known, some = Latencies(), targets(1, 1, 1)
    for target, seconds in zip(some, (0.3, 0.1, 0.2), strict=True):
        known.tried(target.label, seconds, 0.0, failed=False)
    assert fastest(known, some, 0.0, 0.0, 0.99) == (["p2", "p1", "p0"], "0.2 s")  # p0 and p2 were drawn
    assert fastest(known, some, 0.0, 0.99, 0.0) == (["p2", "p1", "p0"], "0.2 s")
    assert fastest(known, some, 0.0, 0.0, 0.0) == (["p1", "p2", "p0"], "0.1 s")


def test_who_was_never_tried_is_tried() -> None:
    known, some = Latencies(), targets(1, 1)
    known.tried(some[0].label, 0.1, 0.0, failed=False)
    assert fastest(known, some, 0.0, 0.0, 0.0) == (["p1", "p0"], "not tried yet")


def test_a_failure_counts_as_slow_however_quick_it_was() -> None:
    known, some = Latencies(), targets(1, 1)
    known.tried(some[0].label, 0.001, 0.0, failed=True)
    known.tried(some[1].label, 3.0, 0.0, failed=False)
    assert fastest(known, some, 0.0, 0.0, 0.0)[0] == ["p1", "p0"]
    assert known.of(some[0].label, 0.0) == pytest.approx(PENALTY, abs=0.01)


def test_who_was_slow_is_tried_again_some_time() -> None:
    known, some = Latencies(), targets(1, 1)
    known.tried(some[0].label, 4.0, 0.0, failed=False)
    assert known.of(some[0].label, HALF_LIFE) == pytest.approx(2.0)
    known.tried(some[1].label, 0.5, 4 * HALF_LIFE, failed=False)
    assert fastest(known, some, 4 * HALF_LIFE, 0.0, 0.0)[0] == ["p0", "p1"]


def test_measurements_are_smoothed() -> None:
    known = Latencies()
    known.tried("a", 1.0, 0.0, failed=False)
    known.tried("a", 2.0, 0.0, failed=False)
    assert known.of("a", 0.0) == pytest.approx(1.3)


def test_a_single_target_needs_no_second_draw() -> None:
    assert fastest(Latencies(), targets(1), 0.0, 0.5)[0] == ["p0"]


@given(st.integers(1, 6), st.floats(0, 0.999), st.floats(0, 0.999))
def test_every_target_is_there_once_whatever_is_drawn(count: int, one: float, other: float) -> None:
    order, _ = fastest(Latencies(), targets(*[1] * count), 0.0, one, other)
    assert sorted(order) == [f"p{place}" for place in range(count)]


def test_measurements_are_bounded() -> None:
    known = Latencies()
    for number in range(MAX_MEASURED + 5):
        known.tried(str(number), 1.0, 0.0, failed=False)
    assert len(known) == MAX_MEASURED
    assert known.of("0", 0.0) is None

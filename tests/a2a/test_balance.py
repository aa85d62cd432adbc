"""a2a/balance.py"""

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.balance import choose


@dataclass(eq=False)
class Fake:
    inflight: int = 0
    weight: int = 1
    open: bool = True


def test_nobody_is_chosen_if_nobody_is_open() -> None:
    assert choose([], 0) is None
    assert choose([Fake(open=False), Fake(open=False)], 3) is None


def test_the_one_with_the_least_in_flight_is_chosen_whoever_s_turn_it_is() -> None:
    busy, idle = Fake(inflight=2), Fake(inflight=1)
    assert [choose([busy, idle], turn) for turn in range(3)] == [idle] * 3


def test_work_in_flight_counts_by_weight() -> None:
    small, large = Fake(inflight=2), Fake(inflight=3, weight=2)
    assert choose([small, large], 0) is large


@pytest.mark.parametrize("busy", [0, 6])
def test_equal_ones_take_turns_by_weight(busy: int) -> None:
    one, three = Fake(inflight=busy), Fake(inflight=busy * 3, weight=3)
    assert Counter(id(choose([one, three], turn)) for turn in range(400)) == {id(one): 100, id(three): 300}


def test_who_is_not_open_gets_nothing_even_if_idle() -> None:
    closed, busy = Fake(open=False), Fake(inflight=9)
    assert choose([closed, busy], 0) is busy


FAKES = st.builds(Fake, st.integers(0, 50), st.integers(1, 100), st.booleans())


@given(st.lists(FAKES, max_size=8), st.integers(0, 10**9))
def test_nobody_open_has_less_to_do_than_the_chosen_one(fakes: list[Fake], turn: int) -> None:
    chosen = choose(fakes, turn)
    open_ = [fake for fake in fakes if fake.open]
    assert (chosen is None) is (not open_)
    if chosen is not None:
        assert chosen.open
        assert all(chosen.inflight * fake.weight <= fake.inflight * chosen.weight for fake in open_)

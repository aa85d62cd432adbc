"""governance/windows.py: counts as the library counts, within bounds, on a clock that tests move."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from fedgate.core.clock import ManualClock
from fedgate.governance.windows import Windows

pytestmark = pytest.mark.anyio

MINUTE = RateLimitItemPerMinute(10)


def minute(clock: ManualClock, *, max_keys: int = 100) -> tuple[Windows, SlidingWindowCounterRateLimiter]:
    store = Windows(clock, 60, max_keys=max_keys)
    return store, SlidingWindowCounterRateLimiter(store)


async def test_the_library_counts_on_it_and_a_refused_hit_takes_nothing() -> None:
    clock = ManualClock(600.0)
    store, limiter = minute(clock)
    assert [await limiter.hit(MINUTE, "a", cost=4) for _ in range(3)] == [True, True, False]
    assert await limiter.hit(MINUTE, "a", cost=2)
    assert not await limiter.hit(MINUTE, "a")
    assert await limiter.hit(MINUTE, "b", cost=10)
    assert not await limiter.hit(MINUTE, "b", cost=11)
    assert await store.get_sliding_window(MINUTE.key_for("a"), 60) == (0, 0.0, 10, 120.0)


async def test_the_past_goes_little_by_little_and_not_at_once() -> None:
    clock = ManualClock(600.0)
    _, limiter = minute(clock)
    clock.advance(59.0)
    assert await limiter.hit(MINUTE, "a", cost=10)
    clock.advance(1.0)
    assert not await limiter.hit(MINUTE, "a")  # a burst at the turn of the minute does not double the limit
    clock.advance(0.1)
    assert await limiter.hit(MINUTE, "a")
    assert not await limiter.hit(MINUTE, "a")
    clock.advance(29.9)
    assert await limiter.hit(MINUTE, "a", cost=4)
    assert not await limiter.hit(MINUTE, "a")
    clock.advance(150.0)
    assert await limiter.hit(MINUTE, "a", cost=10)


steps = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.floats(0.0, 90.0, allow_nan=False)), max_size=40
)


@given(steps)
@settings(max_examples=60)
async def test_it_decides_as_the_definition_of_the_sliding_window_counter(
    found: list[tuple[str, int, float]],
) -> None:
    clock = ManualClock(6000.0)
    _, limiter = minute(clock)
    counted: dict[tuple[str, int], int] = {}
    for key, cost, pause in found:
        clock.advance(pause)
        now = clock.monotonic()
        window = int(now // 60)
        weighted = counted.get((key, window - 1), 0) * (1.0 - (now / 60 - window)) + counted.get((key, window), 0)
        fits = int(weighted) + cost <= 10
        assert await limiter.hit(MINUTE, key, cost=cost) is fits
        if fits:
            counted[key, window] = counted.get((key, window), 0) + cost
        assert all(total <= 10 for total in counted.values())


async def test_what_is_given_back_is_given_back_where_it_was_counted() -> None:
    clock = ManualClock(600.0)
    store = Windows(clock, 60)
    first = store.index()
    await store.acquire_sliding_window_entry("a", 100, 60, 80)
    store.adjust("a", first, -30)
    assert (await store.get_sliding_window("a", 60))[::2] == (0, 50)
    clock.advance(60.0)
    await store.acquire_sliding_window_entry("a", 100, 60, 20)
    store.adjust("a", first, -40)
    assert (await store.get_sliding_window("a", 60))[::2] == (10, 20)
    clock.advance(60.0)
    store.adjust("a", first, -5)  # nothing of it counts any more
    assert (await store.get_sliding_window("a", 60))[::2] == (20, 0)
    store.adjust("a", first, -5_000)
    store.adjust("b", first, -5)
    assert (await store.get_sliding_window("a", 60))[::2] == (20, 0)
    assert len(store) == 1


async def test_what_was_used_beyond_the_estimate_counts_even_if_its_window_is_gone() -> None:
    clock = ManualClock(600.0)
    store = Windows(clock, 60)
    first = store.index()
    await store.acquire_sliding_window_entry("a", 100, 60, 10)
    clock.advance(60.0)
    store.adjust("a", first, 7)
    assert (await store.get_sliding_window("a", 60))[::2] == (17, 0)
    clock.advance(600.0)
    store.adjust("a", first, 7)
    store.adjust("b", first, 3)
    assert (await store.get_sliding_window("a", 60))[::2] == (0, 7)
    assert (await store.get_sliding_window("b", 60))[::2] == (0, 3)


async def test_more_may_be_used_than_the_limit_and_then_nobody_comes_in_until_it_has_gone() -> None:
    clock = ManualClock(600.0)
    store, limiter = minute(clock)
    assert await limiter.hit(MINUTE, "a", cost=1)
    store.adjust(MINUTE.key_for("a"), store.index(), 29)
    clock.advance(60.0)
    assert not await limiter.hit(MINUTE, "a")
    clock.advance(41.0)
    assert await limiter.hit(MINUTE, "a")


async def test_nothing_is_taken_back_below_zero() -> None:
    clock = ManualClock(600.0)
    store = Windows(clock, 60)
    await store.acquire_sliding_window_entry("a", 10, 60, 3)
    store.adjust("a", store.index(), -9)
    assert (await store.get_sliding_window("a", 60))[2] == 0
    clock.advance(60.0)
    store.adjust("a", store.index() - 1, -9)
    assert (await store.get_sliding_window("a", 60))[0] == 0


async def test_keys_are_bounded_and_the_one_used_longest_ago_goes_first() -> None:
    clock = ManualClock(600.0)
    store, limiter = minute(clock, max_keys=3)
    for key in "abc":
        assert await limiter.hit(MINUTE, key, cost=10)
    assert not await limiter.hit(MINUTE, "a")
    assert await limiter.hit(MINUTE, "d", cost=10)
    assert (len(store), store.evicted) == (3, 1)
    assert not await limiter.hit(MINUTE, "a")  # it was used later than b
    assert await limiter.hit(MINUTE, "b")


async def test_keys_that_count_nothing_any_more_make_room_by_themselves() -> None:
    clock = ManualClock(600.0)
    store, limiter = minute(clock)
    for key in "abcdef":
        assert await limiter.hit(MINUTE, key)
    clock.advance(120.0)
    for key in "xyz":
        assert await limiter.hit(MINUTE, key)
    assert (len(store), store.evicted) == (3, 0)


async def test_it_answers_all_that_the_library_asks_of_a_store() -> None:
    clock = ManualClock(630.0)
    store, limiter = minute(clock)
    assert await store.check()
    assert await store.incr("a", 60, 4) == 4
    assert await store.get("a") == 4
    assert await store.get("nobody") == 0
    assert await store.get_expiry("a") == 660.0
    assert await limiter.test(MINUTE, "a", cost=10)
    assert (await limiter.get_window_stats(MINUTE, "a")).remaining == 10
    await store.clear("a")
    assert await store.get("a") == 0
    assert await limiter.hit(MINUTE, "a", cost=10)
    await limiter.clear(MINUTE, "a")
    assert await limiter.hit(MINUTE, "a", cost=10)
    clock.advance(60.0)
    assert await store.get(MINUTE.key_for("a")) == 0
    assert await store.reset() == 1
    assert len(store) == 0

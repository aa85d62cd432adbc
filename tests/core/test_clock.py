"""core/clock.py: a clock that tests move by hand, and the real one of the same shape."""

import asyncio

import pytest

from fedgate.core.clock import Clock, ManualClock, SystemClock
from fedgate.core.tasks import Tasks

pytestmark = pytest.mark.anyio


async def settled(clock: ManualClock, sleepers: int) -> None:
    async with asyncio.timeout(5):
        while clock.sleeping != sleepers:
            await clock.sleep(0)


async def test_the_real_clock_moves_by_itself() -> None:
    clock: Clock = SystemClock()
    wall, mono = clock.now(), clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() > mono
    assert clock.now() > wall > 1_700_000_000


async def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(10.0)
    assert (clock.now(), clock.monotonic()) == (10.0, 10.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (12.5, 12.5)


async def test_sleepers_wake_when_their_moment_has_come_earliest_first() -> None:
    clock = ManualClock()
    woken: list[str] = []
    tasks = Tasks("test")

    async def nap(seconds: float, name: str) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    naps = [tasks.start(nap(seconds, name), name) for seconds, name in ((3, "c"), (1, "a"), (2, "b"), (9, "late"))]
    await settled(clock, 4)
    clock.advance(0.5)
    assert clock.sleeping == 4
    clock.advance(2.5)
    async with asyncio.timeout(5):
        await asyncio.wait(naps[:3])
    assert woken == ["a", "b", "c"]
    assert clock.sleeping == 1
    await tasks.aclose()
    assert clock.sleeping == 0


@pytest.mark.parametrize("seconds", [0, -1])
async def test_to_sleep_for_nothing_only_lets_others_run(seconds: float) -> None:
    async with asyncio.timeout(5):
        await ManualClock().sleep(seconds)


async def test_a_sleeper_that_was_cancelled_is_not_woken() -> None:
    clock = ManualClock()
    tasks = Tasks("test")
    nap = tasks.start(clock.sleep(1), "nap")
    await settled(clock, 1)
    await tasks.aclose()
    clock.advance(5)
    assert nap.cancelled()

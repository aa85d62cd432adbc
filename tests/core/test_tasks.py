"""core/tasks.py: every background task has an owner that ends it, and none dies in silence."""

import asyncio
import contextlib
import logging

import pytest

from fedgate.core.tasks import Tasks

pytestmark = pytest.mark.anyio


async def pause(seconds: float = 0) -> None:
    """Let others run, for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def forever() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise KeyError("why")


async def done(tasks: Tasks) -> None:
    async with asyncio.timeout(5):
        while len(tasks):
            await pause()


async def test_the_outcome_is_the_tasks_and_the_owner_forgets_it() -> None:
    tasks = Tasks("owner")

    async def work() -> int:
        return 7

    task = tasks.start(work(), "count")
    assert (task.get_name(), len(tasks), tasks.closed) == ("owner.count", 1, False)
    assert await task == 7
    assert len(tasks) == 0


async def test_closing_cancels_and_waits_for_the_clean_up() -> None:
    cleaned: list[str] = []
    began = asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await forever()
        finally:
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, lambda: None), 5)
            cleaned.append("yes")

    tasks = Tasks("owner")
    task = tasks.start(work(), "work")
    await began.wait()
    await tasks.aclose()
    assert task.cancelled()
    assert cleaned == ["yes"]
    await tasks.aclose()


async def test_after_the_close_nothing_is_started() -> None:
    tasks = Tasks("owner")
    await tasks.aclose()
    assert tasks.closed
    with pytest.raises(RuntimeError, match="owner is closed; cannot start late"):
        tasks.start(forever(), "late")


async def test_a_failure_is_logged_at_once_under_the_tasks_name(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks("owner")
    task = tasks.start(fail(), "broken")
    await asyncio.wait([task], timeout=5)
    await done(tasks)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "task owner.broken failed")
    assert record.exc_info is not None
    assert record.exc_info[0] is KeyError


async def test_an_awaited_failure_is_the_affair_of_who_awaits_it(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks("owner")
    with pytest.raises(KeyError):
        await tasks.start(fail(), "broken", awaited=True)
    unseen = tasks.start(fail(), "nobody came", awaited=True)
    await asyncio.wait([unseen], timeout=5)
    del unseen
    cancelled = tasks.start(forever(), "cancelled", awaited=True)
    cancelled.cancel()
    await done(tasks)
    assert caplog.records == []


async def test_a_task_that_will_not_end_is_named_after_the_grace(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()
    began = asyncio.Event()

    async def stubborn() -> None:
        began.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    tasks = Tasks("owner", grace=0.01)
    task = tasks.start(stubborn(), "stubborn")
    await began.wait()
    async with asyncio.timeout(5):
        await tasks.aclose()
    assert [record.getMessage() for record in caplog.records] == [
        "task owner.stubborn did not end within 0 s of being cancelled"
    ]
    release.set()
    async with asyncio.timeout(5):
        await task


async def test_a_task_may_close_its_own_owner() -> None:
    tasks = Tasks("owner")
    other = tasks.start(forever(), "other")

    async def last() -> str:
        await tasks.aclose()
        return "still here"

    async with asyncio.timeout(5):
        assert await tasks.start(last(), "last") == "still here"
    assert other.cancelled()


async def test_a_cancelled_close_still_ends_the_tasks() -> None:
    release = asyncio.Event()
    cleaning = asyncio.Event()

    async def slow() -> None:
        try:
            await forever()
        finally:
            cleaning.set()
            await release.wait()

    inner, outer = Tasks("inner"), Tasks("outer")
    task = inner.start(slow(), "slow")
    await asyncio.wait([task], timeout=0)
    closing = outer.start(inner.aclose(), "close")
    async with asyncio.timeout(5):
        await cleaning.wait()
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        assert not task.done()
        release.set()
        await asyncio.wait([task])
    assert task.cancelled()
    await done(inner)
    await inner.aclose()
    await outer.aclose()


async def test_a_task_that_ends_in_its_own_way_while_closing_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    began = asyncio.Event()

    async def calm() -> str:
        began.set()
        try:
            await forever()
        except asyncio.CancelledError:
            return "ended"
        return "never"

    tasks = Tasks("owner")
    task = tasks.start(calm(), "calm")
    await began.wait()
    await tasks.aclose()
    assert task.result() == "ended"
    assert caplog.records == []

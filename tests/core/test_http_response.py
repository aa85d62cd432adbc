import asyncio
from collections.abc import Callable
from math import inf

import pytest

from fedgate.core.errors import UpstreamBroken, UpstreamInvalid
from fedgate.core.http_response import HIGH_WATER, HttpResponse
from fedgate.core.http_values import Timeouts
from tests.core.http_peer import LIMIT, background, cancelled, until

pytestmark = pytest.mark.anyio


class FakeLink:
    """Notes what an answer asks of its connection."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.expected: list[float] = []
        self.on_abandon: Callable[[], None] = lambda: None

    def expect(self, seconds: float) -> None:
        self.expected.append(seconds)

    def pause(self) -> None:
        self.asked.append("pause")

    def resume(self) -> None:
        self.asked.append("resume")

    def abandon(self) -> None:
        self.asked.append("abandon")
        self.on_abandon()


def new() -> tuple[HttpResponse, FakeLink]:
    link = FakeLink()
    response = HttpResponse(link, asyncio.get_running_loop(), Timeouts(first_byte=7, idle=9), inf)
    link.on_abandon = lambda: response.fail(UpstreamBroken("given up"))
    return response, link


def started() -> tuple[HttpResponse, FakeLink]:
    response, link = new()
    response.head(200, ((b"a", b"1"), (b"b", b"2"), (b"a", b"3")))
    return response, link


async def test_a_head_that_is_there_is_not_waited_for() -> None:
    response, link = started()
    await response.arrive()
    assert link.expected == []


async def test_the_head_is_waited_for_with_the_timeout_of_the_first_byte() -> None:
    response, link = new()
    async with background(response.arrive()) as task:
        await until(lambda: response.waiting)
        response.head(204, ())
        assert not response.waiting
        await task
    assert link.expected == [7]


async def test_a_failure_before_the_head_is_raised() -> None:
    response, _ = new()
    response.fail(UpstreamBroken("no"))
    with pytest.raises(UpstreamBroken, match="no"):
        await response.arrive()


async def test_a_header_is_found_by_its_lower_case_name_and_the_first_wins() -> None:
    response, _ = started()
    assert response.header(b"a") == b"1"
    assert response.header(b"c") is None


async def test_a_body_that_is_there_is_read_without_waiting() -> None:
    response, link = started()
    response.feed(b"one ")
    response.feed(b"two")
    response.finish()
    assert await response.read(7) == b"one two"
    assert await response.read(7) == b""
    assert link.expected == []


async def test_a_single_chunk_is_handed_over_without_a_copy() -> None:
    response, _ = started()
    data = b"x" * 1000
    response.feed(data)
    response.finish()
    assert await response.read(1000) is data


async def test_reading_waits_for_the_end_and_is_woken_once() -> None:
    response, link = started()
    async with background(response.read(100)) as task:
        await until(lambda: response.waiting)
        response.feed(b"a")
        assert response.waiting
        response.feed(b"b")
        response.finish()
        assert await task == b"ab"
    assert link.expected == [9, 9, 9]


async def test_reading_a_body_over_the_limit_gives_the_connection_up() -> None:
    response, link = started()
    async with background(response.read(3)) as task:
        await until(lambda: response.waiting)
        response.feed(b"four")
        with pytest.raises(UpstreamInvalid, match="longer than 3 bytes"):
            await task
    assert link.asked == ["resume", "abandon"]


async def test_reading_a_complete_body_over_the_limit_is_invalid_too() -> None:
    response, link = started()
    response.feed(b"four")
    response.finish()
    with pytest.raises(UpstreamInvalid):
        await response.read(3)
    assert link.asked == []


async def test_reading_a_body_cut_short_raises_what_happened() -> None:
    response, _ = started()
    response.feed(b"part")
    response.fail(UpstreamBroken("cut"))
    with pytest.raises(UpstreamBroken, match="cut"):
        await response.read(100)


async def test_iterating_gives_what_has_arrived_joined_then_the_end() -> None:
    response, _ = started()
    response.feed(b"a")
    response.feed(b"b")
    assert await anext(response) == b"ab"
    response.feed(b"c")
    response.finish()
    assert [chunk async for chunk in response] == [b"c"]


async def test_iterating_gives_what_has_arrived_before_it_raises() -> None:
    response, _ = started()
    response.feed(b"part")
    response.fail(UpstreamBroken("cut"))
    assert await anext(response) == b"part"
    with pytest.raises(UpstreamBroken):
        await anext(response)


async def test_iterating_waits_with_the_idle_timeout() -> None:
    response, link = started()
    async with background(anext(response)) as task:
        await until(lambda: response.waiting)
        response.feed(b"late")
        assert await task == b"late"
    assert link.expected == [9]


async def test_what_iterating_left_can_be_read() -> None:
    response, _ = started()
    response.feed(b"a")
    assert await anext(response) == b"a"
    response.feed(b"b")
    response.finish()
    assert await response.read(1) == b"b"


async def test_too_much_unread_pauses_the_connection_and_taking_it_resumes() -> None:
    response, link = started()
    response.feed(b"x" * HIGH_WATER)
    assert link.asked == []
    response.feed(b"x")
    assert link.asked == ["pause"]
    await anext(response)
    assert link.asked == ["pause", "resume"]


async def test_reading_everything_is_not_paused() -> None:
    response, link = started()
    response.feed(b"x" * (HIGH_WATER + 1))
    async with background(response.read(10 * HIGH_WATER)) as task:
        await until(lambda: response.waiting)
        assert link.asked == ["pause", "resume"]
        response.feed(b"x" * HIGH_WATER)
        response.finish()
        assert len(await task) == 2 * HIGH_WATER + 1
    assert link.asked == ["pause", "resume"]


async def test_giving_up_an_open_answer_closes_once() -> None:
    response, link = started()
    response.feed(b"x")
    await response.aclose()
    await response.aclose()
    assert link.asked == ["abandon"]
    with pytest.raises(UpstreamBroken):
        await anext(response)


async def test_giving_up_a_complete_answer_closes_nothing() -> None:
    response, link = started()
    response.finish()
    await response.aclose()
    assert link.asked == []


async def test_giving_up_wakes_the_one_who_reads() -> None:
    response, _ = started()
    async with background(anext(response)) as task:
        await until(lambda: response.waiting)
        await response.aclose()
        with pytest.raises(UpstreamBroken, match="given up"):
            await task


@pytest.mark.parametrize("phase", ["arrive", "read", "iterate"])
async def test_a_cancelled_wait_closes_the_connection(phase: str) -> None:
    response, link = new() if phase == "arrive" else started()
    waits = {"arrive": response.arrive, "read": lambda: response.read(9), "iterate": response.__anext__}
    async with asyncio.timeout(LIMIT), background(waits[phase]()) as task:
        await until(lambda: response.waiting)
        await cancelled(task)
    assert link.asked[-1] == "abandon"
    assert not response.waiting


async def test_a_second_reader_at_the_same_time_is_refused() -> None:
    response, _ = started()
    async with background(anext(response)):
        await until(lambda: response.waiting)
        with pytest.raises(ValueError, match="already"):
            await anext(response)


async def test_the_sender_is_interrupted_by_an_error_status_an_end_or_a_failure_but_not_by_a_good_head() -> None:
    told: list[str] = []
    for name, status, event in [
        ("good head", 200, None),
        ("bad head", 413, None),
        ("end", 200, HttpResponse.finish),
        ("failure", 0, lambda response: response.fail(UpstreamBroken("no"))),
    ]:
        response, _ = new()
        response.interrupt = lambda name=name: told.append(name)
        if status:
            response.head(status, ())
        if event is not None:
            event(response)
        assert response.settled == (name != "good head")
    assert told == ["bad head", "end", "failure"]


async def test_an_answer_shown_says_its_state() -> None:
    response, _ = started()
    response.feed(b"abc")
    assert repr(response) == "<HttpResponse 200 open, 3 bytes to read>"
    response.finish()
    assert "complete" in repr(response)

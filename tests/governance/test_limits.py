"""governance/limits.py: all or nothing, each caller for itself, and what is left."""

import asyncio
import contextlib
from typing import Any

import pytest

from fedgate.core.errors import ClientError, RateLimited, TooLarge
from fedgate.core.spending import Expected
from fedgate.core.trail import Trail
from fedgate.governance.limits import Asking, Limits
from tests.governance.limited import ALICE, BOB, TOOL, Desk, call, limit

pytestmark = pytest.mark.anyio

MODEL = {"llm": {"route": "claude", "model": "claude"}}


async def refused(desk: Desk, **how: object) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        await desk.take(**how)  # type: ignore[arg-type]
    return caught.value


async def test_two_callers_do_not_share_a_limit_and_one_cannot_pass_by_it() -> None:
    desk = Desk(limit(requests="2/minute"))
    for who in (ALICE, ALICE, BOB):
        await desk.take(who)
    error = await refused(desk)
    assert (error.retry_after, desk.refused) == (60, ["a"])
    await desk.take(BOB)
    assert (await refused(desk, principal=BOB)).status == 429
    assert await desk.left(ALICE) == {"a requests": 0}


async def test_a_refused_call_may_pass_when_it_was_told_to_come_again() -> None:
    desk = Desk(limit(requests="3/minute"), start=640.0)
    for _ in range(3):
        await desk.take()
    error = await refused(desk)
    assert error.retry_after == 20
    desk.clock.advance(error.retry_after - 1)
    again = await refused(desk)
    assert again.retry_after == 1
    desk.clock.advance(1.5)
    await desk.take()


async def test_what_one_limit_refuses_takes_nothing_of_the_others() -> None:
    desk = Desk(
        limit(name="first", requests="10/minute", concurrency=3),
        limit(name="second", requests="1/day"),
        limit(name="third", requests="10/minute"),
    )
    (await desk.take()).over(0)
    left = {"first concurrency": 3, "first requests": 9, "second requests": 0, "third requests": 9}
    assert await desk.left() == left
    for _ in range(5):
        await refused(desk)
    assert await desk.left() == left
    assert desk.refused == ["second"] * 5


async def test_the_numbers_of_one_entry_are_one_limit() -> None:
    desk = Desk(limit(requests="10/minute", tokens="100/minute", concurrency=2))
    held = await desk.take(protocol="llm", own=MODEL, expected=Expected(40, 20))
    assert await desk.left(protocol="llm") == {"a concurrency": 1, "a requests": 9, "a tokens": 40}
    await refused(desk, protocol="llm", own=MODEL, expected=Expected(41))
    assert await desk.left(protocol="llm") == {"a concurrency": 1, "a requests": 9, "a tokens": 40}
    held.over(7)
    assert await desk.left(protocol="llm") == {"a concurrency": 2, "a requests": 9, "a tokens": 93}


async def test_the_refusal_is_noted_for_the_access_line() -> None:
    desk = Desk(limit(name="per-caller", requests="1/minute"))
    made = call()
    await desk.take()
    with pytest.raises(RateLimited):
        await desk.limits.take(made, lambda: TOOL, Asking(lambda: None, occupies=True))
    assert made.record.fields == {"reason": "limit per-caller"}


async def test_concurrency_is_given_back_and_is_not_for_those_who_only_listen() -> None:
    desk = Desk(limit(concurrency=1))
    held = await desk.take()
    assert str(await refused(desk)) == 'the limit "a" is reached: 1 call at a time; try again when one has ended'
    assert not await desk.take(occupies=False)
    await desk.take(BOB)
    held.over(0)
    assert await desk.take()


# Tokens.


async def test_tokens_are_taken_by_the_estimate_and_settled_to_what_was_used() -> None:
    desk = Desk(limit(tokens="1000/day"))
    held = await desk.take(protocol="llm", own=MODEL, expected=Expected(300, 400))
    assert await desk.left(protocol="llm") == {"a tokens": 300}
    error = await refused(desk, protocol="llm", own=MODEL, expected=Expected(200, 200))
    assert dict(error.headers)[b"x-ratelimit-remaining-tokens"] == b"300"
    held.over(320)
    assert await desk.left(protocol="llm") == {"a tokens": 680}
    (await desk.take(protocol="llm", own=MODEL, expected=Expected(200, 200))).over(5_000)
    assert await desk.left(protocol="llm") == {"a tokens": 0}
    await refused(desk, protocol="llm", own=MODEL, expected=Expected(1))


async def test_an_answer_is_reserved_as_far_as_the_limit_goes() -> None:
    desk = Desk(limit(tokens="1000/day"))
    held = await desk.take(protocol="llm", own=MODEL, expected=Expected(300, 4096))
    assert await desk.left(protocol="llm") == {"a tokens": 0}
    held.over(350)
    assert await desk.left(protocol="llm") == {"a tokens": 650}


async def test_a_request_that_is_larger_than_the_limit_is_told_that_waiting_does_not_help() -> None:
    desk = Desk(limit(tokens="1000/day", concurrency=1))
    with pytest.raises(TooLarge) as caught:
        await desk.take(protocol="llm", own=MODEL, expected=Expected(1001))
    assert caught.value.message.startswith('this takes about 1001 tokens, and the limit "a" allows 1000 per day')
    assert await desk.left(protocol="llm") == {"a concurrency": 1, "a tokens": 1000}
    assert desk.refused == ["a"]


async def test_a_stream_that_outlives_its_window_settles_where_it_was_counted() -> None:
    desk = Desk(limit(tokens="1000/minute"))
    held = await desk.take(protocol="llm", own=MODEL, expected=Expected(500, 500))
    desk.clock.advance(60.0)
    assert await desk.left(protocol="llm") == {"a tokens": 0}
    held.over(100)
    assert await desk.left(protocol="llm") == {"a tokens": 900}
    long = await desk.take(protocol="llm", own=MODEL, expected=Expected(500))
    desk.clock.advance(300.0)
    long.over(100)
    assert await desk.left(protocol="llm") == {"a tokens": 1000}
    late = await desk.take(protocol="llm", own=MODEL, expected=Expected(500))
    desk.clock.advance(300.0)
    late.over(700)  # 200 more than anybody knew of
    assert await desk.left(protocol="llm") == {"a tokens": 800}


async def test_what_goes_to_no_model_takes_no_tokens_and_is_not_estimated_twice() -> None:
    desk = Desk(limit(tokens="10/day"), limit(name="b", tokens="10/day"))
    for _ in range(3):
        await desk.take()
    assert desk.asked == 3
    desk = Desk(limit(requests="10/day"))
    await desk.take(protocol="llm", own=MODEL, expected=Expected(5))
    assert desk.asked == 0


# Scopes.


async def test_a_limit_counts_the_calls_that_it_is_about() -> None:
    desk = Desk(
        limit(name="export", when='mcp.tool.name == "crm__export"', requests="1/day"),
        limit(name="models", when='llm.route == "claude"', requests="1/day"),
        limit(name="all", key="protocol", requests="3/day"),
    )
    await desk.take()
    await refused(desk)
    await desk.take(own={"mcp": {"method": "tools/list"}})
    await desk.take(protocol="llm", own=MODEL)
    await refused(desk, protocol="llm", own=MODEL)
    await desk.take(protocol="llm", own={"llm": {"route": "other"}})
    await desk.take(protocol="a2a", own={"a2a": {"agent": "x"}})
    assert desk.refused == ["export", "models"]
    assert await desk.left() == {"export requests": 0, "all requests": 1}
    assert await desk.left(BOB) == {"export requests": 1, "all requests": 1}
    assert await desk.left(protocol="llm", own=MODEL) == {"models requests": 0, "all requests": 1}


async def test_calls_that_come_together_never_get_more_than_there_is() -> None:
    desk = Desk(limit(requests="5/minute", concurrency=4))
    found = await asyncio.gather(*(desk.take() for _ in range(20)), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in found) == 4
    assert await desk.left() == {"a concurrency": 0, "a requests": 1}


async def test_nothing_is_kept_of_who_is_not_there_but_counts() -> None:
    desk = Desk(limit(requests="5/minute", tokens="9/day", concurrency=4))
    held = await desk.take(protocol="llm", own=MODEL, expected=Expected(1))
    assert desk.limits.statistics() == {"keys": 3, "evicted": 0}
    held.over(1)
    assert desk.limits.statistics() == {"keys": 2, "evicted": 0}


async def test_without_limits_nobody_is_asked_anything() -> None:
    desk = Desk()
    assert len(desk.limits) == 0
    assert not await desk.take()
    assert desk.asked == 0


async def test_a_limit_that_stays_as_it_is_goes_on_counting_in_the_next_manifest() -> None:
    same, other = limit(name="same", requests="2/day"), limit(name="other", requests="2/day")
    desk = Desk(same, other)
    await desk.take()
    changed = limit(name="other", requests="3/day")
    desk.limits = Limits([changed, same, limit(name="new", concurrency=1)], desk.clock, before=desk.limits)
    assert await desk.left() == {"other requests": 3, "same requests": 1, "new concurrency": 1}


async def told(desk: Desk, **how: Any) -> list[str]:
    """What stands in the story of a call."""
    made = call(how.pop("principal", ALICE), protocol=how.pop("protocol", "mcp"))
    made.record.trail = Trail(desk.clock)
    own = how.pop("own", TOOL)
    with contextlib.suppress(ClientError):
        await desk.limits.take(made, lambda: own, Asking(lambda: how.get("expected"), occupies=True))
    return made.record.trail.told


async def test_what_limits_decide_stands_in_the_story() -> None:
    desk = Desk(limit(name="first", requests="3/minute", concurrency=2), limit(name="second", requests="1/day"))
    assert await told(desk) == [
        "limit first: 1 call, 1 of 2 at a time left",
        "limit first: 1 request, 2 of 3 per minute left",
        "limit second: 1 request, 0 of 1 per day left",
    ]
    assert await told(desk) == [
        "limit first: 1 call, 0 of 2 at a time left",
        "limit first: 1 request, 1 of 3 per minute left",
        "limit second: refused: 1 request, 0 of 1 per day left, again in 85800 s",
    ]
    busy = Desk(limit(name="one", concurrency=1))
    await told(busy)
    assert await told(busy) == ["limit one: refused: 1 call, 0 of 1 at a time left"]


async def test_tokens_are_told_as_they_were_reserved() -> None:
    desk = Desk(limit(name="day", tokens="1000/day"))
    model: dict[str, Any] = {"own": MODEL, "protocol": "llm"}
    assert await told(desk, expected=Expected(100, 200, 400), **model) == [
        "limit day: 300 tokens, 700 of 1000 per day left"
    ]
    assert await told(desk, expected=Expected(800, 100, 400), **model) == [
        "limit day: refused: 900 tokens, 700 of 1000 per day left, again in 143112 s"
    ]
    assert await told(desk, expected=Expected(5000), **model) == [
        "limit day: refused: 5000 tokens, more than 1000 per day"
    ]


async def test_a_limit_that_is_not_about_a_call_is_not_told() -> None:
    desk = Desk(limit(name="other", when='mcp.tool.name == "nothing"', requests="3/minute"))
    assert await told(desk) == []

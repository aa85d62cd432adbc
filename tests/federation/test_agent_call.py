"""One call of an agent's tool: progress, questions, ends."""

import asyncio
from typing import Any

import pytest

from fedgate.core.call import replace
from fedgate.core.clock import ManualClock
from fedgate.core.conversation import Asking, Heard, Outcome, Piece, Said
from fedgate.core.errors import NotFound, UpstreamRefused, UpstreamTimeout
from fedgate.core.rawjson import Raw
from fedgate.core.trail import Trail
from fedgate.federation.agent_call import MAX_QUESTIONS, AgentCall
from fedgate.federation.messages import Answer, Ask, Client
from fedgate.federation.spent import Spent
from tests.federation.agent_door import ALICE, FORM, MODERN, FakeDoor, Turn, call, connection, outbound
from tests.federation.fakes import dump

pytestmark = pytest.mark.anyio

DONE = Outcome("c1", "t1", "completed", (Piece(text="Done."),))
ASKS = Outcome("c1", "t1", "input-required", (), "For how many?")
ABLE = Client(key=MODERN.key, capabilities=FORM, caller=MODERN.caller)
LIMIT = 5.0


def accept(answer: str) -> dict[str, Any]:
    return {"action": "accept", "content": {"answer": answer}}


async def test_signs_of_life_are_progress_for_whoever_asked_for_it() -> None:
    said: list[Said] = [Heard("c1", "t1", "submitted"), Heard("c1", "t1", "working", "one"), DONE]
    door = FakeDoor([*said], [*said])
    heard, found = await call(connection(door), outbound("count", {"message": "hi"}, progressToken="p1"))
    assert heard == [
        {"method": "notifications/progress", "progressToken": "p1", "progress": 1},
        {"method": "notifications/progress", "progressToken": "p1", "progress": 2, "message": "one"},
    ]
    assert found["content"] == [{"type": "text", "text": "Done."}]
    heard, _ = await call(connection(door), outbound("count", {"message": "hi"}))
    assert heard == []
    assert (door.closed, door.abandoned) == (2, [])


async def test_a_question_is_put_to_the_client_and_its_answer_goes_on_with_the_task() -> None:
    door = FakeDoor([ASKS], [DONE])
    asked = outbound("remember", {"message": "book"}, ABLE)
    heard, found = await call(connection(door), asked, accept("4"))
    assert [(each["method"], each["message"]) for each in heard] == [("elicitation/create", "For how many?")]
    assert found["structuredContent"]["text"] == "Done."
    assert door.asked == [
        Asking("support", ALICE, "book", skill="remember"),
        Asking("support", ALICE, "4", context="c1", task="t1", skill="remember"),
    ]
    assert (door.cancelled, door.abandoned) == ([], [])


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_declined_question_cancels_the_task_and_the_result_says_so(action: str) -> None:
    door = FakeDoor([ASKS])
    _, found = await call(connection(door), outbound("remember", {"message": "x"}, ABLE), {"action": action})
    assert found["isError"]
    assert found["structuredContent"] == {
        "text": "The agent asked: For how many?\n\nThis was not answered, and its task was cancelled.",
        "state": "canceled", "contextId": "c1", "taskId": "t1",
    }  # fmt: skip
    assert (door.cancelled, door.abandoned) == ([("support", "key:alice", "t1")], [])


async def test_a_task_that_cannot_be_cancelled_is_told() -> None:
    door = FakeDoor([ASKS])
    door.cancel_result = UpstreamRefused("nobody listens")
    _, found = await call(connection(door), outbound("remember", {"message": "x"}, ABLE), {"action": "decline"})
    assert found["content"][0]["text"].endswith("but its task could not be cancelled: nobody listens.")
    assert found["structuredContent"]["state"] == "input-required"


@pytest.mark.parametrize("answer", [None, {"action": "accept", "content": {}}, {"action": "??"}])
async def test_a_question_without_an_answer_is_left_to_the_caller(answer: dict[str, Any] | None) -> None:
    door = FakeDoor([ASKS])
    _, found = await call(connection(door), outbound("remember", {"message": "x"}, ABLE), answer)
    assert found["content"][0]["text"] == "For how many?"
    assert 'task_id "t1"' in found["content"][1]["text"]
    assert (door.cancelled, door.abandoned) == ([], [])


@pytest.mark.parametrize("capabilities", [b"{}", b'{"elicitation":{"url":{}}}'])
async def test_a_client_that_shows_no_forms_is_not_asked(capabilities: bytes) -> None:
    client = Client(key=ABLE.key, capabilities=Raw(capabilities), caller=MODERN.caller)
    heard, found = await call(connection(FakeDoor([ASKS])), outbound("remember", {"message": "x"}, client))
    assert heard == []
    assert found["structuredContent"]["state"] == "input-required"


async def test_an_agent_that_asks_on_and_on_is_stopped_without_losing_the_task() -> None:
    turns: list[Turn] = [[ASKS] for _ in range(MAX_QUESTIONS + 1)]
    door = FakeDoor(*turns)
    asked = outbound("remember", {"message": "x"}, ABLE)
    heard, found = await call(connection(door), asked, *[accept("4")] * MAX_QUESTIONS)
    assert (len(heard), len(door.asked)) == (MAX_QUESTIONS, MAX_QUESTIONS + 1)
    assert found["structuredContent"]["state"] == "input-required"
    assert door.abandoned == []


async def test_a_caller_that_leaves_ends_the_stream_and_the_task() -> None:
    door = FakeDoor([Heard("c1", "t1", "working"), None])
    calling = asyncio.ensure_future(call(connection(door), outbound("count", {"message": "x"})))
    async with asyncio.timeout(LIMIT):
        await door.silent.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert (door.closed, door.abandoned) == (1, [("support", "key:alice", "t1")])


async def test_a_caller_that_leaves_while_it_is_asked_ends_the_task() -> None:
    door = FakeDoor([ASKS])
    asking = Asking("support", ALICE, "x")
    events = AgentCall(door, asking, outbound("remember", {"message": "x"}, ABLE)).events()
    assert isinstance(await anext(events), Ask)
    await events.aclose()
    assert door.abandoned == [("support", "key:alice", "t1")]


async def test_a_caller_that_leaves_before_there_is_a_task_ends_none() -> None:
    door = FakeDoor([None])
    calling = asyncio.ensure_future(call(connection(door), outbound("count", {"message": "x"})))
    async with asyncio.timeout(LIMIT):
        await door.silent.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert (door.closed, door.abandoned) == (1, [])


async def test_an_agent_that_falls_silent_is_given_up_with_its_task() -> None:
    door = FakeDoor([Heard("c1", "t1", "working"), None])
    with pytest.raises(UpstreamTimeout, match=r"agent support was silent for 0.02 s"):
        await call(connection(door), outbound("count", {"message": "x"}, timeout=0.02))
    assert (door.closed, door.abandoned) == (1, [("support", "key:alice", "t1")])


async def test_what_the_caller_may_not_say_is_a_result_and_a_dead_agent_an_error() -> None:
    door = FakeDoor([NotFound("there is no such conversation")], [UpstreamRefused("nobody listens")])
    found = connection(door)
    _, result = await call(found, outbound("count", {"message": "x", "context_id": "c9"}))
    assert result == {"content": [{"type": "text", "text": "there is no such conversation"}], "isError": True}
    with pytest.raises(UpstreamRefused):
        await call(found, outbound("count", {"message": "x"}))


async def test_each_message_is_told_in_the_request_of_its_client() -> None:
    clock = ManualClock()
    first, second = Trail(clock), Trail(clock)
    spent = Spent(clock, first)
    door = FakeDoor([ASKS], [ASKS])
    asked = replace(outbound("remember", {"message": "book"}, ABLE), spent=spent)
    answers = iter([accept("4"), {"action": "decline"}])
    async for event in connection(door).call(asked):
        if isinstance(event, Ask):
            spent.goes_on(second)
            await event.reply(Answer(result=dump(next(answers))))
    assert [each.trail for each in door.asked] == [first, second]
    assert door.trails == [second]

"""core/stage.py: the first stage of the list is the outermost."""

import pytest

from fedgate.core.call import Call, Handler, Record, Reply, Request, replace
from fedgate.core.clock import ManualClock
from fedgate.core.errors import NotFound
from fedgate.core.stage import Stage, compose
from fedgate.core.trail import Trail

pytestmark = pytest.mark.anyio


async def no_body() -> bytes:
    return b""


def call() -> Call:
    request = Request("1", "POST", "/", b"", {}, "", "", "HTTP/1.1", no_body)
    return Call("mcp", request, Record(request, "mcp", 0.0))


class Mark:
    """Leaves its letter in the call on the way down and in the reply on the way up."""

    def __init__(self, letter: str) -> None:
        self.letter = letter

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        reply = await inner(replace(call, target=call.target + self.letter))
        assert isinstance(reply.body, bytes)
        return replace(reply, body=reply.body + self.letter.encode())


async def answer(call: Call) -> Reply:
    return Reply(body=call.target.encode() + b"|")


async def test_calls_go_down_the_list_and_replies_come_up_it() -> None:
    handler = compose([Mark("a"), Mark("b"), Mark("c")], answer)
    assert await handler(call()) == Reply(body=b"abc|cba")


async def test_without_stages_the_last_handler_is_all_there_is() -> None:
    assert compose([], answer) is answer


async def test_a_stage_that_refuses_keeps_the_rest_from_running() -> None:
    async def refuse(call: Call, inner: Handler) -> Reply:
        raise NotFound("no")

    reached: list[str] = []

    async def last(call: Call) -> Reply:
        reached.append(call.target)
        return Reply()

    stage: Stage = refuse
    with pytest.raises(NotFound):
        await compose([Mark("a"), stage], last)(call())
    assert reached == []


async def test_one_handler_serves_many_calls() -> None:
    handler = compose([Mark("a")], answer)
    assert [(await handler(call())).body for _ in range(2)] == [b"a|a", b"a|a"]


async def test_stages_leave_their_names_where_somebody_follows_the_call() -> None:
    followed = call()
    followed.record.trail = Trail(ManualClock(5.0))
    await compose([Mark("a"), Mark("b")], answer)(followed)
    assert followed.record.trail.steps == [("mark", 5.0), ("mark", 5.0), ("dispatch", 5.0)]

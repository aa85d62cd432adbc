"""An agent as a server: when there is a connection, what it lists, whose calls it makes."""

import asyncio
import json
from typing import Any

import pytest

from fedgate.core.call import Caller, Principal
from fedgate.core.conversation import Asking, Offer, Outcome, Piece, Shown, Skill
from fedgate.core.errors import Internal, UpstreamRefused
from fedgate.core.rawjson import Raw
from fedgate.federation.agent_connection import AgentOpener
from fedgate.federation.agent_settings import AgentServer
from fedgate.federation.messages import Client, Notice, Outbound, answer_of_call
from tests.federation.agent_door import ALICE, MODERN, OFFER, FakeDoor, call, connection, outbound

pytestmark = pytest.mark.anyio

DOWN = Shown(None, reason="agent support is unreachable: refused")
NEVER = Shown(None, settled=False, reason="agent support is starting: not reached yet")
BOB = Caller(Principal("bob", "key"))
OTHER = Offer("Memory", skills=(Skill("recall"),))
DONE = Outcome("c1", "t1", "completed", (Piece(text="Done."),))
LIMIT = 5.0


def opener(door: FakeDoor) -> AgentOpener:
    return AgentOpener(AgentServer(agent="support"), door)


def silent(_notice: Notice) -> None:
    """Nobody hears it."""


async def ask(found: Any, method: str) -> dict[str, Any]:
    answer = await answer_of_call(found.call(Outbound(method, {}, {})))
    whole: dict[str, Any] = json.loads(answer.error or answer.result)
    return whole


async def test_it_lists_and_greets_as_its_card_says() -> None:
    found = connection(FakeDoor())
    assert [each["name"] for each in (await ask(found, "tools/list"))["tools"]] == ["remember", "count"]
    assert await ask(found, "server/discover") == {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    assert found.greeting.info == {"name": "Memory", "version": "1.0"}
    assert found.greeting.instructions == "Remembers."
    assert (found.era, found.shared, found.endpoint) == ("modern", True, "a2a/support")
    assert not await found.listen({})
    await found.notify("notifications/initialized", b"{}")
    only = connection(FakeDoor(), tools="send")
    assert [each["name"] for each in (await ask(only, "tools/list"))["tools"]] == ["send"]


async def test_what_it_does_not_know_is_a_protocol_error() -> None:
    found = connection(FakeDoor())
    assert await ask(found, "prompts/list") == {"code": -32601, "message": "Method not found: prompts/list"}
    _, error = await call(found, outbound("nope", {"message": "x"}))
    assert error == {"code": -32602, "message": "Unknown tool: nope"}


async def test_bad_arguments_are_words_for_the_model() -> None:
    door = FakeDoor()
    _, result = await call(connection(door), outbound("count", {}))
    assert (result["isError"], result["content"][0]["text"][:18]) == (True, "message is missing")
    assert door.asked == []


async def test_a_session_is_a_thread_and_a_modern_client_has_none() -> None:
    door = FakeDoor([DONE], [DONE])
    found = connection(door)
    await call(found, outbound("count", {"message": "a"}, Client(key="session-1", caller=BOB)))
    await call(found, outbound("count", {"message": "b", "context_id": "c1", "task_id": "t1"}, MODERN))
    assert door.asked == [
        Asking("support", BOB, "a", thread="session-1", skill="count"),
        Asking("support", ALICE, "b", context="c1", task="t1", skill="count"),
    ]


async def test_nobody_is_asked_in_the_name_of_nobody() -> None:
    door = FakeDoor()
    with pytest.raises(Internal, match="it is not known who calls"):
        await call(connection(door), outbound("count", {"message": "a"}, Client(key="s")))
    assert door.asked == []


async def test_another_card_is_news_and_is_listed_when_asked() -> None:
    door, heard = FakeDoor(), list[Notice]()
    found = connection(door, heard.append)
    door.show(Shown(OFFER))
    assert heard == []
    door.show(Shown(OTHER))
    assert heard == [Notice("notifications/tools/list_changed")]
    assert [each["name"] for each in (await ask(found, "tools/list"))["tools"]] == ["recall"]
    await found.aclose()
    door.show(Shown(OFFER))
    assert len(heard) == 1
    assert door.watchers == []


async def test_an_agent_that_is_gone_is_news_and_refuses() -> None:
    door, heard = FakeDoor(), list[Notice]()
    found = connection(door, heard.append)
    door.show(DOWN)
    assert len(heard) == 1
    for method in ("tools/list", "server/discover"):
        with pytest.raises(UpstreamRefused, match="agent support is unreachable: refused"):
            await ask(found, method)


async def test_a_connection_waits_for_the_first_look_at_the_agent_and_no_longer() -> None:
    door = FakeDoor(offer=None)
    door.now = NEVER
    opening = asyncio.ensure_future(opener(door).open(silent))
    await asyncio.sleep(0)
    assert not opening.done()
    door.show(DOWN)
    async with asyncio.timeout(LIMIT):
        with pytest.raises(UpstreamRefused, match="agent support is unreachable: refused"):
            await opening
    assert door.watchers == []


async def test_a_connection_is_there_as_soon_as_the_agent_is_back() -> None:
    door = FakeDoor(offer=None)
    one = opener(door)
    with pytest.raises(UpstreamRefused):
        await one.open(silent)
    opening = asyncio.ensure_future(one.open(silent))
    await asyncio.sleep(0)
    assert not opening.done()
    door.show(Shown(OTHER))
    async with asyncio.timeout(LIMIT):
        assert (await opening).greeting.info["name"] == "Memory"


async def test_an_opening_that_is_cancelled_leaves_no_watcher() -> None:
    door = FakeDoor(offer=None)
    door.now = NEVER
    opening = asyncio.ensure_future(opener(door).open(silent))
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert door.watchers == []


async def test_a_connection_of_one_client_follows_the_card_and_tells_nobody() -> None:
    door = FakeDoor([DONE])
    found = opener(door).private()
    assert door.watchers == []
    door.show(Shown(OTHER))
    _, result = await call(found, outbound("recall", {"message": "x"}))
    assert result["content"][0]["text"] == "Done."
    await found.aclose()
    door.show(DOWN)
    with pytest.raises(UpstreamRefused):
        opener(door).private()
    with pytest.raises(UpstreamRefused):
        await call(found, outbound("recall", {"message": "x"}))


async def test_progress_tokens_of_any_kind_are_given_back() -> None:
    door = FakeDoor([DONE])
    asked = outbound("count", {"message": "x"})
    asked.meta["progressToken"] = Raw(b"1")
    heard, _ = await call(connection(door), asked)
    assert heard == []

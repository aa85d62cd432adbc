"""gateway/later.py: what is made when somebody wants it, once, and imported in a thread."""

import threading
from collections.abc import AsyncGenerator, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from fedgate.core.call import ANONYMOUS, Call, Caller, Record, Reply, Request
from fedgate.core.conversation import Asking, Said, Shown
from fedgate.core.trail import Trail
from fedgate.gateway.later import Later, LaterDoor, LaterPages, LaterPath

pytestmark = pytest.mark.anyio


async def _nothing() -> bytes:
    return b""


REQUEST = Request("r", "GET", "/a2a", b"", {}, "127.0.0.1:0", "", "HTTP/1.1", _nothing, "/a2a")
CALL = Call("a2a", REQUEST, Record(REQUEST, "a2a", 0.0))


def test_it_is_made_by_the_first_who_wants_it() -> None:
    numbers = iter((1, 2))
    later = Later(lambda: next(numbers))
    before = later.made
    assert (before, later(), later(), later.made) == (None, 1, 1, 1)


def test_what_could_not_be_made_is_tried_again() -> None:
    missing = ["a file"]

    def make() -> int:
        if missing:
            raise ValueError(f"not yet: {missing.pop()}")
        return 5

    later = Later(make)
    with pytest.raises(ValueError, match="not yet"):
        later()
    assert later.made is None
    assert later() == 5


async def test_a_path_is_imported_in_a_thread_and_assembled_with_its_first_call() -> None:
    done: list[str] = []

    def load() -> None:
        done.append("loaded" if threading.current_thread() is not threading.main_thread() else "loaded in the loop")

    async def handler(call: Call) -> Reply:
        done.append(call.request.path)
        return Reply(204)

    def make() -> Any:
        done.append("made")
        return handler

    path = LaterPath(load, make)
    assert done == []
    assert (await path(CALL)).status == 204
    await path(CALL)
    assert done == ["loaded", "made", "/a2a", "/a2a"]


async def test_pages_are_made_with_the_first_request() -> None:
    done: list[Any] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        await send(scope["path"])

    def make() -> Any:
        done.append("made")
        return app

    pages = LaterPages(partial(done.append, "loaded"), make)

    async def send(message: Any) -> None:
        done.append(message)

    await pages({"path": "/x"}, None, send)
    await pages({"path": "/y"}, None, send)
    assert done == ["loaded", "made", "/x", "/y"]


class Door:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def shown(self, agent: str) -> Shown:
        return Shown(reason=agent)

    def watch(self, agent: str, changed: Callable[[], None]) -> Callable[[], None]:
        self.asked.append(("watch", agent))
        return changed

    async def converse(self, asking: Asking) -> AsyncGenerator[Said, None]:
        self.asked.append(("converse", asking.agent))
        for _ in ():
            yield _

    def context_of(self, asking: Asking) -> str:
        return asking.context

    async def cancel(self, agent: str, _caller: Caller, task: str, _trail: Trail | None = None) -> str:
        return f"{agent} {task}"

    def abandon(self, agent: str, _caller: Caller, task: str) -> None:
        self.asked.append(("abandon", agent, task))

    def forget(self, thread: str) -> None:
        self.asked.append(("forget", thread))


async def test_a_door_is_the_door_of_the_side_behind_it() -> None:
    behind = Door()
    side = Later(lambda: SimpleNamespace(door=behind))
    door, caller = LaterDoor(side), Caller(ANONYMOUS)
    asking = Asking("support", caller, "hello", context="c1")
    door.forget("nobody has said anything yet")
    assert side.made is None
    assert door.shown("support") == Shown(reason="support")
    door.watch("support", lambda: None)()
    assert [each async for each in door.converse(asking)] == []
    assert (door.context_of(asking), await door.cancel("support", caller, "t1")) == ("c1", "support t1")
    door.abandon("support", caller, "t2")
    door.forget("thread")
    assert behind.asked == [
        ("watch", "support"),
        ("converse", "support"),
        ("abandon", "support", "t2"),
        ("forget", "thread"),
    ]

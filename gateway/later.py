"""Sides of the gateway that the manifest says nothing of: made when somebody wants them, and not imported before.

What a gateway has no agents or models for is still asked now and then, and answers as it always does; but its
modules take a quarter of the start and of the memory. What is configured is made at once, never here: nobody's call
may wait for an import. Above: `app.py`, `paths.py`, `pages.py`. Below: nothing but ports.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any, Generic, TypeVar

from ..core.call import Call, Caller, Handler, Reply
from ..core.conversation import Asking, Said, Shown
from ..core.ports import AgentDoor
from ..core.trail import Trail

Made = TypeVar("Made")
_Scope = MutableMapping[str, Any]
_Application = Callable[[_Scope, Any, Any], Awaitable[None]]


class Later(Generic[Made]):
    """What `make` makes, once. `made` is `None` until somebody has called this."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self.made: Made | None = None
        self._make = make

    def __call__(self) -> Made:
        if self.made is None:
            self.made = self._make()
        return self.made


class LaterPath:
    """A data path that begins to be with its first call. `load` imports what `make` needs, which is for a thread."""

    def __init__(self, load: Callable[[], object], make: Callable[[], Handler]) -> None:
        self._load = load
        self._path = Later(make)

    async def __call__(self, call: Call) -> Reply:
        if self._path.made is None:
            await asyncio.to_thread(self._load)
        return await self._path()(call)


class LaterPages:
    """The same for an ASGI application."""

    def __init__(self, load: Callable[[], object], make: Callable[[], _Application]) -> None:
        self._load = load
        self._pages = Later(make)

    async def __call__(self, scope: _Scope, receive: Any, send: Any) -> None:
        if self._pages.made is None:
            await asyncio.to_thread(self._load)
        await self._pages()(scope, receive, send)


class LaterDoor:
    """The port `AgentDoor`, for servers that a later manifest may turn into agents. `side`: whose door it is."""

    def __init__(self, side: Later[Any]) -> None:
        self._side = side

    def _find(self) -> AgentDoor:
        door: AgentDoor = self._side().door
        return door

    def shown(self, agent: str) -> Shown:
        return self._find().shown(agent)

    def watch(self, agent: str, changed: Callable[[], None]) -> Callable[[], None]:
        return self._find().watch(agent, changed)

    def converse(self, asking: Asking) -> AsyncGenerator[Said, None]:
        return self._find().converse(asking)

    def context_of(self, asking: Asking) -> str:
        return self._find().context_of(asking)

    async def cancel(self, agent: str, caller: Caller, task: str, trail: Trail | None = None) -> str:
        return await self._find().cancel(agent, caller, task, trail)

    def abandon(self, agent: str, caller: Caller, task: str) -> None:
        self._find().abandon(agent, caller, task)

    def forget(self, thread: str) -> None:
        if self._side.made is not None:  # else nothing was said yet
            self._find().forget(thread)

"""An `Exchange` on the ASGI messages of whatever server there is: tests, and the command line's requests in process.

Our own server does without (`http_exchange.py`). Above: `asgi.py`. Below: `exchange.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ..core.call import Header
from ..core.tasks import Tasks
from .exchange import cut_short, too_large, too_late

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

WATCH_AFTER = 0.05
"""Seconds until a call counts as slow and its caller is watched for leaving: quick calls need no watcher."""


class AsgiExchange:
    """The `Exchange` port, for the task that makes it. `tasks` hold the watchers."""

    def __init__(self, receive: Receive, send: Send, tasks: Tasks) -> None:
        owner = asyncio.current_task()
        assert owner is not None
        self.gone = False
        self._owner = owner
        self._receive = receive
        self._send = send
        self._tasks = tasks
        self._watched = False
        self._watcher: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def body(self, limit: int, timeout: float) -> bytes:
        try:
            async with asyncio.timeout(timeout):
                return await self._read(limit)
        except TimeoutError as error:
            raise too_late(timeout) from error

    async def _read(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise cut_short()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise too_large(limit)
            more = message.get("more_body", False)
        return b"".join(parts)

    def watch(self) -> None:
        """ASGI tells of it only to who asks, so that a task must; it begins in a while, if the call lasts that long."""
        self._watched = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._start)

    def _start(self) -> None:
        if self._watcher is None and self._watched and not self._tasks.closed:
            self._watcher = self._tasks.start(self._watch(), "watch")

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._watched:
            self.gone = True
            self._owner.cancel()

    def unwatch(self) -> None:
        self._watched = False
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()

    async def whole(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})
        self._start()

    async def chunk(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

"""A scripted agent instance: a loopback server that speaks A2A in four speeches and remembers its conversations.

Left alone it behaves: each message gets a task whose text is all that its conversation has heard so
far. A `script` takes over whatever is to go wrong. It can die, and come back on its port with
an empty memory. `heard` is what reached it; `left` counts the connections that its peer has closed.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.core.http_peer import LIMIT, Wire
from tests.e2e.a2a_speech import (
    OLD_RPC,
    SPEECHES,
    Heard,
    Speech,
    Task,
    Tree,
    bare,
    config_of,
    encode,
    failure,
    result,
    state_of,
    understood,
    update,
    whole,
)
from tests.e2e.gateway import until

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n%b\r\n"
END = b"0\r\n\r\n"
_BINDINGS = {"jsonrpc": "JSONRPC", "rest": "HTTP+JSON"}

Script = Callable[["Agent", Wire, Heard], Awaitable[None]]


def http(status: int, body: bytes, kind: str = "application/json", more: dict[str, str] | None = None) -> bytes:
    """A whole answer."""
    lines = {"content-type": kind, "content-length": str(len(body)), **(more or {})}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\n".encode("latin-1") + body


def frame(data: bytes) -> bytes:
    """One event as the SDK writes it, in a chunk."""
    return chunked(b"data: %b\r\n\r\n" % data)


def chunked(part: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)


class Agent:
    """`card`: what it shows of itself, if it is to be something odd. `has_card`: whether it shows anything."""

    def __init__(self, *speeches: Speech, push: bool = True, has_card: bool = True) -> None:
        self.speeches = speeches or SPEECHES
        self.port = 0
        self.memory: dict[str, list[str]] = {}
        self.tasks: dict[str, Task] = {}
        self.configs: dict[tuple[str, str], Tree] = {}
        self.heard: list[Heard] = []
        self.headers: dict[str, str] = {}
        """Sent with every answer."""
        self.script: Script | None = None
        self.news = asyncio.Event()
        """What a subscription waits for."""
        self.left = 0
        self.written = 0
        """Bytes of a long stream that were taken from it."""
        self._push = push
        self._has_card = has_card
        self.card: Tree | None = None
        self._server: asyncio.Server | None = None
        self._wires: dict[asyncio.Task[None], Wire] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def operations(self) -> list[str]:
        """What reached it of the protocol."""
        return [heard.operation for heard in self.heard]

    def own_card(self, base: str = "") -> Tree:
        """What an SDK agent with these speeches would show."""
        interfaces = [
            {"url": base or self.url, "protocolBinding": _BINDINGS[binding], "protocolVersion": version}
            for version, binding in self.speeches
        ]
        capabilities = {"streaming": True, "pushNotifications": self._push, "extendedAgentCard": True}
        skill = {"id": "s", "name": "S", "description": "d", "tags": ["t"]}
        return {
            "name": "Scripted",
            "description": "d",
            "version": "1",
            "capabilities": capabilities,
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [skill],
            "supportedInterfaces": interfaces,
        }

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]
        self.card = self.card or self.own_card()

    async def stop(self) -> None:
        """As a process ends: nobody listens, and every connection is cut."""
        if self._server is not None:
            self._server.close()
        wires, self._wires = self._wires, {}
        for task, wire in wires.items():
            task.cancel()
            wire.abort()
        for ended in await asyncio.gather(*wires, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def restart(self) -> None:
        """Another process on the same port: it remembers nothing."""
        await self.stop()
        self.memory, self.tasks, self.configs = {}, {}, {}
        await self.start()

    async def heard_of(self, operation: str, count: int = 1) -> Heard:
        """The `count`-th request of this operation, waited for."""
        await until(lambda: self.operations.count(operation) >= count)
        return [heard for heard in self.heard if heard.operation == operation][count - 1]

    # Serving.

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer, len(self._wires))
        task = asyncio.create_task(self._serve(wire))
        self._wires[task] = wire

    async def _serve(self, wire: Wire) -> None:
        with suppress(ConnectionError, EOFError):
            while True:
                received = await wire.request()
                headers = {name.decode(): value.decode("latin-1") for name, value in received.headers}
                heard = understood(received.method.decode(), received.target.decode(), headers, received.body)
                if heard is None:
                    wire.send(self._shown(received.target))
                else:
                    self.heard.append(heard)
                    await self._answer(wire, heard)
                await wire.writer.drain()
        wire.abort()

    def _shown(self, target: bytes) -> bytes:
        known = self._has_card and target.partition(b"?")[0] == b"/.well-known/agent-card.json"
        return http(200 if known else 404, encode(self.card) if known else b"", more=self.headers)

    async def _answer(self, wire: Wire, heard: Heard) -> None:
        if self.script is not None:
            await self.script(self, wire, heard)
        else:
            await self.behave(wire, heard)

    async def behave(self, wire: Wire, heard: Heard) -> None:
        """As it does without a script."""
        if heard.operation == "SendStreamingMessage":
            await self._streamed(wire, heard)
        elif heard.operation == "SubscribeToTask" and heard.task in self.tasks:
            await self._subscribed(wire, heard)
        else:
            self.say(wire, *self._whole(heard))

    def say(self, wire: Wire, status: int, body: bytes, kind: str = "application/json") -> None:
        """A whole answer."""
        wire.send(http(status, body, kind, self.headers))

    def begin(self, wire: Wire) -> None:
        """The head of a stream."""
        wire.send(STREAM_HEAD % "".join(f"{name}: {value}\r\n" for name, value in self.headers.items()).encode())

    def turn(self, heard: Heard) -> Task | None:
        """What becomes of a message: its task, remembered; `None` if it names one that is not here."""
        named = str(heard.message.get("taskId", ""))
        if named and named not in self.tasks:
            return None
        context = str(heard.message.get("contextId", "")) or (self.tasks[named].context if named else _minted("c"))
        words = self.memory.setdefault(context, [])
        words.append(heard.text)
        task = self.tasks[named] if named else Task(_minted("t"), context)
        task.text = "|".join(words)
        task.state = "COMPLETED" if heard.text == "done" else "INPUT_REQUIRED"
        self.tasks[task.id] = task
        inline = heard.params.get("configuration", {})
        for name in ("taskPushNotificationConfig", "pushNotificationConfig", "pushNotification"):
            if name in inline:
                self._keep(task.id, inline[name])
        return task

    def _whole(self, heard: Heard) -> tuple[int, bytes]:
        handler: Any = {
            "SendMessage": self._sent,
            "GetTask": self._got,
            "CancelTask": self._got,
            "ListTasks": self._listed,
            "CreateTaskPushNotificationConfig": self._created,
            "GetTaskPushNotificationConfig": self._config,
            "ListTaskPushNotificationConfigs": self._configs,
            "DeleteTaskPushNotificationConfig": self._deleted,
            "GetExtendedAgentCard": lambda _heard: self.card,
        }.get(heard.operation, lambda _heard: None)
        found = handler(heard)
        if found is None and heard.operation != "DeleteTaskPushNotificationConfig":
            return failure(heard, -32001, "the agent has no such task")
        return 200, result(heard, found)

    def _sent(self, heard: Heard) -> Tree | None:
        task = self.turn(heard)
        return None if task is None else whole(task, heard.speech)

    def _got(self, heard: Heard) -> Tree | None:
        task = self.tasks.get(heard.task)
        if task is None:
            return None
        if heard.operation == "CancelTask":
            task.state = "CANCELED"
        return bare(task, heard.speech)

    def _listed(self, heard: Heard) -> Tree:
        asked = heard.params
        found = [
            task
            for task in sorted(self.tasks.values(), key=lambda task: task.when, reverse=True)
            if asked.get("contextId", task.context) == task.context
            and asked.get("status", state_of(task, heard.speech)) == state_of(task, heard.speech)
        ]
        start, size = int(asked.get("pageToken") or 0), int(asked.get("pageSize", 50))
        follows = str(start + size) if start + size < len(found) else ""
        page = [bare(task, heard.speech) for task in found[start : start + size]]
        return {"tasks": page, "nextPageToken": follows, "pageSize": size, "totalSize": len(found)}

    async def _streamed(self, wire: Wire, heard: Heard) -> None:
        task = self.turn(heard)
        if task is None:
            self.say(wire, *failure(heard, -32001, "the agent has no such task"))
            return
        task.state, last = "WORKING", task.state
        self.begin(wire)
        wire.send(frame(result(heard, whole(task, heard.speech))))
        task.state, task.final = last, True
        wire.send(frame(result(heard, update(task, heard.speech))) + END)

    async def _subscribed(self, wire: Wire, heard: Heard) -> None:
        task = self.tasks[heard.task]
        self.begin(wire)
        wire.send(frame(result(heard, whole(task, heard.speech))))
        await self.hold(wire, self.news)
        task.state, task.final = "COMPLETED", True
        wire.send(frame(result(heard, update(task, heard.speech))) + END)

    async def hold(self, wire: Wire, event: asyncio.Event) -> None:
        """Wait, and notice if the peer leaves in the meantime (`left`)."""
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(wire.gone())]
        try:
            async with asyncio.timeout(LIMIT):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not event.is_set():
                self.left += 1
                raise EOFError("the peer has left")
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    # Push configurations, kept in 1.0's form.

    def _keep(self, task: str, given: Tree) -> Tree:
        kept = {"id": task, **given, "taskId": task}
        self.configs[task, kept["id"]] = kept
        return kept

    def _created(self, heard: Heard) -> Tree | None:
        if heard.task not in self.tasks:
            return None
        given = heard.params
        if heard.speech.version == "0.3":
            given = given.get("config", given)["pushNotificationConfig"]
        else:
            given = {key: member for key, member in given.items() if key in ("url", "token", "authentication", "id")}
        return config_of(self._keep(heard.task, given), heard.speech)

    def _key(self, heard: Heard) -> tuple[str, str]:
        if heard.speech == OLD_RPC:
            return heard.task, str(heard.params.get("pushNotificationConfigId", heard.task))
        return heard.task, str(heard.params["id"])

    def _config(self, heard: Heard) -> Tree | None:
        found = self.configs.get(self._key(heard))
        return None if found is None else config_of(found, heard.speech)

    def _configs(self, heard: Heard) -> object:
        found = [config_of(each, heard.speech) for (task, _), each in self.configs.items() if task == heard.task]
        return found if heard.speech == OLD_RPC else {"configs": found}

    def _deleted(self, heard: Heard) -> Tree | None:
        self.configs.pop(self._key(heard), None)
        return {} if heard.speech.binding == "rest" else None


def _minted(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(8)}"


@asynccontextmanager
async def running(*agents: Agent) -> AsyncIterator[None]:
    """The agents listen for the time of the block."""
    try:
        for agent in agents:
            await agent.start()
        yield
    finally:
        for agent in agents:
            await agent.stop()

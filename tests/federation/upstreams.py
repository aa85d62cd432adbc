"""A scripted MCP server on a real loopback socket: a test says which bytes to answer to which method.

`Upstream` answers as a well-behaved server of its era would; what a test puts into `on`
(by JSON-RPC method, or by HTTP verb for GET and DELETE) answers instead. Whatever was
received is in `seen`, and `saw` waits for it. Every wait is bounded.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from tests.core.http_peer import Received, Wire

LIMIT = 10.0
MODERN = "2026-07-28"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
CHUNKED = b"transfer-encoding: chunked\r\n"

ECHO: dict[str, Any] = {"name": "echo", "inputSchema": {"type": "object"}}


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def http(status: int, body: bytes = b"", kind: str = "application/json", extra: bytes = b"") -> bytes:
    """A whole HTTP response."""
    content = f"content-type: {kind}\r\n".encode() if body else b""
    return b"HTTP/1.1 %d X\r\n%b%bcontent-length: %d\r\n\r\n%b" % (status, content, extra, len(body), body)


def result(seen: "Seen", value: object) -> bytes:
    """The JSON-RPC response to it; `value` may be raw bytes."""
    raw = value if isinstance(value, bytes) else encode(value)
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (encode(seen.id), raw)


def error(seen: "Seen", code: int, message: str) -> bytes:
    return encode({"jsonrpc": "2.0", "id": seen.id, "error": {"code": code, "message": message}})


def request(ident: int | str, method: str, params: object) -> bytes:
    return encode({"jsonrpc": "2.0", "id": ident, "method": method, "params": params})


def notification(method: str, params: object) -> bytes:
    return encode({"jsonrpc": "2.0", "method": method, "params": params})


def text(said: str) -> dict[str, Any]:
    """A tool's result."""
    return {"content": [{"type": "text", "text": said}]}


@dataclass
class Seen:
    """One request as it arrived, and the way to answer it."""

    received: Received
    wire: Wire
    message: Any
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the other side closed the connection before it was answered."""

    @property
    def verb(self) -> str:
        return self.received.method.decode()

    @property
    def method(self) -> str:
        """The JSON-RPC method, `response`, or the HTTP verb where there is no message."""
        if not isinstance(self.message, dict):
            return self.verb
        return str(self.message.get("method", "response"))

    @property
    def id(self) -> Any:
        return self.message["id"]

    @property
    def params(self) -> Any:
        return self.message.get("params", {})

    def header(self, name: str) -> str | None:
        value = self.received.header(name.encode())
        return None if value is None else value.decode()

    def send(self, data: bytes) -> None:
        self.wire.send(data)

    def sse(self, extra: bytes = b"") -> None:
        """Begin an event stream."""
        self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%b%b\r\n" % (CHUNKED, extra))

    def chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def event(self, data: bytes, ident: str = "", retry: int = -1) -> None:
        """One message on the event stream."""
        head = f"id: {ident}\n" if ident else ""
        head += f"retry: {retry}\n" if retry >= 0 else ""
        self.chunk(head.encode() + b"data: " + data + b"\n\n")

    def end(self) -> None:
        """The end of the event stream, in good order."""
        self.send(b"0\r\n\r\n")


Handler = Callable[[Seen], Awaitable[bytes | None]]


class Upstream:
    """See the module. `session`: whether the legacy side hands out and demands a session id."""

    def __init__(self, era: Literal["legacy", "modern"] = "legacy", *, session: bool = True) -> None:
        self.era = era
        self.session = session
        self.sessions: set[str] = set()
        self.capabilities: dict[str, Any] = {"tools": {"listChanged": True}}
        self.tools: list[dict[str, Any]] = [ECHO]
        self.lists: dict[str, list[Any]] = {}
        """What the other list methods answer, by the member of the result."""
        self.on: dict[str, Handler] = {}
        self.seen: list[Seen] = []
        self.port = 0
        self.opened = 0
        """Sessions handed out so far."""
        self.listeners: list[Seen] = []
        """Its own streams that are open: GET (legacy) or `subscriptions/listen` (modern)."""
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def all(self, method: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method]

    async def saw(self, method: str, count: int = 1) -> Seen:
        """Wait until the `count`-th request of a method has arrived."""
        async with asyncio.timeout(LIMIT), self._news:
            await self._news.wait_for(lambda: len(self.all(method)) >= count)
        return self.all(method)[count - 1]

    # Life.

    async def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As if the process had ended: connections are reset, sessions forgotten."""
        if self._server is not None:
            self._server.close()
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        self.sessions.clear()
        for outcome in results:
            if isinstance(outcome, Exception):
                raise outcome

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.create_task(self._serve(Wire(reader, writer, 0))))

    async def _serve(self, wire: Wire) -> None:
        try:
            with suppress(ConnectionError, EOFError):
                while True:
                    await self._one(wire, await wire.request())
        finally:
            wire.abort()
            with suppress(ConnectionError):
                await wire.writer.wait_closed()

    async def _one(self, wire: Wire, received: Received) -> None:
        try:
            message = json.loads(received.body) if received.body else None
        except ValueError:
            message = None
        seen = Seen(received, wire, message)
        async with self._news:
            self.seen.append(seen)
            self._news.notify_all()
        answer = await self._answer(seen)
        if answer is not None:
            seen.send(answer)
        await wire.writer.drain()

    # A well-behaved server.

    def announce(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Say something on its own streams."""
        for listener in self.listeners:
            meta = {"_meta": {SUBSCRIPTION: listener.id}} if self.era == "modern" else {}
            listener.event(notification(method, {**(params or {}), **meta}))

    async def listening(self) -> None:
        """Wait until somebody reads its own stream."""
        async with asyncio.timeout(LIMIT), self._news:
            await self._news.wait_for(lambda: bool(self.listeners))

    async def _listen(self, seen: Seen) -> NoReturn:
        seen.sse()
        if self.era == "modern":
            accepted = {"notifications": seen.params["notifications"], "_meta": {SUBSCRIPTION: seen.id}}
            seen.event(notification("notifications/subscriptions/acknowledged", accepted))
        async with self._news:
            self.listeners.append(seen)
            self._news.notify_all()
        try:
            await seen.wire.gone()
        finally:
            self.listeners.remove(seen)
        raise EOFError

    async def _answer(self, seen: Seen) -> bytes | None:
        if seen.method in self.on:
            return await self.on[seen.method](seen)
        return await self.usual(seen)

    async def usual(self, seen: Seen) -> bytes | None:
        """What it answers if nothing else is said."""
        if seen.method == ("subscriptions/listen" if self.era == "modern" else "GET") and self._knows(seen):
            await self._listen(seen)
        return self.modern(seen) if self.era == "modern" else self.legacy(seen)

    def _knows(self, seen: Seen) -> bool:
        """Whether its session, if it must have one, is known."""
        return self.era == "modern" or not self.session or seen.header("mcp-session-id") in self.sessions

    def modern(self, seen: Seen) -> bytes:
        if seen.verb != "POST":
            return http(405, extra=b"allow: POST\r\n")
        if seen.method == "server/discover":
            found = {"supportedVersions": [MODERN], "capabilities": self.capabilities, "resultType": "complete"}
            return http(200, result(seen, {**found, "ttlMs": 1000, "cacheScope": "public"}))
        return self._common(seen, {"resultType": "complete"}, 404)

    def legacy(self, seen: Seen) -> bytes:
        if seen.method == "initialize":
            return self.initialize(seen)
        session = seen.header("mcp-session-id")
        if not self._knows(seen):
            return http(404 if session else 400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}')
        if seen.verb == "DELETE":
            self.sessions.discard(session or "")
            return http(200)
        return self._common(seen, {}, 200)

    def initialize(self, seen: Seen, version: str = "2025-11-25") -> bytes:
        said = {"protocolVersion": version, "capabilities": self.capabilities, "serverInfo": {"name": "u"}}
        if not self.session:
            return http(200, result(seen, said))
        self.opened += 1
        session = f"session-{self.opened}"
        self.sessions.add(session)
        return http(200, result(seen, said), extra=f"mcp-session-id: {session}\r\n".encode())

    def _common(self, seen: Seen, more: dict[str, Any], unknown: int) -> bytes:
        if "id" not in seen.message or seen.method == "response":
            return http(202)
        if seen.method == "tools/list":
            return http(200, result(seen, {"tools": self.tools, **more}))
        if seen.method == "tools/call":
            said = seen.params.get("arguments", {}).get("text", "echo")
            return http(200, result(seen, {**text(said), **more}))
        member = seen.method.removesuffix("/list").removeprefix("resources/templates") or "resourceTemplates"
        if seen.method.endswith("/list") and member in self.lists:
            return http(200, result(seen, {member: self.lists[member], **more}))
        if seen.method == "ping":
            return http(200, result(seen, {}))
        return http(unknown, error(seen, -32601, "Method not found"))


class OldUpstream(Upstream):
    """A server of the HTTP+SSE transport (2024-11-05): answers come on the event stream, POSTs are only accepted."""

    def __init__(self) -> None:
        super().__init__("legacy", session=False)
        self.endpoint = "/messages?session=1"

    async def usual(self, seen: Seen) -> bytes | None:
        if seen.verb == "GET":
            await self._stream(seen)
        if not seen.received.target.startswith(b"/messages"):
            return http(405)
        answer = self.initialize(seen, "2024-11-05") if seen.method == "initialize" else self._common(seen, {}, 200)
        if body := answer.partition(b"\r\n\r\n")[2]:
            self.listeners[-1].chunk(b"event: message\ndata: " + body + b"\n\n")
        return http(202, b"Accepted", "text/plain")

    async def _stream(self, seen: Seen) -> NoReturn:
        seen.sse()
        seen.chunk(b"event: endpoint\ndata: " + self.endpoint.encode() + b"\n\n")
        self.listeners.append(seen)
        try:
            await seen.wire.gone()
        finally:
            self.listeners.remove(seen)
        raise EOFError


@asynccontextmanager
async def old_upstream() -> AsyncIterator[OldUpstream]:
    """A running `OldUpstream` for the time of the block."""
    server = OldUpstream()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def upstream(era: Literal["legacy", "modern"] = "legacy", *, session: bool = True) -> AsyncIterator[Upstream]:
    """A running `Upstream` for the time of the block."""
    server = Upstream(era, session=session)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def always(data: bytes) -> Handler:
    """Answer with these bytes."""

    async def answer(_seen: Seen) -> bytes:
        return data

    return answer


async def never(_seen: Seen) -> None:
    """Do not answer, for as long as the connection lives."""
    await _seen.wire.gone()
    _seen.gone.set()


async def hang_up(seen: Seen) -> None:
    """Reset the connection instead of answering."""
    seen.wire.abort()
    raise EOFError

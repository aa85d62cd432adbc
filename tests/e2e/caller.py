"""A client that sees the wire: it sends exactly the bytes it is told to and reads with h11.

`Caller` speaks HTTP, `Legacy` and `Modern` add what their eras demand. Every exchange
has a connection of its own and is bounded in time.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import h11

LIMIT = 10.0
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"

Headers = dict[str, str]

JSON_POST: Headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@dataclass
class Got:
    """A whole HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def message(self) -> Any:
        """The JSON-RPC message, whether it came as JSON or as the last event of a stream."""
        return json.loads(self.body if self.headers.get("content-type") == "application/json" else self.events[-1])

    @property
    def events(self) -> list[bytes]:
        return [event.data for event in parse_events(self.body) if event.data]


@dataclass
class Event:
    data: bytes = b""
    id: str = ""
    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def parse_events(body: bytes) -> list[Event]:
    """Whole events; comments are left out."""
    events = []
    for block in body.split(b"\n\n"):
        event = Event()
        data: list[bytes] = []
        for line in block.split(b"\n"):
            name, colon, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
            elif name and colon:
                event.fields[name.decode()] = value.strip().decode()
        event.data = b"\n".join(data)
        event.id = event.fields.get("id", "")
        event.name = event.fields.get("event", "")
        if data or event.fields:
            events.append(event)
    return events


class Exchange:
    """A response while it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._reader = reader
        self._writer = writer
        self._parser = h11.Connection(h11.CLIENT)
        self._rest = b""
        self.ended = False

    def start(self, method: str) -> None:
        """Tell the parser what was asked, so that it knows how the answer is framed."""
        self._parser.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        self._parser.send(h11.EndOfMessage())

    async def _next(self) -> Any:
        async with asyncio.timeout(LIMIT):
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._parser.receive_data(await self._reader.read(65536))
            return event

    async def head(self) -> None:
        event = await self._next()
        assert isinstance(event, h11.Response), event
        self.status = event.status_code
        self.headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}

    async def rest(self) -> bytes:
        """All that is left of the body."""
        parts = [self._rest]
        while isinstance(event := await self._next(), h11.Data):
            parts.append(bytes(event.data))
        self.ended = True
        self._rest = b""
        return b"".join(parts)

    async def event(self) -> Event:
        """The next event with data; raises `EOFError` at the end of the stream."""
        while True:
            block, end, rest = self._rest.partition(b"\n\n")
            if end:
                self._rest = rest
                found = parse_events(block)
                if found and found[0].data:
                    return found[0]
                continue
            part = await self._next()
            if not isinstance(part, h11.Data):
                self.ended = True
                raise EOFError
            self._rest += bytes(part.data)

    async def message(self) -> Any:
        return json.loads((await self.event()).data)

    def close(self) -> None:
        """Leave without waiting for the end."""
        self._writer.transport.abort()


class Caller:
    """Requests to one gateway. `headers` go with each of them."""

    def __init__(self, port: int, path: str = "/mcp", headers: Headers | None = None) -> None:
        self.port = port
        self.path = path
        self.headers = headers or {}

    @asynccontextmanager
    async def open(self, method: str, headers: Headers, body: bytes | list[bytes] = b"") -> AsyncIterator[Exchange]:
        """Send a request (a list goes in chunks) and read its answer's head; the connection ends with the block."""
        sent = {"host": f"127.0.0.1:{self.port}", **self.headers, **headers}
        chunked = isinstance(body, list)
        if chunked:
            sent.setdefault("transfer-encoding", "chunked")
        elif body or method == "POST":
            sent.setdefault("content-length", str(len(body)))
        head = f"{method} {self.path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in sent.items()) + "\r\n"
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.encode("latin-1"))
            for part in body if isinstance(body, list) else [body]:
                writer.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            if chunked:
                writer.write(b"0\r\n\r\n")
            exchange = Exchange(reader, writer)
            exchange.start(method)
            await exchange.head()
            yield exchange
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def send(self, method: str, headers: Headers, body: bytes | list[bytes] = b"") -> Got:
        """A whole exchange."""
        async with self.open(method, headers, body) as exchange:
            return Got(exchange.status, exchange.headers, await exchange.rest())

    async def post(self, body: bytes, headers: Headers | None = None) -> Got:
        """A POST with the headers that both eras demand."""
        return await self.send("POST", {**JSON_POST, **(headers or {})}, body)

    async def get(self, path: str) -> Got:
        return await Caller(self.port, path, self.headers).send("GET", {})


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def request(ident: object, method: str, params: object = None) -> bytes:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": ident, "method": method}
    return encode(message if params is None else {**message, "params": params})


class Legacy:
    """A session. `head` is what its further requests carry."""

    def __init__(self, caller: Caller, session: str, version: str, greeting: Any) -> None:
        self.caller = caller
        self.session = session
        self.version = version
        self.greeting = greeting
        self.numbers = 100

    @property
    def head(self) -> Headers:
        return {**JSON_POST, "mcp-session-id": self.session, "mcp-protocol-version": self.version}

    @classmethod
    async def open(
        cls, caller: Caller, version: str = "2025-11-25", capabilities: dict[str, Any] | None = None
    ) -> "Legacy":
        params = {
            "protocolVersion": version,
            "capabilities": capabilities or {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        got = await caller.post(request(1, "initialize", params))
        assert got.status == 200, got
        session = cls(caller, got.headers["mcp-session-id"], version, got.message["result"])
        await session.notify("notifications/initialized")
        return session

    async def send(self, body: bytes) -> Got:
        return await self.caller.send("POST", self.head, body)

    async def call(self, method: str, params: object = None, ident: object = None) -> Got:
        self.numbers += 1
        return await self.send(request(self.numbers if ident is None else ident, method, params))

    async def tool(self, name: str, arguments: object = None, ident: object = None) -> Got:
        return await self.call("tools/call", {"name": name, "arguments": arguments or {}}, ident)

    async def notify(self, method: str, params: object = None) -> Got:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        return await self.send(encode(message if params is None else {**message, "params": params}))

    def stream(self, body: bytes) -> Any:
        return self.caller.open("POST", self.head, body)

    def listen(self, last_event_id: str | None = None) -> Any:
        resume = {} if last_event_id is None else {"last-event-id": last_event_id}
        return self.caller.open("GET", {**self.head, "accept": "text/event-stream", **resume})

    async def tools(self) -> list[str]:
        return [tool["name"] for tool in (await self.call("tools/list")).message["result"]["tools"]]


class Modern:
    """A client without a session. `capabilities` go into each envelope."""

    def __init__(self, caller: Caller, capabilities: dict[str, Any] | None = None) -> None:
        self.caller = caller
        self.capabilities = capabilities or {}

    def meta(self, **more: object) -> dict[str, Any]:
        return {META + "protocolVersion": MODERN, META + "clientCapabilities": self.capabilities, **more}

    def head(self, method: str, name: str | None = None) -> Headers:
        named = {} if name is None else {"mcp-name": name}
        return {**JSON_POST, "mcp-protocol-version": MODERN, "mcp-method": method, **named}

    def body(self, method: str, params: dict[str, Any] | None = None, ident: object = 1, **meta: object) -> bytes:
        return request(ident, method, {**(params or {}), "_meta": self.meta(**meta)})

    async def call(self, method: str, params: dict[str, Any] | None = None, ident: object = 1, **meta: object) -> Got:
        return await self.caller.send(
            "POST", self.head(method, _name(params)), self.body(method, params, ident, **meta)
        )

    async def tool(self, name: str, arguments: object = None, ident: object = 1, **meta: object) -> Got:
        return await self.call("tools/call", {"name": name, "arguments": arguments or {}}, ident, **meta)

    def stream(self, method: str, params: dict[str, Any] | None = None, ident: object = 1, **meta: object) -> Any:
        return self.caller.open("POST", self.head(method, _name(params)), self.body(method, params, ident, **meta))

    async def tools(self) -> list[str]:
        return [tool["name"] for tool in (await self.call("tools/list")).message["result"]["tools"]]


def _name(params: dict[str, Any] | None) -> str | None:
    named = params or {}
    found = named.get("name", named.get("uri"))
    return str(found) if found is not None else None

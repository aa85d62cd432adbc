"""An MCP client for load: frames requests of either era and checks every answer.

Only an answer that is right counts: the response id must be the request's and the text must
be the text that was sent. Above: `mcp_load.py`. Below: `http_client.py`, `wire.py`.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from bench.http_client import Connection, Reply, Wrong
from bench.wire import LEGACY, META, MODERN

Json = dict[str, Any]
INFO = {"name": "fedgate-bench", "version": "1"}
encode = msgspec.json.encode


class Answer(msgspec.Struct):
    """A JSON-RPC response as the driver sees it."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: Json | None = None


class Content(msgspec.Struct):
    text: str = ""


class CallResult(msgspec.Struct):
    content: list[Content]
    is_error: bool = msgspec.field(name="isError", default=False)


class Tool(msgspec.Struct):
    name: str


class ListResult(msgspec.Struct):
    tools: list[Tool]
    next_cursor: str | None = msgspec.field(name="nextCursor", default=None)


read_answer = msgspec.json.Decoder(Answer).decode
read_call = msgspec.json.Decoder(CallResult).decode
read_list = msgspec.json.Decoder(ListResult).decode


@dataclass
class Framing:
    """How requests of one session look on the wire."""

    host: str
    path: str
    key: str
    era: str = "legacy"
    session: str = ""

    def post(self, message: Json) -> bytes:
        """A framed POST of one JSON-RPC message; in the modern era with its headers and `_meta`."""
        lines = ["Content-Type: application/json", "Accept: application/json, text/event-stream"]
        if self.era == "modern":
            message = {**message, "params": {**message.get("params", {}), "_meta": modern_meta()}}
            lines += [f"MCP-Protocol-Version: {MODERN}", f"Mcp-Method: {message['method']}"]
            if name := message["params"].get("name"):
                lines.append(f"Mcp-Name: {name}")
        body = encode(message)
        return self._head("POST", [*lines, f"Content-Length: {len(body)}"]) + body

    def delete(self) -> bytes:
        return self._head("DELETE", [])

    def get(self) -> bytes:
        return self._head("GET", ["Accept: text/event-stream"])

    def _head(self, verb: str, lines: list[str]) -> bytes:
        if self.session:
            lines = [*lines, f"Mcp-Session-Id: {self.session}", f"MCP-Protocol-Version: {LEGACY}"]
        start = [f"{verb} {self.path} HTTP/1.1", f"Host: {self.host}", f"Authorization: Bearer {self.key}"]
        return "\r\n".join([*start, *lines, "", ""]).encode()


def modern_meta() -> Json:
    """The `_meta` that every request of the modern era carries."""
    return {
        f"{META}/protocolVersion": MODERN,
        f"{META}/clientCapabilities": {},
        f"{META}/clientInfo": INFO,
    }


def result_of(reply: Reply, ident: int) -> msgspec.Raw:
    """The result in a reply to request `ident`, from a JSON body or an event stream; raises `Wrong`."""
    if reply.status != 200:
        raise Wrong(f"HTTP {reply.status}: {reply.body[:200].decode(errors='replace')}")
    stream = reply.headers.get(b"content-type", b"").startswith(b"text/event-stream")
    try:
        answers = [read_answer(each) for each in (events(reply.body) if stream else [reply.body])]
    except msgspec.MsgspecError as error:
        raise Wrong(f"not a JSON-RPC response: {error}") from error
    for answer in answers:
        if answer.id == ident:
            if answer.error is not None:
                raise Wrong(f"error answer: {answer.error}")
            return answer.result
    raise Wrong(f"no answer with id {ident}")


def events(body: bytes) -> list[bytes]:
    """The data of every event in an event stream; an event without data is left out."""
    frames = body.replace(b"\r\n", b"\n").split(b"\n\n")
    data = (
        b"\n".join(line[5:].lstrip(b" ") for line in frame.split(b"\n") if line.startswith(b"data:"))
        for frame in frames
    )
    return [each for each in data if each]


def check_echo(result: msgspec.Raw, text: str) -> None:
    """Raise `Wrong` unless a `tools/call` result says `text` and nothing else."""
    try:
        call = read_call(result)
    except msgspec.MsgspecError as error:
        raise Wrong(f"not a tools/call result: {error}") from error
    if call.is_error or [each.text for each in call.content] != [text]:
        raise Wrong(f"wrong text: {bytes(result)[:200]!r}, sent {text!r}")


@dataclass
class Session:
    """One MCP session over one connection. Every method raises `Wrong` on an answer that is not right."""

    connection: Connection
    framing: Framing
    _ident: int = 0
    _seen_lists: dict[bytes, ListResult] = field(default_factory=dict)

    async def request(self, method: str, params: Json) -> msgspec.Raw:
        return result_of(await self._post(method, params), self._ident)

    async def open(self) -> None:
        """Legacy: initialize and initialized. Modern: `server/discover`."""
        if self.framing.era == "modern":
            await self.request("server/discover", {})
            return
        self.framing.session = ""
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": INFO}
        reply = await self._post("initialize", params)
        result_of(reply, self._ident)
        self.framing.session = reply.headers.get(b"mcp-session-id", b"").decode()
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        accepted = await self.connection.send(self.framing.post(note))
        if accepted.status != 202:
            raise Wrong(f"notification answered with HTTP {accepted.status}")

    async def call(self, name: str, text: str) -> None:
        """`tools/call` of an echoing tool."""
        check_echo(await self.request("tools/call", {"name": name, "arguments": {"text": text}}), text)

    async def tools(self) -> list[str]:
        """The names of all tools, every page followed (at most 100).

        A page that is byte for byte one seen before is not decoded again.
        """
        names: list[str] = []
        cursor: str | None = None
        for _ in range(100):
            raw = bytes(await self.request("tools/list", {"cursor": cursor} if cursor else {}))
            if (page := self._seen_lists.get(raw)) is None:
                try:
                    page = read_list(raw)
                except msgspec.MsgspecError as error:
                    raise Wrong(f"not a tools/list result: {error}") from error
                if len(self._seen_lists) < 100:
                    self._seen_lists[raw] = page
            names += [tool.name for tool in page.tools]
            if (cursor := page.next_cursor) is None:
                return names
        raise Wrong("more than 100 pages of tools")

    async def end(self) -> None:
        """DELETE the session, if the server gave an id."""
        if not self.framing.session:
            return
        reply = await self.connection.send(self.framing.delete())
        self.framing.session = ""
        if reply.status not in (200, 202, 204):
            raise Wrong(f"DELETE answered with HTTP {reply.status}")

    async def listen(self) -> None:
        """Open the session's GET stream; the connection then serves nothing else."""
        reply = await self.connection.send(self.framing.get(), headers_only=True)
        if reply.status != 200:
            raise Wrong(f"GET answered with HTTP {reply.status}")

    async def _post(self, method: str, params: Json) -> Reply:
        self._ident += 1
        message = {"jsonrpc": "2.0", "id": self._ident, "method": method, "params": params}
        return await self.connection.send(self.framing.post(message))

"""Fake MCP servers: what each answers to one HTTP request, as bytes. No socket, no clock.

Legacy era: streamable HTTP with JSON answers, sessions checked as a strict server would
(MCP 2025-11-25, transports). Modern era: MCP 2026-07-28, with the header checks that catch a
gateway which renames a tool and forgets `Mcp-Name`. A server may speak both on one path.
Above: `upstream.py`, which owns the connections. Below: `wire.py`, `catalog.py`.
"""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from bench.wire import LEGACY, LEGACY_VERSIONS, META, MODERN, response, rpc_error, rpc_result

MAX_SESSIONS = 50_000
NOT_FOUND = -32601
BAD_PARAMS = -32602
HEADER_MISMATCH = -32020
BAD_VERSION = -32022

Headers = dict[bytes, bytes]
encode = msgspec.json.encode


class Message(msgspec.Struct):
    """The part of a JSON-RPC message that decides what is done with it."""

    method: str = ""
    id: msgspec.Raw = msgspec.Raw(b"")
    params: msgspec.Raw = msgspec.Raw(b"{}")


class Arguments(msgspec.Struct):
    text: str


class CallParams(msgspec.Struct):
    name: str
    arguments: Arguments
    meta: dict[str, Any] = msgspec.field(name="_meta", default_factory=dict)


class AnyParams(msgspec.Struct):
    protocol_version: str = msgspec.field(name="protocolVersion", default="")
    meta: dict[str, Any] = msgspec.field(name="_meta", default_factory=dict)


read_message = msgspec.json.Decoder(Message).decode
read_call = msgspec.json.Decoder(CallParams).decode
read_params = msgspec.json.Decoder(AnyParams).decode


class FakeServer:
    """One MCP server. `answer` takes a request and gives the whole HTTP response.

    `eras`: which of "legacy" and "modern" it speaks. `sessions`: whether the legacy side hands out
    and demands session ids (at most 50,000; the oldest is forgotten).
    """

    def __init__(self, name: str, tools: list[dict[str, Any]], *, eras: set[str], sessions: bool = True) -> None:
        info = {"name": name, "version": "1"}
        self._name = name
        self._names = {each["name"] for each in tools}
        self._eras = eras
        self._with_sessions = sessions
        self._sessions: dict[bytes, None] = {}
        hints = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}
        self._info = info
        self._legacy_list = encode({"tools": tools})
        self._modern_list = encode({"tools": tools, **hints})
        self._discover = encode(
            {
                "supportedVersions": [MODERN],
                "capabilities": {"tools": {}},
                "_meta": {f"{META}/serverInfo": info},
                **hints,
            }
        )
        self._legacy: dict[str, Callable[[Message], bytes]] = {
            "tools/call": lambda message: self._call(message, b""),
            "tools/list": lambda message: response(200, rpc_result(message.id, self._legacy_list)),
            "ping": lambda message: response(200, rpc_result(message.id, b"{}")),
        }
        self._modern: dict[str, Callable[[Message], bytes]] = {
            "tools/call": lambda message: self._call(message, b',"resultType":"complete"'),
            "tools/list": lambda message: response(200, rpc_result(message.id, self._modern_list)),
            "server/discover": lambda message: response(200, rpc_result(message.id, self._discover)),
        }

    def answer(self, verb: bytes, headers: Headers, body: bytes) -> bytes:
        """The HTTP response to one request; header names are lower case."""
        modern = "modern" in self._eras and (
            "legacy" not in self._eras or headers.get(b"mcp-protocol-version") == MODERN.encode()
        )
        if verb == b"DELETE" and not modern:
            return self._end(headers)
        if verb != b"POST":
            return response(405, headers=b"allow: POST\r\n")
        try:
            message = read_message(body)
        except msgspec.MsgspecError:
            return response(400, rpc_error(b"null", -32700, "not a JSON-RPC message"))
        return self._answer_modern(message, headers) if modern else self._answer_legacy(message, headers)

    def _answer_legacy(self, message: Message, headers: Headers) -> bytes:
        if message.method == "initialize":
            return self._initialize(message)
        if message.method == "server/discover":
            status = 400 if self._with_sessions else 404
            return response(status, rpc_error(message.id, NOT_FOUND, "Method not found"))
        if self._with_sessions and (session := headers.get(b"mcp-session-id")) not in self._sessions:
            status = 404 if session else 400
            return response(status, rpc_error(message.id or b"null", -32600, "Session not found"))
        return self._dispatch(message, self._legacy, 200)

    def _answer_modern(self, message: Message, headers: Headers) -> bytes:
        refusal = self._refuse_modern(message, headers) if message.id else None
        return refusal or self._dispatch(message, self._modern, 404)

    def _dispatch(self, message: Message, known: dict[str, Callable[[Message], bytes]], unknown: int) -> bytes:
        if not message.id:
            return response(202)
        if (method := known.get(message.method)) is None:
            return response(unknown, rpc_error(message.id, NOT_FOUND, "Method not found"))
        return method(message)

    def _initialize(self, message: Message) -> bytes:
        asked = read_params(message.params).protocol_version
        result = {
            "protocolVersion": asked if asked in LEGACY_VERSIONS else LEGACY,
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": self._info,
        }
        extra = b""
        if self._with_sessions:
            if len(self._sessions) >= MAX_SESSIONS:
                self._sessions.pop(next(iter(self._sessions)))
            session = secrets.token_hex(16).encode()
            self._sessions[session] = None
            extra = b"mcp-session-id: %s\r\n" % session
        return response(200, rpc_result(message.id, encode(result)), extra)

    def _end(self, headers: Headers) -> bytes:
        session = headers.get(b"mcp-session-id", b"")
        if session not in self._sessions:
            return response(404)
        del self._sessions[session]
        return response(200)

    def _call(self, message: Message, extra: bytes) -> bytes:
        try:
            params = read_call(message.params)
        except msgspec.MsgspecError:
            return response(200, rpc_error(message.id, BAD_PARAMS, "Invalid params"))
        if params.name not in self._names:
            return response(200, rpc_error(message.id, BAD_PARAMS, "Unknown tool"))
        text = encode(params.arguments.text)
        result = b'{"content":[{"type":"text","text":%s}],"isError":false%s}' % (text, extra)
        return response(200, rpc_result(message.id, result))

    def _refuse_modern(self, message: Message, headers: Headers) -> bytes | None:
        """The refusal that the modern era demands (HTTP 400), or None when the envelope is right."""
        call = message.method == "tools/call"
        try:
            params: CallParams | AnyParams = read_call(message.params) if call else read_params(message.params)
        except msgspec.MsgspecError:
            return response(400, rpc_error(message.id, BAD_PARAMS, "Invalid params"))
        version = params.meta.get(f"{META}/protocolVersion")
        if headers.get(b"mcp-protocol-version", b"").decode() != (version or ""):
            return response(400, rpc_error(message.id, HEADER_MISMATCH, "MCP-Protocol-Version"))
        if version != MODERN:
            return response(400, rpc_error(message.id, BAD_VERSION, "Unsupported protocol version"))
        if f"{META}/clientCapabilities" not in params.meta:
            return response(400, rpc_error(message.id, BAD_PARAMS, "Missing clientCapabilities"))
        if headers.get(b"mcp-method") != message.method.encode():
            return response(400, rpc_error(message.id, HEADER_MISMATCH, "Mcp-Method"))
        if isinstance(params, CallParams) and headers.get(b"mcp-name") != params.name.encode():
            return response(400, rpc_error(message.id, HEADER_MISMATCH, "Mcp-Name"))
        return None

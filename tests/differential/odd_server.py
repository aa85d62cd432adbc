"""A deterministic server that sends what servers may send but hardly one does, in either era.

What it lists is its `world`: raw items, page by page. What it answers to any other method
is written in the request's own `_meta` under `SCRIPT`: notifications to send before, and the
result or the error. Without a script the result is a mirror: the request as it arrived,
but for what a gateway must change on the way (ids, the envelope, progress tokens), so that
equal results mean equal requests. Numbers keep their digits. Built on `Upstream`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fedgate.federation.headers import decode_value
from tests.differential.exact import Json, dumps, exact, loads
from tests.federation.upstreams import MODERN, Seen, Upstream, http

SCRIPT = "com.example.differential/script"
META = "io.modelcontextprotocol/"
ENVELOPE = frozenset(META + key for key in ("protocolVersion", "clientCapabilities", "clientInfo", "logLevel"))
PAGE = 3
"""Items of one page of a list."""
STATUS = {-32700: 400, -32600: 400, -32602: 400, -32020: 400, -32021: 400, -32022: 400, -32601: 404}
"""The HTTP status of an error in the modern era; others travel with 200."""
MEMBER = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
INSTRUCTIONS = 'Ünusual: tabs\t, "quotes" and 日本語.'
INFO: dict[str, Any] = {"name": "odd", "version": "0.1-β", "title": "Odd", "x-vendor": {"n": [1.0]}, "websiteUrl": "x:"}


@dataclass
class World:
    """What it offers: list method → items."""

    items: Mapping[str, list[Json]]
    more: Mapping[str, Json] = field(default_factory=dict)
    """Members of every list's result beside the list."""


class OddServer(Upstream):
    """One era; `world` may be exchanged while it runs."""

    def __init__(self, era: Any, world: World) -> None:
        super().__init__(era)
        self.world = world
        changes = {"listChanged": True}
        self.capabilities = {
            "tools": changes,
            "prompts": changes,
            "resources": {**changes, "subscribe": True},
            "completions": {},
            "logging": {},
        }

    async def usual(self, seen: Seen) -> bytes | None:
        method = seen.method
        if method in MEMBER:
            return http(200, _response(seen, self._page(seen)))
        if method == "server/discover" and self.era == "modern":
            return http(200, _response(seen, self.greeting({"supportedVersions": [MODERN]})))
        if method in ("GET", "DELETE", "initialize", "ping", "subscriptions/listen", "server/discover", "response"):
            return await super().usual(seen)
        if seen.verb != "POST" or "id" not in seen.message or not self._knows(seen):
            return await super().usual(seen)
        self._perform(seen)
        return None

    def initialize(self, seen: Seen, version: str = "2025-11-25") -> bytes:
        self.opened += 1
        session = f"session-{self.opened}"
        self.sessions.add(session)
        body = _response(seen, self.greeting({"protocolVersion": version}))
        return http(200, body, extra=f"mcp-session-id: {session}\r\n".encode())

    def greeting(self, more: Mapping[str, Any]) -> Json:
        """What it says of itself, in both eras at the place where each looks."""
        said = {**more, "capabilities": self.capabilities, "serverInfo": INFO, "instructions": INSTRUCTIONS}
        if self.era == "modern":
            said |= {"resultType": "complete", "ttlMs": 1000, "cacheScope": "public"}
        return exact(said)

    # Lists.

    def _page(self, seen: Seen) -> Json:
        method, cursor = seen.method, seen.params.get("cursor")
        items, start = self.world.items.get(method, []), int(cursor or 0)
        following = {"nextCursor": str(start + PAGE)} if start + PAGE < len(items) else {}
        return {**self.world.more, MEMBER[method]: items[start : start + PAGE], **following}

    # Calls.

    def _perform(self, seen: Seen) -> None:
        params = loads(seen.received.body)["params"]
        meta = params.pop("_meta", {})
        script = meta.pop(SCRIPT, {})
        notices = [self._notice(notice, meta.get("progressToken")) for notice in script.get("notices", [])]
        body = self._ending(seen, script, self._mirror(seen, params, meta))
        status = STATUS.get(int(script["error"]["code"].text), 200) if self._is_refused(script) else 200
        if status != 200 or not any(notices):
            seen.send(http(status, body))
            return
        seen.sse()
        for notice in filter(None, notices):
            seen.event(notice)
        seen.event(body)
        seen.end()

    def _is_refused(self, script: Mapping[str, Json]) -> bool:
        return self.era == "modern" and "error" in script

    def _notice(self, notice: Json, token: Json) -> bytes | None:
        if notice["method"] != "notifications/progress":
            return dumps({"jsonrpc": "2.0", **notice})
        if token is None:
            return None
        return dumps({"jsonrpc": "2.0", **notice, "params": {**notice["params"], "progressToken": token}})

    def _ending(self, seen: Seen, script: Mapping[str, Json], mirror: Json) -> bytes:
        if "error" in script:
            return dumps({"jsonrpc": "2.0", "id": exact(seen.id), "error": script["error"]})
        return _response(seen, script.get("result", mirror))

    def _mirror(self, seen: Seen, params: Json, meta: dict[str, Json]) -> Json:
        kept = {key: part for key, part in meta.items() if key not in ENVELOPE}
        if "progressToken" in kept:
            kept["progressToken"] = "a token"
        received = {"method": seen.method, "params": params, "meta": kept, "headers": _headers(seen)}
        return {
            "content": [],
            "mirror": received,
            **(exact({"resultType": "complete"}) if self.era == "modern" else {}),
        }


def _headers(seen: Seen) -> Json:
    """What modern requests repeat in their headers, decoded."""
    told = {name.decode(): value.decode("latin-1") for name, value in seen.received.headers}
    return {
        name: decode_value(value) for name, value in sorted(told.items()) if name.startswith("mcp-") and _ours(name)
    }


def _ours(name: str) -> bool:
    return name in ("mcp-name", "mcp-method") or name.startswith("mcp-param-")


def _response(seen: Seen, result: Json) -> bytes:
    return dumps({"jsonrpc": "2.0", "id": exact(seen.id), "result": result})


@asynccontextmanager
async def odd_server(era: Any, world: World) -> AsyncIterator[OddServer]:
    """A running one for the time of the block."""
    server = OddServer(era, world)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()

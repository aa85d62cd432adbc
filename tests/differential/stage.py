"""A server and a gateway in front of it, in a loop of their own, and one way to speak to both.

`Stage.direct` asks the server, `Stage.through` asks the gateway as a client of either era
and of either view; both give the messages that came, exact to the digit.
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.differential.exact import Json, Number, exact, loads, mended
from tests.differential.odd_server import MEMBER, META, SCRIPT, OddServer, World, odd_server
from tests.differential.renames import Era, View
from tests.differential.traffic import Request
from tests.e2e.caller import JSON_POST, MODERN, Caller, Got, Headers, Legacy
from tests.e2e.gateway import LIMIT, InProcess, in_process, manifest_of
from tests.federation.upstreams import ECHO, upstream

SERVER = "one"
KINDS = ("tools", "prompts", "resources")
OTHER = exact({**ECHO, "name": "two__echo"})
"""All that the second server has."""
SAFE = re.compile(r"[!-~]([ -~]*[!-~])?")
VIEWS = (View("legacy"), View("modern"), View("legacy", SERVER), View("modern", SERVER))
"""The server's own view, and the aggregate; each to clients of both eras."""


@dataclass(frozen=True)
class Heard:
    """What came back: notifications and then the response."""

    status: int
    messages: list[Json]

    @property
    def response(self) -> Json:
        return self.messages[-1]

    @property
    def answer(self) -> Json:
        """`result` or `error` of the response."""
        return {key: part for key, part in self.response.items() if key in ("result", "error")}

    @property
    def notices(self) -> list[Json]:
        return self.messages[:-1]


class Line:
    """A caller of one address in one era; a legacy one opens its session with the first request."""

    def __init__(self, caller: Caller, era: Era) -> None:
        self.era = era
        self._caller = caller
        self._session: Legacy | None = None

    async def session(self) -> Legacy:
        if self._session is None:
            self._session = await Legacy.open(self._caller)
        return self._session

    async def ask(self, request: Request, headers: Mapping[str, Json] | None = None) -> Heard:
        """`headers`: arguments that a modern client repeats, by the names of their headers."""
        meta = {**request.meta, **({SCRIPT: request.script} if request.script else {})}
        if self.era == "modern":
            meta |= _envelope(request.level)
        params = {**request.params, **({"_meta": meta} if meta else {})}
        message = {"jsonrpc": "2.0", "id": request.id, "method": request.method, "params": params}
        got = await self._caller.send("POST", await self._head(request, headers or {}), request.spelling.dumps(message))
        return _heard(got)

    async def _head(self, request: Request, headers: Mapping[str, Json]) -> Headers:
        if self.era == "legacy":
            return (await self.session()).head
        named = request.params.get("name", request.params.get("uri"))
        head = {**JSON_POST, "mcp-protocol-version": MODERN, "mcp-method": request.method}
        if request.method in ("tools/call", "prompts/get", "resources/read"):
            head["mcp-name"] = field_of(named)
        return head | {name: field_of(value) for name, value in headers.items() if value is not None}


def _envelope(level: str) -> dict[str, Json]:
    more = {META + "logLevel": level} if level else {}
    return {META + "protocolVersion": MODERN, META + "clientCapabilities": {}, **more}


def _heard(got: Got) -> Heard:
    is_json = got.headers.get("content-type") == "application/json"
    bodies = [got.body] if is_json else got.events
    return Heard(got.status, [message for message in map(loads, bodies) if message])


def field_of(value: Json) -> str:
    """A value as it stands in a header field."""
    text = value.text if isinstance(value, Number) else str(value)
    text = text.lower() if isinstance(value, bool) else mended(text)
    if SAFE.fullmatch(text) and not text.startswith("=?"):
        return text
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@dataclass
class Stage:
    """Everything that runs."""

    server: OddServer
    gateway: InProcess
    straight: Line
    lines: Mapping[View, Line]

    async def direct(self, request: Request) -> Heard:
        return await self.straight.ask(request, param_headers(request, self.server.world))

    async def through(self, view: View, request: Request, names: Mapping[str, str]) -> Heard:
        """As a client of this view writes it. `names`: the server's names → those of the view."""
        return await self.lines[view].ask(renamed(view, request, names), param_headers(request, self.server.world))

    async def lists(self, line: Line, method: str) -> tuple[list[Json], list[Json]]:
        """All items of all pages, without those of the other server, and the pages."""
        items: list[Json] = []
        pages: list[Json] = []
        params: dict[str, Json] = {}
        while True:
            heard = await line.ask(Request(method, params))
            pages.append(heard.answer["result"])
            items += [item for item in pages[-1][MEMBER[method]] if item != OTHER]
            if "nextCursor" not in pages[-1]:
                return items, pages
            params = {"cursor": pages[-1]["nextCursor"]}

    async def change(self, world: World) -> None:
        """Let the server offer another world, and wait until the gateway has seen it."""
        seen: set[str] = set()
        done = asyncio.Event()

        def hear(kinds: tuple[str, ...], _notice: object) -> None:
            seen.update(kinds)
            if seen.issuperset(KINDS):
                done.set()

        end = self.gateway.gateway.hub.listen(SERVER, hear)
        try:
            self.server.world = world
            for kind in KINDS:
                self.server.announce(f"notifications/{kind}/list_changed")
            async with asyncio.timeout(LIMIT):
                await done.wait()
        finally:
            end()

    async def names(self, view: View) -> dict[str, str]:
        """The server's tool and prompt names → those of the view, by their place in the lists."""
        found: dict[str, str] = {}
        for method in ("tools/list", "prompts/list"):
            own = [item["name"] for item in self.server.world.items[method]]
            theirs = [item["name"] for item in (await self.lists(self.lines[view], method))[0]]
            found |= dict(zip(own, theirs, strict=True))
        return found


def renamed(view: View, request: Request, names: Mapping[str, str]) -> Request:
    """The request with the names and URIs of a view."""
    params = dict(request.params)
    if request.method in ("tools/call", "prompts/get"):
        params["name"] = names.get(params["name"], params["name"])
    elif request.method == "resources/read":
        params["uri"] = view.uri(params["uri"])
    elif request.method == "completion/complete":
        ref = params["ref"]
        new = {"name": names.get(ref["name"], ref["name"])} if "name" in ref else {"uri": view.uri(ref["uri"])}
        params["ref"] = {**ref, **new}
    return replace(request, params=params)


def param_headers(request: Request, world: World) -> dict[str, Json]:
    """The arguments of a tool that its schema wants in headers."""
    if request.method != "tools/call":
        return {}
    tools = {tool["name"]: tool for tool in world.items["tools/list"]}
    schema = tools.get(request.params["name"], {}).get("inputSchema", {})
    arguments = request.params.get("arguments", {})
    annotated = {
        name: part["x-mcp-header"] for name, part in schema.get("properties", {}).items() if "x-mcp-header" in part
    }
    return {f"mcp-param-{token}": arguments.get(name) for name, token in annotated.items()}


@asynccontextmanager
async def stage(back: Era, world: World, folder: Path) -> AsyncIterator[Stage]:
    """The odd server of one era behind a gateway that has a second server, too, so that names get prefixes."""
    async with odd_server(back, world) as server, upstream(back) as second:
        servers = {SERVER: {"url": server.url}, "two": {"url": second.url}}
        async with in_process(manifest_of(servers), folder) as gateway:
            await server.listening()
            lines = {view: Line(gateway.caller if view.prefix else gateway.at(SERVER), view.era) for view in VIEWS}
            yield Stage(server, gateway, Line(Caller(server.port), back), lines)

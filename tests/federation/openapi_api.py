"""A scripted HTTP API on a loopback socket, and an OpenAPI connection to it. What was received is in `seen`."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from fedgate.core.rawjson import fields
from fedgate.federation.messages import Answer, Notice, Outbound
from fedgate.federation.openapi_connection import OpenApi
from fedgate.federation.openapi_settings import OpenApiServer
from fedgate.federation.openapi_shown import Showing
from fedgate.federation.openapi_source import Source
from tests.core.http_peer import Received, Wire, opened, peer
from tests.federation.openapi_kit import PETSTORE


def http(status: int, body: bytes = b"", kind: str = "application/json", extra: bytes = b"") -> bytes:
    """A whole HTTP response."""
    content = f"content-type: {kind}\r\n".encode() if kind else b""
    return b"HTTP/1.1 %d X\r\n%b%bcontent-length: %d\r\n\r\n%b" % (status, content, extra, len(body), body)


class HttpApi:
    """Answers by `METHOD /path` (without query), else with an empty object."""

    def __init__(self) -> None:
        self.seen: list[Received] = []
        self.on: dict[str, bytes | None] = {}
        """None: no answer, for as long as the connection lives."""
        self.base_url = ""

    async def __call__(self, wire: Wire) -> None:
        while True:
            received = await wire.request()
            self.seen.append(received)
            path = received.target.partition(b"?")[0]
            answer = self.on.get(f"{received.method.decode()} {path.decode()}", http(200, b"{}"))
            if answer is None:
                await wire.gone()
                return
            wire.send(answer)


@asynccontextmanager
async def http_api() -> AsyncIterator[HttpApi]:
    """A running `HttpApi` for the time of the block."""
    api = HttpApi()
    async with peer(api) as served:
        api.base_url = f"{served.target.origin}/v1"
        yield api


class Caller:
    """Makes calls on a connection, and collects what the inbox hears."""

    def __init__(self, connection: OpenApi, heard: list[str]) -> None:
        self.connection = connection
        self.heard = heard

    async def ask(self, method: str, params: dict[str, Any] | None = None, timeout: float = 10.0) -> Answer:
        outbound = Outbound(method, fields(json.dumps(params or {}).encode()), {}, timeout=timeout)
        async with aclosing(self.connection.call(outbound)) as events:
            found = [event async for event in events]
        (answer,) = found
        assert isinstance(answer, Answer)
        return answer

    async def tool(self, name: str, timeout: float = 10.0, /, **arguments: Any) -> Any:
        """The result of a call."""
        answer = await self.ask("tools/call", {"name": name, "arguments": arguments}, timeout)
        assert not answer.error, answer
        return json.loads(answer.result)

    async def names(self) -> list[str]:
        return [tool["name"] for tool in json.loads((await self.ask("tools/list")).result)["tools"]]


@asynccontextmanager
async def connected(base_url: str, headers: dict[str, str] | None = None, **settings: Any) -> AsyncIterator[Caller]:
    """An open connection for the pet store (or the `openapi` given) at `base_url`."""
    heard: list[str] = []

    def inbox(notice: Notice) -> None:
        heard.append(notice.method)

    async with opened() as client:
        section = OpenApiServer(
            **{"openapi": str(PETSTORE), "base_url": base_url, "headers": headers or {}, **settings}
        )
        sent = tuple((name.lower().encode(), value.encode()) for name, value in (headers or {}).items())
        source = Source("pets", section, client)
        connection = OpenApi(source, client, inbox, agent="fedgate/1", showing=Showing(sent))
        await connection.open()
        try:
            yield Caller(connection, heard)
        finally:
            await connection.aclose()

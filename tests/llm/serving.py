"""The LLM part behind the gateway's own wire side and data path, served on loopback for other people's clients."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from fedgate.access.hosts import HostPolicy
from fedgate.core.call import Call, Handler, Principal, Reply, replace
from fedgate.core.errors import Unauthorized
from fedgate.core.stage import compose
from fedgate.gateway.admit import Admit
from fedgate.gateway.asgi import Hot, Wire
from fedgate.gateway.asgi_exchange import Receive, Scope, Send
from fedgate.gateway.bind import Bind
from fedgate.gateway.observe import Observe
from fedgate.gateway.rescue import Rescue
from fedgate.telemetry.lines import Ended
from tests.llm.kit import Front, front

MAX_BODY = 1024 * 1024
KEY = "key-0123456789"


@dataclass
class Lines:
    """Access lines and counts."""

    ended: list[Ended] = field(default_factory=list)

    def request(self, ended: Ended) -> None:
        pass

    def write(self, ended: Ended) -> None:
        self.ended.append(ended)


class Who:
    """Stands in for the identify stage: keys where each vendor's client puts them."""

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        headers = call.request.headers
        given = headers.get(b"x-api-key") or headers.get(b"x-goog-api-key") or headers.get(b"authorization", b"")
        if given.removeprefix(b"Bearer ") != KEY.encode():
            raise Unauthorized("The API key is not known to this gateway.")
        call.record.principal = Principal("alice", "key")
        return await inner(replace(call, principal=call.record.principal))


@dataclass
class Served:
    url: str
    gate: Front
    lines: Lines


async def _cold(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200 if scope["path"] == "/" else 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def served(manifest: Mapping[str, Any]) -> AsyncIterator[Served]:
    """Who sends `KEY`, wherever its client puts it, is alice."""
    async with front(manifest) as gate:
        lines = Lines()
        observe = Observe(lines, lines, gate.clock, gate.endpoint.operations)
        admit = Admit(HostPolicy(True, None, ()), limit=100, max_body=MAX_BODY)
        stages = (observe, Rescue(gate.endpoint), admit, Who(), Bind(gate.endpoint))
        path = Hot("llm", compose(stages, gate.endpoint.dispatch))
        prefixes = dict.fromkeys(("v1", "v1beta", *gate.endpoint.routes.prefixes), path)
        wire = Wire(prefixes, _cold, gate.clock, max_body=MAX_BODY)
        async with _listening(wire) as url:
            yield Served(url, gate, lines)
        await wire.tasks.aclose()


@asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    config = uvicorn.Config(app, loop="none", ws="none", lifespan="off", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    async with asyncio.timeout(20):
        await server.startup()
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            await server.shutdown()

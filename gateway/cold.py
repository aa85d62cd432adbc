"""What is not on the data path: health, readiness, metrics, and a page that says what is here (Starlette).

Health and readiness answer any Host, because probes come by address. Metrics are for
this machine and for administrators.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..console.ports import AgentView
from ..core.clock import Clock
from ..core.errors import GatewayError
from ..federation.server import Status
from ..telemetry.metrics import Metrics
from .visitors import Visitors

SETTLING = 2.0
"""Seconds after the start in which servers and agents that are still being reached make the gateway "not ready"."""

ABOUT = """This is fedgate {version}, a gateway for MCP servers and A2A agents.

  /mcp            all servers in one catalog (streamable HTTP)
  /mcp/SERVER     one server with its own names: {servers}
  /mcp/PROFILE    a part of the catalog that has a name under mcp.profiles
  /sse            the same for clients of the old HTTP+SSE transport
  /a2a            the list of agents
  /a2a/AGENT      one agent (A2A 1.0 and 0.3, JSON-RPC and HTTP+JSON): {agents}
  /healthz  /readyz  /metrics
  /admin/openapi.json   what administrators may ask

Connect Claude Code:  claude mcp add --transport http fedgate {url}/mcp
"""


@dataclass(frozen=True)
class Facts:
    """What the cold side shows."""

    version: str
    url: str
    status: Callable[[], list[Status]]
    metrics: Metrics
    clock: Clock
    agents: Callable[[], list[AgentView]] = list


class Cold:
    """The handlers. `stopping` turns readiness off before the listener closes. `more`: routes of other parts."""

    def __init__(
        self, facts: Facts, visitors: Visitors, more: Sequence[BaseRoute] = (), started: float | None = None
    ) -> None:
        self.stopping = False
        self._facts = facts
        self._visitors = visitors
        self.started = facts.clock.monotonic() if started is None else started
        """When the gateway began; not when this was made: another manifest does not make it unready."""
        self.app = Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                Route("/", self._about),
                *more,
            ],
            exception_handlers={404: _not_found, GatewayError: _refused},
        )

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, _request: Request) -> Response:
        servers, agents = self._facts.status(), self._facts.agents()
        states = [*(each.state for each in servers), *(each.state for each in agents)]
        settled = self._facts.clock.monotonic() - self.started > SETTLING
        ready = not self.stopping and (settled or "starting" not in states)
        body = {
            "status": "ready" if ready else "stopping" if self.stopping else "starting",
            "servers": {each.name: msgspec.to_builtins(each) for each in servers},
            "agents": {each.name: msgspec.to_builtins(each) for each in agents},
        }
        return JSONResponse(body, 200 if ready else 503)

    async def _metrics(self, request: Request) -> Response:
        self._visitors.check_host(request)
        if not self._visitors.may_look(request):
            text = "metrics are for this machine and for callers in access.admins\n"
            return PlainTextResponse(text, 401, {"www-authenticate": 'Bearer realm="fedgate"'})
        body, content_type = self._facts.metrics.render(request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    async def _about(self, request: Request) -> Response:
        self._visitors.check_host(request)
        facts = self._facts
        servers, agents = _names(facts.status()), _names(facts.agents())
        return PlainTextResponse(ABOUT.format(version=facts.version, servers=servers, agents=agents, url=facts.url))


def _names(things: Sequence[Status] | Sequence[AgentView]) -> str:
    return ", ".join(each.name for each in things) or "none configured"


async def _not_found(request: Request, _error: Exception) -> Response:
    text = f"there is nothing at {request.url.path[:200]}; MCP clients connect to /mcp\n"
    return PlainTextResponse(text, 404)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    return PlainTextResponse(error.message + "\n", error.status)

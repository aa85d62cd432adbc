"""What is not on the data path: metrics, and a page that says what is here, beside the pages of others (Starlette).

Metrics are for this machine and for administrators; what servers and agents are called, for those who may administer.
Made when the first of these is asked for. Above: `pages.py`, which adds the routes of other parts, and the probes'.
Below: `visitors.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ..console.ports import AgentView
from ..core.errors import GatewayError
from ..federation.server import Status
from ..telemetry.metrics import Metrics
from .visitors import Visitors

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
    agents: Callable[[], list[AgentView]] = list


class Cold:
    """The handlers. `more`: routes of other parts."""

    def __init__(self, facts: Facts, visitors: Visitors, more: Sequence[BaseRoute] = ()) -> None:
        self._facts = facts
        self._visitors = visitors
        self.app = Starlette(
            routes=[
                Route("/metrics", self._metrics),
                Route("/", self._about),
                *more,
            ],
            exception_handlers={404: _not_found, GatewayError: _refused},
        )

    async def _metrics(self, request: Request) -> Response:
        self._visitors.check_host(request)
        if not self._visitors.may_look(request):
            text = "metrics are for this machine and for callers in access.admins\n"
            return PlainTextResponse(text, 401, {"www-authenticate": 'Bearer realm="fedgate"'})
        body, content_type = self._facts.metrics.render(request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    async def _about(self, request: Request) -> Response:
        self._visitors.check_host(request)
        facts, named = self._facts, self._visitors.may_administer(request)
        servers, agents = _names(facts.status(), named=named), _names(facts.agents(), named=named)
        return PlainTextResponse(ABOUT.format(version=facts.version, servers=servers, agents=agents, url=facts.url))


def _names(things: Sequence[Status] | Sequence[AgentView], *, named: bool) -> str:
    """What they are called is for those who may administer."""
    if not things:
        return "none configured"
    return ", ".join(each.name for each in things) if named else f"{len(things)} configured"


async def _not_found(request: Request, _error: Exception) -> Response:
    text = f"there is nothing at {request.url.path[:200]}; MCP clients connect to /mcp\n"
    return PlainTextResponse(text, 404)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    return PlainTextResponse(error.message + "\n", error.status)

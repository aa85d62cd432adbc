"""Assembly: a manifest becomes a running gateway. The only place that knows every part.

Order of life: made (nothing runs) → `start` (servers are being reached, nobody waits for
them) → serving → `aclose` (streams end, calls end, sessions end, servers end, then the
last access line is written).
"""

import sys
from functools import partial
from typing import Any

import msgspec

from .. import __version__
from ..a2a.endpoint import A2aEndpoint
from ..access.hosts import HostPolicy
from ..console.admin import Admin
from ..console.admin import Parts as AdminParts
from ..core.clock import Clock, SystemClock
from ..core.http_client import HttpClient
from ..core.http_values import HttpLimits
from ..federation.connect import Deps
from ..federation.endpoint import McpEndpoint
from ..federation.hub import Hub
from ..federation.process import ProcessTable
from ..federation.server import Server
from ..federation.sse_front import SseEndpoint
from ..governance.limits import Limits
from ..llm.endpoint import LlmEndpoint
from ..llm.meter import NoModelMeter
from ..manifest.model import Manifest
from ..sessions.keeper import Keeper
from ..sessions.reveal import Reveal
from ..sessions.sqlite import SqliteStore
from ..sessions.store import CannotOpenStore
from ..sessions.table import SessionTable
from ..telemetry.access_log import AccessLog
from ..telemetry.lines import Place
from ..telemetry.metrics import Metrics
from .access import AccessSide
from .admit import Admit
from .agent_views import AgentViews
from .agents import AgentSide
from .asgi import Hot, Wire
from .authorize import judge_of
from .bind import BindOne
from .cold import Cold, Facts
from .models import ModelSide
from .observe import Observe
from .pipeline import batch_path, data_path, inner_stages, message_path
from .settings import Listen
from .visitors import Visitors

__all__ = ["CannotOpenStore", "Gateway"]

SWEEP = 30.0
UNUSED = 4.0
"""Seconds that an unused connection to an upstream is kept: uvicorn and Node close theirs after five, and a request
that meets the closing cannot be repeated."""


class Gateway:
    """`asgi` is the application; `url` is what clients and agents are told.

    `bound`: the address that is listened on, where that is not the manifest's (port 0).
    """

    def __init__(
        self, manifest: Manifest, *, clock: Clock | None = None, log_fd: int | None = None, bound: Listen | None = None
    ) -> None:
        clock = clock or SystemClock()
        settings = manifest.gateway
        self.manifest = manifest
        self.url = settings.public_url or f"http://{(bound or settings.listen).reachable}"
        self.metrics = Metrics(__version__)
        self.processes = ProcessTable(clock)
        limits = HttpLimits(per_origin=1024, idle_per_origin=128, keepalive=UNUSED)
        self.http = HttpClient(limits=limits, clock=clock)
        self.access = AccessSide(manifest, self.http, clock)
        self.sessions = SessionTable(
            clock,
            idle=manifest.sessions.idle,
            limit=manifest.sessions.max,
            on_end=lambda session, why: self.metrics.evicted(session.protocol, why),
        )
        self.judge = judge = judge_of(manifest)
        self.limits = Limits(manifest.limits, clock, self.metrics.limited)
        self.a2a = AgentSide(
            manifest, self.url, self.http, clock, self.metrics, self.sessions, self.access.credentials, judge
        )
        deps = Deps(self.http, clock, self.processes, self.metrics, __version__, self.a2a.door, self.access.credentials)
        self.hub = Hub(manifest.mcp, deps)
        self.hub.on_drift = self.metrics.drifted
        self.llm = ModelSide(manifest.models, self.http, clock, NoModelMeter(), self.access.credentials, judge)
        self.keeper: Keeper | None = None
        """Brings sessions to their store, from `start` on, if the manifest names one."""
        self.mcp = McpEndpoint(self.hub, self.sessions, clock, self.metrics, judge)
        log, fd = manifest.telemetry.log, sys.stdout.fileno() if log_fd is None else log_fd
        self.access_log = AccessLog(fd, log.format, place=Place(plain_ids=log.ids == "plain"))
        hosts = HostPolicy(settings.listen.is_loopback, settings.public_url, settings.allowed_hosts)
        self.admit = Admit(hosts, limit=settings.max_concurrent, max_body=settings.max_body)
        operations = self.mcp.operations | SseEndpoint.operations | A2aEndpoint.operations | LlmEndpoint.operations
        observe = Observe(self.metrics, self.access_log, clock, operations)
        identify = self.access.identify()
        endpoint = self.mcp if manifest.sessions.file is None else Reveal(self.mcp, self.sessions)
        inner = partial(inner_stages, judge, limits=self.limits)
        of_mcp = inner(self.mcp)
        path = data_path(observe, self.admit, identify, endpoint, of_mcp)
        self.mcp.each = batch_path(observe, self.mcp, BindOne(self.mcp.bind_one), of_mcp)
        self.sse = SseEndpoint(self.sessions, clock)
        self.sse.each = message_path(observe, endpoint, of_mcp)
        old = Hot("mcp", data_path(observe, self.admit, identify, self.sse))
        agents = self.a2a.endpoint
        of_agents = self.access.identify(agents.is_open)
        to_agents = Hot("a2a", data_path(observe, self.admit, of_agents, agents, inner(agents)))
        visitors = Visitors(self.access.callers, frozenset(manifest.access.admins), hosts)
        self.agents = AgentViews(self.a2a.agents)
        facts = Facts(__version__, self.url, lambda: self.hub.status, self.metrics, clock, self.agents.views)
        models = self.llm.endpoint
        of_models = self.access.identify(lenient=True)
        to_models = Hot("llm", data_path(observe, self.admit, of_models, models, inner(models)))
        hot = {"mcp": Hot("mcp", path), "sse": old, "messages": old, "a2a": to_agents}
        hot |= dict.fromkeys(self.llm.prefixes, to_models)
        published = [*self.a2a.published(visitors), *self.access.published(visitors, hot)]
        self.cold = Cold(facts, visitors, [*published, *self._admin(visitors).routes])
        self.asgi = Wire(
            hot,
            self.access.before(self.cold.app),
            clock,
            max_body=settings.max_body,
        )
        self._clock = clock
        self._measure()

    def _admin(self, visitors: Visitors) -> Admin:
        parts = AdminParts(
            admit=visitors.admin,
            sessions=self.sessions,
            agents=self.agents,
            servers=lambda: [msgspec.to_builtins(each) for each in self.hub.status],
            version=__version__,
            plain_ids=self.manifest.telemetry.log.ids == "plain",
        )
        return Admin(parts)

    def _measure(self) -> None:
        """Gauges whose truth lives elsewhere are read when somebody looks."""
        metrics = self.metrics
        metrics.sessions.source("mcp", lambda: self.sessions.count("mcp"))
        metrics.sessions.source("a2a", lambda: sum(map(self.a2a.conversations, self.manifest.agents)))
        metrics.agent_instances.source(self.agents.counts)
        metrics.stdio_processes.source(lambda: self.processes.live)
        metrics.access_log_dropped.source(lambda: self.access_log.dropped)
        for name, server in self.hub.servers.items():
            metrics.server_up.source(name, partial(_is_up, server))
            metrics.catalog_tools.source(name, partial(_tools, server))
            metrics.catalog_schema_tokens.source(name, partial(self.hub.tokens, name))

    def start(self) -> None:
        """Begin to reach the servers. Needs a running loop; returns at once.

        Raises `CannotOpenStore` if sessions cannot be kept where the manifest says; nothing has begun then.
        """
        self._keep_sessions()
        self.access.start()
        self.hub.start()
        self.a2a.restore()
        self.a2a.start()
        self.asgi.tasks.start(self._sweep(), "sweep sessions")

    def _keep_sessions(self) -> None:
        file = self.manifest.sessions.file
        if file is not None:
            self.keeper = Keeper(self.sessions, SqliteStore(file))
            self.keeper.start()

    @property
    def restart(self) -> str:
        """What a restart does to the sessions, for the announcement."""
        if self.keeper is None:
            return "Sessions are kept in memory: a restart ends them, and clients have to open new ones."
        return f"Sessions are kept in {self.keeper.place}: they survive a restart ({self.keeper.restored} did)."

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(SWEEP)
            self.sessions.sweep()
            self.a2a.pushes.sweep()
            for server in self.hub.servers.values():
                server.sweep()

    async def settled(self) -> None:
        """Until every server and every instance of an agent was reached, or failed to be, for the first time."""
        await self.hub.settled.wait()
        await self.a2a.agents.settled.wait()

    async def drain(self) -> None:
        """Stop being ready, and end what would keep connections open."""
        self.cold.stopping = True
        self.mcp.listeners.close()
        await self.sse.aclose()
        self.sessions.close()

    async def aclose(self) -> None:
        """End everything, each part within its own bound; the access log last."""
        await self.drain()
        await self.mcp.aclose()
        if self.keeper is not None:
            await self.keeper.aclose()
        await self.hub.aclose()
        await self.a2a.aclose()
        await self.access.aclose()
        await self.asgi.tasks.aclose()
        await self.http.aclose()
        await self.processes.aclose()

    def statistics(self) -> dict[str, Any]:
        """Counts of what is held now."""
        return {
            "sessions": len(self.sessions),
            "calls": self.admit.calls,
            "streams": self.admit.streams,
            "processes": self.processes.live,
        }


def _is_up(server: Server) -> float:
    return float(server.state == "ready")


def _tools(server: Server) -> float:
    return float(server.status.tools)

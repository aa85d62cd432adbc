"""Assembly: a manifest becomes a running gateway. The only place that knows every part.

Order of life: made (nothing runs) → `start` (servers are being reached, nobody waits for
them) → serving → `aclose` (streams end, calls end, sessions end, servers end, then the
last access line is written).
"""

import sys
from functools import partial
from typing import Any

from .. import __version__
from ..a2a.endpoint import A2aEndpoint
from ..access.hosts import HostPolicy
from ..access.identify import Identify
from ..access.keys import KeyRing
from ..core.clock import Clock, SystemClock
from ..core.http_client import HttpClient
from ..core.http_values import HttpLimits
from ..federation.connect import Deps
from ..federation.endpoint import McpEndpoint
from ..federation.hub import Hub
from ..federation.process import ProcessTable
from ..federation.server import Server
from ..federation.sse_front import SseEndpoint
from ..manifest.model import Manifest
from ..sessions.keeper import Keeper
from ..sessions.reveal import Reveal
from ..sessions.sqlite import SqliteStore
from ..sessions.store import CannotOpenStore
from ..sessions.table import SessionTable
from ..telemetry.access_log import AccessLog
from ..telemetry.metrics import Metrics
from .admit import Admit
from .agents import AgentSide
from .asgi import Hot, Wire
from .bind import BindOne
from .cold import Cold, Facts
from .observe import Observe
from .pipeline import batch_path, data_path, message_path
from .settings import Listen
from .visitors import Visitors

__all__ = ["CannotOpenStore", "Gateway"]

SWEEP = 30.0


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
        self.http = HttpClient(limits=HttpLimits(per_origin=1024, idle_per_origin=128), clock=clock)
        deps = Deps(self.http, clock, self.processes, self.metrics, __version__)
        self.hub = Hub(manifest.mcp, deps)
        self.hub.on_drift = self.metrics.drifted
        self.sessions = SessionTable(
            clock,
            idle=manifest.sessions.idle,
            limit=manifest.sessions.max,
            on_end=lambda session, why: self.metrics.evicted(session.protocol, why),
        )
        self.a2a = AgentSide(manifest, self.url, self.http, clock, self.metrics, self.sessions)
        self.keeper: Keeper | None = None
        """Brings sessions to their store, from `start` on, if the manifest names one."""
        self.mcp = McpEndpoint(self.hub, self.sessions, clock, self.metrics)
        self.access_log = AccessLog(sys.stdout.fileno() if log_fd is None else log_fd, manifest.telemetry.log.format)
        keys = KeyRing(manifest.access.keys)
        hosts = HostPolicy(settings.listen.is_loopback, settings.public_url, settings.allowed_hosts)
        self.admit = Admit(hosts, limit=settings.max_concurrent, max_body=settings.max_body)
        operations = self.mcp.operations | SseEndpoint.operations | A2aEndpoint.operations
        observe = Observe(self.metrics, self.access_log, clock, operations)
        identify = Identify(keys, manifest.anonymous)
        endpoint = self.mcp if manifest.sessions.file is None else Reveal(self.mcp, self.sessions)
        path = data_path(observe, self.admit, identify, endpoint)
        self.mcp.each = batch_path(observe, self.mcp, BindOne(self.mcp.bind_one))
        self.sse = SseEndpoint(self.sessions, clock)
        self.sse.each = message_path(observe, endpoint)
        old = Hot("mcp", data_path(observe, self.admit, identify, self.sse))
        agents = self.a2a.endpoint
        of_agents = Identify(keys, manifest.anonymous, is_open=agents.is_open)
        to_agents = Hot("a2a", data_path(observe, self.admit, of_agents, agents))
        visitors = Visitors(keys, frozenset(manifest.access.admins), hosts)
        facts = Facts(__version__, self.url, lambda: self.hub.status, self.metrics, clock)
        self.cold = Cold(facts, visitors, self.a2a.published(visitors))
        self.asgi = Wire(
            {"mcp": Hot("mcp", path), "sse": old, "messages": old, "a2a": to_agents},
            self.cold.app,
            clock,
            max_body=settings.max_body,
        )
        self._clock = clock
        self._measure()

    def _measure(self) -> None:
        """Gauges whose truth lives elsewhere are read when somebody looks."""
        metrics = self.metrics
        metrics.sessions.source("mcp", lambda: self.sessions.count("mcp"))
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

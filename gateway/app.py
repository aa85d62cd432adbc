"""Assembly: a manifest becomes a running gateway. The only place that knows every part.

Order of life: made (nothing runs) → `start` (servers are being reached, nobody waits for
them) → serving → `aclose` (streams end, calls end, sessions end, servers end, then the
last access line is written).
"""

import asyncio
import sys
from functools import partial
from typing import Any

import msgspec

from .. import __version__
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
from ..manifest.model import Manifest
from ..sessions.keeper import Keeper
from ..sessions.record import Session
from ..sessions.reveal import Reveal
from ..sessions.sqlite import SqliteStore
from ..sessions.store import CannotOpenStore
from ..sessions.table import SessionTable
from .access import AccessSide
from .admit import Admit
from .agent_views import AgentViews
from .agents import AgentSide
from .asgi import Hot, Wire
from .authorize import judge_of
from .cold import Cold, Facts
from .models import ModelSide
from .paths import OPERATIONS, Ends, hot_paths
from .reload import Load, Reloader
from .settings import Listen
from .sight import CurrentSight
from .telling import Telling
from .visitors import Visitors
from .why import Explain
from .why import Parts as WhyParts

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
        self,
        manifest: Manifest,
        *,
        clock: Clock | None = None,
        log_fd: int | None = None,
        bound: Listen | None = None,
        source: Load | None = None,
    ) -> None:
        self._clock = clock = clock or SystemClock()
        settings = manifest.gateway
        self.manifest = manifest
        self.url = settings.public_url or f"http://{(bound or settings.listen).reachable}"
        self.telling = Telling(
            manifest.telemetry, __version__, clock, sys.stdout.fileno() if log_fd is None else log_fd
        )
        self.metrics, self.access_log = self.telling.metrics, self.telling.access_log
        self.processes = ProcessTable(clock)
        limits = HttpLimits(per_origin=1024, idle_per_origin=128, keepalive=UNUSED)
        self.http = HttpClient(limits=limits, clock=clock)
        self.access = AccessSide(manifest, self.http, clock)
        self.sessions = SessionTable(
            clock, idle=manifest.sessions.idle, limit=manifest.sessions.max, on_end=self._session_over
        )
        self.judge = judge_of(manifest)
        self._sight = CurrentSight(self.judge)
        self.limits = Limits(manifest.limits, clock, self.metrics.limited)
        credentials = self.access.credentials
        self.a2a = AgentSide(
            manifest, self.url, self.http, clock, self.metrics, self.sessions, credentials, self._sight
        )
        deps = Deps(self.http, clock, self.processes, self.metrics, __version__, self.a2a.door, credentials)
        self.hub = Hub(manifest.mcp, deps)
        self.hub.on_drift = self.metrics.drifted
        self.llm = self._models(manifest)
        self.keeper: Keeper | None = None
        """Brings sessions to their store, from `start` on, if the manifest names one."""
        self.mcp = McpEndpoint(self.hub, self.sessions, clock, self.metrics, self._sight)
        self.sse = SseEndpoint(self.sessions, clock)
        self._hosts = HostPolicy(settings.listen.is_loopback, settings.public_url, settings.allowed_hosts)
        self.admit = Admit(self._hosts, limit=settings.max_concurrent, max_body=settings.max_body)
        self._observe = self.telling.observe(OPERATIONS)
        self.agents = AgentViews(self.a2a.agents)
        self.reloader = Reloader(self, source, clock)
        self.cold, hot = self._assembled()
        self.asgi = Wire(hot, self.access.before(self.cold.app), clock, max_body=settings.max_body)
        self._measure()

    def _models(self, manifest: Manifest) -> ModelSide:
        shown = self.access.credentials
        return ModelSide(
            manifest.models, self.http, self._clock, self.metrics.models, shown, self.sessions, self._sight
        )

    def _session_over(self, session: Session, why: str) -> None:
        self.metrics.evicted(session.protocol, why)
        self.metrics.session_over(session.protocol, self._clock.now() - session.created)

    def _assembled(self, started: float | None = None) -> tuple[Cold, dict[str, Hot]]:
        """The cold side and the data paths, of the parts as they are now."""
        manifest, agents, models = self.manifest, self.a2a.endpoint, self.llm.endpoint
        revealing = self.mcp if manifest.sessions.file is None else Reveal(self.mcp, self.sessions)
        ends = Ends(
            self._observe,
            self.admit,
            self.access,
            self.judge,
            self.limits,
            self.mcp,
            revealing,
            self.sse,
            agents,
            models,
            self.telling.payloads,
        )
        hot = hot_paths(ends, self.llm.prefixes)
        visitors = Visitors(self.access.callers, frozenset(manifest.access.admins), self._hosts)
        published = [*self.a2a.published(visitors), *self.access.published(visitors, hot)]
        of_why = WhyParts(manifest, self.access.callers, self.judge, self.limits, self.mcp, agents, models)
        self.why = Explain(of_why)
        facts = Facts(__version__, self.url, lambda: self.hub.status, self.metrics, self._clock, self.agents.views)
        return Cold(facts, visitors, [*published, *self._admin(visitors).routes], started), hot

    def _admin(self, visitors: Visitors) -> Admin:
        parts = AdminParts(
            admit=visitors.admin,
            sessions=self.sessions,
            agents=self.agents,
            servers=lambda: [msgspec.to_builtins(each) for each in self.hub.status],
            version=__version__,
            plain_ids=self.manifest.telemetry.log.ids == "plain",
            why=self.why,
            live=self.telling.live,
            stories=self.telling.stories,
            reload=self.reloader,
        )
        return Admin(parts)

    def _measure(self) -> None:
        """Gauges whose truth lives elsewhere are read when somebody looks."""
        metrics = self.metrics
        metrics.sessions.source("mcp", lambda: self.sessions.count("mcp"))
        metrics.sessions.source("llm", lambda: self.sessions.count("llm.conversation"))
        metrics.sessions.source("a2a", lambda: sum(map(self.a2a.conversations, self.manifest.agents)))
        metrics.agent_instances.source(self.agents.counts)
        metrics.stdio_processes.source(lambda: self.processes.live)
        self._measure_servers()

    def _measure_servers(self) -> None:
        gauges = self.metrics.server_up, self.metrics.catalog_tools, self.metrics.catalog_schema_tokens
        for each in gauges:
            each.forget_all()
        for name, server in self.hub.servers.items():
            self.metrics.server_up.source(name, partial(_is_up, server))
            self.metrics.catalog_tools.source(name, partial(_tools, server))
            self.metrics.catalog_schema_tokens.source(name, partial(self.hub.tokens, name))

    def apply(self, manifest: Manifest) -> None:
        """Serve another manifest from now on, at once and whole; nothing is awaited, so nobody sees half of it.

        Raises what assembling raises, before anything is other than it was. What needs a restart must be the same.
        """
        old, before = self.manifest, self.access
        access = AccessSide(manifest, self.http, self._clock, before)
        judge = judge_of(manifest)
        limits = Limits(manifest.limits, self._clock, self.metrics.limited, self.limits)
        models = self.llm if manifest.models == old.models else self._models(manifest)
        self.manifest, self.access, self.judge, self.limits, self.llm = manifest, access, judge, limits, models
        self._sight.swap(judge)
        access.start()
        self.a2a.apply(manifest)
        if manifest.mcp != old.mcp:
            self.hub.apply(manifest.mcp)
            self._measure_servers()
        elif manifest.access.rules != old.access.rules:
            self.hub.announce()
        self.cold, hot = self._assembled(self.cold.started)
        self.asgi.swap(hot, access.before(self.cold.app))
        self.asgi.tasks.start(before.retire(access), "retire access")

    def start(self) -> None:
        """Begin to reach the servers. Needs a running loop; returns at once.

        Raises `CannotOpenStore` if sessions cannot be kept where the manifest says; nothing has begun then.
        """
        self._keep_sessions()
        self.access.start()
        self.hub.start()
        self.a2a.restore()
        self.a2a.start()
        self.asgi.tasks.start(asyncio.to_thread(self.llm.prices.load), "load prices")
        self.asgi.tasks.start(self._sweep(), "sweep sessions")
        self.asgi.tasks.start(self.telling.live.run(), "live")

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
        self.telling.live.close()
        self.mcp.listeners.close()
        await self.sse.aclose()
        self.sessions.close()

    async def aclose(self) -> None:
        """End everything, each part within its own bound; the access log last."""
        await self.drain()
        await self.reloader.aclose()
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

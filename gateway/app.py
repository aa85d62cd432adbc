"""Assembly: a manifest becomes a running gateway. The only place that knows every part.

Order of life: made (nothing runs) → `start` (servers are being reached, nobody waits for
them) → serving → `aclose` (streams end, calls end, sessions end, servers end, then the
last access line is written).
"""

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..access.hosts import HostPolicy
from ..core.clock import Clock, SystemClock
from ..core.http_client import HttpClient
from ..core.http_values import HttpLimits
from ..core.ports import Endpoint
from ..federation.connect import Deps
from ..federation.endpoint import McpEndpoint
from ..federation.hub import Hub
from ..federation.process import ProcessTable
from ..federation.sse_front import SseEndpoint
from ..governance.limits import Limits
from ..manifest.model import Manifest
from ..sessions.record import Session
from ..sessions.store import CannotOpenStore
from ..sessions.table import SessionTable
from .access import AccessSide
from .admit import Admit
from .agent_views import AgentViews
from .asgi import Hot, Wire
from .asgi_exchange import Application
from .authorize import judge_of
from .gauges import measure_servers, measure_sessions
from .imports import agent_side, explainer, model_side, pages, wants_agents, wants_models
from .later import Later, LaterDoor, LaterPages, LaterPath
from .paths import MODELS, Ends, to_agents, to_models, to_servers
from .probes import Probes, States
from .reload import Load, Reloader
from .settings import Listen
from .sight import CurrentSight
from .telling import Telling

if TYPE_CHECKING:
    from ..console.why import Question
    from ..sessions.keeper import Keeper
    from .agents import AgentSide
    from .models import ModelSide
    from .why import Explain

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
        self._running = False
        self._agents = Later(self._make_agents)
        self.agents = AgentViews()
        if wants_agents(manifest):
            self._agents()
        door, shown = LaterDoor(self._agents), self.access.credentials
        deps = Deps(self.http, clock, self.processes, self.metrics, __version__, door, shown)
        self.hub = Hub(manifest.mcp, deps)
        self.hub.on_drift = self.metrics.drifted
        self._models = self._models_of(manifest)
        self.keeper: Keeper | None = None
        """Brings sessions to their store, from `start` on, if the manifest names one."""
        self.mcp = McpEndpoint(self.hub, self.sessions, clock, self.metrics, self._sight)
        self.sse = SseEndpoint(self.sessions, clock)
        self.hosts = HostPolicy(settings.listen.is_loopback, settings.public_url, settings.allowed_hosts)
        self.admit = Admit(self.hosts, limit=settings.max_concurrent, max_body=settings.max_body)
        self.reloader = Reloader(self, source, clock)
        self.probes = Probes(States(lambda: self.hub.status, self.agents.views), clock)
        hot, cold = self._assembled()
        self.asgi = Wire(hot, cold, clock, max_body=settings.max_body)
        measure_sessions(self.metrics, self.sessions, self._conversations)
        measure_servers(self.metrics, self.hub)
        self.metrics.agent_instances.source(self.agents.counts)
        self.metrics.stdio_processes.source(lambda: self.processes.live)

    @property
    def a2a(self) -> "AgentSide":
        """Made when it is first asked for, unless the manifest has agents: then it is there from the start."""
        return self._agents()

    @property
    def llm(self) -> "ModelSide":
        """The same of models."""
        return self._models()

    def _make_agents(self) -> "AgentSide":
        shown = self.access.credentials
        made = agent_side()(
            self.manifest, self.url, self.http, self._clock, self.metrics, self.sessions, shown, self._sight
        )
        self.agents.agents = made.agents
        if self._running:
            made.begin()
        return made

    def _models_of(self, manifest: Manifest) -> "Later[ModelSide]":
        """Those of this manifest, made already if it has any."""
        models = Later(partial(self._make_models, manifest))
        if wants_models(manifest):
            models()
        return models

    def _make_models(self, manifest: Manifest) -> "ModelSide":
        counts, shown = self.metrics.models, self.access.credentials
        return model_side()(manifest.models, self.http, self._clock, counts, shown, self.sessions, self._sight)

    def _session_over(self, session: Session, why: str) -> None:
        self.metrics.evicted(session.protocol, why)
        self.metrics.session_over(session.protocol, self._clock.now() - session.created)

    def _assembled(self) -> tuple[dict[str, Hot], Application]:
        """The data paths, of the parts as they are now, and what answers on all other paths."""
        revealing: Endpoint = self.mcp
        if self.manifest.sessions.file is not None:
            from ..sessions.reveal import Reveal

            revealing = Reveal(self.mcp, self.sessions)
        ends = Ends(
            self.telling.observe, self.admit, self.access, self.judge, self.limits, payloads=self.telling.payloads
        )
        hot = to_servers(ends, self.mcp, revealing, self.sse)
        hot["a2a"] = self._to_agents(ends)
        hot |= self._to_models(ends, self._models)
        self.probes.visitors = self.access.visitors(self.hosts)
        cold = self.probes.before(LaterPages(pages, lambda: pages()(self, frozenset(hot), agent_side)))
        return hot, self.access.before(cold)

    def _to_agents(self, ends: Ends) -> Hot:
        if self._agents.made is not None:
            return Hot("a2a", to_agents(ends, self._agents.made.endpoint))
        return Hot("a2a", LaterPath(agent_side, lambda: to_agents(ends, self.a2a.endpoint)))

    def _to_models(self, ends: Ends, models: "Later[ModelSide]") -> dict[str, Hot]:
        if models.made is not None:
            return dict.fromkeys(models.made.prefixes, Hot("llm", to_models(ends, models.made.endpoint)))
        path = LaterPath(model_side, lambda: to_models(ends, models().endpoint))
        return dict.fromkeys(MODELS, Hot("llm", path))

    @property
    def why(self) -> "Explain":
        """May this one do that, by the manifest of the moment."""
        explain, parts, models = *explainer(), self._models
        of_agents, of_models = lambda: self.a2a.endpoint, lambda: models().endpoint
        callers = self.access.callers
        return explain(parts(self.manifest, callers, self.judge, self.limits, self.mcp, of_agents, of_models))

    async def explain(self, question: "Question") -> dict[str, Any]:
        """The same for administrators. Raises `ClientError`."""
        await asyncio.to_thread(explainer)
        return await self.why(question)

    def _conversations(self) -> int:
        return sum(self.a2a.conversations(name) for name in self.manifest.agents)

    def apply(self, manifest: Manifest) -> None:
        """Serve another manifest from now on, at once and whole; nothing is awaited, so nobody sees half of it.

        Raises what assembling raises, before anything is other than it was. What needs a restart must be the same.
        """
        old, before = self.manifest, self.access
        access = AccessSide(manifest, self.http, self._clock, before)
        judge = judge_of(manifest)
        limits = Limits(manifest.limits, self._clock, self.metrics.limited, self.limits)
        models = self._models if manifest.models == old.models else self._models_of(manifest)
        self.manifest, self.access, self.judge, self.limits, self._models = manifest, access, judge, limits, models
        self._sight.swap(judge)
        access.start()
        if self._agents.made is not None:
            self._agents.made.apply(manifest)
        elif wants_agents(manifest):
            self._agents()
        if manifest.mcp != old.mcp:
            self.hub.apply(manifest.mcp)
            measure_servers(self.metrics, self.hub)
        elif (manifest.access.rules, manifest.agents) != (old.access.rules, old.agents):
            self.hub.announce()
        self.asgi.swap(*self._assembled())
        self.asgi.tasks.start(before.retire(access), "retire access")

    def start(self) -> None:
        """Begin to reach the servers. Needs a running loop; returns at once.

        Raises `CannotOpenStore` if sessions cannot be kept where the manifest says; nothing has begun then.
        """
        self._keep_sessions()
        self.access.start()
        self.hub.start()
        if self._agents.made is not None:
            self._agents.made.begin()
        if self._models.made is not None:
            self.asgi.tasks.start(asyncio.to_thread(self._models.made.prices.load), "load prices")
        self._running = True
        self.asgi.tasks.start(self._sweep(), "sweep sessions")
        self.asgi.tasks.start(self.telling.live.run(), "live")

    def _keep_sessions(self) -> None:
        file = self.manifest.sessions.file
        if file is not None:
            from ..sessions.keeper import Keeper
            from ..sessions.sqlite import SqliteStore

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
            if self._agents.made is not None:
                self._agents.made.pushes.sweep()
            for server in self.hub.servers.values():
                server.sweep()

    async def settled(self) -> None:
        """Until every server and every instance of an agent was reached, or failed to be, for the first time."""
        await self.hub.settled.wait()
        if self._agents.made is not None:
            await self._agents.made.agents.settled.wait()

    async def drain(self) -> None:
        """Stop being ready, and end what would keep connections open."""
        self.probes.stopping = True
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
        if self._agents.made is not None:
            await self._agents.made.aclose()
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

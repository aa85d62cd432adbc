"""The metrics of one gateway: families of the telemetry contract (DESIGN 6a), in a registry of their own.

Labels are bounded: an operation is one of a closed set or `other`, and no family keeps
more than `CAP` children; what comes later is counted under `other`. Session, user and
request ids are never labels. Above: `gateway/observe.py`, whoever speaks to an upstream
or ends a session, and `/metrics`. Below: prometheus-client, and nothing of its globals.
"""

import platform
from collections.abc import Callable, Collection

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

from .aliases import AgentgatewayNames
from .children import CAP, Children, Count, Spread, counters, histograms
from .lines import Ended, error_kind
from .model_metrics import SECONDS, ModelMetrics
from .readings import Reading, Readings, Tallies

_OPENMETRICS = "application/openmetrics-text"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""Up to the longest timeout of the manifest's defaults, an agent's ten minutes."""
_SESSIONS = (1, 5, 15, 60, 300, 900, 1800, 3600, 14400, 86400)
_OVERHEAD = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class Metrics:
    """Every family that exists now. Not a singleton: assembled once and handed to those who count.

    `aliases`: whose names repeat some of ours (`agentgateway`), so that its dashboards work.
    """

    def __init__(self, version: str, aliases: Collection[str] = ()) -> None:
        # The library's own switch, for the whole process: a `_created` series beside each child helps nobody.
        switch: Callable[[], None] = disable_created_metrics
        switch()
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Operations ended", "protocol", "operation", "status")
        self._durations = self._histogram(
            "request_duration_seconds", "From the request's head to the reply's end", "protocol", "operation"
        )
        self._overheads = self._histogram(
            "overhead_seconds", "Time the gateway itself took", "protocol", "operation", buckets=_OVERHEAD
        )
        self._upstreams = self._histogram("upstream_duration_seconds", "One exchange with an upstream", "kind", "name")
        self._evictions = self._counter("session_evictions", "Sessions ended by the table", "protocol", "reason")
        self._reconnects = self._counter("upstream_reconnects", "Connections made anew", "server")
        self._pins = self._counter("session_pins", "Contexts and tasks bound, found, lost or refused", "result")
        self._notices = self._counter("push_notifications", "Push notifications that ended", "agent", "outcome")
        self._limited = self._counter("limit_rejections", "Calls that a limit refused", "limit")
        self._drifts = self._counter("catalog_changes", "Definitions of known tools that changed", "server")
        self._reloads = self._counter("config_reloads", "Manifests that were to be taken", "result")
        self.models = ModelMetrics(self.registry, self)
        """The meter of the LLM part."""
        self._conventions()
        self.sessions = self._readings("sessions", "Open sessions", "protocol")
        self.server_up = self._readings("server_up", "1 if the server answers", "server")
        self.catalog_tools = self._readings("catalog_tools", "Tools in the catalog", "server")
        self.catalog_schema_tokens = self._readings(
            "catalog_schema_tokens", "Estimated tokens that a server's tool definitions cost a model", "server"
        )
        self.agent_instances = Tallies(
            "fedgate_agent_instances", "Instances of agents by state", ("agent", "state"), CAP
        )
        self.stdio_processes = Reading(GaugeMetricFamily, "fedgate_stdio_processes", "Server processes that run")
        self.access_log_dropped = Reading(
            CounterMetricFamily, "fedgate_access_log_dropped", "Access lines that were lost"
        )
        self.spans_dropped = Reading(CounterMetricFamily, "fedgate_trace_spans_dropped", "Spans that were lost")
        self.payloads_dropped = Reading(CounterMetricFamily, "fedgate_payload_log_dropped", "Payload lines lost")
        self.registry.register(self.agent_instances)
        self.registry.register(self.spans_dropped)
        self.registry.register(self.payloads_dropped)
        self.registry.register(self.stdio_processes)
        self.registry.register(self.access_log_dropped)
        build = Gauge("fedgate_build_info", "What runs here", ("version", "python"), registry=self.registry)
        build.labels(version, platform.python_version()).set(1)
        if "agentgateway" in aliases:
            self.registry.register(AgentgatewayNames(self.models, version))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _conventions(self) -> None:
        """MCP's names are those of OpenTelemetry's conventions; A2A has none yet, so ours are like them."""
        registry = self.registry
        self._mcp = histograms(
            registry,
            *("mcp_server_operation_duration_seconds", "Operations of MCP clients", SECONDS),
            *("mcp_method_name", "error_type"),
        ).children
        self._a2a = histograms(
            registry,
            *("a2a_server_operation_duration_seconds", "Operations of A2A clients", SECONDS),
            *("a2a_method_name", "gen_ai_agent_name", "error_type"),
        ).children
        self._mcp_asked = histograms(
            registry, "mcp_client_operation_duration_seconds", "Requests to MCP servers", SECONDS, "server"
        ).children
        self._a2a_asked = histograms(
            registry, "a2a_client_operation_duration_seconds", "Requests to agents", SECONDS, "gen_ai_agent_name"
        ).children
        sessions = histograms(registry, "mcp_server_session_duration_seconds", "Sessions of MCP clients", _SESSIONS)
        self._mcp_sessions = sessions.children[()]

    def request(self, ended: Ended) -> None:
        """Count an operation that is over."""
        record = ended.record
        where = (record.protocol, ended.operation)
        self._requests[*where, str(ended.status)].inc()
        self._durations[where].observe(ended.seconds)
        self._overheads[where].observe(ended.overhead)
        if record.protocol == "mcp":
            self._mcp[ended.operation, error_kind(ended)].observe(ended.seconds)
        elif record.protocol == "a2a":
            self._a2a[ended.operation, record.target, error_kind(ended)].observe(ended.seconds)

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        """One exchange with an upstream ended. `kind` is `mcp`, `a2a` or `llm`; `name` is the manifest's."""
        self._upstreams[kind, name].observe(seconds)
        if kind == "mcp":
            self._mcp_asked[name,].observe(seconds)
        elif kind == "a2a":
            self._a2a_asked[name,].observe(seconds)

    def session_over(self, protocol: str, seconds: float) -> None:
        """A session has ended after so long, by whomever."""
        if protocol == "mcp":
            self._mcp_sessions.observe(seconds)

    def reloaded(self, result: str) -> None:
        """A manifest was to be taken: `applied`, `unchanged` or `refused`."""
        self._reloads[result,].inc()

    def evicted(self, protocol: str, reason: str) -> None:
        """The session table ended a session by itself: `idle`, `cap`, ..."""
        self._evictions[protocol, reason].inc()

    def reconnected(self, name: str) -> None:
        """A connection (or process, or session) of the server `name` was made anew."""
        self._reconnects[name,].inc()

    def pinned(self, result: str) -> None:
        """A conversation was bound to an instance, found bound, lost, or refused."""
        self._pins[result,].inc()

    def notified(self, agent: str, outcome: str) -> None:
        """A push notification of an agent was delivered, or was not."""
        self._notices[agent, outcome].inc()

    def limited(self, limit: str) -> None:
        """The limit of this name refused a call."""
        self._limited[limit,].inc()

    def drifted(self, server: str) -> None:
        """The definition of a tool that was known already became another one."""
        self._drifts[server,].inc()

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its content type: OpenMetrics if `Accept` names it, else Prometheus text."""
        # Never the caller's own words: the library fails on a version it cannot read, and echoes it.
        encode, content_type = choose_encoder(_OPENMETRICS if _OPENMETRICS in accept else "")
        return encode(self.registry), content_type

    def _counter(self, name: str, about: str, *labels: str) -> Children[Count]:
        return counters(self.registry, f"fedgate_{name}_total", about, *labels).children

    def _histogram(
        self, name: str, about: str, *labels: str, buckets: tuple[float, ...] = _SECONDS
    ) -> Children[Spread]:
        return histograms(self.registry, f"fedgate_{name}", about, buckets, *labels).children

    def _readings(self, name: str, about: str, label: str) -> Readings:
        readings = Readings(f"fedgate_{name}", about, label, CAP)
        self.registry.register(readings)
        return readings

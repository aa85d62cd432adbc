"""Gauges whose truth lives elsewhere are read when somebody looks.

Above: `app.py`. Below: the metrics, the session table, the MCP servers.
"""

from collections.abc import Callable
from functools import partial

from ..federation.hub import Hub
from ..federation.server import Server
from ..sessions.table import SessionTable
from ..telemetry.metrics import Metrics


def measure_sessions(metrics: Metrics, sessions: SessionTable, conversations: Callable[[], int]) -> None:
    """`conversations`: those with agents."""
    metrics.sessions.source("mcp", lambda: sessions.count("mcp"))
    metrics.sessions.source("llm", lambda: sessions.count("llm.conversation"))
    metrics.sessions.source("a2a", conversations)


def measure_servers(metrics: Metrics, hub: Hub) -> None:
    """Of the servers that there are now; those before are forgotten."""
    for each in (metrics.server_up, metrics.catalog_tools, metrics.catalog_schema_tokens):
        each.forget_all()
    for name, server in hub.servers.items():
        metrics.server_up.source(name, partial(_is_up, server))
        metrics.catalog_tools.source(name, partial(_tools, server))
        metrics.catalog_schema_tokens.source(name, partial(hub.tokens, name))


def _is_up(server: Server) -> float:
    return float(server.state == "ready")


def _tools(server: Server) -> float:
    return float(server.status.tools)

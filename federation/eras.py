"""The two eras of MCP and the constants that name them.

"Legacy": revisions with a handshake and sessions (up to 2025-11-25). "Modern":
2026-07-28, stateless, every request with its own envelope in `_meta`. Sources: the
specification's versioning pages and `reference` sections basic/transports of each.
"""

from typing import Literal

Era = Literal["legacy", "modern"]

MODERN = "2026-07-28"
MODERN_VERSIONS = (MODERN,)
LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LEGACY_LATEST = "2025-11-25"
BATCH_VERSIONS = frozenset({"2025-03-26"})
"""Batching existed in this revision alone (streamable HTTP)."""
RESUME_VERSIONS = frozenset({"2025-11-25"})
"""Clients of these can parse the priming event (an id with empty data)."""

META = "io.modelcontextprotocol/"
META_VERSION = META + "protocolVersion"
META_CAPABILITIES = META + "clientCapabilities"
META_CLIENT = META + "clientInfo"
META_LOG_LEVEL = META + "logLevel"
META_SERVER = META + "serverInfo"
META_SUBSCRIPTION = META + "subscriptionId"
ENVELOPE = frozenset({META_VERSION, META_CAPABILITIES, META_CLIENT, META_LOG_LEVEL})
"""Keys of a modern request's `_meta` that belong to its envelope and mean nothing to a legacy server."""

HEADER_MISMATCH = -32020
MISSING_CAPABILITY = -32021
UNSUPPORTED_VERSION = -32022
LEGACY_NOT_FOUND = -32002

MODERN_STATUS = {
    -32700: 400,
    -32600: 400,
    -32602: 400,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
    -32601: 404,
}
"""The HTTP status a JSON-RPC error travels with in the modern era (2026-07-28, transports); others 200."""

H_VERSION = b"mcp-protocol-version"
H_METHOD = b"mcp-method"
H_NAME = b"mcp-name"
H_SESSION = b"mcp-session-id"

NAME_FIELD = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}
"""The parameter that a modern request repeats in its `Mcp-Name` header."""

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""List method → the member of its result that holds the items."""

CHANGED = {
    "tools": "notifications/tools/list_changed",
    "prompts": "notifications/prompts/list_changed",
    "resources": "notifications/resources/list_changed",
}

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
UPDATED = "notifications/resources/updated"

LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

METHODS = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "subscriptions/listen",
        "tools/list",
        "tools/call",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "completion/complete",
        "logging/setLevel",
        "tasks/get",
        "tasks/update",
        "tasks/cancel",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
        "response",
        "batch",
        "stream",
        "end",
    }
)
"""Operation names that may become metric labels: methods, and what else a POST, GET or DELETE may be."""

REMOVED_IN_MODERN = frozenset(
    {"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}
)


def negotiate(requested: str) -> str:
    """The legacy version to answer an `initialize` with: the client's if known, else the latest."""
    return requested if requested in LEGACY_VERSIONS else LEGACY_LATEST

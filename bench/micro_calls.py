"""Calls as they look when they are over: what the stages below `observe` note of one operation of each protocol.

Pure. Above: `micro.py`. Below: `Call`, `Record` and the metrics of the package.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from bench.issuer import GROUPS, ISSUER, SUBJECT
from fedgate.core.call import Call, Principal, Record, Request
from fedgate.telemetry.metrics import Metrics

Protocol = Literal["mcp", "a2a", "llm"]
OPERATIONS: Mapping[Protocol, str] = {"mcp": "tools/call", "a2a": "SendMessage", "llm": "chat"}
PATHS: Mapping[Protocol, str] = {"mcp": "/mcp", "a2a": "/a2a/bench", "llm": "/v1/chat/completions"}
TARGETS: Mapping[Protocol, str] = {"mcp": "s4", "a2a": "bench", "llm": "one/bench"}
PRINCIPAL = Principal(f"{ISSUER}#{SUBJECT}", "jwt", GROUPS, issuer=ISSUER)
SESSIONS = 16
UPSTREAM_SECONDS = 0.0005
"""What an upstream takes, as the metrics are told."""
FIELDS: Mapping[Protocol, Mapping[str, str | int | None]] = {
    "mcp": {"mcp.method.name": "tools/call", "gen_ai.tool.name": "search_ticket", "mcp.server": "s4"},
    "a2a": {"a2a.agent": "bench", "a2a.instance": "2", "a2a.context.id": "0f2d8c1e5b7a49d3a6e1c4b8d7f03a52"},
    "llm": {
        "gen_ai.request.model": "bench",
        "gen_ai.provider.name": "openai",
        "reason": "only",
        "gen_ai.response.model": "bench",
        "gen_ai.usage.input_tokens": 420,
        "gen_ai.usage.output_tokens": 230,
        "cost_usd": None,
    },
}
"""What goes to the access line beside what is the same for all protocols."""


class Used(msgspec.Struct, frozen=True):
    """As a provider tells it."""

    input: int | None = 420
    output: int | None = 230
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


USED = Used()


async def no_body() -> bytes:
    return b""


def call_of(protocol: Protocol, number: int, now: float) -> Call:
    """Call `number`, which began at `now` on the monotonic clock."""
    path = PATHS[protocol]
    request = Request(
        id=f"{number:x}-bench",
        method="POST",
        path=path,
        query=b"",
        headers={},
        source="127.0.0.1:50000",
        host="127.0.0.1:8080",
        version="1.1",
        read=no_body,
        raw_path=path,
    )
    session = "" if protocol == "a2a" else f"session-{number % SESSIONS}"
    record = Record(request, protocol, now, route=path, operation=OPERATIONS[protocol], session=session)
    return Call(protocol, request, record, operation=OPERATIONS[protocol], principal=PRINCIPAL)


def fill(record: Record, protocol: Protocol) -> None:
    """What the stages below learn of it."""
    record.principal = PRINCIPAL
    record.target = TARGETS[protocol]
    record.endpoint = "127.0.0.1:9000"
    record.upstream_seconds = UPSTREAM_SECONDS
    record.fields.update(FIELDS[protocol])


def count(metrics: Metrics, protocol: Protocol) -> None:
    """What parts other than `observe` count of one operation."""
    metrics.upstream(protocol, TARGETS[protocol], UPSTREAM_SECONDS)
    if protocol == "a2a":
        metrics.pinned("found")
    elif protocol == "llm":
        metrics.models.request("bench", "one", 200, UPSTREAM_SECONDS)
        metrics.models.tokens("bench", "one", "chat", USED)
        metrics.models.cost("bench", "one", None)


def facts_of(protocol: Protocol, number: int) -> dict[str, Any]:
    """What rules are shown of call `number`; in each another value that a rule looks at."""
    if protocol == "mcp":
        tool = {"name": "search_ticket", "server": "s4", "full": "s4__search_ticket"}
        arguments = {"text": f"{number} Summarise what changed since the last release, in one sentence."}
        return {"mcp": {"method": "tools/call", "server": "s4", "tool": {**tool, "arguments": arguments}}}
    if protocol == "a2a":
        return {"a2a": {"agent": f"bench-{number}", "method": "SendMessage", "context_id": "", "task_id": ""}}
    return {"llm": {"model": f"bench-{number}", "route": "bench", "provider": "one", "stream": False}}

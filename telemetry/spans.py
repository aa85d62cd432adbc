"""What an operation that is over looks like as spans: one for the call, one for every request to an upstream. Pure.

Names and attributes are those of OpenTelemetry's conventions for GenAI, MCP, A2A and HTTP. Content is never in them,
nor are ids of MCP sessions, which let their bearer in. Above: `traces.py`. Below: `Record`, `Trail`.
"""

import msgspec

from ..core.trail import Attribute, Hop, Trail
from .lines import Ended, error_kind, session_mark
from .spelling import bound

CALLED = {"mcp": "mcp.method.name", "a2a": "a2a.method.name", "llm": "gen_ai.operation.name"}
"""The attribute that says what was asked."""
RENAMED = {
    "a2a.agent": "gen_ai.agent.name",
    "a2a.context.id": "gen_ai.conversation.id",
    "a2a.method": "a2a.method.name",
}
"""Keys of the access line, and what the conventions call them."""
MARKED = frozenset({"a2a.context.id", "a2a.task.id"})
"""Ids by which conversations can be followed."""
OF_THE_ANSWER = ("gen_ai.response.", "gen_ai.usage.")
"""What is known of a model's answer belongs to the request to its provider too."""


class Span(msgspec.Struct, frozen=True):
    """One span. Ids in hexadecimal; times in nanoseconds since the epoch."""

    name: str
    server: bool
    """Whether it is of the gateway's own side (SERVER), or towards an upstream (CLIENT)."""
    trace_id: str
    span_id: str
    parent: str
    state: str
    started: int
    ended: int
    attributes: dict[str, Attribute]
    error: str = ""


class Written(msgspec.Struct, frozen=True):
    """How ids are spelled."""

    plain_ids: bool = False


def spans(ended: Ended, trail: Trail, written: Written) -> list[Span]:
    """The call's span first, then its hops in order. Empty without a trace."""
    context, record = trail.context, ended.record
    if context is None:
        return []
    # All times are of the monotonic clock but one, which says when the end was.
    base = ended.when - (record.started + ended.seconds)
    attributes = _attributes(ended, written)
    error = error_kind(ended)
    if error:
        attributes["error.type"] = error
    call = Span(
        name=_name(ended),
        server=True,
        trace_id=context.trace_id,
        span_id=context.span_id,
        parent=trail.parent,
        state=context.state,
        started=_nanoseconds(base + record.started),
        ended=_nanoseconds(ended.when),
        attributes=attributes,
        # What the caller did wrong is no error of the server's (conventions of HTTP spans).
        error=error if error and not 400 <= ended.status < 500 else "",
    )
    return [call, *(_hop(each, call, base, ended, last=each is trail.hops[-1]) for each in trail.hops)]


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000) * 1000


def _name(ended: Ended) -> str:
    """`tools/call add`, `SendMessage`, `chat claude`: never what only callers could make up without end."""
    record = ended.record
    if record.protocol == "llm":
        return f"{ended.operation} {record.route}" if record.target else ended.operation
    tool = record.fields.get("gen_ai.tool.name")
    return f"{ended.operation} {bound(str(tool))}" if tool and record.protocol == "mcp" else ended.operation


def _attributes(ended: Ended, written: Written) -> dict[str, Attribute]:
    record = ended.record
    request = record.request
    found: dict[str, Attribute] = {
        "http.request.method": bound(request.method),
        "http.response.status_code": ended.status,
        "url.path": bound(request.path),
        "client.address": request.source.rpartition(":")[0],
        "server.address": bound(request.host),
        "enduser.id": bound(record.principal.id),
        "fedgate.request.id": request.id,
        "fedgate.protocol": record.protocol,
        "fedgate.overhead": round(ended.overhead, 6),
    }
    if record.protocol in CALLED:
        found[CALLED[record.protocol]] = ended.operation
    if record.protocol == "mcp" and ended.operation == "tools/call":
        found["gen_ai.operation.name"] = "execute_tool"
    for key, value in record.fields.items():
        if value is None or key == "trace.id":
            continue
        shown = session_mark(str(value)) if key in MARKED and not written.plain_ids else value
        found[RENAMED.get(key, key)] = bound(shown) if isinstance(shown, str) else shown
    return found


def _hop(hop: Hop, call: Span, base: float, ended: Ended, *, last: bool) -> Span:
    record = ended.record
    over = record.started + ended.seconds if hop.ended is None else hop.ended
    attributes: dict[str, Attribute] = {"fedgate.upstream": hop.upstream}
    if record.endpoint and last:
        attributes |= _address(record.endpoint)
    if record.protocol == hop.kind and hop.kind in CALLED:
        attributes[CALLED[hop.kind]] = ended.operation
    if hop.kind == "llm" and last and not hop.error:
        attributes |= {key: each for key, each in call.attributes.items() if key.startswith(OF_THE_ANSWER)}
    attributes |= hop.attributes
    # A hop that is still open is over with its operation, and went as that did.
    error = hop.error or (call.error if hop.ended is None else "")
    if error:
        attributes["error.type"] = error
    return Span(
        name=bound(hop.name),
        server=False,
        trace_id=call.trace_id,
        span_id=hop.span_id,
        parent=call.span_id,
        state=call.state,
        started=_nanoseconds(base + hop.started),
        ended=_nanoseconds(base + over),
        attributes=attributes,
        error=error,
    )


def _address(endpoint: str) -> dict[str, Attribute]:
    """`host:port`, or the command of a process."""
    host, _, port = endpoint.rpartition(":")
    if host and port.isdigit():
        return {"server.address": host, "server.port": int(port), "network.transport": "tcp"}
    return {"server.address": bound(endpoint), "network.transport": "pipe"}

"""What an operation that is over looks like as spans: one for the call, one for every request to an upstream. Pure.

Names and attributes are those of OpenTelemetry's conventions for GenAI, MCP, A2A and HTTP. Content is never in them,
nor are ids of MCP sessions, which let their bearer in. Above: `traces.py`. Below: `Record`, `Trail`.
"""

from collections.abc import Mapping

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
MARKED = frozenset({"a2a.context.id", "a2a.task.id", "a2a.message.id"})
"""Ids by which conversations can be followed."""
ERROR_TYPE, STATUS_CODE, TOOL_NAME = "error.type", "rpc.response.status_code", "gen_ai.tool.name"
RPC_ERROR = "rpc_error"
"""What the gateway calls an error that has a code of JSON-RPC and no word."""
_CODED = "jsonrpc "
"""Before the code of an error that somebody else has answered with."""
_NAMES = (TOOL_NAME, "gen_ai.prompt.name")
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
    attributes = _attributes(ended, trail, written)
    error = _failure(attributes, record.error, error_kind(ended))
    call = Span(
        name=_name(ended, attributes),
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
    last = trail.hops[-1] if trail.hops else None
    return [call, *(_hop(each, call, base, ended, written, last=each is last) for each in trail.hops)]


def _failure(attributes: dict[str, Attribute], said: str, kind: str) -> str:
    """What went wrong, put among the attributes: a word, or the code of a JSON-RPC error. Empty if nothing did.

    `said`: the whole of it; `kind`: one word.
    """
    if said.startswith(_CODED):
        attributes[STATUS_CODE] = kind
    elif kind == RPC_ERROR:
        kind = str(attributes.get(STATUS_CODE, kind))
    kind = kind or str(attributes.get(ERROR_TYPE, ""))
    if kind:
        attributes[ERROR_TYPE] = kind
    return kind


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000) * 1000


def _name(ended: Ended, attributes: Mapping[str, Attribute]) -> str:
    """`tools/call add`, `SendMessage`, `chat claude`: never what only callers could make up without end."""
    record = ended.record
    if record.protocol == "llm":
        return f"{ended.operation} {record.route}" if record.target else ended.operation
    called = next((attributes[name] for name in _NAMES if name in attributes), None)
    return f"{ended.operation} {called}" if called and record.protocol == "mcp" else ended.operation


def _attributes(ended: Ended, trail: Trail, written: Written) -> dict[str, Attribute]:
    record = ended.record
    request = record.request
    found: dict[str, Attribute] = {
        "http.request.method": bound(request.method),
        "http.response.status_code": ended.status,
        "url.path": bound(request.path),
        "client.address": request.source.rpartition(":")[0],
        "enduser.id": bound(record.principal.id),
        "fedgate.request.id": request.id,
        "fedgate.protocol": record.protocol,
        "fedgate.overhead": round(ended.overhead, 6),
    }
    found |= _host(request.host)
    if record.protocol in CALLED:
        found[CALLED[record.protocol]] = ended.operation
    if record.protocol == "mcp" and ended.operation == "tools/call":
        found["gen_ai.operation.name"] = "execute_tool"
    found |= _shown({key: each for key, each in record.fields.items() if key != "trace.id"}, written)
    return found | _shown(trail.attributes, written)


def _shown(fields: Mapping[str, Attribute | None], written: Written) -> dict[str, Attribute]:
    """As the conventions call them, and bounded; without what nobody knows."""
    found: dict[str, Attribute] = {}
    for key, value in fields.items():
        if value is None:
            continue
        shown = session_mark(str(value)) if key in MARKED and not written.plain_ids else value
        found[RENAMED.get(key, key)] = bound(shown) if isinstance(shown, str) else shown
    return found


def _hop(hop: Hop, call: Span, base: float, ended: Ended, written: Written, *, last: bool) -> Span:
    record = ended.record
    over = record.started + ended.seconds if hop.ended is None else hop.ended
    attributes: dict[str, Attribute] = {"fedgate.upstream": hop.upstream}
    endpoint = hop.endpoint or (record.endpoint if last else "")
    if endpoint:
        attributes |= _address(endpoint)
    if record.protocol == hop.kind and hop.kind in CALLED:
        attributes[CALLED[hop.kind]] = ended.operation
    if hop.kind == "llm" and last and not hop.error:
        attributes |= {key: each for key, each in call.attributes.items() if key.startswith(OF_THE_ANSWER)}
    attributes |= _shown(hop.attributes, written)
    # A hop that is still open is over with its operation, and went as that did.
    said = hop.error or (call.error if hop.ended is None else "")
    error = _failure(attributes, said, said.removeprefix(_CODED))
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
    found = _host(endpoint)
    return found | {"network.transport": "tcp" if "server.port" in found else "pipe"}


def _host(name: str) -> dict[str, Attribute]:
    """With a port, if there is one; the brackets of IPv6 are no part of an address."""
    host, _, port = name.rpartition(":")
    if host and port.isascii() and port.isdigit() and len(port) <= 5:
        return {"server.address": bound(host.removeprefix("[").removesuffix("]")), "server.port": int(port)}
    return {"server.address": bound(name)}

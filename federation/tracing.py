"""What traces say of MCP: which trace a message belongs to, and what its span and those of its servers tell.

Names are those of OpenTelemetry's conventions for MCP. What costs something is looked for only where the span is sent.
Ids of sessions are in no span: they let their bearer in. Above: `bind.py`, `endpoint.py`, `relay.py`. Below: the trail.
"""

import msgspec

from ..core.call import Call, Record
from ..core.jsonrpc import id_key
from ..core.rawjson import NULL, Raw, fields, text
from ..core.trail import NO_HOP, Hop, Trail, opened
from .eras import MODERN
from .inbound import Inbound, Wire
from .messages import Answer, Connection, Outbound
from .rendering import code_of
from .spent import Spent

VERSION, REQUEST_ID, STATUS_CODE = "mcp.protocol.version", "jsonrpc.request.id", "rpc.response.status_code"
ERROR_TYPE, TOOL_ERROR = "error.type", "tool_error"
NAMED = {"tools/call": "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}
"""Methods whose requests are called by the tool's or prompt's name too; URIs may hold anything."""


class _Flagged(msgspec.Struct):
    isError: bool | None = None  # noqa: N815


_flagged = msgspec.json.Decoder(_Flagged)


def adopt(record: Record, inbound: Inbound) -> None:
    """A message that says in `_meta` to which trace it belongs (SEP-414) is nearer than its HTTP request."""
    trail = record.trail
    if trail is None:
        return
    parent = text(inbound.meta.get("traceparent"))
    if parent is not None:
        trace_id = trail.adopt(parent, text(inbound.meta.get("tracestate")))
        if trace_id:
            record.fields["trace.id"] = trace_id
    if trail.sampled:
        _tell_id(trail, inbound.message.id)
        if inbound.era == "modern":
            trail.tell(VERSION, MODERN)


def bound(call: Call) -> None:
    """It is known what the message is for."""
    trail, inbound = call.record.trail, call.message
    if trail is None or not trail.sampled:
        return
    if call.session is not None:
        trail.tell(VERSION, call.session.version)
    if call.operation == "prompts/get" and inbound.route is not None:
        trail.tell(NAMED[call.operation], inbound.route.name)


def failed(record: Record, error: Exception) -> None:
    """The gateway answers with an error of its own."""
    trail = record.trail
    if trail is not None and trail.sampled:
        if isinstance(record.wire, Wire):
            _tell_id(trail, Raw(record.wire.id))
        trail.tell(STATUS_CODE, str(code_of(error)))


def _tell_id(trail: Trail, id_: Raw) -> None:
    key = id_key(id_)
    if key is not None:
        trail.tell(REQUEST_ID, str(key))


def hop_to(upstream: str, connection: Connection, outbound: Outbound, spent: Spent) -> Hop:
    """A request to a server begins."""
    name = f"{outbound.method} {outbound.name}" if outbound.method in NAMED else outbound.method
    hop = opened(spent.trail, "mcp", upstream, name)
    if hop is NO_HOP:
        return hop
    hop.at(connection.endpoint)
    if hop.sampled:
        hop.tell("mcp.method.name", outbound.method)
        if connection.greeting.version:
            hop.tell(VERSION, connection.greeting.version)
        if outbound.method in NAMED:
            hop.tell(NAMED[outbound.method], outbound.name)
        if outbound.method == "tools/call":
            hop.tell("gen_ai.operation.name", "execute_tool")
    return hop


def answered(answer: Answer, outbound: Outbound, hop: Hop, trail: Trail | None) -> None:
    """What the server has answered; a tool's error is one for traces, and for nobody else on the way."""
    if answer.error:
        hop.end(f"jsonrpc {bytes(fields(answer.error).get('code', NULL)).decode()}")
    elif outbound.method == "tools/call" and trail is not None and trail.sampled and is_tool_error(answer.result):
        hop.tell(ERROR_TYPE, TOOL_ERROR)
        trail.tell(ERROR_TYPE, TOOL_ERROR)


def is_tool_error(result: bytes) -> bool:
    """Whether the result of a tool says that the tool failed. The rest of it is not read."""
    if b'"isError"' not in result:
        return False
    try:
        return _flagged.decode(result).isError is True
    except (ValueError, RecursionError):
        return False

"""What traces say of A2A: what the spans of a request and of those to agents tell, and with which error they ended.

Names are those of OpenTelemetry's conventions for A2A. Ids stay as they are here; `telemetry` writes marks for them.
What costs something is looked for only where the span is sent. Above: `endpoint.py`, `relay.py`. Below: the trail.
"""

import msgspec

from ..core.call import Record
from ..core.errors import GatewayError
from ..core.jsonrpc import id_key
from ..core.trail import NO_HOP, Hop, opened
from .instance import Instance
from .rendering import code_of
from .values import Asked, Seen, Speech

VERSION, MESSAGE_ID = "a2a.protocol.version", "a2a.message.id"
REQUEST_ID, STATUS_CODE = "jsonrpc.request.id", "rpc.response.status_code"


class _Coded(msgspec.Struct):
    code: int | None = None


class _Failed(msgspec.Struct):
    error: _Coded | None = None


_failed = msgspec.json.Decoder(_Failed)


def bound(record: Record, asked: Asked) -> None:
    """A request was read."""
    trail = record.trail
    if trail is None or not trail.sampled:
        return
    trail.tell(VERSION, asked.speech.version)
    if asked.ids.message:
        trail.tell(MESSAGE_ID, asked.ids.message)
    key = id_key(asked.id)
    if key is not None:
        trail.tell(REQUEST_ID, str(key))


def failed(record: Record, speech: Speech | None, error: GatewayError) -> None:
    """The gateway answers with an error of its own."""
    trail = record.trail
    if trail is not None and speech is not None and speech.binding == "jsonrpc":
        trail.tell(STATUS_CODE, str(code_of(speech, error)))


def hop_to(instance: Instance, asked: Asked, speech: Speech, record: Record) -> Hop:
    """A request to an instance begins, in this speech."""
    hop = opened(record.trail, "a2a", f"{asked.agent}/{instance.name}", asked.operation)
    if hop is NO_HOP:
        return hop
    hop.at(instance.target.host_and_port)
    if hop.sampled:
        hop.tell("a2a.method.name", asked.operation)
        hop.tell("gen_ai.agent.name", asked.agent)
        hop.tell(VERSION, speech.version)
        ids = ((MESSAGE_ID, asked.ids.message), ("a2a.task.id", asked.ids.task), ("a2a.context.id", asked.ids.context))
        for name, id_ in ids:
            if id_:
                hop.tell(name, id_)
    return hop


def learnt(hop: Hop, seen: Seen) -> None:
    """What an answer, or an event of it, names."""
    if hop.sampled:
        told = (("a2a.context.id", seen.context), ("a2a.task.id", seen.task), ("a2a.task.state", seen.state))
        for name, value in told:
            if value:
                hop.tell(name, value)


def reason(speech: Speech, status: int, body: bytes) -> str:
    """How an answer that is an error is called: `jsonrpc CODE`, or the HTTP status."""
    if speech.binding == "rest":
        return str(status) if status >= 400 else "error"
    try:
        found = _failed.decode(body).error
    except (ValueError, RecursionError):
        found = None
    return "jsonrpc" if found is None or found.code is None else f"jsonrpc {found.code}"

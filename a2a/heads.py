"""Which headers pass between a client and an agent. Pure.

Towards the agent go the protocol's own, the trace, and those by which agents know one another's
conversations; never a credential of the client, which is the gateway's to check and nobody else's to
see. The manifest's headers for the instance come last and win. Above: `relay.py`.
"""

from collections.abc import Mapping

import msgspec

from ..core.call import Header
from ..core.trace_context import TRACEPARENT, TRACESTATE
from .values import Speech

JSON_KIND = b"application/json"
STREAM_KIND = b"text/event-stream"

PASSED = frozenset(
    {
        *(TRACEPARENT, TRACESTATE, b"baggage", b"x-request-id", b"x-correlation-id"),
        *(b"user-agent", b"accept-language", b"x-user-id"),
    }
)
"""Requests' headers that are sent on besides those that begin with one of `FAMILIES`."""
FAMILIES = (b"a2a-", b"x-a2a-", b"x-kagent-")
ANSWERED = (b"a2a-", b"x-a2a-")
"""Answers' headers that are passed on besides the content type."""
_OURS = frozenset({b"a2a-version", b"a2a-extensions", b"x-a2a-extensions"})
_USUAL = frozenset(
    {
        *(b"host", b"authorization", b"accept", b"accept-encoding", b"connection"),
        *(b"content-type", b"content-length", b"transfer-encoding", b"date", b"server", b"cache-control"),
    }
)
"""What nearly every message has and none passes on: it is not looked at any further."""
_ACCEPT_STREAM = STREAM_KIND + b", " + JSON_KIND
_VERSIONS = {"1.0": b"1.0", "0.3": b"0.3"}


class Manner(msgspec.Struct, frozen=True, gc=False):
    """What kind of request it is."""

    to: Speech
    streams: bool
    has_body: bool
    extensions: str


def towards_agent(headers: Mapping[bytes, bytes], manner: Manner, own: tuple[Header, ...]) -> tuple[Header, ...]:
    """The head of a request in the agent's speech. `own`: the manifest's headers of the instance."""
    to = manner.to
    found = {b"accept": _ACCEPT_STREAM if manner.streams else JSON_KIND, b"a2a-version": _VERSIONS[to.version]}
    if manner.has_body:
        found[b"content-type"] = JSON_KIND if to.binding == "jsonrpc" else headers.get(b"content-type", JSON_KIND)
    found |= {
        name: value
        for name, value in headers.items()
        if name in PASSED or (name not in _USUAL and name not in _OURS and name.startswith(FAMILIES))
    }
    if manner.extensions:
        name = b"a2a-extensions" if to.version == "1.0" else b"x-a2a-extensions"
        found[name] = manner.extensions.encode("latin-1")
    if own:
        told = dict(own)
        if TRACEPARENT in told:
            found.pop(TRACESTATE, None)  # it goes with the caller's own `traceparent`
        found |= told
    return tuple(found.items())


def towards_client(headers: tuple[Header, ...], kind: bytes) -> tuple[Header, ...]:
    """The head of an answer: what the protocol says in headers, and how the body is to be read."""
    passed = [
        (name, value)
        for name, value in headers
        if name not in _USUAL and name.startswith(ANSWERED) and name != b"a2a-version"
    ]
    return ((b"content-type", kind), *passed)

"""Which headers pass between a client and an agent. Pure.

Towards the agent go the protocol's own, the trace, and those by which agents know one another's
conversations; never a credential of the client, which is the gateway's to check and nobody else's to
see. The manifest's headers for the instance come last and win. Above: `relay.py`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..core.call import Header
from .values import Speech

JSON_KIND = b"application/json"
STREAM_KIND = b"text/event-stream"

PASSED = frozenset(
    {
        *(b"traceparent", b"tracestate", b"baggage", b"x-request-id", b"x-correlation-id"),
        *(b"user-agent", b"accept-language", b"x-user-id"),
    }
)
"""Requests' headers that are sent on besides those that begin with one of `FAMILIES`."""
FAMILIES = (b"a2a-", b"x-a2a-", b"x-kagent-")
ANSWERED = (b"a2a-", b"x-a2a-")
"""Answers' headers that are passed on besides the content type."""
_OURS = frozenset({b"a2a-version", b"a2a-extensions", b"x-a2a-extensions"})


class Manner(NamedTuple):
    """What kind of request it is."""

    to: Speech
    streams: bool
    has_body: bool
    extensions: str


def towards_agent(headers: Mapping[bytes, bytes], manner: Manner, own: tuple[Header, ...]) -> tuple[Header, ...]:
    """The head of a request in the agent's speech. `own`: the manifest's headers of the instance."""
    to, streams, has_body, extensions = manner
    accept = STREAM_KIND + b", " + JSON_KIND if streams else JSON_KIND
    found = {b"accept": accept, b"a2a-version": to.version.encode()}
    if has_body:
        found[b"content-type"] = JSON_KIND if to.binding == "jsonrpc" else headers.get(b"content-type", JSON_KIND)
    found |= {name: value for name, value in headers.items() if _passes(name)}
    if extensions:
        found[b"a2a-extensions" if to.version == "1.0" else b"x-a2a-extensions"] = extensions.encode("latin-1")
    found |= dict(own)
    return tuple(found.items())


def _passes(name: bytes) -> bool:
    return (name in PASSED or name.startswith(FAMILIES)) and name not in _OURS


def towards_client(headers: tuple[Header, ...], kind: bytes) -> tuple[Header, ...]:
    """The head of an answer: what the protocol says in headers, and how the body is to be read."""
    passed = [(name, value) for name, value in headers if name.startswith(ANSWERED) and name != b"a2a-version"]
    return ((b"content-type", kind), *passed)

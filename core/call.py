"""The values that travel the data path: one `Call` down, one `Reply` up.

A `Call` is frozen; a stage that learns something passes on `replace(call, ...)`. What
the outermost stage must report even when an inner one fails is noted in the one
mutable companion, `Record`. Nothing here knows a protocol.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from .streams import Followed
from .trail import Trail

Header = tuple[bytes, bytes]
ReadBody = Callable[[], Awaitable[bytes]]


class Principal(msgspec.Struct, frozen=True):
    """Who calls. `id` is stable (key id, or issuer and subject), never a token."""

    id: str
    kind: str = "anonymous"
    """`anonymous`, `key`, `jwt`, or `mtls`: the subject of a client certificate that a proxy has checked."""
    groups: tuple[str, ...] = ()
    metadata: dict[str, str] = {}
    issuer: str = ""
    """Who vouches for a `jwt`."""
    scopes: tuple[str, ...] = ()
    """What the bearer of the token may do, in the issuer's words."""
    claims: dict[str, Any] = {}
    """What the issuer says of the caller; nobody changes it."""

    @property
    def owner(self) -> str:
        """What the session table knows the caller by: kind and id, so that no key can be named like a stranger."""
        return f"{self.kind}:{self.id}"


ANONYMOUS = Principal(id="anonymous")


class Request(msgspec.Struct, frozen=True):
    """The head of one HTTP request. Header names are lower case; equal ones are joined as a list (RFC 9110 5.3)."""

    id: str
    """`x-fedgate-request-id` of the reply, and the name under which the log knows it."""
    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    source: str
    """`address:port` of the peer."""
    host: str
    version: str
    read: ReadBody
    """Reads the body, once: raises `TooLarge` beyond the gateway's limit, `RequestTimeout` if it does not come.
    Not before `identify`: what nobody may send is not read."""
    raw_path: str = ""
    """The path as it was written on the wire, escapes and all."""

    def __repr__(self) -> str:
        return f"<Request {self.id} {self.method}>"  # headers and query may hold a credential

    def header(self, name: bytes) -> str | None:
        """The header's value as text, stripped; `name` in lower case."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")


class Caller(msgspec.Struct, frozen=True):
    """On whose behalf an upstream is asked: what credentials towards it may be made of.

    `token`: the caller's verified token; empty for callers without one. `headers`: those of its request.
    """

    principal: Principal
    token: bytes = b""
    headers: Mapping[bytes, bytes] = {}

    def __repr__(self) -> str:
        return f"<Caller {self.principal.kind}>"


class Record(msgspec.Struct):
    """What one operation turns out to be: written by the stages, read by `observe`.

    Seconds are on the monotonic clock. `fields` goes to the access line as it is, under
    the keys of the telemetry contract.
    """

    request: Request
    protocol: str
    started: float
    route: str = ""
    operation: str = ""
    target: str = ""
    endpoint: str = ""
    """`host:port` (or command) of the upstream that was spoken to."""
    principal: Principal = ANONYMOUS
    session: str = ""
    upstream_seconds: float = 0.0
    """Time spent waiting for upstreams; the rest of the duration is the gateway's overhead."""
    error: str = ""
    wire: Any = None
    """What the protocol's error renderer needs to answer in the caller's terms (a JSON-RPC id...)."""
    fields: dict[str, str | int | float | bool | None] = {}
    trail: Trail | None = None
    """What it goes through; `None`: nobody wants to know."""
    sent: int = 0
    """Bytes of the reply's body, once it is over."""
    stream: Followed | None = None
    """The reply's body, while it streams."""

    @property
    def sent_so_far(self) -> int:
        """Bytes of the reply's body."""
        return self.sent if self.stream is None else self.stream.sent


class Call(msgspec.Struct, frozen=True):
    """One operation of one caller, on its way down."""

    protocol: str
    request: Request
    record: Record
    view: str = ""
    """Which part of the surface was addressed: `""` the aggregate, else a server, agent, route or profile."""
    operation: str = ""
    target: str = ""
    principal: Principal = ANONYMOUS
    session: Any = None
    """The protocol's session object, after `bind` checked that it belongs to `principal`."""
    body: bytes = b""
    message: Any = None
    """The protocol's own parsed form of the body, after `bind`."""
    token: bytes = b""
    """The caller's verified token, after `identify`: only for exchange against another one, never to be sent on."""

    def __repr__(self) -> str:
        return f"<Call {self.request.id} {self.protocol} {self.operation}>"

    @property
    def caller(self) -> Caller:
        """What upstreams' credentials may be made of."""
        return Caller(self.principal, self.token, self.request.headers)


class Reply(msgspec.Struct, frozen=True):
    """The answer on its way up: a whole body, or a stream of chunks that the sender drives and closes."""

    status: int = 200
    headers: tuple[Header, ...] = ()
    body: bytes | AsyncIterator[bytes] = b""


Handler = Callable[[Call], Awaitable[Reply]]

replace = msgspec.structs.replace
JSON: Header = (b"content-type", b"application/json")
SSE: Header = (b"content-type", b"text/event-stream")

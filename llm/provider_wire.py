"""What every kind of provider has in common: the order it is given, the request it makes of it. Pure.

Above: the `provider_` modules, one per kind, and `providers`, which joins them with the manifest.
Below: `values` and the HTTP client's values.
"""

from typing import Protocol
from urllib.parse import quote

import msgspec
from msgspec.structs import force_setattr

from ..core.call import Header
from ..core.http_values import Target
from .presets import Auth
from .values import Format, Operation

# A body that is passed on as it came must be readable here as well.
_IDENTITY = {b"accept-encoding": b"identity"}
_WHOLE = {b"content-type": b"application/json", b"accept": b"application/json", **_IDENTITY}
_STREAMED = {b"content-type": b"application/json", b"accept": b"text/event-stream", **_IDENTITY}


class Order(msgspec.Struct, frozen=True):
    """What is to be sent to a provider: a body in a format that it speaks."""

    format: Format
    operation: Operation
    model: str
    body: bytes
    stream: bool = False
    query: str = ""
    """The caller's own query, where it speaks the provider's format."""
    headers: tuple[Header, ...] = ()
    """Of the caller, as far as they may pass."""
    key: str = ""
    """The caller's own key, if the route says that it is to be used."""
    credentials: tuple[Header, ...] = ()
    """Got for this request (`auth` in the manifest); they win over everything else."""
    owned: frozenset[bytes] = frozenset()
    """Headers that come from `credentials` or not at all."""


class Outgoing(msgspec.Struct, frozen=True):
    """One HTTP request, ready to be sent by POST."""

    path: str
    headers: tuple[Header, ...]
    body: bytes


class Kind(Protocol):
    """How one kind of provider is spoken to."""

    def formats(self, model: str, /) -> tuple[Format, ...]:
        """What it speaks, the most natural one first."""
        ...

    def can(self, operation: Operation, format_: Format, /) -> bool:
        """Whether it does this in a format that it speaks. Chats it always does."""
        ...

    def outgoing(self, order: Order, now: float, /) -> Outgoing: ...


class Settled(msgspec.Struct, frozen=True):
    """What the manifest says of a provider, as far as its kind needs it. Never shown: it holds the key."""

    target: Target
    formats: tuple[Format, ...]
    auth: Auth
    key: str = ""
    headers: tuple[Header, ...] = ()
    own: tuple[Header, ...] = ()
    """Made of the others: what is sent to it, the key first, unless a caller brings another key."""

    def __post_init__(self) -> None:
        force_setattr(self, "own", (*key_header(self.auth, self.key), *self.headers))

    def __repr__(self) -> str:
        return f"Settled({self.target})"


def join(target: Target, path: str, query: str = "") -> str:
    """The path of a request below the provider's base."""
    whole = target.path.rstrip("/") + path
    return f"{whole}?{query}" if query else whole


def in_path(model: str) -> str:
    """A model's name as one segment of a path."""
    return quote(model, safe="")


def key_header(auth: Auth, key: str) -> tuple[Header, ...]:
    """The key, where this provider looks for it; nothing if there is none."""
    if not key:
        return ()
    if auth == "bearer":
        return ((b"authorization", f"Bearer {key}".encode("latin-1")),)
    return ((auth.encode(), key.encode("latin-1")),)


def head(settled: Settled, order: Order, *more: Header) -> tuple[Header, ...]:
    """All headers in the order of who may decide: the manifest last, so that it stands over everybody else."""
    headers = {**(_STREAMED if order.stream else _WHOLE), **dict(order.headers), **dict(more)}
    if order.key:
        headers.update(key_header(settled.auth, order.key))
        headers.update(settled.headers)
    else:
        headers.update(settled.own)
    for name in order.owned:
        headers.pop(name, None)
    headers.update(order.credentials)
    return tuple(headers.items())

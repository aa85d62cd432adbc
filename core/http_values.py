"""The values that the upstream HTTP client is told and tells: timeouts, limits, targets, counts.

Plain data, checked when made; no I/O. Above: the client and everybody who configures
one. Below: nothing.
"""

import ipaddress
import re
from dataclasses import dataclass, field
from math import inf
from urllib.parse import SplitResult, urlsplit

import msgspec

_MAX_URL = 8192
_VISIBLE = re.compile(r"[!-~]+")
_HOST_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
_PORTS = {"http": 80, "https": 443}


def _check_positive(value: msgspec.Struct) -> None:
    for name in value.__struct_fields__:
        number = getattr(value, name)
        if number is not None and not number > 0:
            raise ValueError(f"{name} must be greater than zero, not {number}")


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds that each phase of one request may take."""

    connect: float = 5.0
    """Until there is a connection: waiting for a free one, DNS, TCP, proxy and TLS together."""
    first_byte: float = 60.0
    """From the end of the request to the end of the answer's head."""
    idle: float = 60.0
    """Without any progress of a body, in either direction, while somebody waits for it."""
    total: float | None = None
    """From the call to the last byte of the answer's body."""

    def __post_init__(self) -> None:
        _check_positive(self)


class HttpLimits(msgspec.Struct, frozen=True):
    """What one client may hold. Counts, seconds and bytes."""

    per_origin: int = 100
    """Open connections per origin."""
    idle_per_origin: int = 32
    """Unused connections kept per origin."""
    keepalive: float = 30.0
    """Seconds that an unused connection is kept."""
    waiters: int = 1000
    """Requests per origin that may wait for a connection; one more is `Overloaded`."""
    origins: int = 1024
    """Origins remembered; those without a connection are forgotten first."""
    max_header_bytes: int = 64 * 1024
    """Head of an answer, informational heads included; also what chunk framing and trailers may waste."""
    max_headers: int = 256
    """Header lines of one head."""

    def __post_init__(self) -> None:
        _check_positive(self)


class OriginStatistics(msgspec.Struct, frozen=True):
    """The state of one origin: connections in use or being opened, unused ones, waiting requests, totals."""

    active: int
    idle: int
    waiting: int
    opened: int
    reused: int


def later(now: float, seconds: float | None) -> float:
    """The moment `seconds` after `now`; never, for None."""
    return inf if seconds is None else now + seconds


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """Where a request goes: scheme, host (no brackets), port, and the path with its query.

    `addresses`, if any, are dialled instead of what the host's name resolves to, which stays
    the name in Host and TLS (`ssrf` has checked them). `repr` and `str` leave the path out: a
    query may carry a key.
    """

    scheme: str
    host: str
    port: int
    path: str = "/"
    addresses: tuple[str, ...] = ()
    authority: str = field(init=False, compare=False)
    """Value of the Host header: no default port, IPv6 in brackets."""
    host_and_port: str = field(init=False, compare=False)
    """The authority with its port always spelt out."""
    origin: str = field(init=False, compare=False)
    """`scheme://authority`: what errors say."""
    pool: str = field(init=False, compare=False)
    """The name of the pool: the origin, and the addresses if they are given. A connection to an address that was
    checked once must not serve for one that was checked later, nor for a target without any."""

    def __post_init__(self) -> None:
        bare = _in_brackets(self.host)
        authority = bare if self.port == _PORTS[self.scheme] else f"{bare}:{self.port}"
        object.__setattr__(self, "authority", authority)
        object.__setattr__(self, "host_and_port", f"{bare}:{self.port}")
        object.__setattr__(self, "origin", f"{self.scheme}://{authority}")
        object.__setattr__(self, "pool", " ".join((self.origin, *self.addresses)))

    @property
    def dialled(self) -> str:
        """What a proxy is told to connect to (RFC 9110 9.3.6): the first address if there are any, else the host."""
        return f"{_in_brackets(self.addresses[0])}:{self.port}" if self.addresses else self.host_and_port

    def __repr__(self) -> str:
        return f"Target({self.origin})"

    def __str__(self) -> str:
        return self.origin

    def join(self, path: str) -> str:
        """`path` (with its query, if any) below this target's own path; this target's query comes last.

        `Target.parse("https://h/v1?k=1").join("/chat?x=2")` is `/v1/chat?x=2&k=1`.
        """
        prefix, _, own = self.path.partition("?")
        below, _, query = path.partition("?")
        whole = f"{prefix.rstrip('/')}/{below.lstrip('/')}"
        queries = "&".join(part for part in (query, own) if part)
        return f"{whole}?{queries}" if queries else whole

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Read an absolute http or https URL (RFC 9110 4.2); a fragment is dropped. ValueError says what is wrong."""
        if len(url) > _MAX_URL:
            raise ValueError(f"the URL is longer than {_MAX_URL} characters")
        if _VISIBLE.fullmatch(url) is None:
            raise ValueError(
                "the URL must be visible ASCII: percent-encode spaces and other characters, write host names as xn--"
            )
        parts = _split(url)
        scheme = parts.scheme.lower()
        if scheme not in _PORTS:
            raise ValueError(f"the URL must begin with http:// or https://, not {scheme or 'nothing'!r}")
        if "@" in parts.netloc:
            raise ValueError("the URL must not carry a user name or password: send them as a header")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme, _host(parts), _port(parts, scheme), path)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise ValueError(f"the URL cannot be read: {error}") from error


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host:
        raise ValueError("the URL names no host")
    if "[" in parts.netloc:
        return _ipv6(host)
    if _HOST_NAME.fullmatch(host) is None:
        raise ValueError(f"the URL's host {host!r} is not a host name or address")
    return host


def _ipv6(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ipaddress.AddressValueError as error:
        raise ValueError(f"the URL's host [{host}] is not an IPv6 address") from error
    if address.scope_id is not None:
        raise ValueError("the URL's host must not carry an IPv6 zone")
    return address.compressed


def _port(parts: SplitResult, scheme: str) -> int:
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("the URL's port must be a number from 1 to 65535") from error
    if port is None:
        return _PORTS[scheme]
    if port == 0:
        raise ValueError("the URL's port must be a number from 1 to 65535")
    return port

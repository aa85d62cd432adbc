"""For which Host and Origin headers the gateway answers: the guard against DNS rebinding. Pure.

A web page can point its own name at 127.0.0.1 and then speak to whatever listens there,
but it cannot change the name that the browser writes into Host and Origin. So on
loopback only names that mean this gateway are answered. Names are read as strictly as
browsers write them (WHATWG URL, host parsing); everything unusual is refused, because
two readings of one name are the attack. Above: `gateway/`, on every request.
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from ..core.errors import ClientError, Forbidden, Misdirected

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,254})(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST = 300
_REMEMBERED = 256
_WEB_PORTS = (80, 443)


class Authority(NamedTuple):
    """A host as it is compared: lower case, without a trailing dot, addresses in their one canonical form."""

    host: str
    port: int | None
    loopback: bool


def parse_authority(text: str) -> Authority | None:
    """`host`, `host:port`, `1.2.3.4:port` or `[::1]:port`; None for anything else.

    No userinfo, no empty label or port, no address in short, octal, hexadecimal or decimal form.
    """
    match = _AUTHORITY.fullmatch(text.lower()) if text.isascii() else None
    if match is None:
        return None
    port = int(match[2]) if match[2] else None
    if port is not None and port > 65535:
        return None
    name = match[1]
    return _ipv6(name[1:-1], port) if name.startswith("[") else _named(name.removesuffix("."), port)


def _ipv6(text: str, port: int | None) -> Authority | None:
    try:
        host = str(ipaddress.IPv6Address(text))
    except ValueError:
        return None
    return Authority(host, port, loopback=host == "::1")


def _named(name: str, port: int | None) -> Authority | None:
    labels = name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if not _NUMBER.fullmatch(labels[-1]):
        return Authority(name, port, loopback=name == "localhost")
    # A name that ends in a number is an address for a browser, whatever stands before it.
    try:
        address = ipaddress.IPv4Address(name)
    except ValueError:
        return None
    return Authority(name, port, loopback=address.is_loopback)


class HostPolicy:
    """Who may be meant by Host, and from where pages may call (Origin).

    Loopback names, `public_url`'s host and `allowed_hosts` (`host` for any port, or
    `host:port`) are always accepted. A non-loopback listener with neither of the latter
    two accepts every Host, and an Origin that is the same host. Raises `ValueError` for
    an entry that is no host.
    """

    def __init__(self, listen_is_loopback: bool, public_url: str | None, allowed_hosts: Sequence[str]) -> None:
        names = [_own(urlsplit(public_url).hostname or "")] if public_url else []
        entries = names + [_own(name) for name in allowed_hosts]
        self._any_port = frozenset(entry.host for entry in entries if entry.port is None)
        self._exact = frozenset(
            (entry.host, port) for entry in entries if entry.port is not None for port in _ports(entry.port)
        )
        self._open = not listen_is_loopback and not entries
        self._verdict = lru_cache(_REMEMBERED)(self._judge)

    def check(self, host: str | None, origin: str | None) -> None:
        """Raise `Misdirected` for a Host, `Forbidden` for an Origin that is not ours; None means not sent."""
        if len(host or "") > _LONGEST or len(origin or "") > _LONGEST:
            raise Misdirected("The Host or Origin header is too long.")
        verdict = self._verdict(host, origin)
        if verdict is not None:
            error, sentence = verdict
            raise error(sentence)

    def _judge(self, host: str | None, origin: str | None) -> tuple[type[ClientError], str] | None:
        if host is None and not self._open:
            return Misdirected, "The request has no Host header."
        asked = None if host is None else parse_authority(host)
        if host is not None and asked is None:
            return Misdirected, "The Host header is not a host name or address with an optional port."
        if asked is not None and not self._open and not self._listed(asked):
            return Misdirected, (
                f"This gateway does not answer for the host {asked.host}: "
                "set gateway.public_url or add the name to gateway.allowed_hosts."
            )
        return None if origin is None else self._judge_origin(origin, asked)

    def _judge_origin(self, origin: str, asked: Authority | None) -> tuple[type[ClientError], str] | None:
        scheme, _, rest = origin.partition("://")
        page = parse_authority(rest) if scheme.lower() in ("http", "https") else None
        if page is None:
            return Forbidden, "The Origin header names no web page that may call this gateway."
        same = self._open and asked is not None and page.host == asked.host
        if same or self._listed(page):
            return None
        return Forbidden, (f"Pages of {page.host} may not call this gateway: add the name to gateway.allowed_hosts.")

    def _listed(self, given: Authority) -> bool:
        return given.loopback or given.host in self._any_port or (given.host, given.port) in self._exact


def _own(text: str) -> Authority:
    """A name from the manifest, which may be in any script."""
    try:
        ascii_text = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        ascii_text = ""
    bracketed = f"[{ascii_text}]" if ascii_text.count(":") > 1 and "[" not in ascii_text else ascii_text
    authority = parse_authority(bracketed)
    if authority is None:
        raise ValueError(f"{text!r} is not a host: write a name or address, with a port if only that one counts")
    return authority


def _ports(port: int) -> tuple[int | None, ...]:
    """Browsers leave the scheme's own port out."""
    return (port, None) if port in _WEB_PORTS else (port,)

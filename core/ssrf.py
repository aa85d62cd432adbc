"""The one check for every outbound URL that a client can influence (server-side request forgery).

A client that can make the gateway send a request must not reach what only the gateway can
reach: itself, its network, its cloud's metadata. `Guard.pin` reads the URL, resolves its
name once, judges every address, and returns a `Target` that is dialled at just these
addresses while Host and TLS keep the name: what was checked is what is connected to. It
knows no protocol and sends nothing; our HTTP client follows no redirects, so one check per
request is enough. Above: whoever takes URLs from clients (push callbacks, metadata, `$ref`).
Below: `http_values`.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from .errors import BadRequest, Overloaded
from .http_values import Target

LOOKUP_TIME = 5.0
"""Seconds that a name may take to resolve."""
MAX_LOOKUPS = 32
"""Names being resolved at a time; the resolver's threads are shared with everybody else's work."""
MAX_JUDGED = 64
"""Addresses of one name; a name that has more is refused, for none may go unseen."""
MAX_DIALLED = 4
"""Addresses kept to be dialled, in the resolver's order."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_METADATA = frozenset(
    ipaddress.ip_address(each)
    for each in (
        *("169.254.169.254", "fd00:ec2::254", "fd20:ce::254"),  # AWS, Azure, GCP, OpenStack and others
        *("169.254.170.2", "169.254.170.23", "fd00:ec2::23"),  # AWS: credentials of containers and pods
        *("168.63.129.16", "100.100.100.200", "192.0.0.192"),  # Azure's host agent, Alibaba, Oracle
    )
)
"""Never reached, even inside a network that is allowed: these hand out credentials."""

# The standard library's `is_global` changed between patch releases of every supported Python,
# so it is asked too, but never relied on.
_NOT_PUBLIC_4 = [
    ipaddress.IPv4Network(each)
    for each in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = [ipaddress.IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")


class RefusedUrl(BadRequest):
    """The URL may not be called. The sentence says what to do, and nothing about what a name resolves to."""

    reason = "refused_url"


class Resolver(Protocol):
    """Who knows the addresses of a name."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """All addresses of `host`, best first. `OSError` if there are none."""
        ...


class SystemResolver:
    """The operating system, with its hosts file and its order of addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(each[4][0]) for each in found))


_SYSTEM = SystemResolver()


class Guard:
    """Judges URLs. `allow` names what the operator trusts besides the public internet.

    Each entry is a network (`10.0.0.0/8`), an address, a host name (`hooks.internal`), or an
    address or name with a port (`hooks.internal:8080`, `[fd00::1]:8080`). A host that is
    allowed may be called by plain http and may resolve to anything but a metadata service;
    a URL whose addresses all lie in allowed networks may be plain http too.
    A user name in the URL is refused, an odd port is not.
    `ValueError` if an entry cannot be read.
    """

    def __init__(self, allow: Iterable[str] = (), *, resolver: Resolver = _SYSTEM) -> None:
        self._networks: list[Network] = []
        self._hosts: set[tuple[str, int | None]] = set()
        self._resolver = resolver
        self._lookups = 0
        for entry in allow:
            self._allow(entry)

    def __repr__(self) -> str:
        return f"<Guard networks={len(self._networks)} hosts={len(self._hosts)} lookups={self._lookups}>"

    async def pin(self, url: str) -> Target:
        """The URL as a target with checked addresses. Raises `RefusedUrl`, or `Overloaded`."""
        target = read(url)
        trusted = self._trusts(target)
        if trusted or target.scheme == "https":
            # One sentence for "no such name" and "a private address": the difference maps the inner network.
            what = "the URL's host must resolve to public addresses only, or be allowed by the gateway's operator"
        else:
            what = "the URL must begin with https://"
        if not (trusted or target.scheme == "https" or self._networks):
            raise RefusedUrl(what)
        try:
            addresses = await self._addresses(target)
        except (OSError, ValueError) as error:  # not found, too late (`TimeoutError`), no address
            raise RefusedUrl(what) from error
        if not all(self._accepts(address, target, trusted) for address in addresses):
            raise RefusedUrl(what)
        return replace(target, addresses=tuple(str(address) for address in addresses[:MAX_DIALLED]))

    async def vet(self, url: str) -> None:
        """Whether it may be called later: as `pin`, but a host that is allowed by its name is not looked up yet."""
        if not self._trusts(read(url)):
            await self.pin(url)

    def _accepts(self, address: Address, target: Target, trusted: bool) -> bool:
        if is_metadata(address):
            return False
        return trusted or self._inside(address) or (target.scheme == "https" and is_public(address))

    def _allow(self, entry: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(entry.strip("[]")))
            return
        except ValueError:
            pass
        try:
            target = Target.parse(f"https://{entry}")
        except ValueError as error:
            raise ValueError(f"{entry!r} is no network, host or host:port") from error
        if target.path != "/" or entry.endswith("/"):
            raise ValueError(f"{entry!r} is no network, host or host:port")
        port = target.port if entry.rpartition(":")[2] == str(target.port) else None
        self._hosts.add((_name(target), port))

    def _trusts(self, target: Target) -> bool:
        name = _name(target)
        return (name, None) in self._hosts or (name, target.port) in self._hosts

    def _inside(self, address: Address) -> bool:
        address = carried(address)
        return any(address.version == network.version and address in network for network in self._networks)

    async def _addresses(self, target: Target) -> list[Address]:
        if self._lookups >= MAX_LOOKUPS:
            raise Overloaded("too many names are being resolved")
        self._lookups += 1
        try:
            async with asyncio.timeout(LOOKUP_TIME):
                found = await self._resolver.resolve(target.host, target.port)
        finally:
            self._lookups -= 1
        if not 0 < len(found) <= MAX_JUDGED:
            raise ValueError("no addresses, or too many")
        addresses = [ipaddress.ip_address(each) for each in found]
        if any("%" in each for each in found):
            raise ValueError("an address with a zone means something on one machine alone")
        return addresses


def read(url: str) -> Target:
    """The URL as a target that nobody has checked. `RefusedUrl` says what is wrong with its form."""
    try:
        return Target.parse(url)
    except ValueError as error:
        raise RefusedUrl(str(error)) from error


def carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (IPv4-mapped, NAT64, 6to4); others as they are."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    number = int(address)
    if address in _MAPPED or address in _NAT64:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(number >> 80 & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Is it a unicast address of the public internet? An IPv6 address that carries an IPv4 one is judged as that."""
    address = carried(address)
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _NOT_PUBLIC_4)
    return address.is_global and address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)


def is_metadata(address: Address) -> bool:
    """Does a cloud hand out its secrets there?"""
    return carried(address) in _METADATA


def _name(target: Target) -> str:
    return target.host.rstrip(".")

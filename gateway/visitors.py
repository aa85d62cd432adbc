"""Who looks at what is not on the data path: pages, probes, metrics, administration. Heads in, verdicts out.

Knows no library of pages: a request is whatever has headers and a peer, as Starlette's do. Above: `cold.py` and the
routes that are mounted there, `probes.py`. Below: `access/`.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..access.hosts import HostPolicy
from ..core.call import ANONYMOUS, Principal
from ..core.errors import ClientError, Forbidden, Unauthorized

FORWARDED = ("forwarded", "x-forwarded-for")
"""Headers of a proxy: what comes from this machine with one of them comes from somewhere else."""


class Peer(Protocol):
    @property
    def host(self) -> str: ...


class Request(Protocol):
    """The head of a request: Starlette's, or a `Head`."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By names in lower case."""
        ...

    @property
    def client(self) -> Peer | None: ...


@dataclass(frozen=True)
class Address:
    host: str


class Head:
    """The same of an ASGI scope. Of a header that is sent twice the first one counts."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        lines = reversed(scope["headers"])
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in lines}
        client = scope.get("client")
        self.client = None if client is None else Address(client[0])


class Known(Protocol):
    """Whoever has a credential: keys, and tokens that were verified before (`AccessSide.before`)."""

    def find(self, presented: bytes) -> Principal | None: ...

    def __len__(self) -> int:
        """Ways to be somebody; 0: nobody has to say who they are."""
        ...


class Visitors:
    """`admins`: groups and ids of those who may look from elsewhere."""

    def __init__(self, keys: Known, admins: frozenset[str], hosts: HostPolicy) -> None:
        self._keys = keys
        self._admins = admins
        self._hosts = hosts

    def check_host(self, request: Request) -> None:
        """Raises if the request is not meant for this gateway. Not for probes, which come by address."""
        self._hosts.check(request.headers.get("host"), request.headers.get("origin"))

    def may_look(self, request: Request) -> bool:
        """This machine, or an administrator."""
        if request.client is not None and is_loopback(request.client.host):
            return True
        principal = self.principal(request)
        return principal is not None and self.is_admin(principal)

    def admin(self, request: Request) -> Principal:
        """Who administers: an administrator by key, or this machine while nobody has to say who they are.

        Raises `ClientError` for everybody else.
        """
        self.check_host(request)
        principal = self.principal(request)
        if principal is not None:
            if not self.is_admin(principal):
                raise Forbidden(f"administration is for callers in access.admins, and {principal.id} is not one")
            return principal
        if len(self._keys) or _presented(request.headers):
            why = "administration needs the key of a caller in access.admins"
        elif _is_local(request):
            return ANONYMOUS
        else:
            why = "without access.keys and access.admins, administration is for this machine alone"
        raise Unauthorized(why, headers=((b"www-authenticate", b'Bearer realm="fedgate"'),))

    def may_administer(self, request: Request) -> bool:
        """The same as a question. Who may not is not told what servers and agents are called."""
        try:
            self.admin(request)
        except ClientError:
            return False
        return True

    def is_admin(self, principal: Principal) -> bool:
        """By a group, or by the id of a key: what an issuer calls somebody is nobody's id here."""
        named = (principal.id,) if principal.kind == "key" else ()
        return not self._admins.isdisjoint((*named, *principal.groups))

    def principal(self, request: Request) -> Principal | None:
        """Who sent it, if it carries a key that is known."""
        presented = _presented(request.headers)
        return self._keys.find(presented.encode("latin-1")) if presented else None


def _presented(headers: Mapping[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def _is_local(request: Request) -> bool:
    """A caller on this machine, and no proxy that speaks for others."""
    if any(name in request.headers for name in FORWARDED):
        return False
    return request.client is not None and is_loopback(request.client.host)


def is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # A listener on [::] sees IPv4 callers so.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback

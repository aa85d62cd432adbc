"""Who looks at what is not on the data path: pages, metrics, administration. Starlette's requests in, verdicts out.

Above: `cold.py` and the routes that are mounted there. Below: `access/`.
"""

import ipaddress
from collections.abc import Mapping

from starlette.requests import Request

from ..access.hosts import HostPolicy
from ..access.keys import KeyRing
from ..core.call import Principal


class Visitors:
    """`admins`: groups and ids of those who may look from elsewhere."""

    def __init__(self, keys: KeyRing, admins: frozenset[str], hosts: HostPolicy) -> None:
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

    def is_admin(self, principal: Principal) -> bool:
        return not self._admins.isdisjoint((principal.id, *principal.groups))

    def principal(self, request: Request) -> Principal | None:
        """Who sent it, if it carries a key that is known."""
        presented = _presented(request.headers)
        return self._keys.find(presented.encode("latin-1")) if presented else None


def _presented(headers: Mapping[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")


def is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # A listener on [::] sees IPv4 callers so.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback

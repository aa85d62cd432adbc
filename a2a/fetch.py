"""One small GET of the gateway's own: probes and cards. Bounded in time and size, follows nothing.

Above: `card_keeper.py`, `health.py`. Below: the HTTP client.
"""

import msgspec

from ..core.call import Header
from ..core.http_client import HttpClient
from ..core.http_values import Target, Timeouts
from .card_in import MAX_CARD

TIMEOUT = 5.0
"""Seconds for the whole of a probe."""

_TIMEOUTS = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT, total=TIMEOUT)
_ACCEPT: Header = (b"accept", b"application/json")


class Fetched(msgspec.Struct, frozen=True):
    """A whole answer; header names in lower case."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def header(self, name: bytes) -> bytes:
        """The first value, or nothing."""
        return next((value for key, value in self.headers if key == name), b"")


async def get(http: HttpClient, target: Target, path: str, headers: tuple[Header, ...]) -> Fetched:
    """Ask `target` for `path`. Raises what `HttpClient.request` does."""
    accept = () if any(name == b"accept" for name, _ in headers) else (_ACCEPT,)
    response = await http.request("GET", target, path=path, headers=(*accept, *headers), timeouts=_TIMEOUTS)
    return Fetched(response.status, response.headers, await response.read(MAX_CARD))


def refusal(status: int) -> str:
    """What a status that is no success says about the instance, as a predicate."""
    if status in (401, 403):
        return f"refuses the gateway's credentials (HTTP {status}); set its headers in the manifest"
    if 300 <= status < 400:
        return f"redirects elsewhere (HTTP {status}); put its final address into the manifest"
    return f"answers HTTP {status}"

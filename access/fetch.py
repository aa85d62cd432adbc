"""One small JSON document of an authorization server: asked for, bounded in time and size, no redirect followed.

The addresses are the operator's, from the manifest or from a document that it names. Errors say the host and
what is wrong, and never repeat what was sent. Above: `jwks.py`, `discovery.py`, `token_client.py`.
"""

import re
from urllib.parse import urlsplit

import msgspec

from ..core.call import Header
from ..core.errors import UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.http_values import Target, Timeouts

TIMEOUT = 5.0
"""Seconds to get connected, and for each wait."""
TOTAL = 10.0
"""Seconds for the whole."""
MAX_ANSWER = 512 * 1024
"""Bytes of an answer."""

_TIMEOUTS = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT, total=TOTAL)
_ACCEPT: Header = (b"accept", b"application/json")
_FORM: Header = (b"content-type", b"application/x-www-form-urlencoded")
_MAX_AGE = re.compile(rb"(?:^|[,\s])max-age\s*=\s*\"?([0-9]{1,9})")


class Fetched(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    @property
    def max_age(self) -> float | None:
        """Seconds that the sender lets it be kept; `None` if it does not say."""
        said = b",".join(value for name, value in self.headers if name == b"cache-control").lower()
        if b"no-store" in said or b"no-cache" in said:
            return 0.0
        found = _MAX_AGE.search(said)
        return float(found[1]) if found else None


async def get(http: HttpClient, url: str) -> Fetched:
    """The answer with status 200. Raises what `HttpClient.request` does, and `UpstreamInvalid` for other statuses."""
    fetched = await _ask(http, "GET", url, (_ACCEPT,), b"")
    if 300 <= fetched.status < 400:
        raise UpstreamInvalid(f"{host_of(url)} redirects elsewhere (HTTP {fetched.status}); write its final address")
    if fetched.status != 200:
        raise UpstreamInvalid(f"{host_of(url)} answered HTTP {fetched.status}")
    return fetched


async def post(http: HttpClient, url: str, form: bytes, headers: tuple[Header, ...]) -> Fetched:
    """The answer, whatever its status. Raises what `HttpClient.request` does."""
    return await _ask(http, "POST", url, (_ACCEPT, _FORM, *headers), form)


async def send(http: HttpClient, url: str, document: bytes) -> Fetched:
    """The same for a JSON document."""
    return await _ask(http, "POST", url, (_ACCEPT, (b"content-type", b"application/json")), document)


async def _ask(http: HttpClient, method: str, url: str, headers: tuple[Header, ...], body: bytes) -> Fetched:
    try:
        target = Target.parse(url)
    except ValueError as error:
        raise UpstreamInvalid(f"the address of an authorization server cannot be used: {error}") from error
    response = await http.request(method, target, headers=headers, body=body, timeouts=_TIMEOUTS)
    return Fetched(response.status, response.headers, await response.read(MAX_ANSWER))


def host_of(url: str) -> str:
    """What errors call an address: no path and no query."""
    return urlsplit(url).netloc.rpartition("@")[2][:255]

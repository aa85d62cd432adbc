"""An authorization server's own description: found where RFC 8414 and OpenID Connect put it, and kept for a while.

The document must name the very issuer that was asked for; addresses in it are followed because the operator
chose the issuer. One fetch at a time, a failure is remembered for a moment. Above: `key_loading.py`,
`token_client.py`, `oauth_metadata.py`. Below: `fetch.py`.
"""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from ..core.clock import Clock
from ..core.errors import GatewayError, UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.http_values import Target
from ..core.rawjson import Fields, fields, text
from ..core.tasks import Tasks
from .fetch import get, host_of

KEPT = 600.0
"""Seconds that a document is used before it is asked for again."""
AGAIN = 10.0
"""Seconds after a failure in which it is not tried again."""

OPENID, OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"


class Metadata(msgspec.Struct, frozen=True):
    """What the document says. `members`: all of it, as it was written."""

    issuer: str
    members: Fields
    jwks_uri: str = ""
    token_endpoint: str = ""
    authorization_endpoint: str = ""
    registration_endpoint: str = ""


def addresses(issuer: str) -> tuple[str, ...]:
    """Where an issuer's document may be: OpenID Connect's place first, which more servers have."""
    parts = urlsplit(issuer)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (f"{base}{path}{OPENID}", f"{base}{OAUTH}{path}", *([f"{base}{OPENID}{path}"] if path else []))


def read(body: bytes, issuer: str) -> Metadata:
    """Raises `UpstreamInvalid`."""
    try:
        members = fields(body)
    except ValueError as error:
        raise UpstreamInvalid(f"the metadata of {host_of(issuer)} is no JSON object") from error
    if text(members.get("issuer")) != issuer:
        raise UpstreamInvalid(f"the metadata of {host_of(issuer)} is that of another issuer; write its name exactly")
    return Metadata(
        issuer,
        members,
        **{
            name: _url(members, name, encrypted=issuer.lower().startswith("https:"))
            for name in ("jwks_uri", "token_endpoint", "authorization_endpoint", "registration_endpoint")
        },
    )


def _url(members: Fields, name: str, *, encrypted: bool) -> str:
    """The address under this name; empty for none that can be used. An https issuer has no plain addresses."""
    given = text(members.get(name)) or ""
    try:
        scheme = Target.parse(given).scheme
    except ValueError:
        return ""
    return "" if encrypted and scheme != "https" else given


class Discovery:
    """One issuer's. `urls`: where to look, in this order; default: where the standards put it."""

    def __init__(
        self, issuer: str, http: HttpClient, clock: Clock, tasks: Tasks, urls: Sequence[str] | None = None
    ) -> None:
        self.issuer = issuer
        self._urls = urls or addresses(issuer)
        self._http = http
        self._clock = clock
        self._tasks = tasks
        self._found: Metadata | None = None
        self._until = float("-inf")
        self._problem: GatewayError | None = None
        self._flight: asyncio.Task[Metadata] | None = None

    async def metadata(self) -> Metadata:
        """Raises `UpstreamError`, `Overloaded`."""
        if self._clock.monotonic() < self._until:
            if self._found is not None:
                return self._found
            assert self._problem is not None
            raise type(self._problem)(self._problem.message)
        if self._flight is None or self._flight.done():
            self._flight = self._tasks.start(self._fetch(), f"metadata of {self.issuer}", awaited=True)
        return await asyncio.shield(self._flight)

    async def _fetch(self) -> Metadata:
        try:
            found = await self._first()
        except GatewayError as error:
            self._found, self._problem, self._until = None, error, self._clock.monotonic() + AGAIN
            raise
        self._found, self._until = found, self._clock.monotonic() + KEPT
        return found

    async def _first(self) -> Metadata:
        """The first document that is one; where none is, what was wrong with the first address."""
        problem: GatewayError | None = None
        for url in self._urls:
            try:
                return read((await get(self._http, url)).body, self.issuer)
            except GatewayError as error:
                problem = problem or error
        assert problem is not None
        raise problem

"""Who calls, and what upstreams are shown, put together: callers, challenges, OAuth's routes, credentials.

Above: `app.py`. Below: `access/`.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from ..access.callers import Callers
from ..access.challenge import Challenge
from ..access.hosts import HostPolicy
from ..access.identify import Identify
from ..access.jws import Refused
from ..access.keys import KeyRing
from ..core.auth_settings import UpstreamAuth
from ..core.call import Call
from ..core.clock import Clock
from ..core.http_client import HttpClient
from ..core.ports import Credentials
from ..manifest.model import Manifest
from .asgi_exchange import Application, Receive, Scope, Send
from .later import Later
from .visitors import Visitors

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from ..access.credentials import CredentialStore
    from ..access.jwt_settings import JwtIssuer
    from ..access.oauth_metadata import OAuth
    from ..access.tokens import Tokens


class UpstreamCredentials:
    """The port `Credentialing`; what it takes is imported with the first `auth` of an upstream."""

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._store = Later(self._make)

    def _make(self) -> "CredentialStore":
        from ..access.credentials import CredentialStore

        return CredentialStore(self._http, self._clock)

    def of(self, upstream: str, auth: UpstreamAuth) -> Credentials:
        return self._store().of(upstream, auth)

    async def aclose(self) -> None:
        if self._store.made is not None:
            await self._store.made.aclose()


class AccessSide:
    """Made → `start` (the keys of issuers are being fetched, nobody waits) → `aclose`.

    `before`: that of the manifest before this one; what is the same is taken over.
    """

    def __init__(self, manifest: Manifest, http: HttpClient, clock: Clock, before: "AccessSide | None" = None) -> None:
        access = manifest.access
        self._http = http
        self._anonymous = manifest.anonymous
        self._admins = frozenset(access.admins)
        self._issuers = access.jwt
        self._kept = before is not None and before._issuers == access.jwt
        self._tokens: Tokens | None = None
        self._oauth: OAuth | None = None
        if access.jwt:
            self._tokens, self._oauth = _of_issuers(access.jwt, manifest.gateway.public_url or "", http, clock)
        if before is not None and self._kept:
            self._tokens = before._tokens
        self.callers = Callers(KeyRing(access.keys), self._tokens, access.trusted_proxies)
        self.challenge = Challenge(self._oauth, keys=self.callers.has_keys)
        self.credentials: UpstreamCredentials = (
            UpstreamCredentials(http, clock) if before is None else before.credentials
        )

    def identify(self, is_open: Callable[[Call], bool] | None = None, *, lenient: bool = False) -> Identify:
        """The stage, for an endpoint some of which anybody may ask (`is_open`), or whose clients send any key."""
        if is_open is None:
            return Identify(self.callers, self._anonymous, challenge=self.challenge, lenient=lenient)
        return Identify(self.callers, self._anonymous, challenge=self.challenge, is_open=is_open, lenient=lenient)

    def published(self, visitors: Visitors, prefixes: Collection[str]) -> "list[BaseRoute]":
        """The routes of what OAuth clients ask; none without an issuer, so that clients with keys are not misled."""
        if self._oauth is None or self._tokens is None:
            return []
        from .oauth import OAuthRoutes

        return OAuthRoutes(self._oauth, self._tokens, self._http, visitors, prefixes).routes

    def visitors(self, hosts: HostPolicy) -> Visitors:
        """Who may look at what, and administer."""
        return Visitors(self.callers, self._admins, hosts)

    def before(self, pages: Application) -> Application:
        """`pages`, which look callers up without waiting, with tokens verified before they are asked."""
        if self._tokens is None:
            return pages

        async def known(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._know(scope)
            await pages(scope, receive, send)

        return known

    async def _know(self, scope: Scope) -> None:
        """Whoever cannot be known stays a stranger, whom the pages refuse."""
        from ..access.jwks import CannotVerify

        for name, value in scope["headers"]:
            kind, _, token = value.strip().partition(b" ")
            if name == b"authorization" and kind.lower() == b"bearer":
                try:
                    await self.callers.know(token.strip())
                except (Refused, CannotVerify):
                    return

    def start(self) -> None:
        if self._tokens is not None and not self._kept:
            self._tokens.start()

    async def retire(self, successor: "AccessSide") -> None:
        """Another one takes over: end what it has no use for."""
        if self._tokens is not None and successor._tokens is not self._tokens:
            await self._tokens.aclose()

    async def aclose(self) -> None:
        await self.credentials.aclose()
        if self._tokens is not None:
            await self._tokens.aclose()


def _of_issuers(
    issuers: "tuple[JwtIssuer, ...]", public_url: str, http: HttpClient, clock: Clock
) -> "tuple[Tokens, OAuth]":
    from ..access.oauth_metadata import OAuth
    from ..access.tokens import Tokens

    return Tokens(issuers, http, clock), OAuth(issuers, public_url)

"""Who calls, and what upstreams are shown, put together: callers, challenges, OAuth's routes, credentials.

Above: `app.py`. Below: `access/`.
"""

from collections.abc import Callable, Collection

from starlette.routing import BaseRoute

from ..access.callers import Callers
from ..access.challenge import Challenge
from ..access.credentials import CredentialStore
from ..access.identify import Identify
from ..access.jwks import CannotVerify
from ..access.jws import Refused
from ..access.keys import KeyRing
from ..access.oauth_metadata import OAuth
from ..access.tokens import Tokens
from ..core.call import Call
from ..core.clock import Clock
from ..core.http_client import HttpClient
from ..manifest.model import Manifest
from .asgi import Application, Receive, Scope, Send
from .oauth import OAuthRoutes
from .visitors import Visitors


class AccessSide:
    """Made → `start` (the keys of issuers are being fetched, nobody waits) → `aclose`.

    `before`: that of the manifest before this one; what is the same is taken over.
    """

    def __init__(self, manifest: Manifest, http: HttpClient, clock: Clock, before: "AccessSide | None" = None) -> None:
        access = manifest.access
        self._http = http
        self._anonymous = manifest.anonymous
        self._issuers = access.jwt
        self._kept = before is not None and before._issuers == access.jwt
        self._tokens = Tokens(access.jwt, http, clock) if access.jwt else None
        if before is not None and self._kept:
            self._tokens = before._tokens
        self._oauth = OAuth(access.jwt, manifest.gateway.public_url or "") if access.jwt else None
        self.callers = Callers(KeyRing(access.keys), self._tokens, access.trusted_proxies)
        self.challenge = Challenge(self._oauth, keys=self.callers.has_keys)
        self.credentials: CredentialStore = CredentialStore(http, clock) if before is None else before.credentials

    def identify(self, is_open: Callable[[Call], bool] | None = None, *, lenient: bool = False) -> Identify:
        """The stage, for an endpoint some of which anybody may ask (`is_open`), or whose clients send any key."""
        if is_open is None:
            return Identify(self.callers, self._anonymous, challenge=self.challenge, lenient=lenient)
        return Identify(self.callers, self._anonymous, challenge=self.challenge, is_open=is_open, lenient=lenient)

    def published(self, visitors: Visitors, prefixes: Collection[str]) -> list[BaseRoute]:
        """The routes of what OAuth clients ask; none without an issuer, so that clients with keys are not misled."""
        if self._oauth is None or self._tokens is None:
            return []
        return OAuthRoutes(self._oauth, self._tokens, self._http, visitors, prefixes).routes

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

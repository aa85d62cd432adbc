"""What upstreams are shown: tokens of the gateway's own, tokens exchanged for the caller's, headers by name.

Implements the port `Credentials`. Tokens are kept until shortly before they expire; whoever needs one that is
being asked for waits for that request. Exchanged ones are kept under the SHA-256 of the caller's token, so that
two tokens of one caller, with other scopes, never share one. There is no way from a caller without a token to
somebody else's, nor to the gateway's own. Above: the connections of `federation` and `a2a`, through the port.
Below: `token_client.py`.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from ..core.auth_settings import ClientCredentials, Forward, TokenExchange, UpstreamAuth
from ..core.call import Caller, Header
from ..core.clock import Clock
from ..core.errors import Forbidden
from ..core.http_client import HttpClient
from ..core.ports import Credentials
from ..core.tasks import Tasks
from .discovery import Discovery
from .token_client import Form, Granted, TokenClient, exchange_form, own_form

KEPT = 2048
"""Tokens that are kept for one upstream; the longest unused one goes first."""
EARLY = 30.0
"""Seconds before its end from which a token is no longer used, or a fifth of its life if that is less."""
YOUNG = 10.0
"""Seconds in which a token that an upstream refuses is not replaced: another one would fare no better."""
AGAIN = 2.0
"""Seconds after a failure in which its error is the answer, so that callers do not hammer a server that is down."""
_OWN = b""
_AUTHORIZATION = frozenset({b"authorization"})


class Kept(msgspec.Struct):
    """A token on its way, or there; `until` and `since` on the monotonic clock."""

    flight: asyncio.Task[Granted]
    since: float = 0.0
    until: float = float("inf")


class TokenCache:
    """The tokens for one upstream, by what they were got with."""

    def __init__(self, client: TokenClient, clock: Clock, tasks: Tasks, upstream: str) -> None:
        self._client = client
        self._clock = clock
        self._tasks = tasks
        self._upstream = upstream
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    async def get(self, key: bytes, form: Callable[[], Form]) -> bytes:
        """The token under `key`, asked for with `form` if there is none that is still good. Raises `NoCredentials`."""
        kept = self._kept.get(key)
        if kept is None or self._clock.monotonic() >= kept.until:
            kept = self._ask(key, form())
        self._kept.move_to_end(key)
        # Shielded: others wait for this very token.
        return (await asyncio.shield(kept.flight)).token

    def _ask(self, key: bytes, form: Form) -> Kept:
        kept = Kept(self._tasks.start(self._client.ask(form), f"token for {self._upstream}", awaited=True))
        kept.flight.add_done_callback(lambda flight: self._arrived(kept, flight))
        self._kept[key] = kept
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept

    def _arrived(self, kept: Kept, flight: "asyncio.Task[Granted]") -> None:
        kept.since = self._clock.monotonic()
        if _failed(flight):
            kept.until = kept.since + (0.0 if flight.cancelled() else AGAIN)
            return
        lifetime = flight.result().lifetime
        kept.until = kept.since + lifetime - min(EARLY, lifetime / 5)

    def forget(self, token: bytes) -> bool:
        """Drop a token that was refused, unless it is young. Whether it was dropped."""
        for key, kept in self._kept.items():
            if kept.flight.done() and not _failed(kept.flight) and kept.flight.result().token == token:
                if self._clock.monotonic() - kept.since < YOUNG:
                    return False
                del self._kept[key]
                return True
        return False


def _failed(flight: "asyncio.Task[Granted]") -> bool:
    return flight.done() and (flight.cancelled() or flight.exception() is not None)


class OwnToken:
    """The gateway's own token, whoever calls."""

    per_caller = False
    owned = _AUTHORIZATION

    def __init__(self, auth: ClientCredentials, cache: TokenCache) -> None:
        self._auth = auth
        self._cache = cache

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        del caller
        return (_bearer(await self._cache.get(_OWN, lambda: own_form(self._auth))),)

    def refused(self, sent: tuple[Header, ...]) -> bool:
        return _forget(self._cache, sent)


class ExchangedToken:
    """A token in the caller's name; for the gateway itself one of its own, or none."""

    per_caller = True
    owned = _AUTHORIZATION

    def __init__(self, upstream: str, auth: TokenExchange, cache: TokenCache) -> None:
        self._upstream = upstream
        self._auth = auth
        self._cache = cache

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        if caller is None:
            if self._auth.own == "headers":
                return ()
            return (_bearer(await self._cache.get(_OWN, lambda: own_form(self._auth))),)
        subject = caller.token
        if not subject:
            raise Forbidden(f"{self._upstream} is asked in the name of its caller: call with an access token (JWT)")
        key = hashlib.sha256(subject).digest()
        return (_bearer(await self._cache.get(key, lambda: exchange_form(self._auth, subject))),)

    def refused(self, sent: tuple[Header, ...]) -> bool:
        return _forget(self._cache, sent)


class Forwarded:
    """Headers of the caller's request; for the gateway itself none."""

    per_caller = True

    def __init__(self, auth: Forward) -> None:
        self._names = tuple(name.encode() for name in auth.headers)
        self.owned = frozenset(self._names)

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        if caller is None:
            return ()
        return tuple((name, caller.headers[name]) for name in self._names if name in caller.headers)

    def refused(self, sent: tuple[Header, ...]) -> bool:
        del sent
        return False  # the caller has no others


class CredentialStore:
    """Makes the credentials of every upstream (`Credentialing`), and ends what they have under way."""

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._tasks = Tasks("tokens for upstreams")
        self._servers: dict[str, Discovery] = {}

    def of(self, upstream: str, auth: UpstreamAuth) -> Credentials:
        if isinstance(auth, Forward):
            return Forwarded(auth)
        client = TokenClient(upstream, auth, self._http, self._discovery(auth.issuer), self._clock)
        cache = TokenCache(client, self._clock, self._tasks, upstream)
        return ExchangedToken(upstream, auth, cache) if isinstance(auth, TokenExchange) else OwnToken(auth, cache)

    def _discovery(self, issuer: str | None) -> Discovery | None:
        if issuer is None:
            return None
        return self._servers.setdefault(issuer, Discovery(issuer, self._http, self._clock, self._tasks))

    async def aclose(self) -> None:
        await self._tasks.aclose()


def _bearer(token: bytes) -> Header:
    return b"authorization", b"Bearer " + token


def _forget(cache: TokenCache, sent: tuple[Header, ...]) -> bool:
    return any(cache.forget(value.removeprefix(b"Bearer ")) for name, value in sent if name == b"authorization")

"""Asking an authorization server for a token: client credentials (RFC 6749 4.4) and exchange (RFC 8693).

A request in, a token with its lifetime out. What the server answers is read strictly and never repeated, except
for its error code. Above: `credentials.py`. Below: `fetch.py`, `discovery.py`,
`client_assertion.py`.
"""

import base64
import math
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import msgspec

from ..core.auth_settings import ClientCredentials, TokenExchange
from ..core.call import Header
from ..core.clock import Clock
from ..core.errors import GatewayError, UpstreamDenied, UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.rawjson import value
from .discovery import Discovery
from .fetch import Fetched, host_of, post

if TYPE_CHECKING:
    from .client_assertion import Signer

MAX_LIFETIME = 86_400.0
"""Seconds that a token is used at most, whatever its server says."""
MAX_TOKEN = 16 * 1024

_CODE = re.compile(r"[a-z_]{1,64}")
_TOKEN = re.compile(r"[!-~]+")
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

Form = dict[str, str]


class NoCredentials(UpstreamDenied):
    """The gateway has nothing to show to an upstream: its authorization server gives it no token."""

    reason = "no_credentials"


class Granted(msgspec.Struct, frozen=True):
    """A token, and for how many seconds it is good."""

    token: bytes
    lifetime: float

    def __repr__(self) -> str:
        return f"<Granted for {self.lifetime:g} s>"


def own_form(auth: ClientCredentials | TokenExchange) -> Form:
    """What is asked in the gateway's own name."""
    return {"grant_type": "client_credentials", **_wishes(auth)}


def exchange_form(auth: TokenExchange, subject: bytes) -> Form:
    """What is asked in the name of the holder of a token."""
    return {
        "grant_type": _EXCHANGE,
        "subject_token": subject.decode("ascii"),
        "subject_token_type": _ACCESS_TOKEN,
        "requested_token_type": _ACCESS_TOKEN,
        **_wishes(auth),
    }


def _wishes(auth: ClientCredentials | TokenExchange) -> Form:
    wishes = {"scope": " ".join(auth.scopes), "audience": auth.audience, "resource": auth.resource}
    return {name: wish for name, wish in wishes.items() if wish}


class TokenClient:
    """One client of one authorization server. `upstream`: for whom the tokens are, in errors."""

    def __init__(
        self,
        upstream: str,
        auth: ClientCredentials | TokenExchange,
        http: HttpClient,
        discovery: Discovery | None,
        clock: Clock,
    ) -> None:
        self._upstream = upstream
        self._auth = auth
        self._http = http
        self._discovery = discovery
        self._clock = clock
        self._signer: Signer | None = None

    async def ask(self, form: Form) -> Granted:
        """Raises `NoCredentials`."""
        try:
            url = await self._url()
            body, headers = self._signed(form, url)
            answer = await post(self._http, url, body, headers)
        except GatewayError as error:
            raise NoCredentials(f"no token for {self._upstream}: {error.message}") from error
        return self.read(answer, host_of(url))

    async def _url(self) -> str:
        if self._auth.token_url is not None:
            return self._auth.token_url
        assert self._discovery is not None
        url = (await self._discovery.metadata()).token_endpoint
        if not url:
            raise UpstreamInvalid(f"the metadata of {host_of(self._discovery.issuer)} names no token endpoint")
        return url

    def _signed(self, form: Form, url: str) -> tuple[bytes, tuple[Header, ...]]:
        if self._auth.client_auth == "private_key_jwt":
            return urlencode({**form, **self._assertion(url)}).encode(), ()
        name, secret = self._auth.client_id, self._auth.client_secret.get_secret_value()
        if self._auth.client_auth == "post":
            return urlencode({**form, "client_id": name, "client_secret": secret}).encode(), ()
        pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()  # RFC 6749 2.3.1: both are form-encoded first
        return urlencode(form).encode(), ((b"authorization", b"Basic " + base64.b64encode(pair)),)

    def _assertion(self, url: str) -> Form:
        """For the issuer, which every server knows as itself; for the token endpoint where no issuer is named."""
        from .client_assertion import TYPE, BadKey, Signer

        if self._signer is None:
            try:
                self._signer = Signer(self._auth.client_secret.get_secret_value().encode())
            except BadKey as error:
                raise UpstreamDenied(f"client_secret {error}") from error
        name = self._auth.client_id
        made = self._signer.assertion(name, self._auth.issuer or url, self._clock.now(), secrets.token_hex(16))
        return {"client_id": name, "client_assertion_type": TYPE, "client_assertion": made}

    def read(self, answer: Fetched, host: str) -> Granted:
        """The token in an answer of `host`. Raises `NoCredentials`."""
        try:
            members: Any = value(answer.body)
        except ValueError:
            members = None
        if not isinstance(members, dict):
            raise NoCredentials(f"no token for {self._upstream}: {host} answered HTTP {answer.status} without JSON")
        if answer.status != 200:
            code = members.get("error")
            said = code if isinstance(code, str) and _CODE.fullmatch(code) else f"HTTP {answer.status}"
            raise NoCredentials(f"no token for {self._upstream}: {host} refuses it ({said})")
        token, kind = members.get("access_token"), members.get("token_type")
        if not isinstance(token, str) or len(token) > MAX_TOKEN or not _TOKEN.fullmatch(token):
            raise NoCredentials(f"no token for {self._upstream}: the answer of {host} has none that can be sent")
        # An exchange may answer N_A for what is no bearer token (RFC 8693 2.2.1): that cannot be sent as one.
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise NoCredentials(f"no token for {self._upstream}: {host} gives one that is not of the Bearer type")
        return Granted(token.encode(), self._lifetime(members.get("expires_in")))

    def _lifetime(self, said: object) -> float:
        if isinstance(said, str) and re.fullmatch("[0-9]{1,9}", said):
            said = float(said)  # some servers write numbers as text
        if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said) or said < 0:
            said = self._auth.lifetime
        return min(float(said), MAX_LIFETIME)

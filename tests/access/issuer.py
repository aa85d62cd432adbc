"""An OAuth authorization server for tests: discovery, keys, authorization with PKCE, registration, tokens, exchange.

The flows a person takes part in are the official SDK's server side; tokens are signed by PyJWT, which verifies
nothing here. It can rotate its keys, answer badly, or be away. `python -m tests.access.issuer AUDIENCE` is the same
as a process, whose tokens are for that audience; it says `listening URL`.
"""

import asyncio
import base64
import secrets
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SERVICE = ("fedgate", "s3cret&:%")
"""The client that may ask in its own name and exchange tokens; its secret has what must be encoded."""
PERSON = "alice"


_CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def private(kind: str, number: int = 0) -> Any:
    """A private key: always the same one for a kind (an algorithm) and number."""
    return _made(kind, number)


@cache
def _made(kind: str, number: int) -> Any:
    del number
    if kind[:2] in ("RS", "PS"):
        return rsa.generate_private_key(65537, 2048)
    if kind[:2] == "ES":
        curves: dict[str, ec.EllipticCurve] = {
            "ES256": ec.SECP256R1(),
            "ES384": ec.SECP384R1(),
            "ES512": ec.SECP521R1(),
        }
        return ec.generate_private_key(curves[kind])
    return ed448.Ed448PrivateKey.generate() if kind == "Ed448" else ed25519.Ed25519PrivateKey.generate()


def public(kind: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """Its public JWK."""
    key = private(kind, number).public_key()
    maker: Any = RSAAlgorithm if kind[:2] in ("RS", "PS") else ECAlgorithm if kind[:2] == "ES" else OKPAlgorithm
    return {**maker.to_jwk(key, as_dict=True), **more}


def signed(claims: dict[str, Any], kind: str = "RS256", number: int = 0, **header: Any) -> str:
    """A token as this issuer makes them. Its header gets `alg` and what is given."""
    algorithm = {"Ed25519": "EdDSA", "Ed448": "EdDSA"}.get(kind, kind)
    return jwt.encode(claims, private(kind, number), algorithm, headers={"typ": "JWT", **header})


class Issuer:
    """One issuer. `away`: its addresses answer 503. `asked` counts requests by path and grant."""

    def __init__(self) -> None:
        self.url = ""
        self.number = 0
        self.away = False
        self.lifetime = 3600
        self.asked: Counter[str] = Counter()
        self.more: dict[str, Any] = {"groups": ["engineering"], "scope": "mcp:tools"}
        """Claims of every token of a person."""
        self.metadata: dict[str, Any] = {}
        """Members of the metadata that replace its own."""
        self.forms: list[dict[str, str]] = []
        """What was posted to the token endpoint."""
        self.queries: list[dict[str, str]] = []
        """What came to the authorization endpoint."""
        self.audience = ""
        """For whom a person's tokens are; empty: for the resource that the client named."""
        self.refuses: frozenset[str] = frozenset()
        """Parameters with which nothing is given, as some products do it."""
        self._clients: dict[str, OAuthClientInformationFull] = {}
        self._codes: dict[str, AuthorizationCode] = {}

    # Tokens.

    @property
    def kid(self) -> str:
        return f"key-{self.number}"

    def rotate(self) -> None:
        """Another key signs from now on; the old one is published no more."""
        self.number += 1

    def claims(self, subject: str, audience: str, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        base = {"iss": self.url, "sub": subject, "aud": audience, "iat": now, "exp": now + self.lifetime}
        return {**base, "jti": secrets.token_hex(4), **more}

    def token(self, subject: str = PERSON, audience: str = "gateway", **more: Any) -> str:
        claims = self.claims(subject, audience, **{**self.more, **more})
        return signed(claims, "RS256", self.number, kid=self.kid)

    # Its addresses.

    def app(self, url: str) -> Starlette:
        self.url = url
        registration = ClientRegistrationOptions(enabled=True, valid_scopes=None, default_scopes=["mcp:tools"])
        served: Any = self  # of the protocol's grants it has those that clients use here
        routes = create_auth_routes(served, AnyHttpUrl(url), client_registration_options=registration)
        known = {route.path: route for route in routes}
        kept = [route for route in routes if route.path in ("/register", "/revoke")]
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", _Authorize(self, known["/authorize"]), methods=["GET"]),
                Route("/token", _Token(self, known["/token"]), methods=["POST", "OPTIONS"]),
                *kept,
            ]
        )

    def count(self, request: Request) -> Response | None:
        self.asked[request.url.path] += 1
        return Response("away", 503) if self.away else None

    async def _metadata(self, request: Request) -> Response:
        document = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "registration_endpoint": f"{self.url}/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        }
        return self.count(request) or JSONResponse({**document, **self.metadata})

    async def _jwks(self, request: Request) -> Response:
        keys = [public("RS256", self.number, kid=self.kid, use="sig", alg="RS256")]
        return self.count(request) or JSONResponse({"keys": keys})

    def granted(self, form: dict[str, str], authorization: str) -> Response:
        """Client credentials and exchange, which the SDK's server does not have."""
        if not _is_service(form, authorization):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form["grant_type"] == "client_credentials":
            token = signed(self.claims("service", form.get("audience", "?")), "RS256", self.number, kid=self.kid)
            return self._answer(token, form)
        try:
            key = private("RS256", self.number).public_key()
            subject = jwt.decode(form["subject_token"], key, ["RS256"], options={"verify_aud": False})
        except (jwt.InvalidTokenError, KeyError):
            return JSONResponse({"error": "invalid_grant", "error_description": "never shown"}, 400)
        act = {"act": {"sub": "fedgate"}, "scope": form.get("scope", "")}
        token = signed(
            self.claims(subject["sub"], form.get("audience", "?"), **act), "RS256", self.number, kid=self.kid
        )
        return self._answer(token, form, issued_token_type="urn:ietf:params:oauth:token-type:access_token")

    def _answer(self, token: str, form: dict[str, str], **more: str) -> Response:
        del form
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime, **more}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    # What the SDK's handlers ask.

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self._clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        assert client_info.client_id is not None
        self.asked["register"] += 1
        self._clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        assert client.client_id is not None
        code = AuthorizationCode(
            code=secrets.token_hex(16),
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        self._codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        del client
        return self._codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del client, self._codes[authorization_code.code]
        audience = self.audience or authorization_code.resource or "nobody"
        scope = " ".join(authorization_code.scopes)
        token = self.token(audience=audience, **({"scope": scope} if scope else {}))
        return OAuthToken(access_token=token, expires_in=self.lifetime, scope=scope or None)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        del client, refresh_token
        return None

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        raise AssertionError("no refresh token was ever given")

    async def load_access_token(self, token: str) -> AccessToken | None:
        del token
        return None

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        del token


class _Authorize:
    """The authorization endpoint: the SDK's, with a product's own taste."""

    def __init__(self, issuer: Issuer, interactive: Route) -> None:
        self._issuer = issuer
        self._interactive = interactive.app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        query = dict(Request(scope).query_params)
        self._issuer.queries.append(query)
        if self._issuer.refuses.isdisjoint(query):
            await self._interactive(scope, receive, send)
        else:
            await Response("AADSTS901002", 400)(scope, receive, send)


class _Token:
    """The token endpoint: the SDK's, and before it the grants that it does not have."""

    def __init__(self, issuer: Issuer, interactive: Route) -> None:
        self._issuer = issuer
        self._interactive = interactive.app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break

        async def again() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        request = Request(scope, again)
        form = {name: str(value) for name, value in (await request.form()).items()}
        self._issuer.forms.append(form)
        grant = form.get("grant_type", "")
        self._issuer.asked[grant] += 1
        if not self._issuer.refuses.isdisjoint(form):
            await JSONResponse({"error": "invalid_request"}, 400)(scope, again, send)
        elif refused := self._issuer.count(request):
            await refused(scope, again, send)
        elif grant == "client_credentials" or grant.endswith("token-exchange"):
            await self._issuer.granted(form, request.headers.get("authorization", ""))(scope, again, send)
        else:
            await self._interactive(scope, again, send)


def _is_service(form: dict[str, str], authorization: str) -> bool:
    from urllib.parse import unquote_plus

    if authorization.startswith("Basic "):
        name, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
        return (unquote_plus(name), unquote_plus(secret)) == SERVICE
    return (form.get("client_id"), form.get("client_secret")) == SERVICE


class _Server(uvicorn.Server):
    """Leaves the signals to the test runner, and ends when it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = asyncio.Event()
        self.serving = asyncio.Event()

    async def main_loop(self) -> None:
        self.serving.set()
        await self.on_tick(0)
        await self.over.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running(issuer: Issuer | None = None) -> AsyncIterator[Issuer]:
    """An issuer on a free loopback port, in the test's own loop."""
    issuer = issuer or Issuer()
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    app = issuer.app(f"http://127.0.0.1:{sock.getsockname()[1]}")
    config = uvicorn.Config(app, loop="none", ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        async with asyncio.timeout(10):
            await server.serving.wait()
        yield issuer
    finally:
        server.over.set()
        await serving


def main(audience: str) -> None:
    issuer = Issuer()
    issuer.audience = audience
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    config = uvicorn.Config(issuer.app(url), ws="none", lifespan="off", log_config=None)
    sys.stdout.write(f"listening {url}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main(sys.argv[1])

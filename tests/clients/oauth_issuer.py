"""An issuer for clients that log in: it refreshes tokens, knows clients in three ways, and keeps a journal.

    python -m tests.clients.oauth_issuer [--cimd] [--closed] [--stale]

It says its URL. `--cimd`: clients may be known by the URL of their metadata (which is not fetched: there is only
loopback here). `--closed`: no client can register; there is the one called `BY_HAND`. `--stale`: the token that a
code is exchanged for is over already, though the answer promises an hour, as if it had been withdrawn.
`GET /seen` tells every request so far. Below: `tests/access/issuer.py`.
"""

import argparse
import json
import secrets
import socket
import sys
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from mcp.server.auth.provider import AuthorizationCode, RefreshToken
from mcp.shared.auth import InvalidRedirectUriError, OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.access.issuer import Issuer

BY_HAND = "registered-by-hand"
JOURNAL = "/seen"
MAX_SEEN = 1000
STALE = -120
"""Seconds that a stale token has left: gone for longer than clocks may differ."""


class Loopback(OAuthClientInformationFull):
    """A native application, which gets its answer on whatever loopback port is free (RFC 8252 7.3)."""

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        if redirect_uri is None or redirect_uri.host not in ("localhost", "127.0.0.1"):
            raise InvalidRedirectUriError("only loopback")
        return redirect_uri


class LoginIssuer(Issuer):
    """What the clients need beyond `Issuer`."""

    def __init__(self, *, cimd: bool, closed: bool, stale: bool) -> None:
        super().__init__()
        self._cimd = cimd
        self._stale = stale
        self._closed = closed
        self._refreshing: dict[str, RefreshToken] = {}
        if cimd:
            self.metadata["client_id_metadata_document_supported"] = True

    async def _metadata(self, request: Request) -> Response:
        answer = await super()._metadata(request)
        if answer.status_code != 200 or not (self._cimd or self._closed):
            return answer
        document = json.loads(bytes(answer.body))
        del document["registration_endpoint"]
        return JSONResponse(document)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        if (self._cimd and client_id.startswith("https://")) or (self._closed and client_id == BY_HAND):
            # Neither says scopes beforehand: the issuer's own are what may be asked for.
            return Loopback(
                client_id=client_id,
                redirect_uris=[AnyUrl("http://localhost/callback")],
                grant_types=["authorization_code", "refresh_token"],
                token_endpoint_auth_method="none",
                scope="mcp:tools mcp:read",
            )
        return await super().get_client(client_id)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        usual, self.lifetime = self.lifetime, STALE if self._stale else self.lifetime
        token = await super().exchange_authorization_code(client, authorization_code)
        self.lifetime = usual
        return self._refreshable(token, client, authorization_code.scopes, authorization_code.resource)

    def _refreshable(
        self, token: OAuthToken, client: OAuthClientInformationFull, scopes: list[str], resource: str | None
    ) -> OAuthToken:
        assert client.client_id is not None
        refresh = RefreshToken(
            token=secrets.token_hex(16), client_id=client.client_id, scopes=scopes, resource=resource
        )
        self._refreshing[refresh.token] = refresh
        return token.model_copy(update={"refresh_token": refresh.token, "expires_in": self.lifetime})

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        del client
        return self._refreshing.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        del self._refreshing[refresh_token.token]  # each is good once
        scope = " ".join(scopes)
        token = self.token(audience=refresh_token.resource or "nobody", **({"scope": scope} if scope else {}))
        fresh = OAuthToken(access_token=token, expires_in=self.lifetime, scope=scope or None)
        return self._refreshable(fresh, client, scopes, refresh_token.resource)


class Journal:
    """Everything that an application is asked, in order, with what was posted to it."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        if scope["path"] == JOURNAL:
            await JSONResponse(self._seen)(scope, receive, send)
            return
        body = await request.body()
        entry = {"method": scope["method"], "path": scope["path"], "query": dict(request.query_params)}
        is_json = request.headers.get("content-type", "").startswith("application/json")
        form = json.loads(body) if is_json else dict(parse_qsl(body.decode()))
        if len(self._seen) < MAX_SEEN:
            self._seen.append({**entry, "form": form})

        async def again() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)


def main() -> None:
    parser = argparse.ArgumentParser(description="Issue tokens on loopback, to clients of tests.")
    for option in ("--cimd", "--closed", "--stale"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args()
    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    app = Journal(LoginIssuer(**vars(options)).app(url))
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None)).run(sockets=[sock])


if __name__ == "__main__":
    main()

"""OAuth's public addresses: the metadata of the gateway's resources, and the way to the issuer (Starlette).

`/.well-known/oauth-protected-resource`, alone or before the path of a resource, is answered for whatever is served
on the data path. Clients that look for the authorization server here (the MCP revision of March 2025) get the
issuer's description. Where an issuer needs help (`oauth_metadata.py`), authorization, tokens and registration pass
through here: a redirect and two forms, without a secret of the gateway's own. Above: `cold.py`, which mounts the
routes. Below: `access/`.
"""

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..access import oauth_metadata as metadata
from ..access.discovery import OAUTH, OPENID, Discovery, Metadata
from ..access.fetch import Fetched, post, send
from ..access.oauth_metadata import OAuth
from ..access.tokens import Tokens
from ..core.errors import BadRequest, NotFound, TooLarge, UpstreamInvalid
from ..core.http_client import HttpClient
from .visitors import Visitors

ANYBODY = {"access-control-allow-origin": "*"}
"""Browsers may read what is public."""
KEPT = {**ANYBODY, "cache-control": "public, max-age=300"}
NOT_KEPT = {**ANYBODY, "cache-control": "no-store"}
LONGEST_PATH = 1024


class OAuthRoutes:
    """`prefixes`: first segments of the paths that are resources."""

    def __init__(
        self, oauth: OAuth, tokens: Tokens, http: HttpClient, visitors: Visitors, prefixes: Collection[str]
    ) -> None:
        self._oauth = oauth
        self._tokens = tokens
        self._http = http
        self._visitors = visitors
        self._prefixes = frozenset(prefixes)
        self.routes: list[BaseRoute] = [
            Route(metadata.RESOURCE, self._resource),
            Route(metadata.RESOURCE + "/{path:path}", self._resource),
            *(Route(path, self._server) for path in (OAUTH, OPENID)),
            *(Route(path + "/{path:path}", self._server) for path in (OAUTH, OPENID)),
        ]
        if oauth.adapted is not None:
            self.routes += [
                Route(metadata.AUTHORIZE, self._authorize, methods=["GET"]),
                Route(metadata.TOKEN, self._token, methods=["POST"]),
                Route(metadata.REGISTER, self._register, methods=["POST"]),
            ]

    def _host(self, request: Request) -> str:
        self._visitors.check_host(request)
        return str(request.headers.get("host", ""))

    async def _resource(self, request: Request) -> Response:
        host = self._host(request)
        path: str = request.scope["path"].removeprefix(metadata.RESOURCE)
        if len(path) > LONGEST_PATH or (path.strip("/") and path.split("/")[1] not in self._prefixes):
            raise NotFound("there is no resource at this path; MCP clients connect to /mcp")
        return _json(self._oauth.resource(host, path or "/"), KEPT)

    async def _server(self, request: Request) -> Response:
        host = self._host(request)
        found = await self._found()
        return _json(self._oauth.server(host, found), KEPT)

    def _discovery(self) -> Discovery:
        issuer = self._oauth.adapted or self._oauth.issuers[0]
        return self._tokens.trusted[issuer.issuer].discovery

    async def _found(self) -> Metadata:
        return await self._discovery().metadata()

    # The way to an issuer that needs help.

    async def _authorize(self, request: Request) -> Response:
        self._host(request)
        target = (await self._found()).authorization_endpoint
        if not target:
            raise NotFound("the issuer names no authorization endpoint")
        query = self._passed(request.scope["query_string"])
        return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{query.decode()}", 302, NOT_KEPT)

    async def _token(self, request: Request) -> Response:
        self._host(request)
        target = (await self._found()).token_endpoint
        if not target:
            raise NotFound("the issuer names no token endpoint")
        form = self._passed(await _body(request))
        basic = request.headers.get("authorization", "")
        # A client's own at the issuer; a credential for this gateway is not the issuer's to see.
        given = ((b"authorization", basic.encode("latin-1")),) if basic.lower().startswith("basic ") else ()
        return _passed_back(await post(self._http, target, form, given))

    async def _register(self, request: Request) -> Response:
        self._host(request)
        issuer, body = self._oauth.adapted, await _body(request)
        assert issuer is not None
        if issuer.client_id is not None:
            try:
                return _json(metadata.registered(issuer.client_id, body), NOT_KEPT, 201)
            except ValueError as error:
                raise BadRequest("a registration is a JSON object with redirect_uris (RFC 7591)") from error
        target = (await self._found()).registration_endpoint
        if not target:
            raise NotFound("the issuer registers no clients: register one by hand and set client_id")
        return _passed_back(await send(self._http, target, body))

    def _passed(self, form: bytes) -> bytes:
        issuer = self._oauth.adapted
        assert issuer is not None
        try:
            return metadata.passed_on(issuer, form)
        except ValueError as error:
            raise BadRequest("the parameters are no readable form (application/x-www-form-urlencoded)") from error


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > metadata.MAX_FORM:
            raise TooLarge(f"the body is larger than {metadata.MAX_FORM} bytes")
    return body


def _passed_back(answer: Fetched) -> Response:
    """The issuer's answer, which is its own but for where it goes."""
    if 300 <= answer.status < 400:
        raise UpstreamInvalid("the issuer redirects what a client posts")
    kind = next((value for name, value in answer.headers if name == b"content-type"), b"application/json")
    return Response(answer.body, answer.status, {**NOT_KEPT, "content-type": kind.decode("latin-1")})


def _json(body: bytes, headers: dict[str, str], status: int = 200) -> Response:
    return Response(body, status, {**headers, "content-type": "application/json"})

"""OAuth's public addresses: the metadata of the gateway's resources, and the way to the issuer (Starlette).

`/.well-known/oauth-protected-resource`, alone or before the path of a resource, is answered for whatever is served
on the data path. Clients that look for the authorization server here (the MCP revision of March 2025) get the
issuer's description. Where an issuer needs help (`oauth_metadata.py`), authorization, tokens and registration pass
through here: a redirect and two forms, without a secret of the gateway's own. Above: `cold.py`, which mounts the
routes. Below: `access/`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..access import oauth_metadata as metadata
from ..access.challenge import quotable
from ..access.discovery import OAUTH, OPENID, Discovery, Metadata
from ..access.fetch import Fetched, post, send
from ..access.oauth_metadata import OAuth
from ..access.tokens import Tokens
from ..core.errors import BadRequest, ClientError, GatewayError, NotFound, RequestTimeout, TooLarge, UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.rawjson import encode
from .visitors import Visitors

ANYBODY = {"access-control-allow-origin": "*"}
"""Browsers may read what is public."""
KEPT = {**ANYBODY, "cache-control": "public, max-age=300"}
NOT_KEPT = {**ANYBODY, "cache-control": "no-store"}
LONGEST_PATH = 1024
BODY_TIMEOUT = 30.0
"""Seconds for all of a form to arrive."""
RETURNED = ("content-type", "www-authenticate", "retry-after")
"""Headers of the issuer that are for its client; others are between the issuer and the gateway."""

Handling = Callable[[Request], Awaitable[Response]]


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
                Route(metadata.TOKEN, _told(self._token, "invalid_request"), methods=["POST"]),
                Route(metadata.REGISTER, _told(self._register, "invalid_client_metadata"), methods=["POST"]),
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
        form = self._passed(await body_of(request))
        basic = request.headers.get("authorization", "")
        # A client's own at the issuer; a credential for this gateway is not the issuer's to see.
        given = ((b"authorization", basic.encode("latin-1")),) if basic.lower().startswith("basic ") else ()
        return passed_back(await post(self._http, target, form, given))

    async def _register(self, request: Request) -> Response:
        self._host(request)
        issuer, body = self._oauth.adapted, await body_of(request)
        assert issuer is not None
        if issuer.client_id is not None:
            try:
                return _json(metadata.registered(issuer.client_id, body), NOT_KEPT, 201)
            except ValueError as error:
                raise BadRequest("a registration is a JSON object with redirect_uris (RFC 7591)") from error
        target = (await self._found()).registration_endpoint
        if not target:
            raise NotFound("the issuer registers no clients: register one by hand and set client_id")
        return passed_back(await send(self._http, target, body))

    def _passed(self, form: bytes) -> bytes:
        issuer = self._oauth.adapted
        assert issuer is not None
        try:
            return metadata.passed_on(issuer, form)
        except ValueError as error:
            raise BadRequest("the parameters are no readable form (application/x-www-form-urlencoded)") from error


def _told(handling: Handling, ours: str) -> Handling:
    """With what the gateway refuses told as clients of OAuth read it. `ours`: the code of what the client did wrong."""

    async def told(request: Request) -> Response:
        try:
            return await handling(request)
        except GatewayError as error:
            return refused(error, ours)

    return told


def refused(error: GatewayError, ours: str) -> Response:
    """An error as JSON (RFC 6749 5.2, RFC 7591 3.2.2)."""
    code = ours if isinstance(error, ClientError) else "temporarily_unavailable" if error.retryable else "server_error"
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in error.headers}
    body = encode({"error": code, "error_description": quotable(error.message)})
    return _json(body, {**headers, **NOT_KEPT}, error.status)


async def body_of(request: Request, timeout: float = BODY_TIMEOUT) -> bytes:
    """Raises `TooLarge`, `RequestTimeout`, `BadRequest`."""
    body = b""
    try:
        async with asyncio.timeout(timeout):
            async for chunk in request.stream():
                body += chunk
                if len(body) > metadata.MAX_FORM:
                    raise TooLarge(f"the body is larger than {metadata.MAX_FORM} bytes")
    except TimeoutError as error:
        raise RequestTimeout(f"the body did not arrive within {timeout:g} s") from error
    except ClientDisconnect as error:
        raise BadRequest("the body ended too early") from error
    return body


def passed_back(answer: Fetched) -> Response:
    """The issuer's answer, which is its own but for where it goes. Raises `UpstreamInvalid`."""
    if 300 <= answer.status < 400:
        raise UpstreamInvalid("the issuer redirects what a client posts")
    theirs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)
    returned = {name: value for name, value in theirs if name in RETURNED}
    return Response(answer.body, answer.status, {"content-type": "application/json", **returned, **NOT_KEPT})


def _json(body: bytes, headers: dict[str, str], status: int = 200) -> Response:
    return Response(body, status, {**headers, "content-type": "application/json"})

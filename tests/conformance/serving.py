"""Serves an SDK server over one transport and, if told, in one protocol era only.

The SDK serves both eras on every transport and has no switch for it. Here the HTTP side is
guarded by a small ASGI wrapper and the stream side picks the loop of the wanted era, so
that a gateway meets a peer that behaves as servers of that era do. Must not know fixtures.

Prints the URL as one line on standard output once it listens (nothing on stdio).
"""

import argparse
import logging
import socket
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.runner import modern_on_request, serve_dual_era_loop, serve_loop
from mcp.server.sse import SseServerTransport
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import RequestBodyLimitMiddleware, TransportSecuritySettings
from mcp.shared.dispatcher import DispatchContext
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.transport_context import TransportContext
from mcp.types import HEADER_MISMATCH, INVALID_REQUEST, UNSUPPORTED_PROTOCOL_VERSION
from mcp.types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.conformance.event_log import EventLog

ERAS = ("both", "legacy", "modern")
TRANSPORTS = ("http", "stdio", "sse")
HOST = "127.0.0.1"
MAX_BODY = 4 * 1024 * 1024
RETRY_MS = 100
MODERN = MODERN_PROTOCOL_VERSIONS[-1]
SECURITY = TransportSecuritySettings(
    enable_dns_rebinding_protection=True,
    allowed_hosts=["127.0.0.1:*", "localhost:*", "[::1]:*"],
    allowed_origins=["http://127.0.0.1:*", "http://localhost:*", "http://[::1]:*"],
)


def main(server: Server[Any], argv: Sequence[str] | None = None) -> None:
    """Parse the command line and serve until told to stop (SIGTERM, SIGINT, or end of input)."""
    parser = argparse.ArgumentParser(description=f"Serve {server.name} on loopback.")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 (default) takes a free one")
    parser.add_argument("--era", choices=ERAS, default="both")
    parser.add_argument("--transport", choices=TRANSPORTS, default="http")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    warnings.simplefilter("ignore", MCPDeprecationWarning)  # the handshake era is served on purpose
    if options.transport == "stdio":
        anyio.run(_serve_stdio, server, options.era)
    else:
        app = http_app(server, options.era) if options.transport == "http" else sse_app(server, options.era)
        _serve_app(app, options.port, "/mcp" if options.transport == "http" else "/sse")


def http_app(server: Server[Any], era: str) -> ASGIApp:
    """The streamable HTTP application at `/mcp`."""
    app = server.streamable_http_app(event_store=EventLog(), retry_interval=RETRY_MS)
    if era == "legacy":
        return _legacy_only(app)
    return RequestBodyLimitMiddleware(_modern_only(app), MAX_BODY) if era == "modern" else app


def sse_app(server: Server[Any], era: str) -> Starlette:
    """The old HTTP+SSE application: GET `/sse`, POST `/messages/`."""
    transport = SseServerTransport("/messages/", security_settings=SECURITY)

    async def connect(scope: Scope, receive: Receive, send: Send) -> None:
        async with transport.connect_sse(scope, receive, send) as (read, write):
            await _serve_streams(server, era, read, write)

    async def endpoint(request: Request) -> Response:
        await connect(request.scope, request.receive, request._send)
        return Response()

    routes = [Route("/sse", endpoint=endpoint), Mount("/messages/", app=transport.handle_post_message)]
    return Starlette(routes=routes)


async def _serve_stdio(server: Server[Any], era: str) -> None:
    async with stdio_server() as (read, write):
        await _serve_streams(server, era, read, write)


async def _serve_streams(server: Server[Any], era: str, read: Any, write: Any) -> None:
    async with server.lifespan(server) as state:
        if era == "legacy":
            await serve_loop(server, read, write, lifespan_state=state)
        elif era == "modern":
            await _serve_modern_loop(server, state, read, write)
        else:
            await serve_dual_era_loop(server, read, write, lifespan_state=state)


async def _serve_modern_loop(server: Server[Any], state: Any, read: Any, write: Any) -> None:
    serve = modern_on_request(server, state)

    async def on_request(
        context: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        if method == "initialize":
            requested = (params or {}).get("protocolVersion")
            raise MCPError(UNSUPPORTED_PROTOCOL_VERSION, "this server has no handshake", _versions(requested))
        return await serve(context, method, params)

    async def on_notify(
        context: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None
    ) -> None:
        """Clients notify nothing that a modern server acts on; the dispatcher handles cancellation."""

    await JSONRPCDispatcher[TransportContext](read, write).run(on_request, on_notify)


def _versions(requested: object) -> dict[str, Any]:
    return {"supported": list(MODERN_PROTOCOL_VERSIONS), "requested": str(requested)}


def _version_of(scope: Scope) -> str | None:
    found = (value for name, value in scope["headers"] if name == b"mcp-protocol-version")
    version = next(found, None)
    return None if version is None else version.decode("latin-1")


def _refusal(request_id: object, code: int, message: str, data: Mapping[str, Any] | None = None) -> JSONResponse:
    error: dict[str, Any] = {"code": code, "message": message, **({"data": data} if data else {})}
    return JSONResponse({"jsonrpc": "2.0", "id": request_id, "error": error}, status_code=400)


def _legacy_only(app: ASGIApp) -> ASGIApp:
    """Refuse newer versions as a server does that has never heard of them: 400, no modern code."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        version = _version_of(scope) if scope["type"] == "http" else None
        if version is None or version in HANDSHAKE_PROTOCOL_VERSIONS:
            await app(scope, receive, send)
        else:
            refusal = _refusal(None, INVALID_REQUEST, f"Bad Request: unsupported protocol version {version!r}")
            await refusal(scope, receive, send)

    return guarded


def _modern_only(app: ASGIApp) -> ASGIApp:
    """Refuse the handshake era: -32022 with the served versions, 405 for GET and DELETE."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        version = _version_of(scope) if scope["type"] == "http" else MODERN
        if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
            await app(scope, receive, send)
            return
        response = Response(status_code=405, headers={"Allow": "POST"})
        if scope["method"] == "POST":
            response = _handshake_refusal(await _json_body(Request(scope, receive)), version)
        await response(scope, receive, send)

    return guarded


async def _json_body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _handshake_refusal(body: dict[str, Any], header: str | None) -> Response:
    params = body.get("params") if isinstance(body.get("params"), dict) else {}
    enveloped = "io.modelcontextprotocol/protocolVersion" in (params or {}).get("_meta", {})
    if enveloped:
        return _refusal(body.get("id"), HEADER_MISMATCH, "the MCP-Protocol-Version header does not match the body")
    requested = (params or {}).get("protocolVersion", header)
    return _refusal(body.get("id"), UNSUPPORTED_PROTOCOL_VERSION, "this server has no handshake", _versions(requested))


class _Announcing(uvicorn.Server):
    """Says on standard output where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        sys.stdout.write(f"{self._url}\n")
        sys.stdout.flush()


def _serve_app(app: ASGIApp, port: int, path: str) -> None:
    # h11, because httptools leaves the optional white space around header values in place.
    config = uvicorn.Config(app, http="h11", log_level="warning", timeout_graceful_shutdown=1)
    with socket.create_server((HOST, port)) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}{path}"
        _Announcing(config, url).run(sockets=[listener])

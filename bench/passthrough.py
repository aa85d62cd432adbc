"""The gateway one writes in an afternoon: Starlette in front, aiohttp behind, one static key.

It forwards bodies blindly, on uvicorn with httptools and uvloop and without an access log:
what a tidy Python stack costs before it does anything. aiohttp is needed here only and is no
dependency of the package. Usage: `python -m bench.passthrough --port P --upstream P --mcp PATH --key KEY`.
"""

import argparse
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bench import chat

# By name, because type checkers run where aiohttp is not installed.
aiohttp: Any = importlib.import_module("aiohttp")

RELAYED = ("content-type", "accept", "mcp-session-id", "mcp-protocol-version", "mcp-method", "mcp-name", "a2a-version")
RETURNED = ("content-type", "mcp-session-id")


def application(origin: str, mcp_path: str, key: str) -> Starlette:
    """An application that forwards `/mcp` to `mcp_path`, agents and the chat path to themselves, below `origin`."""
    sessions: list[Any] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            sessions.append(session)
            yield

    async def forward(request: Request, path: str) -> Response:
        if request.headers.get("authorization") != f"Bearer {key}":
            return Response(status_code=401)
        headers = {name: value for name in RELAYED if (value := request.headers.get(name))}
        body = await request.body()
        reply = await sessions[0].request(request.method, origin + path, data=body, headers=headers)
        back = {name: value for name in RETURNED if (value := reply.headers.get(name))}
        if back.get("content-type") == "text/event-stream":
            return StreamingResponse(chunks(reply), reply.status, back)
        async with reply:
            return Response(await reply.read(), reply.status, back)

    async def chunks(reply: Any) -> AsyncIterator[bytes]:
        async with reply:
            async for chunk in reply.content.iter_any():
                yield chunk

    async def mcp(request: Request) -> Response:
        return await forward(request, mcp_path)

    async def same(request: Request) -> Response:
        return await forward(request, request.url.path)

    async def health(_: Request) -> Response:
        return Response()

    routes = [
        Route("/healthz", health),
        Route("/mcp", mcp, methods=["GET", "POST", "DELETE"]),
        Route(chat.PATH, same, methods=["POST"]),
        Route("/a2a/{rest:path}", same, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description="a bare pass-through gateway")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", type=int, required=True)
    parser.add_argument("--mcp", default="/all/mcp")
    parser.add_argument("--key", required=True)
    given = parser.parse_args()
    app = application(f"http://127.0.0.1:{given.upstream}", given.mcp, given.key)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=given.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()

"""What a load balancer does that knows nothing of conversations: each request goes to the next replica.

Usage: `python -m bench.a2a_roundrobin --port P URL URL ...`. Bodies, methods and answers pass as
they are, streams included. It is what the experiment compares fedgate with.
"""

import argparse
import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from fedgate.core.errors import GatewayError
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target, Timeouts

OWN = {b"host", b"connection", b"content-length", b"transfer-encoding"}
TIMEOUTS = Timeouts(first_byte=60.0, idle=60.0)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RoundRobin:
    """An ASGI application that forwards every request to the next of its targets."""

    def __init__(self, urls: list[str]) -> None:
        self._http = HttpClient()
        self._next = itertools.cycle([Target.parse(url) for url in urls])

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/healthz":
            await _reply(send, 200, [], b"")
            return
        query = f"?{scope['query_string'].decode()}" if scope["query_string"] else ""
        headers = [(name, value) for name, value in scope["headers"] if name not in OWN]
        try:
            answer = await self._http.request(
                scope["method"],
                next(self._next),
                path=scope["raw_path"].decode() + query,
                headers=headers,
                body=await _body(receive),
                timeouts=TIMEOUTS,
            )
        except GatewayError as error:
            await _reply(send, error.status, [], error.message.encode())
            return
        kept = [(name, value) for name, value in answer.headers if name not in OWN]
        await send({"type": "http.response.start", "status": answer.status, "headers": kept})
        try:
            async for chunk in answer:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            await answer.aclose()
        await send({"type": "http.response.body", "body": b""})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _reply(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    parser = argparse.ArgumentParser(description="a round robin proxy")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("urls", nargs="+")
    given = parser.parse_args()
    uvicorn.run(
        RoundRobin(given.urls), host="127.0.0.1", port=given.port, lifespan="off", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main()

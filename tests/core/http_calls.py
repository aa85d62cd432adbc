"""Peers that just answer, and calls that just read, for the HTTP client's tests."""

from collections.abc import Awaitable, Callable

from fedgate.core.http_client import HttpClient
from fedgate.core.http_response import HttpResponse
from tests.core.http_peer import Peer, Wire

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def serve_ok(wire: Wire) -> None:
    while True:
        await wire.answer()


def serving(*answers: bytes) -> Callable[[Wire], Awaitable[None]]:
    """A script that gives these answers on each connection, then closes it."""

    async def script(wire: Wire) -> None:
        for answer in answers:
            await wire.answer(answer)
        wire.finish()

    return script


async def call(client: HttpClient, server: Peer, method: str = "GET", body: bytes = b"") -> tuple[int, bytes]:
    response = await client.request(method, server.target, body=body)
    return response.status, await response.read(1 << 20)


async def drained(response: HttpResponse) -> bytes:
    return b"".join([chunk async for chunk in response])

"""Sends a request's body that comes as an iterator: chunked, and no faster than the peer takes it.

Needs no task of its own: it runs inside the request, and is interrupted when the
connection ends or the answer makes the rest pointless. Above: the client. Below:
`http_connection`.
"""

import asyncio
from collections.abc import AsyncIterator

from .errors import UpstreamTimeout
from .http_connection import Connection
from .http_head import chunk
from .http_response import HttpResponse


async def send_body(connection: Connection, response: HttpResponse, body: AsyncIterator[bytes], idle: float) -> None:
    """Send all of `body`, or as much as the upstream wants to have.

    An answer that is an error (300 and up) or complete ends the sending early; then the
    connection is not used again. An early head of 2xx does not: the peer may be
    answering while it reads. `idle` seconds without progress are an `UpstreamTimeout`.
    What the iterator raises leaves as it is; it is closed in every case.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as scope:
            response.interrupt = lambda: None if scope.expired() else scope.reschedule(loop.time())
            async for data in body:
                # An iterator that never waits gives the interruption no chance.
                if response.settled:
                    return
                if data:
                    connection.send(chunk(data))
                if connection.congested:
                    scope.reschedule(loop.time() + idle)
                    await connection.drain()
                    scope.reschedule(None)
            connection.send(chunk(b""))
            connection.sending = False
    except TimeoutError as error:
        if not scope.expired():
            raise
        if not response.settled:
            raise UpstreamTimeout(f"{connection.name} stopped reading the request") from error
    finally:
        response.interrupt = None
        if (aclose := getattr(body, "aclose", None)) is not None:
            await aclose()

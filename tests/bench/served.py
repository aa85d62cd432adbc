"""The fake upstream of the benchmark on a port of its own, in the test's own loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench import http_client, upstream


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    """Its port."""
    origin = "http://127.0.0.1:9"  # stands in cards alone
    made = upstream.Upstream(origin)
    server = await asyncio.get_running_loop().create_server(lambda: upstream.Connection(made), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def fake_upstream() -> AsyncIterator[http_client.Connection]:
    """A connection to it, of the load generator's own kind."""
    async with served() as port:
        connection = http_client.Connection("127.0.0.1", port)
        try:
            yield connection
        finally:
            connection.close()

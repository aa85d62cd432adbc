"""Kept connections that turn out to be dead: what is sent again, and what never."""

from collections.abc import Awaitable, Callable

import pytest

from fedgate.core.errors import (
    UpstreamBroken,
)
from tests.core.http_calls import call, serve_ok
from tests.core.http_peer import OK, Wire, counts, on_both_loops, opened, peer, pieces

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


def dying(first: bytes = OK, *, then: bytes = b"") -> Callable[[Wire], Awaitable[None]]:
    """The first connection answers once, takes one more request, and dies with `then`; later ones live."""

    async def script(wire: Wire) -> None:
        if wire.number:
            await serve_ok(wire)
        await wire.answer(first)
        await wire.request()
        wire.send(then)
        wire.finish()

    return script


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_an_idempotent_request_into_a_dead_connection_is_sent_again(method: str) -> None:
    async with peer(dying()) as server, opened() as client:
        await call(client, server)
        assert (await call(client, server, method))[0] == 200
        assert len(server.wires) == 2
        assert counts(client).active == 0


async def test_a_post_into_a_connection_that_died_after_the_write_is_never_sent_twice() -> None:
    async with peer(dying()) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await call(client, server, "POST", b"pay")
        assert len(server.wires) == 1
        assert counts(client).active == 0


async def test_a_request_is_not_sent_again_once_a_byte_of_an_answer_came() -> None:
    async with peer(dying(then=b"H")) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await call(client, server)
        assert len(server.wires) == 1


async def test_a_request_is_sent_again_only_once() -> None:
    async def script(wire: Wire) -> None:
        if not wire.number:
            await wire.answer()
        await wire.request()
        wire.finish()

    async with peer(script) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await call(client, server)
        assert len(server.wires) == 2


async def test_a_request_on_a_fresh_connection_is_not_sent_again() -> None:
    async def script(wire: Wire) -> None:
        await wire.request()
        wire.finish()

    async with peer(script) as server, opened() as client:
        with pytest.raises(UpstreamBroken):
            await call(client, server)
        assert len(server.wires) == 1


async def test_an_iterator_is_not_sent_again() -> None:
    async with peer(dying()) as server, opened() as client:
        await call(client, server)
        with pytest.raises(UpstreamBroken):
            await client.request("PUT", server.target, body=pieces(b"once"))
        assert len(server.wires) == 1

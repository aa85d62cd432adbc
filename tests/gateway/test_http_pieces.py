"""gateway/http_protocol.py: however requests are cut into packets, the replies are the same; h11 is the judge."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import unquote

import h11
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedgate.gateway.http_exchange import HttpExchange
from tests.gateway.test_http_exchange import Connection, Wire, native

BODIES = st.binary(max_size=200)
PATHS = st.lists(st.sampled_from(["a", "b", "%20", "/", "%"]), max_size=6).map(lambda parts: f"/{''.join(parts)}")


async def _echo(exchange: HttpExchange) -> None:
    """Streams what it was told, in two pieces, where the path says so; else answers in one."""
    body = exchange.scope["path"].encode() + b" " + await exchange.body(10_000, 5.0)
    if exchange.scope["path"].startswith("/a"):
        await exchange.begin(200, ())
        await exchange.chunk(body[:5])
        await exchange.chunk(body[5:])
        await exchange.end()
    else:
        await exchange.whole(200, ((b"content-length", b"%d" % len(body)),), body)


def _written(path: str, body: bytes, chunked: bool) -> bytes:
    """A request as h11 would send it."""
    client = h11.Connection(h11.CLIENT)
    framing = ("transfer-encoding", "chunked") if chunked else ("content-length", str(len(body)))
    request = h11.Request(method="POST", target=path, headers=[("host", "localhost"), framing])
    parts = [client.send(request), client.send(h11.Data(data=body)), client.send(h11.EndOfMessage())]
    return b"".join(part or b"" for part in parts)


def _read(replies: bytes, count: int) -> list[bytes]:
    """The bodies of so many replies."""
    bodies = []
    client = h11.Connection(h11.CLIENT)
    for _ in range(count):
        client.send(h11.Request(method="POST", target="/", headers=[("host", "x"), ("content-length", "0")]))
        client.send(h11.EndOfMessage())
        if replies:
            client.receive_data(replies)
            replies = b""
        body = b""
        while not isinstance(event := client.next_event(), h11.EndOfMessage):
            assert isinstance(event, h11.Response | h11.Data), event
            body += bytes(event.data) if isinstance(event, h11.Data) else b""
        bodies.append(body)
        client.start_next_cycle()
    assert client.trailing_data == (b"", False)
    return bodies


async def _replies(packets: Sequence[bytes]) -> tuple[bytes, bool]:
    wire = Wire()
    at = Connection(wire, native(_echo))
    for packet in packets:
        at.protocol.data_received(packet)
        await asyncio.sleep(0)
    await at.settled()
    at.protocol.connection_lost(None)
    return b"".join(wire.writes), wire.reading


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(PATHS, BODIES, st.booleans()), min_size=1, max_size=4),
    st.lists(st.integers(0, 1200), max_size=8),
)
@example([("/a", b"x", False), ("/b", b"y", True)], list(range(300)))
def test_how_requests_are_cut_makes_no_difference(requests: list[tuple[str, bytes, bool]], cuts: list[int]) -> None:
    whole = b"".join(_written(*each) for each in requests)
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    packets = [whole[start:end] for start, end in pairwise(places)]
    replies, reading = asyncio.run(_replies(packets))
    expected = [unquote(path).encode() + b" " + body for path, body, _ in requests]
    assert (_read(replies, len(requests)), reading) == (expected, True)

"""gateway/http_reply.py, and what uvicorn makes of it: whole replies in one write, byte for byte the same."""

import asyncio

import pytest
import uvicorn
from uvicorn.server import ServerState

from fedgate.gateway.asgi import Receive, Scope, Send
from fedgate.gateway.http_protocol import BoundedProtocol
from fedgate.gateway.http_reply import MAX_JOINED, Joining

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Wire(asyncio.Transport):
    """Remembers every write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nor here."""


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_head_with_a_length_waits_for_the_body(wire: Wire) -> None:
    reply = Joining(wire)
    reply.write(HEAD % 2)
    assert wire.writes == []
    reply.write(b"{}")
    assert wire.writes == [HEAD % 2 + b"{}"]


def test_an_empty_body_lets_the_head_go(wire: Wire) -> None:
    reply = Joining(wire)
    reply.write(HEAD % 0)
    reply.write(b"")
    assert wire.writes == [HEAD % 0]


def test_further_pieces_of_a_body_go_out_as_they_come(wire: Wire) -> None:
    reply = Joining(wire)
    for data in (HEAD % 4, b"12", b"34"):
        reply.write(data)
    assert wire.writes == [HEAD % 4 + b"12", b"34"]


def test_a_large_body_is_not_copied(wire: Wire) -> None:
    body = bytes(MAX_JOINED + 1)
    reply = Joining(wire)
    reply.write(HEAD % len(body))
    reply.write(body)
    assert wire.writes == [HEAD % len(body), body]


def test_a_body_of_the_limit_is_joined(wire: Wire) -> None:
    body = bytes(MAX_JOINED)
    reply = Joining(wire)
    reply.write(HEAD % len(body))
    reply.write(body)
    assert wire.writes == [HEAD % len(body) + body]


def test_the_head_of_a_stream_goes_out_at_once_and_its_chunks_are_never_taken_for_heads(wire: Wire) -> None:
    chunk = b"1a\r\nHTTP/1.1\r\ncontent-length: 1\r\n\r\n"
    reply = Joining(wire)
    for data in (STREAM, chunk, chunk):
        reply.write(data)
    assert wire.writes == [STREAM, chunk, chunk]


def test_a_100_goes_out_at_once_and_the_head_after_it_still_waits(wire: Wire) -> None:
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    reply = Joining(wire)
    for data in (go_on, HEAD % 1, b"x"):
        reply.write(data)
    assert wire.writes == [go_on, HEAD % 1 + b"x"]


def test_a_reply_that_is_cut_after_its_head_is_cut_there(wire: Wire) -> None:
    reply = Joining(wire)
    reply.write(HEAD % 5)
    assert not reply.is_closing()
    reply.close()
    assert (wire.writes, wire.closed, reply.is_closing()) == ([HEAD % 5], True, True)


def test_closing_after_the_body_writes_nothing_more(wire: Wire) -> None:
    reply = Joining(wire)
    reply.write(HEAD % 1)
    reply.write(b"x")
    reply.close()
    assert (wire.writes, wire.closed) == ([HEAD % 1 + b"x"], True)


async def _application(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the path; `/stream` in two pieces, `/cut` with a head that nothing follows."""
    body = str(scope["path"]).encode()
    if body == b"/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two", "more_body": False})
        return
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    if body != b"/cut":
        await send({"type": "http.response.body", "body": body, "more_body": False})


async def _served(wire: Wire, *requests: bytes) -> list[bytes]:
    """What one connection writes for requests that come together."""
    config = uvicorn.Config(_application, http=BoundedProtocol, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    protocol = BoundedProtocol(config, state, {})
    protocol.connection_made(wire)
    protocol.data_received(b"".join(b"%b HTTP/1.1\r\nhost: localhost\r\n\r\n" % each for each in requests))
    async with asyncio.timeout(5):
        while state.tasks:
            await asyncio.gather(*state.tasks)
            await asyncio.sleep(0)
    protocol.connection_lost(None)
    return wire.writes


LENGTH = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"


@pytest.mark.anyio
async def test_pipelined_whole_replies_are_one_write_each(wire: Wire) -> None:
    assert await _served(wire, b"GET /a", b"GET /bc") == [LENGTH % 2 + b"/a", LENGTH % 3 + b"/bc"]


@pytest.mark.anyio
async def test_the_reply_to_head_is_its_head_and_the_next_reply_follows(wire: Wire) -> None:
    assert await _served(wire, b"HEAD /a", b"GET /bc") == [LENGTH % 2, LENGTH % 3 + b"/bc"]


@pytest.mark.anyio
async def test_a_stream_comes_piece_by_piece(wire: Wire) -> None:
    assert await _served(wire, b"GET /stream") == [STREAM, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"]


@pytest.mark.anyio
async def test_a_reply_that_its_application_leaves_unfinished_is_its_head_and_the_end(wire: Wire) -> None:
    assert await _served(wire, b"GET /cut") == [LENGTH % 4]
    assert wire.closed


@pytest.mark.anyio
async def test_the_last_reply_of_a_connection_goes_out_before_it_closes(wire: Wire) -> None:
    written = await _served(wire, b"GET /a HTTP/1.0\r\nx:")
    assert (written, wire.closed) == ([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n/a"], True)

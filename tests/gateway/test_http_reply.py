"""gateway/http_reply.py, and what uvicorn makes of it: whole replies in one write, byte for byte the same."""

import asyncio

import pytest

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

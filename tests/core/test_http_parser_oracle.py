"""The parser against h11 as the judge, and against nonsense."""

import random

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from tests.core.http_answers import CHUNKED, head, parse


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, bytes]:
    """A request method and an answer that h11 writes for it."""
    method = draw(st.sampled_from(["GET", "GET", "POST", "HEAD"]))
    server = h11.Connection(h11.SERVER)
    version = draw(st.sampled_from(["1.1", "1.1", "1.0"]))
    fields = b"\r\ncontent-length: 0" if method == "POST" else b""
    server.receive_data(f"{method} / HTTP/{version}\r\nhost: h".encode() + fields + b"\r\n\r\n")
    assert isinstance(server.next_event(), h11.Request)
    assert isinstance(server.next_event(), h11.EndOfMessage)
    body = draw(st.lists(st.binary(min_size=1, max_size=30), max_size=4))
    headers = draw(st.lists(_header, max_size=4))
    if draw(st.booleans()):
        headers.append((b"Content-Length", b"%d" % sum(map(len, body))))
    if draw(st.booleans()):
        headers.append((b"Connection", draw(st.sampled_from([b"close", b"keep-alive"]))))
    data = b""
    if version == "1.1":
        for status in draw(st.lists(st.sampled_from([100, 102, 103]), max_size=2)):
            data += server.send(h11.InformationalResponse(status_code=status, headers=[])) or b""
    status = draw(st.sampled_from([200, 201, 204, 304, 400, 404, 500, 599]))
    written = server.send(h11.Response(status_code=status, headers=headers, reason=b"Because")) or b""
    data += written
    empty = method == "HEAD" or status in (204, 304)
    for piece in [] if empty else body:
        data += server.send(h11.Data(data=piece)) or b""
    trailers = draw(st.lists(_header, max_size=2)) if b"chunked" in written and not empty else []
    data += server.send(h11.EndOfMessage(headers=trailers)) or b""
    return method, data


_name = st.text("ABCxyz-019", min_size=1, max_size=8).map(lambda text: b"X" + text.encode())
_value = st.text('abc XYZ\t,;="/\u00e9', max_size=12).map(lambda text: text.strip(" \t").encode("latin-1"))
_header = st.tuples(_name, _value)


def judged_by_h11(method: str, data: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("host", "h"), ("content-length", "0")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    status, headers, body = 0, [], b""
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            status, headers = event.status_code, [(bytes(n), bytes(v)) for n, v in event.headers]
        elif isinstance(event, h11.Data):
            body += event.data
    return status, headers, body


@settings(max_examples=400, deadline=None)
@given(answers(), st.lists(st.integers(0, 400), max_size=8))
def test_whatever_h11_writes_is_read_as_h11_reads_it_however_it_is_cut(
    written: tuple[str, bytes], cuts: list[int]
) -> None:
    method, data = written
    answer, _ = parse(data, *[cut for cut in cuts if cut < len(data)], bodiless=method == "HEAD")
    assert answer.complete
    assert (answer.status, list(answer.headers), answer.body) == judged_by_h11(method, data)


SEEDS = [
    head(b"Content-Length: 11", b"Content-Type: text/plain") + b"hello world",
    CHUNKED + b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n",
    head(status=b"HTTP/1.1 100 Continue") + head(b"Connection: close") + b"hello",
    head(b"Content-Length: 0", status=b"HTTP/1.0 302 Found"),
]
SPICE = [b"\r\n", b"\n", b"\x00", b":", b"0", b"-1", b"ffffffffffffffff", b"Content-Length: 3\r\n", b" ",
         b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 101 X\r\n\r\n", b"\xff", b";"]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[place:place] = chance.choice(SPICE)
            case 1:
                del data[place : place + chance.randint(1, 12)]
            case 2:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case _:
                data[place:place] = data[: chance.randrange(len(data) + 1)]
    return bytes(data)


def test_mutated_answers_are_read_or_invalid_and_cutting_changes_nothing() -> None:
    chance = random.Random(11)
    for _ in range(6000):
        data = mutated(chance)
        results: list[object] = []
        for cuts in ([], range(1, len(data)), [chance.randrange(len(data) + 1)]):
            try:
                answer, _ = parse(data, *cuts)
                results.append((answer.status, answer.headers, answer.body, answer.complete))
            except UpstreamInvalid:
                results.append(None)
        assert results[0] == results[1] == results[2], data

"""bench/mcp_client.py"""

import msgspec
import pytest

from bench.http_client import Reply, Wrong
from bench.mcp_client import Framing, check_echo, events, result_of

JSON = {b"content-type": b"application/json"}
STREAM = {b"content-type": b"text/event-stream"}


def test_an_answer_is_found_in_json_and_in_an_event_stream() -> None:
    answer = b'{"jsonrpc":"2.0","id":7,"result":{"a":1}}'
    note = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}'
    stream = b": hello\r\n\r\nid: 1\r\ndata: %s\r\n\r\ndata: %s\r\n\r\n" % (note, answer)
    assert bytes(result_of(Reply(200, JSON, answer), 7)) == b'{"a":1}'
    assert bytes(result_of(Reply(200, STREAM, stream), 7)) == b'{"a":1}'


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (502, b"bad gateway", "HTTP 502"),
        (200, b'{"id":8,"result":{}}', "no answer with id 7"),
        (200, b'{"id":"7","result":{}}', "no answer with id 7"),
        (200, b'{"id":7,"error":{"code":-32603}}', "error answer"),
        (200, b'{"id":7,', "not a JSON-RPC response"),
    ],
)
def test_an_answer_to_something_else_does_not_count(status: int, body: bytes, why: str) -> None:
    with pytest.raises(Wrong, match=why):
        result_of(Reply(status, JSON, body), 7)


def test_only_the_text_that_was_sent_counts_as_an_echo() -> None:
    good = b'{"content":[{"type":"text","text":"hi"}],"vendor":1}'
    check_echo(msgspec.Raw(good), "hi")
    for bad in (b'{"content":[]}', good.replace(b"hi", b"ho"), b'{"isError":true,' + good[1:], b"[]"):
        with pytest.raises(Wrong):
            check_echo(msgspec.Raw(bad), "hi")


def test_data_of_several_lines_is_joined_and_comments_are_left_out() -> None:
    assert events(b"data: a\ndata:b\n\n: ping\n\n") == [b"a\nb"]


def test_a_modern_call_names_its_method_and_tool_in_headers_and_its_version_in_meta() -> None:
    framing = Framing("host:1", "/mcp", "key", "modern")
    head, _, body = framing.post(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "s0__x"}}
    ).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert b"Mcp-Method: tools/call" in lines
    assert b"Mcp-Name: s0__x" in lines
    assert b"MCP-Protocol-Version: 2026-07-28" in lines
    assert f"Content-Length: {len(body)}".encode() in lines
    meta = msgspec.json.decode(body)["params"]["_meta"]
    assert meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"


def test_a_legacy_request_carries_its_session_once_it_has_one() -> None:
    framing = Framing("host:1", "/mcp", "key")
    assert b"Mcp-Session-Id" not in framing.delete()
    framing.session = "abc"
    assert b"\r\nMcp-Session-Id: abc\r\n" in framing.delete()

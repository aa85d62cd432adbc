"""core/call.py: frozen values that go down the path, and one record that everybody writes to."""

import pytest

from fedgate.core.call import ANONYMOUS, JSON, SSE, Call, Principal, Record, Reply, Request, replace


async def no_body() -> bytes:
    return b""


def request(headers: dict[bytes, bytes]) -> Request:
    return Request("id", "POST", "/mcp", b"", headers, "127.0.0.1:1", "localhost", "HTTP/1.1", no_body)


@pytest.mark.parametrize(
    ("value", "read"), [(b" text/html\t", "text/html"), (b"", ""), (b"\xe4", "ä"), (b"a b", "a b")]
)
def test_a_header_is_text_without_the_white_space_around_it(value: bytes, read: str) -> None:
    assert request({b"accept": value}).header(b"accept") == read


def test_a_header_that_was_not_sent_is_none() -> None:
    assert request({}).header(b"accept") is None


def test_a_changed_call_is_another_one_with_the_same_record() -> None:
    head = request({})
    first = Call("mcp", head, Record(head, "mcp", 1.0))
    second = replace(first, operation="tools/call", principal=Principal("alice", "key"))
    assert (first.operation, first.principal) == ("", ANONYMOUS)
    assert (second.operation, second.principal.id) == ("tools/call", "alice")
    assert second.record is first.record
    with pytest.raises(AttributeError):
        first.operation = "x"  # type: ignore[misc]


def test_records_do_not_share_their_fields() -> None:
    one, other = (Record(request({}), "mcp", 0.0) for _ in range(2))
    one.fields["a"] = 1
    assert other.fields == {}
    assert one.wire is None


def test_principals_do_not_share_their_metadata() -> None:
    Principal("a").metadata["team"] = "core"
    assert Principal("b").metadata == {}


def test_an_empty_reply_is_a_200_without_anything() -> None:
    assert (Reply().status, Reply().headers, Reply().body) == (200, (), b"")
    assert (JSON[1], SSE[1]) == (b"application/json", b"text/event-stream")

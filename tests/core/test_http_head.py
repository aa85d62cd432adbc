import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedgate.core.http_head import chunk, framing, header_fields, request_line
from fedgate.core.http_values import Target

TARGET = Target.parse("http://h:9/x")


def test_a_request_line_names_path_and_host() -> None:
    line = request_line("POST", TARGET, "/a?b=c", absolute=False)
    assert line == b"POST /a?b=c HTTP/1.1\r\nhost: h:9\r\n"


def test_a_plain_proxy_gets_the_absolute_form() -> None:
    line = request_line("GET", TARGET, "/a", absolute=True)
    assert line == b"GET http://h:9/a HTTP/1.1\r\nhost: h:9\r\n"


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\n", "G\x00", "GÄT", "CONNECT", "GET /x HTTP/1.1\r\nx:"])
def test_a_method_that_could_break_the_request_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="method"):
        request_line(method, TARGET, "/", absolute=False)


@pytest.mark.parametrize(
    "path", ["", "x", "*", "/a b", "/a\r\nx: y", "/\x00", "/ü", "/a#b", "/ HTTP/1.1\r\n\r\n", "http://h/", "//\t"]
)
def test_a_path_that_could_break_the_request_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        request_line("GET", TARGET, path, absolute=False)


def test_a_target_made_by_hand_with_a_broken_host_is_refused() -> None:
    with pytest.raises(ValueError, match="path"):
        request_line("GET", Target("http", "h\r\nx: y", 80), "/", absolute=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"", b"x"),
        (b"a b", b"x"),
        (b"a:", b"x"),
        (b"a\r\nb", b"x"),
        (b"a\x00", b"x"),
        (b"\xc3\xa4", b"x"),
        (b"a", b"x\r\nb: y"),
        (b"a", b"x\r\nb: y\r\nc: z"),
        (b"a", b"x\n"),
        (b"a", b"x\r"),
        (b"a", b"x\r\n folded"),
        (b"a", b"x\x00y"),
        (b"a", b"\x7f"),
        (b"x: y\r\na", b"x"),
    ],
)
def test_a_header_that_could_break_out_is_refused_without_showing_its_value(name: bytes, value: bytes) -> None:
    with pytest.raises(ValueError, match="does not allow") as caught:
        header_fields([(b"fine", b"yes"), (name, value)])
    assert "folded" not in str(caught.value)


@pytest.mark.parametrize("name", [b"host", b"Content-Length", b"TRANSFER-ENCODING"])
def test_a_header_that_the_client_owns_is_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        header_fields([(name, b"1")])


def test_headers_go_out_as_they_are() -> None:
    fields = [(b"X-One", b"a \tb"), (b"x-two", b""), (b"hostess", "é".encode()), (b"x-two", b"again")]
    assert header_fields(fields) == b"X-One: a \tb\r\nx-two: \r\nhostess: \xc3\xa9\r\nx-two: again\r\n"
    assert header_fields(()) == b""


@example([(b"!: ", b"")])
@given(st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=8)), max_size=4))
def test_any_headers_are_refused_or_read_back_by_h11_as_they_were(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        block = header_fields(headers)
    except ValueError:
        return
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(request_line("GET", TARGET, "/", absolute=False) + block + framing("GET", 0))
    event = parser.next_event()
    assert isinstance(event, h11.Request)
    read = [(bytes(name), bytes(value)) for name, value in event.headers]
    assert read == [(b"host", b"h:9"), *[(name.lower(), value.strip(b" \t")) for name, value in headers]]


@pytest.mark.parametrize(
    ("method", "length", "line"),
    [
        ("GET", 0, b"\r\n"),
        ("DELETE", 0, b"\r\n"),
        ("POST", 0, b"content-length: 0\r\n\r\n"),
        ("PATCH", 0, b"content-length: 0\r\n\r\n"),
        ("GET", 3, b"content-length: 3\r\n\r\n"),
        ("POST", None, b"transfer-encoding: chunked\r\n\r\n"),
    ],
)
def test_the_body_is_framed(method: str, length: int | None, line: bytes) -> None:
    assert framing(method, length) == line


def test_chunks_carry_their_length_and_an_empty_one_ends() -> None:
    assert chunk(b"x" * 26) == b"1a\r\n" + b"x" * 26 + b"\r\n"
    assert chunk(b"") == b"0\r\n\r\n"

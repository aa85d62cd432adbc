import gzip
import zlib

import pytest

from fedgate.core.errors import UpstreamInvalid
from fedgate.federation.openapi_answer import HttpAnswer


def answer(body: bytes = b"", status: int = 200, limit: int = 1000, **headers: str) -> HttpAnswer:
    sent = tuple((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items())
    return HttpAnswer(status, sent, body, limit)


@pytest.mark.parametrize(
    ("kind", "media", "charset"),
    [
        ("application/json", "application/json", "utf-8"),
        ('Text/HTML; Charset="ISO-8859-1"; x=y', "text/html", "iso-8859-1"),
        ("", "", "utf-8"),
    ],
)
def test_the_content_type_is_read(kind: str, media: str, charset: str) -> None:
    found = answer(content_type=kind)
    assert (found.media, found.charset) == (media, charset)


def test_text_is_decoded_as_it_says_and_never_fails() -> None:
    assert answer("grün".encode("latin-1"), content_type="text/plain; charset=latin-1").text == "grün"
    assert answer(b"\xef\xbb\xbfx").text == "x"
    assert answer(b"\xffx", content_type="text/plain; charset=nonsense").text == "\ufffdx"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(b"hello")), ("X-GZIP", gzip.compress(b"hello")), ("deflate", zlib.compress(b"hello")),
     ("identity", b"hello"), ("", b"hello")],
)  # fmt: skip
def test_compressed_answers_are_decompressed(encoding: str, body: bytes) -> None:
    assert answer(body, content_encoding=encoding).body == b"hello"


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("gzip", b"hello", "not compressed as it says"),
        ("gzip", gzip.compress(b"hello")[:-9], "ends too early"),
        ("br", b"x", "the content encoding 'br', which was not asked for"),
        ("gzip", gzip.compress(b"\0" * 1001), "longer than 1000 bytes"),
        ("gzip", gzip.compress(b"\0" * 10_000_000), "longer than 1000 bytes"),
    ],
)
def test_answers_that_cannot_be_decompressed_are_invalid(encoding: str, body: bytes, said: str) -> None:
    with pytest.raises(UpstreamInvalid, match=said):
        answer(body, content_encoding=encoding)


def test_an_empty_body_needs_no_decompression() -> None:
    assert answer(b"", content_encoding="gzip").body == b""


def test_the_first_of_equal_headers_counts() -> None:
    found = HttpAnswer(200, ((b"a", b"1"), (b"a", b"2")), b"", 1)
    assert (found.header(b"a"), found.header(b"b")) == ("1", "")


def test_status_and_headers_are_told_in_lines() -> None:
    assert (
        answer(status=404, retry_after="5").told((b"retry-after", b"location")) == "HTTP 404 Not Found\nretry-after: 5"
    )
    assert answer(status=799).told(()) == "HTTP 799"

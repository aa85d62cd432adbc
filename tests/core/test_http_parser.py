import pytest

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.http_parser import AnswerParser
from tests.core.http_answers import CHUNKED, LIMITS, Answer, head, parse

# What a whole answer is.


@pytest.mark.parametrize(
    ("data", "status", "body"),
    [
        (head(b"Content-Length: 3") + b"abc", 200, b"abc"),
        (head(b"Content-Length: 0"), 200, b""),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", 200, b"abc"),
        (CHUNKED + b"003;a=b;c=d\r\nabc\r\nA\r\n0123456789\r\n0;z\r\nX-T: y\r\n\r\n", 200, b"abc0123456789"),
        (CHUNKED + b"0\r\n\r\n", 200, b""),
        (head(b"transfer-encoding: \tCHUNKED ") + b"1\r\na\r\n0\r\n\r\n", 200, b"a"),
        (head(b"Content-Length: 9", status=b"HTTP/1.1 204 No Content"), 204, b""),
        (head(b"Content-Length: 9", status=b"HTTP/1.1 304 Not Modified"), 304, b""),
        (head(b"Content-Length: 3 ") + b"abc", 200, b"abc"),
        (head(b"Content-Length: 3", status=b"HTTP/1.1 200") + b"abc", 200, b"abc"),
        (head(status=b"HTTP/1.1 100 Continue") + head(b"Content-Length: 1") + b"a", 200, b"a"),
        (2 * head(b"Link: x", status=b"HTTP/1.1 103 Early Hints") + CHUNKED + b"0\r\n\r\n", 200, b""),
        (head(b"Transfer-Encoding: chunked", status=b"HTTP/1.1 102 P") + head(b"Content-Length: 0"), 200, b""),
        (head(b"Transfer-Encoding: chunked", status=b"HTTP/1.1 102 P") + CHUNKED + b"0\r\n\r\n", 200, b""),
        (head(b"Upgrade: h2c", b"Connection: upgrade", b"Content-Length: 1") + b"a", 200, b"a"),
    ],
)  # fmt: skip
def test_a_delimited_answer_is_complete_and_its_connection_usable(data: bytes, status: int, body: bytes) -> None:
    answer, parser = parse(data)
    assert (answer.status, answer.body, answer.complete) == (status, body, True)
    assert parser.reusable
    assert parser.exact


@pytest.mark.parametrize(
    "data",
    [
        head() + b"abc",
        head(b"Connection: close", status=b"HTTP/1.1 200 OK") + b"abc",
        head(b"Connection: keep-alive", status=b"HTTP/1.0 200 OK") + b"abc",
        head(b"Connection: close", b"Content-Length: 3") + b"abc",
        head(b"Content-Length: 3", status=b"HTTP/1.0 200 OK") + b"abc",
        head(b"Transfer-Encoding: chunked", status=b"HTTP/1.0 200 OK") + b"3\r\nabc\r\n0\r\n\r\n",
        head(b"Connection: close", b"Connection: keep-alive", b"Content-Length: 3") + b"abc",
    ],
)
def test_an_answer_that_ends_its_connection_is_complete_but_the_last(data: bytes) -> None:
    answer, parser = parse(data)
    assert (answer.status, answer.body, answer.complete) == (200, b"abc", True)
    assert not parser.reusable


def test_a_kept_http_1_0_connection_may_be_used_again() -> None:
    _, parser = parse(head(b"Connection: keep-alive", b"Content-Length: 1", status=b"HTTP/1.0 200 OK") + b"a")
    assert parser.reusable


@pytest.mark.parametrize("extra", [b"x", b"HTTP/1.1 200 OK\r\n", head(b"Content-Length: 1") + b"b", b"\x00"])
def test_bytes_after_an_answer_cost_the_connection_and_not_the_answer(extra: bytes) -> None:
    for whole in (head(b"Content-Length: 1") + b"a", CHUNKED + b"1\r\na\r\n0\r\n\r\n"):
        answer, parser = parse(whole + extra)
        assert (answer.body, answer.complete, answer.heads) == (b"a", True, 1)
        assert not parser.reusable
        assert not parser.exact


@pytest.mark.parametrize("lines", [(b"Content-Length: 9",), (b"Transfer-Encoding: chunked",), ()])
def test_an_answer_without_a_body_ends_with_its_head_and_its_connection(lines: tuple[bytes, ...]) -> None:
    answer, parser = parse(head(*lines), bodiless=True)
    assert (answer.status, answer.body, answer.complete) == (200, b"", True)
    assert parser.exact
    assert not parser.reusable


def test_bytes_after_an_answer_without_a_body_are_noticed() -> None:
    answer, parser = parse(head(b"Content-Length: 3") + b"abc", bodiless=True)
    assert (answer.body, answer.complete) == (b"", True)
    assert not parser.exact


def test_one_parser_reads_one_answer_after_the_other() -> None:
    parser = AnswerParser(LIMITS)
    for number in range(5):
        answer = Answer()
        parser.begin(answer)
        body = b"%d" % number
        steps = [parser.untouched, parser.feed(head(b"A: %d" % number, b"Content-Length: 1")), parser.untouched]
        assert steps == [True, False, False]
        assert parser.feed(body)
        assert (answer.body, answer.headers[0]) == (body, (b"a", body))
        assert parser.reusable


def test_trailers_are_read_and_left_out() -> None:
    answer, parser = parse(CHUNKED + b"1\r\na\r\n0\r\nX: y\r\nConnection: keep-alive\r\n\r\n")
    assert (answer.headers, answer.body) == (((b"transfer-encoding", b"chunked"),), b"a")
    assert parser.reusable


def test_header_names_are_lower_case_values_stripped_and_order_kept() -> None:
    answer, _ = parse(head(b"Set-Cookie: a=1", b"X-E: no", b"set-cookie:\t b \t", b"Content-Length:0"))
    assert answer.headers == (
        (b"set-cookie", b"a=1"),
        (b"x-e", b"no"),
        (b"set-cookie", b"b"),
        (b"content-length", b"0"),
    )


# Hostile answers.


@pytest.mark.parametrize(
    "data",
    [
        head(b"Content-Length: 3", b"Content-Length: 4") + b"abc",
        head(b"Content-Length: 3", b"Content-Length: 3") + b"abc",
        head(b"Content-Length: 3, 3") + b"abc",
        head(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding: chunked, gzip") + b"abc",
        head(b"Transfer-Encoding: xchunked") + b"abc",
        head(b"Transfer-Encoding: identity") + b"abc",
        head(b"Transfer-Encoding: chunked, identity") + b"abc",
        head(b"Transfer-Encoding:") + b"abc",
        head(b"Transfer-Encoding: chunked\t") + b"1\r\na\r\n0\r\n\r\n",
        head(b"Transfer-Encoding: ,chunked") + b"1\r\na\r\n0\r\n\r\n",
        head(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
        head(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
        head(b"Content-Length : 3") + b"abc",
        head(b"Content-Length: -3") + b"abc",
        head(b"Content-Length: +3") + b"abc",
        head(b"Content-Length: 0x3") + b"abc",
        head(b"Content-Length: 3a") + b"abc",
        head(b"Content-Length: 3 3") + b"abc",
        head(b"Content-Length:") + b"abc",
        head(b"Content-Length: 99999999999999999999999999") + b"abc",
        CHUNKED + b"-1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"fffffffffffffffff\r\na\r\n0\r\n\r\n",
        CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
        CHUNKED + b" 1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"1\na\r\n0\r\n\r\n",
        CHUNKED + b"1\r\na\n0\r\n\r\n",
        CHUNKED + b"1\r\nab0\r\n\r\n",
        CHUNKED + b"1;a\nb\r\na\r\n0\r\n\r\n",
        CHUNKED + b"\r\n1\r\na\r\n0\r\n\r\n",
        CHUNKED + b"0\r\nbad trailer\r\n\r\n",
        CHUNKED + b"0\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc",
        b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nA: b\rContent-Length: 3\r\n\r\nabc",
        head(b"A: b\x00c"),
        head(b"A\x00: b"),
        head(b": b"),
        head(b"no colon"),
        head(b" A: b"),
        head(b"A: b", b" folded"),
        head(b"A: b", b"\tfolded"),
        head(b"A b: c"),
        head(status=b"HTTP/1.1 101 Switching Protocols"),
        head(b"Upgrade: x", b"Connection: upgrade", status=b"HTTP/1.1 101 Switching Protocols"),
        head(status=b"HTTP/1.1 099 Low"),
        head(status=b"HTTP/1.1 000 Zero"),
        head(status=b"HTTP/1.1 2000 High"),
        head(status=b"HTTP/1.1 20 Short"),
        head(status=b"HTTP/1.1 -20 Short"),
        head(b"Content-Length: 3", status=b"HTTP/2.0 200 OK") + b"abc",
        head(b"Content-Length: 3", status=b"HTTP/0.9 200 OK") + b"abc",
        head(status=b"HTTP/1.2 200 OK"),
        head(status=b"HTTP/11.1 200 OK"),
        head(status=b"ICY 200 OK"),
        b"<html>hello</html>",
        b"\x00\x01\x02\x03",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        head(b"Connection: close", status=b"HTTP/1.1 100 C") + head(b"Content-Length: 0"),
    ],
)  # fmt: skip
def test_a_hostile_answer_is_invalid_however_it_is_cut(data: bytes) -> None:
    for cuts in ((), range(1, len(data))):
        with pytest.raises(UpstreamInvalid):
            parse(data, *cuts)


def endless(start: bytes, more: bytes, times: int = 2000) -> None:
    parser = AnswerParser(LIMITS)
    parser.begin(Answer())
    parser.feed(start)
    for _ in range(times):
        parser.feed(more)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 O", b"K" * 100),
        (b"\r\n", b"\r\n" * 50),
        (b"HTTP/1.1 200 OK\r\nA: ", b"a" * 100),
        (b"HTTP/1.1 200 OK\r\nA", b"a" * 100),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"HTTP/1.1 200 OK\r\nA:", b" " * 100),
        (b"", head(b"Link: x", status=b"HTTP/1.1 103 Early Hints")),
        (CHUNKED + b"1;", b"x" * 100),
        (CHUNKED + b"1;", b"x=y;" * 25),
        (CHUNKED, b"1;" + b"x" * 300 + b"\r\na\r\n"),
        (CHUNKED, b"0" * 100),
        (CHUNKED + b"0\r\n", b"A: b\r\n"),
        (CHUNKED + b"0\r\nA: ", b"a" * 100),
    ],
)
def test_an_endless_head_or_framing_is_invalid_before_it_fills_memory(start: bytes, more: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        endless(start, more)


def test_small_chunks_are_not_mistaken_for_an_attack() -> None:
    answer = Answer()
    parser = AnswerParser(LIMITS)
    parser.begin(answer)
    parser.feed(CHUNKED)
    for _ in range(5000):
        parser.feed(b"00000001\r\na\r\n")
    assert parser.feed(b"0\r\n\r\n")
    assert answer.body == b"a" * 5000


@pytest.mark.parametrize("cut", [[], [200]])
def test_a_head_over_the_limit_is_invalid_even_with_a_body_behind_it(cut: list[int]) -> None:
    data = head(b"A: " + b"a" * 5000, b"Content-Length: 50000") + b"b" * 50000
    with pytest.raises(UpstreamInvalid, match="too long"):
        parse(data, *cut)


def test_a_head_under_the_limit_passes_with_a_long_body_behind_it() -> None:
    answer, _ = parse(head(b"A: " + b"a" * 3000, b"Content-Length: 50000") + b"b" * 50000)
    assert len(answer.body) == 50000


def test_too_many_headers_are_invalid() -> None:
    with pytest.raises(UpstreamInvalid, match="too many"):
        parse(head(*[b"A: b"] * 21))
    parse(head(*[b"A: b"] * 20))


@pytest.mark.parametrize(
    "data",
    [
        head(b"Content-Length: 3") + b"abc",
        CHUNKED + b"3;x\r\nabc\r\n0\r\nA: b\r\n\r\n",
        head(status=b"HTTP/1.1 100 Continue") + head(b"Content-Length: 3") + b"abc",
        head(b"Connection: close", b"Content-Length: 3") + b"abc",
    ],
)
def test_a_delimited_answer_cut_short_anywhere_is_never_complete(data: bytes) -> None:
    for length in range(len(data)):
        answer, parser = parse(data[:length])
        assert not answer.complete, data[:length]
        assert not parser.reusable

"""Answers as bytes, and a parser run over them, for the tests of the parser."""

from dataclasses import dataclass
from itertools import pairwise

from fedgate.core.call import Header
from fedgate.core.http_parser import AnswerParser
from fedgate.core.http_values import HttpLimits

LIMITS = HttpLimits(max_header_bytes=4096, max_headers=20)


@dataclass
class Answer:
    """A sink that keeps everything."""

    status: int = 0
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    complete: bool = False
    heads: int = 0

    def head(self, status: int, headers: tuple[Header, ...]) -> None:
        self.status, self.headers = status, headers
        self.heads += 1

    def feed(self, data: bytes) -> None:
        assert self.status
        assert not self.complete
        self.body += data


def parse(data: bytes, *cuts: int, bodiless: bool = False) -> tuple[Answer, AnswerParser]:
    """Feed `data` in the pieces between `cuts`; a close follows."""
    parser = AnswerParser(LIMITS)
    answer = Answer()
    parser.begin(answer, bodiless=bodiless)
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        if data[start:end] and not answer.complete:
            answer.complete = parser.feed(data[start:end])
    answer.complete = answer.complete or parser.ends()
    return answer, parser


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join([status, *lines]) + b"\r\n\r\n"


CHUNKED = head(b"Transfer-Encoding: chunked")

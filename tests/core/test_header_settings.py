"""core/header_settings.py"""

import pytest
from pydantic import TypeAdapter, ValidationError

from fedgate.core.header_settings import Headers, header_lines

ADAPTER: TypeAdapter[dict[str, str]] = TypeAdapter(Headers)


def refused(headers: dict[str, str]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(headers)
    (error,) = caught.value.errors()
    return [refusal.what for refusal in error["ctx"]["refusals"]]


def test_headers_stay_as_they_were_written() -> None:
    headers = {"Authorization": "Bearer t", "X-Team": "caf\xe9"}
    assert ADAPTER.validate_python(headers) == headers


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({"X Y": "1"}, "is not a header name"),
        ({"": "1"}, "is not a header name"),
        ({"x:": "1"}, "is not a header name"),
        ({"Host": "h"}, "is set by the gateway itself"),
        ({"transfer-encoding": "chunked"}, "is set by the gateway itself"),
        ({"X": "a\r\nY: b"}, "cannot be sent in a header"),
        ({"X": "\u20ac"}, "cannot be sent in a header"),
    ],
)
def test_what_cannot_be_sent_is_refused(headers: dict[str, str], what: str) -> None:
    assert refused(headers) == [what]


def test_one_header_in_two_spellings_is_refused() -> None:
    assert refused({"X-A": "1", "x-a": "2"}) == ["is given twice"]


def test_every_fault_is_told_at_once() -> None:
    assert refused({"Host": "\n", "a b": "1"}) == [
        "is set by the gateway itself",
        "cannot be sent in a header",
        "is not a header name",
    ]


def test_a_later_source_wins_whatever_its_case() -> None:
    lines = header_lines({"Authorization": "all", "X-Team": "caf\xe9"}, {"AUTHORIZATION": "one"})
    assert lines == ((b"authorization", b"one"), (b"x-team", b"caf\xe9"))

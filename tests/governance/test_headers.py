"""governance/headers.py: the same standing in the spellings that clients know, letter by letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.governance import headers
from fedgate.governance.settings import Rate


def test_a_rate_is_told_as_both_drafts_and_as_openai_have_it() -> None:
    rate = Rate(600, "minute")
    assert headers.of_rate("per-caller", "requests", rate, 599, 42) == (
        (b"ratelimit", b'"per-caller";r=599;t=42'),
        (b"ratelimit-policy", b'"per-caller";q=600;w=60'),
        (b"ratelimit-limit", b"600"),
        (b"ratelimit-remaining", b"599"),
        (b"ratelimit-reset", b"42"),
    )
    assert headers.by_kind("per-caller", "requests", rate, 599, 42) == (
        (b"x-ratelimit-limit-requests", b"600"),
        (b"x-ratelimit-remaining-requests", b"599"),
        (b"x-ratelimit-reset-requests", b"42s"),
    )


@pytest.mark.parametrize(("unit", "seconds"), [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400)])
def test_tokens_say_their_unit_and_each_rate_its_window(unit: str, seconds: int) -> None:
    found = dict(headers.of_rate("day", "tokens", Rate(5, unit), 0, 1))  # type: ignore[arg-type]
    assert found[b"ratelimit-policy"] == b'"day";q=5;w=%d;qu="tokens"' % seconds


def test_places_have_no_window() -> None:
    found = dict(headers.of_places("export", 2, 1))
    assert found[b"ratelimit-policy"] == b'"export";q=2;qu="concurrent-requests"'
    assert (found[b"ratelimit"], found[b"ratelimit-remaining"]) == (b'"export";r=0;t=1', b"0")


@given(st.from_regex("[a-z0-9-]{1,32}", fullmatch=True), st.integers(1, 10**12), st.integers(0, 10**12))
def test_whatever_a_limit_is_called_it_is_one_line_of_ascii(name: str, most: int, left: int) -> None:
    for value in dict(headers.of_rate(name, "tokens", Rate(most, "day"), left, 1)).values():
        assert value.isascii()
        assert value.decode().isprintable()

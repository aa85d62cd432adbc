"""W3C Trace Context, as the specification's own examples have it, and whatever else comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.trace_context import Context, parse, render

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("03", True), ("02", False)])
def test_the_examples_of_the_specification_are_read(flags: str, sampled: bool) -> None:
    assert parse(f"00-{TRACE}-{SPAN}-{flags}") == Context(TRACE, SPAN, sampled)


def test_a_later_version_may_say_more() -> None:
    assert parse(f"cc-{TRACE}-{SPAN}-01-what-the-future-holds") == Context(TRACE, SPAN, True)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01, 00-{TRACE}-{SPAN}-01",
        "x" * 10_000,
    ],
)
def test_what_is_none_is_as_good_as_absent(header: str | None) -> None:
    assert parse(header) is None


def test_the_state_is_kept_as_it_came_unless_it_is_too_long_or_breaks_lines() -> None:
    header = f"00-{TRACE}-{SPAN}-01"
    assert parse(header, "a=1, b=2") == Context(TRACE, SPAN, True, "a=1, b=2")
    assert parse(header, "a" * 513) == Context(TRACE, SPAN, True)
    assert parse(header, "a=1\r\nx: y") == Context(TRACE, SPAN, True)


@given(st.text(), st.text())
def test_whatever_comes_is_read_or_is_absent(header: str, state: str) -> None:
    found = parse(header, state)
    assert found is None or parse(render(found)) == Context(found.trace_id, found.span_id, found.sampled)

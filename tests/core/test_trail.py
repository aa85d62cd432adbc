"""What an operation goes through is told, and told of bounded many things."""

import asyncio

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamTimeout
from fedgate.core.trace_context import Context
from fedgate.core.trail import MAX_HOPS, MAX_NOTES, NO_HOP, Trail, opened

TRACE, SPAN, OWN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "1111111111111111"


def trail(context: Context | None = None) -> Trail:
    made = Trail(ManualClock(10.0))
    made.context = context
    return made


def test_a_hop_is_timed_and_tells_the_upstream_its_place_in_the_trace() -> None:
    clock = ManualClock(10.0)
    made = Trail(clock)
    made.context = Context(TRACE, OWN, True, "a=1")
    with opened(made, "mcp", "notes", "tools/call add") as hop:
        clock.advance(2.0)
    assert (hop.started, hop.ended, hop.error) == (10.0, 12.0, "")
    assert hop.headers == (
        (b"traceparent", f"00-{TRACE}-{hop.span_id}-01".encode()),
        (b"tracestate", b"a=1"),
    )
    assert made.hops == [hop]


def test_a_hop_ends_with_the_reason_of_what_was_raised_and_only_once() -> None:
    made = trail()
    with pytest.raises(UpstreamTimeout), opened(made, "llm", "local/llama", "chat"):
        raise UpstreamTimeout("too late")
    with pytest.raises(asyncio.CancelledError), opened(made, "llm", "local/llama", "chat"):
        raise asyncio.CancelledError
    third = opened(made, "llm", "local/llama", "chat")
    third.end("429")
    with pytest.raises(ZeroDivisionError), third:
        raise ZeroDivisionError
    assert [each.error for each in made.hops] == ["upstream_timeout", "cancelled", "429"]


def test_without_a_trail_a_hop_is_nothing() -> None:
    with opened(None, "a2a", "support/s1", "SendMessage") as hop:
        hop.tell("a", 1)
        hop.end("lost")
    assert hop is NO_HOP
    assert (hop.headers, hop.attributes, hop.ended, hop.error) == ((), {}, None, "")


def test_without_a_trace_nothing_is_told_to_upstreams() -> None:
    assert opened(trail(), "mcp", "notes", "tools/list").headers == ()


def test_what_is_remembered_is_bounded() -> None:
    made = trail()
    for number in range(200):
        made.note("x" * 1000)
        opened(made, "mcp", "notes", str(number))
    assert (len(made.notes), len(made.hops)) == (MAX_NOTES, MAX_HOPS)
    assert max(map(len, made.told)) == 200


def test_a_message_may_name_another_trace_than_its_request() -> None:
    made = trail(Context("a" * 32, OWN, False))
    assert made.adopt(f"00-{TRACE}-{SPAN}-01", "b=2") == TRACE
    assert (made.context, made.parent) == (Context(TRACE, OWN, True, "b=2"), SPAN)
    assert made.adopt("nonsense") == ""
    assert made.context == Context(TRACE, OWN, True, "b=2")
    off = trail()
    assert off.adopt(f"00-{TRACE}-{SPAN}-01") == TRACE
    assert off.context is None


def test_what_is_for_spans_alone_is_kept_only_where_they_are_sent() -> None:
    for sampled in (True, False):
        made = trail(Context(TRACE, OWN, sampled))
        hop = opened(made, "mcp", "notes", "tools/call add")
        hop.at("127.0.0.1:9001")
        hop.tell("a", 1)
        made.tell("b", 2)
        assert (made.sampled, hop.sampled) == (sampled, sampled)
        assert (hop.attributes, made.attributes) == (({"a": 1}, {"b": 2}) if sampled else ({}, {}))
        assert hop.endpoint == "127.0.0.1:9001"
    assert not trail().sampled
    NO_HOP.at("127.0.0.1:9001")
    assert (NO_HOP.endpoint, NO_HOP.sampled) == ("", False)


class Said:
    """Becomes a text when somebody looks."""

    looks = 0

    def __str__(self) -> str:
        self.looks += 1
        return "y" * 1000


def test_a_note_may_become_a_text_when_it_is_read() -> None:
    made, said = trail(), Said()
    made.note("x")
    made.note(said)
    assert said.looks == 0
    assert made.told == ["x", "y" * 200]

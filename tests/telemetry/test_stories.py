"""The story of a request: what it passed, who was asked, how it ended; and only of the last so many."""

from fedgate.core.clock import ManualClock
from fedgate.core.trail import opened
from fedgate.telemetry.lines import session_mark
from fedgate.telemetry.stories import Asked, Passed, Stories
from tests.telemetry.operations import over, record


def test_it_is_told_in_order_with_times() -> None:
    clock, stories = ManualClock(), Stories(10)
    what = record(clock)
    assert what.trail is not None
    what.trail.step("admit")
    clock.advance(0.001)
    what.trail.step("dispatch")
    what.trail.note("allowed: allow rule 2")
    clock.advance(0.002)
    opened(what.trail, "mcp", "notes", "tools/call add").end("upstream_timeout")
    clock.advance(0.004)
    opened(what.trail, "mcp", "other", "tools/call add")
    clock.advance(0.003)
    what.error = "upstream_broken"
    stories.ended(over(clock, what, 502, fields={"mcp.server": "notes", "a2a.context.id": "c-1"}))
    (story,) = stories.find("boot-1")
    assert story.stages == [Passed("admit", 0.0, 1.0), Passed("dispatch", 1.0, 9.0)]
    assert story.decisions == ["allowed: allow rule 2"]
    assert story.upstreams == [
        Asked("notes", "mcp", "tools/call add", 3.0, 0.0, "upstream_timeout"),
        Asked("other", "mcp", "tools/call add", 7.0, 3.0, ""),
    ]
    assert (story.status, story.error, story.user, story.duration_ms) == (502, "upstream_broken", "alice", 10.0)
    assert story.fields == {"mcp.server": "notes", "a2a.context.id": session_mark("c-1")}


def test_the_oldest_are_forgotten_and_a_batch_has_several() -> None:
    clock, stories = ManualClock(), Stories(3, plain_ids=True)
    for ident in ("a-1", "a-2", "a-2", "a-3"):
        stories.ended(over(clock, record(clock, ident), fields={"a2a.context.id": "c-1"}))
    assert (len(stories), stories.find("a-1")) == (3, [])
    assert [each.fields for each in stories.find("a-2")] == [{"a2a.context.id": "c-1"}] * 2


def test_none_are_kept_if_none_are_wanted() -> None:
    clock, stories = ManualClock(), Stories(0)
    stories.ended(over(clock, record(clock)))
    assert (len(stories), stories.find("boot-1")) == (0, [])


def test_an_operation_without_a_trail_has_a_story_all_the_same() -> None:
    clock, stories = ManualClock(), Stories(1)
    what = record(clock)
    what.trail = None
    stories.ended(over(clock, what))
    (story,) = stories.find("boot-1")
    assert (story.stages, story.decisions, story.upstreams) == ([], [], [])

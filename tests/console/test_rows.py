"""One record as it is shown: marks instead of ids, and null for what does not apply."""

import hashlib

import pytest

from fedgate.console.ports import AgentView
from fedgate.console.rows import Moment, Standing, mark_of, placed, row, short_state, state_of
from fedgate.sessions.table import Session
from fedgate.telemetry.lines import session_mark
from tests.console.kit import Desk, Streams, two

MOMENT = Moment(now=2_000.0, monotonic=500.0)
STANDING = Standing([two()])


def record(shelf: str, id_: str = "the-id", **members: object) -> Session:
    made = Session(shelf, id_, "key:alice", "support", created=1_900.0, seen=490.0, key=id_)
    for name, value in members.items():
        setattr(made, name, value)
    return made


def test_an_mcp_session_is_known_by_a_mark_whatever_the_setting_says() -> None:
    for plain in (False, True):
        shown = row(record("mcp", view=""), MOMENT, STANDING, plain=plain)
        assert shown.id == shown.mark == hashlib.sha256(b"mcpthe-id").hexdigest()[:24]
        assert (shown.protocol, shown.kind, shown.owner, shown.target) == ("mcp", "session", "key:alice", "")
        assert (shown.instance, shown.epoch, shown.input_tokens, shown.cost_usd) == (None, None, None, None)
        assert "the-id" not in repr(shown)


def test_ids_of_contexts_and_tasks_are_shown_only_if_the_setting_says_so() -> None:
    for shelf, kind in (("a2a.context/support", "context"), ("a2a.task/support", "task")):
        pinned = record(shelf, pins={"instance": "s1#aaaa"})
        hashed = row(pinned, MOMENT, STANDING, plain=False)
        plain = row(pinned, MOMENT, STANDING, plain=True)
        assert (hashed.id, plain.id) == (mark_of(pinned), "the-id")
        assert (plain.mark, plain.kind, plain.instance, plain.epoch) == (mark_of(pinned), kind, "s1", "aaaa")


def test_a_restored_record_has_no_id_yet_and_the_mark_that_the_access_line_uses() -> None:
    key = hashlib.sha256(b"the-id").hexdigest()
    shown = row(record("a2a.context/support", "", key=key), MOMENT, STANDING, plain=True)
    assert (shown.id, shown.log_id) == (shown.mark, session_mark("the-id"))


def test_times_are_told_on_the_wall_clock_and_as_spans() -> None:
    shown = row(record("mcp"), MOMENT, STANDING, plain=False)
    assert (shown.created, shown.last_seen, shown.age_seconds, shown.idle_seconds) == (1_900.0, 1_990.0, 100.0, 10.0)


def test_a_conversation_with_models_tells_its_target_tokens_and_cost() -> None:
    data = {"target": "anthropic/claude", "input_tokens": 7, "output_tokens": 5, "cost_usd": 0.25}
    shown = row(record("llm.conversation", data=data, turns=3), MOMENT, STANDING, plain=True)
    assert (shown.kind, shown.instance, shown.epoch, shown.turns) == ("conversation", "anthropic/claude", None, 3)
    assert (shown.input_tokens, shown.output_tokens, shown.cost_usd) == (7, 5, 0.25)


@pytest.mark.parametrize("odd", [None, "7", True, [], {}])
def test_what_is_no_number_is_none(odd: object) -> None:
    data = {"target": 5, "input_tokens": odd, "output_tokens": odd, "cost_usd": odd}
    shown = row(record("llm.conversation", data=data), MOMENT, STANDING, plain=False)
    assert (shown.instance, shown.input_tokens, shown.output_tokens, shown.cost_usd) == (None, None, None, None)


def test_a_session_is_active_while_something_is_under_way() -> None:
    desk = Desk()
    session = desk.session()
    assert state_of(session, STANDING) == "idle"
    session.attachment = Streams(busy=True)
    assert state_of(session, STANDING) == "active"


@pytest.mark.parametrize(
    ("agent", "label", "state"),
    [
        (two(), "s1#aaaa", "ready"),
        (two("unreachable"), "s2#bbbb", "unreachable"),
        (two("lost"), "s2#bbbb", "lost"),
        (two(), "s1#older", "lost"),
        (two("starting"), "s2#older", "starting"),
        (two(), "s3#cccc", "lost"),
        (two(), "", "lost"),
        (two(policy="shared"), "s3#cccc", "ready"),
        (AgentView("support", "starting"), "10.0.0.1#aaaa", "starting"),
        (AgentView("other", "ready"), "s1#aaaa", "lost"),
    ],
)
def test_a_context_is_as_well_as_the_process_that_holds_it(agent: AgentView, label: str, state: str) -> None:
    standing = Standing([agent])
    pinned = record("a2a.context/support", pins={"instance": label})
    assert state_of(pinned, standing) == state
    assert state_of(pinned, standing) == state


def test_a_task_tells_its_own_state() -> None:
    assert state_of(record("a2a.task/x", data={"state": "TASK_STATE_INPUT_REQUIRED"}), STANDING) == "input-required"
    assert state_of(record("a2a.finished/x", data={"state": "TASK_STATE_COMPLETED"}), STANDING) == "completed"
    assert state_of(record("a2a.task/x"), STANDING) == "unknown"
    assert short_state("completed") == "completed"


def test_an_instance_may_be_called_by_an_address() -> None:
    assert placed(record("a2a.task/x", pins={"instance": "fd00::1#aa-bb"})) == ("fd00::1", "aa-bb")

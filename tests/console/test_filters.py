"""What is asked of the list: read strictly, and refused with the way out."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.console.filters import LIMIT, PARAMETERS, Filter, Wanted, cursor_of, position, wanted
from fedgate.console.rows import Standing
from fedgate.core.errors import BadRequest
from tests.console.kit import ALICE, BOB, Desk, two

STANDING = Standing([two("lost")])


def refusal(*query: tuple[str, str]) -> str:
    with pytest.raises(BadRequest) as refused:
        wanted(query)
    return str(refused.value)


def test_nothing_asked_is_the_first_page_of_everything() -> None:
    assert wanted([]) == Wanted(Filter(), LIMIT, None)


def test_every_parameter_is_read() -> None:
    query = {"protocol": "a2a", "owner": "alice", "agent": "support", "instance": "s1", "kind": "task"}
    more = {"state": "TASK_STATE_INPUT_REQUIRED", "limit": "7", "cursor": f"12.5-{'a' * 24}"}
    assert wanted([*query.items(), *more.items()]) == Wanted(
        Filter(**query, state="input-required"), 7, (-12.5, "a" * 24)
    )


def test_empty_values_ask_for_anything() -> None:
    assert wanted([(name, "") for name in PARAMETERS]) == Wanted()


def test_a_parameter_that_is_not_known_is_named_with_the_nearest() -> None:
    assert refusal(("agnet", "x")) == 'there is no parameter "agnet"; did you mean "agent"?'
    assert refusal(("x" * 90, "")) == f'there is no parameter "{"x" * 40}"'


def test_values_that_cannot_fit_are_refused_with_those_that_can() -> None:
    assert refusal(("protocol", "mpc")) == 'protocol must be one of mcp, a2a, llm; did you mean "mcp"?'
    assert (
        refusal(("kind", "tasks")) == 'kind must be one of context, conversation, session, task; did you mean "task"?'
    )
    assert refusal(("state", "redy")).endswith('; did you mean "ready"?')
    assert refusal(("owner", "a"), ("owner", "b")) == "owner is given twice: give it once"
    assert refusal(("owner", "a" * 301)) == "owner is longer than 300 characters"


@pytest.mark.parametrize("text", ["0", "1001", "-1", "x", "1e3", "10000", "٣", " 5"])
def test_a_limit_is_a_number_within_bounds(text: str) -> None:
    assert refusal(("limit", text)) == "limit must be a number from 1 to 1000"


@pytest.mark.parametrize(
    "text", ["x", "12.5", f"-1-{'a' * 24}", f"12.5-{'a' * 23}", f"1e3-{'a' * 24}", f"1-{'A' * 24}"]
)
def test_a_cursor_is_one_that_was_given_out(text: str) -> None:
    assert refusal(("cursor", text)).startswith("cursor is none that was given out")


@given(st.floats(0, 1e11), st.text("0123456789abcdef", min_size=24, max_size=24))
def test_a_place_survives_its_cursor(created: float, mark: str) -> None:
    place = (-round(created, 6), mark)
    text = cursor_of(place)
    if "e" not in text.partition("-")[0]:  # no clock shows the first microseconds of 1970
        assert position(text) == place


@given(st.lists(st.tuples(st.sampled_from([*PARAMETERS, "x"]) | st.text(), st.text()), max_size=5))
def test_any_query_is_read_or_refused(query: list[tuple[str, str]]) -> None:
    with suppress(BadRequest):
        assert 1 <= wanted(query).limit <= 1000


@pytest.mark.parametrize(
    ("asked", "fitting"),
    [
        (Filter(), ["session", "c1", "c2", "t1", "spoken"]),
        (Filter(protocol="mcp"), ["session"]),
        (Filter(protocol="a2a"), ["c1", "c2", "t1"]),
        (Filter(kind="task"), ["t1"]),
        (Filter(kind="context"), ["c1", "c2"]),
        (Filter(kind="session"), ["session"]),
        (Filter(kind="conversation"), ["c1", "c2", "spoken"]),
        (Filter(kind="conversation", protocol="llm"), ["spoken"]),
        (Filter(kind="conversation", agent="support"), ["c1", "c2"]),
        (Filter(owner="bob"), ["c2"]),
        (Filter(owner=BOB), ["c2"]),
        (Filter(owner="ob"), []),
        (Filter(agent="support"), ["c1", "c2", "t1"]),
        (Filter(agent="other"), []),
        (Filter(instance="s1"), ["c1", "t1"]),
        (Filter(state="lost"), ["c2"]),
        (Filter(state="idle"), ["session", "spoken"]),
        (Filter(state="working", kind="context"), []),
    ],
)
def test_a_filter_fits_what_it_says(asked: Filter, fitting: list[str]) -> None:
    desk = Desk(two("lost"))
    names = {
        desk.session(ALICE).key: "session",
        desk.context("c1").key: "c1",
        desk.context("c2", BOB, "s2#bbbb").key: "c2",
        desk.task("t1", "c1").key: "t1",
        desk.table.claim("llm.conversation", "l", "key:carol", "smart")[0].key: "spoken",
    }
    desk.table.claim("a2a.instance", "support/s1", "gateway:", "support/s1")
    desk.table.claim("a2a.message/support", "key:alice\nm", ALICE, "support")
    found = [names[each.key] for each in desk.table.all() if asked.fits(each, STANDING)]
    assert sorted(found) == sorted(fitting)
    assert {each.key for each in desk.table.all(asked.prefix)} >= {key for key, name in names.items() if name in found}

"""llm/conversations.py: where conversations stand, what they have cost, and who made which response."""

from typing import Any

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import BadRequest
from fedgate.llm.conversations import (
    CONVERSATIONS,
    IDLE,
    LONGEST_ID,
    NOWHERE,
    RESPONSE_IDLE,
    RESPONSES,
    SHELF,
    Conversations,
)
from fedgate.llm.facts import Facts
from fedgate.llm.neutral import Usage
from fedgate.llm.values import Target
from fedgate.sessions.table import SessionTable
from tests.llm.asking import RESPONSES as RESPONSES_PATH
from tests.llm.asking import facts

ONE, TWO = Target("one", "a"), Target("two", "b")
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


class World:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.table = SessionTable(self.clock, idle=60, limit=10)
        self.all = Conversations(self.table)

    def turn(self, one: Facts, target: Target, route: str = "m") -> str:
        name = self.all.name(one)
        self.all.kept(one, name, route, target)
        return name

    def bound(self, one: Facts, route: str = "m") -> str:
        return self.all.bound(self.all.name(one), one.call.principal.owner, route).target


def test_a_conversation_stands_where_it_was_answered_last() -> None:
    world = World()
    assert world.bound(facts(HELLO)) == ""
    world.turn(facts(HELLO), ONE)
    assert world.bound(facts(HELLO)) == "one/a"
    world.turn(facts(HELLO), TWO)
    assert world.bound(facts(HELLO)) == "two/b"
    (record,) = world.table.all(SHELF)
    assert (record.turns, record.data["target"], record.view) == (2, "two/b", "m")


def test_of_each_route_that_rules_lead_to_it_stands_somewhere_else() -> None:
    world = World()
    world.turn(facts(HELLO), ONE, "cheap")
    world.turn(facts(HELLO), TWO, "dear")
    assert (world.bound(facts(HELLO), "cheap"), world.bound(facts(HELLO), "dear")) == ("one/a", "two/b")
    assert len(world.all) == 1


def test_somebody_elses_conversation_is_another_one() -> None:
    world = World()
    name = world.turn(facts(HELLO, headers={"session-id": "s"}), ONE)
    stranger = facts(HELLO, who="bob", headers={"session-id": "s"})
    assert world.bound(stranger) == ""
    assert world.all.bound(name, stranger.call.principal.owner, "m") == NOWHERE  # even if it knew the name
    world.all.kept(stranger, name, "m", TWO)
    assert world.bound(facts(HELLO, headers={"session-id": "s"})) == "one/a"


def test_how_long_it_stands_there_is_counted_from_when_it_came() -> None:
    world = World()
    for seconds in (10, 20):
        name = world.turn(facts(HELLO), ONE)
        world.clock.advance(seconds)
    assert world.all.bound(name, "key:alice", "m").age == 30
    world.turn(facts(HELLO), TWO)
    assert world.all.bound(name, "key:alice", "m").age == 0


def test_the_access_line_names_it_and_what_it_costs_adds_up() -> None:
    world = World()
    for usage, usd in ((Usage(100, 10), 0.5), (Usage(None, 5), None), (Usage(200, 20), 0.25)):
        one = facts(HELLO)
        name = world.turn(one, ONE)
        assert one.call.record.session == name
        world.all.spent(one.call, "one/a", usage, usd)
    (record,) = world.table.all(SHELF)
    counted = {key: record.data[key] for key in ("input_tokens", "output_tokens", "cost_usd")}
    assert counted == {"input_tokens": 300, "output_tokens": 35, "cost_usd": 0.75}


def test_a_cost_that_nobody_knows_is_not_nothing() -> None:
    world = World()
    one = facts(HELLO)
    world.turn(one, ONE)
    world.all.spent(one.call, "one/a", Usage(), None)
    (record,) = world.table.all(SHELF)
    assert not {"input_tokens", "output_tokens", "cost_usd"} & record.data.keys()


def test_what_is_no_conversation_has_no_record() -> None:
    world = World()
    one = facts({})
    assert world.turn(one, ONE) == ""
    world.all.spent(one.call, "one/a", Usage(1, 1), 0.1)
    assert world.table.all("llm") == []
    assert one.call.record.session == ""


def test_conversations_are_forgotten_after_an_hour_and_bounded() -> None:
    world = World()
    world.turn(facts(HELLO), ONE)
    assert world.table.rule(SHELF).limit == CONVERSATIONS
    assert not world.table.rule(SHELF).stored
    world.clock.advance(IDLE + 1)
    assert world.bound(facts(HELLO)) == ""


def test_while_the_gateway_stops_answers_still_go_out() -> None:
    world = World()
    world.table.close()
    one = facts({"input": "hi"}, RESPONSES_PATH)
    name = world.turn(one, ONE)
    world.all.made(one, name, ONE, "resp_1")
    assert one.call.record.session == ""


# Responses.


def answer(**body: Any) -> Facts:
    return facts({"input": "hello", **body}, RESPONSES_PATH)


def after(response: str, who: str = "alice") -> Facts:
    return facts({"input": "more", "previous_response_id": response}, RESPONSES_PATH, who=who)


def test_what_goes_on_from_a_response_belongs_to_its_conversation_and_its_maker() -> None:
    world = World()
    first = answer()
    name = world.turn(first, ONE)
    world.all.made(first, name, ONE, "resp_1")
    maker = world.all.maker(after("resp_1"))
    assert maker == ("one/a", "one", name)
    assert world.all.name(after("resp_1"), maker) == name


def test_what_goes_on_from_nothing_has_no_maker() -> None:
    assert World().all.maker(answer()) is None


@pytest.mark.parametrize(
    "asked", [after("resp_2"), after("resp_1", who="bob"), after("x" * 10_000)], ids=["unknown", "stranger", "long"]
)
def test_a_strangers_response_is_as_unknown_as_one_that_never_was(asked: Facts) -> None:
    world = World()
    world.all.made(answer(), "c", ONE, "resp_1")
    with pytest.raises(BadRequest, match=r"^previous_response_id names no response that can be gone on from here"):
        world.all.maker(asked)


@pytest.mark.parametrize(
    ("asked", "response"),
    [
        (answer(store=False), "resp_1"),
        (answer(), ""),
        (answer(), "x" * (LONGEST_ID + 1)),
        (facts(HELLO), "resp_1"),
    ],
)
def test_what_its_provider_does_not_keep_is_not_remembered(asked: Facts, response: str) -> None:
    world = World()
    world.all.made(asked, "c", ONE, response)
    assert world.table.count(RESPONSES) == 0


def test_responses_are_remembered_as_long_as_their_provider_keeps_them() -> None:
    world = World()
    world.all.made(answer(), "c", ONE, "resp_1")
    world.clock.advance(RESPONSE_IDLE - 1)
    assert world.all.maker(after("resp_1")) is not None
    world.clock.advance(RESPONSE_IDLE + 1)
    with pytest.raises(BadRequest):
        world.all.maker(after("resp_1"))


def test_a_second_one_over_the_same_table_takes_nothing_away() -> None:
    world = World()
    world.turn(facts(HELLO), ONE)
    world.all = Conversations(world.table)
    assert world.bound(facts(HELLO)) == "one/a"

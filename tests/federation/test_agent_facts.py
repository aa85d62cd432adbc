"""federation/agent_facts.py: rules are told of an agent's tool what an A2A client would say itself."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from fedgate.core.call import Call
from fedgate.core.conversation import Offer, Shown, Skill
from fedgate.federation.agent_facts import AgentFacts
from fedgate.federation.agent_settings import AgentServer
from tests.federation.agent_door import FakeDoor
from tests.federation.fakes import raws, record, request

BOOK = Offer("Desk", skills=(Skill("book a table!"), Skill("count")))


def servers(**more: Any) -> Any:
    return {"desk": SimpleNamespace(settings=AgentServer(agent="support", **more)), "crm": SimpleNamespace(settings=1)}


def told(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each() for name, each in facts.items()}


def of_call(door: FakeDoor | None, arguments: Any, session: Any = None, server: str = "desk") -> dict[str, Any]:
    call = Call("mcp", request(), record(), session=session)
    params = raws({"name": "count", "arguments": arguments})
    return told(AgentFacts(servers(), door).of_call(server, "count", call, params))


def test_a_tool_has_the_skill_that_it_was_made_of() -> None:
    door = FakeDoor(offer=BOOK)
    facts = AgentFacts(servers(), door)
    assert told(facts.of_tool("desk", "book_a_table")) == {"skill": "book a table!"}
    assert told(facts.of_tool("desk", "count")) == {"skill": "count"}
    assert told(facts.of_tool("desk", "nothing")) == {"skill": None}
    assert told(facts.of_tool("crm", "count")) == {"skill": None}


def test_the_skill_stays_known_while_the_agent_is_away_and_changes_with_its_card() -> None:
    door = FakeDoor(offer=BOOK)
    facts = AgentFacts(servers(), door)
    assert told(facts.of_tool("desk", "count")) == {"skill": "count"}
    door.show(Shown(None, reason="away"))
    assert told(facts.of_tool("desk", "count")) == {"skill": "count"}
    door.show(Shown(Offer("Desk", skills=(Skill("recount", "count"), Skill("count me")))))
    assert told(facts.of_tool("desk", "count_me")) == {"skill": "count me"}
    assert told(facts.of_tool("desk", "count")) == {"skill": None}


def test_the_one_tool_of_all_skills_names_none() -> None:
    facts = AgentFacts(servers(tools="send"), FakeDoor(offer=BOOK))
    assert told(facts.of_tool("desk", "send")) == {"skill": None}


def test_a_call_is_of_the_conversation_that_it_would_go_on_with() -> None:
    door = FakeDoor(offer=BOOK)
    door.contexts = {"t1": "c1", "s1": "c2"}
    nothing = {"skill": "count", "context_id": None, "task_id": None}
    session = SimpleNamespace(client=SimpleNamespace(key="s1"))
    assert of_call(door, {"message": "x"}) == nothing
    assert of_call(door, {"message": "x", "context_id": "c9"}) == {**nothing, "context_id": "c9"}
    assert of_call(door, {"message": "x", "task_id": "t1"}) == {**nothing, "context_id": "c1", "task_id": "t1"}
    assert of_call(door, {"message": "x"}, session) == {**nothing, "context_id": "c2"}


@pytest.mark.parametrize("arguments", [None, [], {"message": ""}, {"message": "x", "other": 1}, {"task_id": 7}])
def test_a_call_that_says_nothing_to_the_agent_is_of_no_conversation(arguments: Any) -> None:
    door = FakeDoor(offer=BOOK)
    assert of_call(door, arguments) == {"skill": "count", "context_id": None, "task_id": None}


def test_without_agents_there_is_nothing_to_be_told() -> None:
    nothing = {"skill": None, "context_id": None}
    assert of_call(None, {"message": "x", "task_id": "t1"}) == {**nothing, "task_id": "t1"}
    assert of_call(FakeDoor(offer=BOOK), {"message": "x", "task_id": "t1"}, server="crm") == {
        **nothing,
        "task_id": "t1",
    }

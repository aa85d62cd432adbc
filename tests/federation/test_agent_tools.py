"""Skills as tools, and the arguments of their calls."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fedgate.core.conversation import Offer, Skill
from fedgate.core.rawjson import Raw
from fedgate.federation.agent_tools import MAX_DESCRIPTION, AgentTools, Arguments, BadArgument, build, read
from tests.federation.fakes import raws


def offer(*skills: Skill) -> Offer:
    return Offer("Memory", "Remembers what it is told.", "1.0", skills)


def listed(found: AgentTools) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = json.loads(found.listing)["tools"]
    return tools


def test_each_skill_is_a_tool_with_its_words_and_examples() -> None:
    skill = Skill("remember", "Remember", "Keeps facts.", ("remember tea is green", "what is tea?"))
    found = build(offer(skill, Skill("count")), "skills")
    assert found.skills == {"remember": "remember", "count": "count"}
    one, other = listed(found)
    assert (one["name"], one["title"]) == ("remember", "Remember")
    assert one["description"] == (
        "Keeps facts.\n\nExamples:\n- remember tea is green\n- what is tea?\n\nAsks the agent Memory."
    )
    assert (other["name"], other["description"], "title" in other) == (
        "count",
        "count\n\nAsks the agent Memory.",
        False,
    )
    for schema in (one["inputSchema"], one["outputSchema"]):
        Draft202012Validator.check_schema(schema)
    assert one["inputSchema"]["required"] == ["message"]
    assert list(one["inputSchema"]["properties"]) == ["message", "context_id", "task_id"]
    assert one["annotations"] == {"readOnlyHint": False, "openWorldHint": True}


def test_names_are_legal_and_differ() -> None:
    found = build(
        offer(Skill("find it!"), Skill("find-it"), Skill("find it?"), Skill("!", "Ask me"), Skill("?")), "skills"
    )
    assert list(found.skills.items()) == [
        ("find_it", "find it!"), ("find-it", "find-it"), ("find_it_2", "find it?"), ("Ask_me", "!"), ("skill", "?"),
    ]  # fmt: skip
    long = build(offer(Skill("x" * 100), Skill("x" * 101)), "skills")
    assert [len(name) for name in long.skills] == [64, 64]


def test_an_agent_without_skills_has_one_tool_and_so_has_one_that_shall_have_no_more() -> None:
    found = build(offer(), "skills")
    assert found.skills == {"send": ""}
    (tool,) = listed(found)
    assert tool["description"] == "Remembers what it is told.\n\nSends a message to the agent Memory."
    found = build(offer(Skill("remember", "Remember", "Keeps facts."), Skill("count")), "send")
    (tool,) = listed(found)
    assert found.skills == {"send": ""}
    assert tool["title"] == "Ask Memory"
    assert tool["description"].endswith("It can do this:\n- Remember: Keeps facts.\n- count")


def test_a_long_card_makes_no_long_description() -> None:
    (tool,) = listed(build(offer(Skill("a", "b" * 5000, "c" * 9000)), "skills"))
    assert (len(tool["title"]), len(tool["description"])) == (100, MAX_DESCRIPTION)


def test_arguments_are_read() -> None:
    assert read(raws({"arguments": {"message": "hi"}})) == Arguments("hi")
    whole = {"message": " hi ", "context_id": "c", "task_id": "t"}
    assert read(raws({"arguments": whole})) == Arguments(" hi ", "c", "t")
    assert read(raws({"arguments": {"message": "hi", "context_id": None}})) == Arguments("hi")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (None, 'arguments must be an object with "message": what to say to the agent'),
        ([], 'arguments must be an object with "message": what to say to the agent'),
        ({}, "message is missing: say what the agent is to do, in plain words"),
        ({"message": " \n"}, "message is missing: say what the agent is to do, in plain words"),
        ({"message": 1}, "message must be a string"),
        ({"message": "hi", "task_id": []}, "task_id must be a string"),
        ({"message": "hi", "context_id": "x" * 513}, "context_id is longer than 512 characters"),
        ({"message": "hi", "text": "x"}, "unknown argument 'text'; there are message, context_id and task_id"),
    ],
)
def test_what_cannot_be_said_is_refused_in_words(arguments: Any, said: str) -> None:
    with pytest.raises(BadArgument) as caught:
        read(raws({"arguments": arguments}))
    assert str(caught.value) == said


@given(st.binary())
def test_whatever_a_client_sends_is_read_or_refused(junk: bytes) -> None:
    try:
        read({"arguments": Raw(junk)})
        read({"arguments": Raw(b'{"message":%b}' % junk)})
    except BadArgument:
        pass

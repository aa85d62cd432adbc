"""federation/facts.py: what rules are told of a call and of what a catalog may hold, in names that no view changes."""

from types import SimpleNamespace
from typing import Any

import pytest

from fedgate.core.call import Call
from fedgate.core.conversation import Offer, Skill
from fedgate.core.jsonrpc import Message
from fedgate.core.rawjson import Raw
from fedgate.federation.agent_facts import AgentFacts
from fedgate.federation.agent_settings import AgentServer
from fedgate.federation.catalog import Route
from fedgate.federation.facts import Facts
from fedgate.federation.inbound import Inbound, Kind

from .agent_door import FakeDoor
from .fakes import raws, record, request

FACTS = Facts({"desk": "support"})


def bound(method: str, params: dict[str, Any], route: Route | None, kind: Kind = "request") -> Call:
    inbound = Inbound("legacy", kind, Message(method=method), raws(params), route=route)
    return Call("mcp", request(), record(), operation=method, message=inbound)


@pytest.mark.parametrize(
    ("method", "params", "kind", "more"),
    [
        (
            "tools/call",
            {"name": "x", "arguments": {"a": 1}},
            "tool",
            {"full": "crm__thing", "arguments": Raw(b'{"a": 1}')},
        ),
        ("tools/call", {"name": "x"}, "tool", {"full": "crm__thing"}),
        ("prompts/get", {"name": "x"}, "prompt", {}),
        ("resources/read", {"uri": "x"}, "resource", {"uri": "thing"}),
        ("resources/subscribe", {"uri": "x"}, "resource", {"uri": "thing"}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x"}}, "prompt", {}),
        ("completion/complete", {"ref": {"type": "ref/resource", "uri": "x"}}, "resource", {"uri": "thing"}),
        ("tasks/get", {"taskId": "x"}, "task", {}),
    ],
)
def test_a_call_is_told_by_what_it_is_for(method: str, params: dict[str, Any], kind: str, more: dict[str, Any]) -> None:
    named = {"name": "thing", "server": "crm", "target": "crm", **more}
    told = FACTS.of_call(bound(method, params, Route("crm", "thing")))
    assert told == {"mcp": {"method": method, "server": "crm", kind: named}}


@pytest.mark.parametrize("route", [None, Route("", "search_tools")])
def test_a_call_of_the_gateway_itself_is_about_no_server(route: Route | None) -> None:
    assert FACTS.of_call(bound("tools/call", {}, route)) == {"mcp": {"method": "tools/call"}}


def test_another_method_of_a_server_is_told_with_its_server() -> None:
    told = FACTS.of_call(bound("vendor/thing", {}, Route("crm", "")))
    assert told == {"mcp": {"method": "vendor/thing", "server": "crm"}}


@pytest.mark.parametrize("kind", ["response", "batch", "stream", "end"])
def test_what_only_carries_others_is_not_told(kind: Kind) -> None:
    assert FACTS.of_call(bound(kind, {}, None, kind)) == {}


def test_a_call_of_a_server_that_is_an_agent_is_told_as_both() -> None:
    told = FACTS.of_call(bound("tools/call", {"name": "ask"}, Route("desk", "ask")))
    assert told["a2a"] == {"agent": "support", "method": "SendMessage"}


def test_what_a_call_would_say_besides_is_named() -> None:
    assert FACTS.of_item("tools/list", "desk", "x").unknown[:2] == ("mcp.tool.arguments", "a2a.context_id")
    assert FACTS.of_server("crm").unknown == ("mcp.method", "mcp.tool", "mcp.prompt", "mcp.resource", "mcp.task")
    assert FACTS.of_view("part").facts == {"mcp": {"view": "part"}}
    assert "mcp.server" in FACTS.of_view("part").unknown


def test_a_tool_is_told_by_its_servers_own_name() -> None:
    thing = FACTS.of_item("tools/list", "crm", "export")
    tool = {"name": "export", "server": "crm", "target": "crm", "full": "crm__export"}
    assert thing.facts == {"mcp": {"method": "tools/call", "server": "crm", "tool": tool}}
    assert thing.unknown == ("mcp.tool.arguments",)


@pytest.mark.parametrize(
    ("method", "key", "using", "kind", "more"),
    [
        ("prompts/list", "p", "prompts/get", "prompt", {}),
        ("resources/list", "x:y", "resources/read", "resource", {"uri": "x:y"}),
        ("resources/templates/list", "x:{y}", "resources/read", "resource", {"uri": "x:{y}"}),
    ],
)
def test_other_things_are_told_by_what_they_are(
    method: str, key: str, using: str, kind: str, more: dict[str, str]
) -> None:
    named = {"name": key, "server": "crm", "target": "crm", **more}
    assert FACTS.of_item(method, "crm", key).facts == {"mcp": {"method": using, "server": "crm", kind: named}}


def test_a_server_that_is_an_agent_is_told_as_both() -> None:
    facts = Facts({"desk": "support"}).of_item("tools/list", "desk", "ask").facts
    assert facts["a2a"] == {"agent": "support", "method": "SendMessage"}
    assert "a2a" not in Facts({"desk": "support"}).of_server("crm").facts


def test_a_tool_of_an_agent_is_told_with_its_skill_and_the_conversation_of_the_call() -> None:
    door = FakeDoor(offer=Offer("Desk", skills=(Skill("ask"),)))
    settings = SimpleNamespace(settings=AgentServer(agent="support"))
    facts = Facts({"desk": "support"}, AgentFacts({"desk": settings}, door))  # type: ignore[dict-item]
    thing = facts.of_item("tools/list", "desk", "ask")
    assert thing.facts["mcp"]["agent"] == "support"
    assert thing.facts["a2a"]["skill"]() == "ask"
    assert thing.unknown == ("mcp.tool.arguments", "a2a.context_id", "a2a.task_id")
    assert "a2a.skill" in facts.of_server("desk").unknown
    arguments = {"message": "x", "context_id": "c1"}
    told = facts.of_call(bound("tools/call", {"name": "ask", "arguments": arguments}, Route("desk", "ask")))["a2a"]
    assert (told["agent"], told["method"], told["skill"](), told["context_id"]()) == (
        *("support", "SendMessage"),
        *("ask", "c1"),
    )

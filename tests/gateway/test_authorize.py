"""gateway/authorize.py: what rules deny does not go on, callers learn no more than they should, operators do."""

import json
from typing import Any

import pytest

from fedgate.access.judge import Judge
from fedgate.core.call import Call, Reply
from fedgate.core.errors import Forbidden
from fedgate.gateway.authorize import Authorize, judge_of
from fedgate.gateway.pipeline import inner_stages
from fedgate.manifest.model import Manifest
from tests.access.rules_kit import ALICE, BOB, a_call, judge, tool

pytestmark = pytest.mark.anyio


class Endpoint:
    """The `Telling` port."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def variables(self, _call: Call) -> dict[str, Any]:
        return self.told


async def inner(_call: Call) -> Reply:
    return Reply(body=b"done")


async def passed(of: Judge, told: dict[str, Any], call: Call | None = None) -> Reply:
    return await Authorize(of, Endpoint(told))(call or a_call(principal=ALICE), inner)


async def test_what_is_allowed_goes_on() -> None:
    assert (await passed(judge('mcp.tool.name == "echo"'), tool())).body == b"done"


@pytest.mark.parametrize(
    ("rule", "said", "noted"),
    [
        ({"deny": "true"}, "this is not allowed here", "forbidden: deny rule 1"),
        ({"deny": "true", "name": "closed"}, "this is not allowed here: closed", "forbidden: deny closed"),
        ({"allow": "false", "name": "x"}, "this is not allowed here", "forbidden: no allow rule holds"),
        (
            {"deny": 'mcp.tool.arguments.a.startsWith("x")'},
            "this is not allowed here",
            "forbidden: deny rule 1 (it compares or calls what does not go together, and the caller wrote it)",
        ),
    ],
)
async def test_what_is_denied_is_refused_and_the_log_knows_why(rule: dict[str, str], said: str, noted: str) -> None:
    call = a_call(principal=ALICE)
    with pytest.raises(Forbidden) as caught:
        await passed(judge(rule), tool(arguments={"a": 5}), call)
    assert (caught.value.message, caught.value.status, call.record.error) == (said, 403, noted)


async def test_what_was_decided_when_it_was_bound_is_not_asked_again() -> None:
    assert (await passed(judge({"deny": "true"}), {})).body == b"done"


async def test_a_stage_with_nothing_to_say_is_left_out() -> None:
    assert [type(each) for each in inner_stages(judge(), Endpoint({}))] == []
    assert [type(each) for each in inner_stages(judge("true"), Endpoint({}))] == [Authorize]


MANIFEST = {
    "access": {"rules": ['protocol == "mcp"', {"deny": 'mcp.method == "ping"', "name": "quiet"}]},
    "mcp": {
        "servers": {"crm": {"url": "http://127.0.0.1:9/mcp", "groups": ["sales"]}, "time": {"command": "x"}},
        "profiles": {"closed": {"servers": ["time"], "groups": ["staff"]}},
    },
    "models": {
        "providers": {"near": {"type": "openai", "base_url": "http://127.0.0.1:9/v1"}},
        "routes": {"smart": {"targets": [{"provider": "near", "model": "a"}], "groups": ["engineering"]}},
    },
}


@pytest.mark.parametrize(
    ("facts", "protocol", "alice", "bob"),
    [
        (tool(server="crm"), "mcp", False, True),
        (tool(server="time"), "mcp", True, True),
        ({"mcp": {"view": "closed"}}, "mcp", False, False),
        ({"mcp": {"method": "ping"}}, "mcp", False, False),
        ({"llm": {"route": "smart"}}, "llm", False, False),
    ],
)
def test_a_manifest_says_who_may_do_what(facts: dict[str, Any], protocol: str, alice: bool, bob: bool) -> None:
    of = judge_of(Manifest.model_validate(json.loads(json.dumps(MANIFEST))))
    verdicts = [of.verdict(a_call(protocol, principal), facts).allowed for principal in (ALICE, BOB)]
    assert verdicts == [alice, bob]


def test_the_groups_of_an_agent_count_for_its_tools_and_not_for_its_card() -> None:
    agents = {"support": {"instances": ["http://127.0.0.1:9"], "groups": ["engineering"]}}
    of = judge_of(Manifest.model_validate({"agents": agents, "mcp": {"servers": {"desk": {"agent": "support"}}}}))
    as_tool = {"mcp": {"server": "desk", "agent": "support"}, "a2a": {"agent": "support"}}
    assert [of.verdict(a_call("mcp", each), as_tool).allowed for each in (ALICE, BOB)] == [True, False]
    assert of.verdict(a_call("a2a", BOB), {"a2a": {"agent": "support"}}).allowed
    assert not judge_of(Manifest.model_validate({"agents": agents}))


def test_groups_of_a_route_are_enough() -> None:
    of = judge_of(Manifest.model_validate({"models": MANIFEST["models"]}))
    own = {"llm": {"route": "smart"}}
    assert [of.verdict(a_call("llm", each), own).allowed for each in (ALICE, BOB)] == [True, False]

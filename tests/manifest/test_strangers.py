"""Servers that are to be agents: the rule over two sections."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from fedgate.federation.agent_settings import AgentServer
from fedgate.federation.settings import McpSettings
from fedgate.manifest.model import Manifest, strangers
from fedgate.manifest.problems import ManifestError

Load = Callable[..., Manifest]

AGENTS = "agents: {support: {instances: ['http://127.0.0.1:1']}}\n"


def test_an_agent_may_be_a_server(loaded: Load) -> None:
    manifest = loaded(AGENTS + "mcp: {servers: {desk: {agent: support}}}\n")
    assert manifest.mcp.servers["desk"] == AgentServer(agent="support")
    assert list(strangers(manifest.mcp, manifest.agents)) == []


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        (AGENTS, 'a.yaml:4:19: mcp.servers.desk.agent is no agent; did you mean "support"?'),
        (
            "agents: {x: {instances: ['http://127.0.0.1:1']}}\n",
            "a.yaml:4:19: mcp.servers.desk.agent is no agent; there are: x",
        ),
        ("agents: {}\n", "a.yaml:4:19: mcp.servers.desk.agent is no agent; there are none; list it below agents"),
    ],
)
def test_an_agent_that_does_not_exist_is_an_error_with_its_place(loaded: Load, agents: str, said: str) -> None:
    with pytest.raises(ManifestError) as caught:
        loaded({"a.yaml": agents + "mcp:\n  servers:\n    desk: {agent: suport}\n"})
    assert [str(problem).rpartition("/")[2] for problem in caught.value.problems] == [said]


def test_the_rule_holds_for_manifests_made_in_python_too() -> None:
    with pytest.raises(ValidationError, match="is no agent"):
        Manifest(mcp=McpSettings(servers={"desk": AgentServer(agent="support")}))

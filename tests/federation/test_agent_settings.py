"""Servers that are agents, as the manifest has them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from fedgate.federation.agent_settings import AgentServer
from fedgate.federation.settings import McpSettings, Server

SERVER: TypeAdapter[object] = TypeAdapter(Server)


def test_an_entry_that_names_an_agent_is_one() -> None:
    server = McpSettings.model_validate({"servers": {"desk": {"agent": "support"}}}).servers["desk"]
    assert server == AgentServer(agent="support", tools="skills", timeout=600.0)
    assert server.endpoint == "a2a/support"
    assert McpSettings(servers={"desk": AgentServer(agent="support", tools="send")}).servers["desk"].disabled is False


@pytest.mark.parametrize("other", [{"url": "http://h/"}, {"command": "x"}, {"openapi": "./x.yaml"}])
def test_a_server_is_one_thing_only(other: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match='has "agent" beside "command", "url" or "openapi"'):
        SERVER.validate_python({"agent": "support", **other})


@pytest.mark.parametrize(
    "bad", [{"agent": "Support!"}, {"agent": "a", "tools": "all"}, {"agent": "a", "era": "modern"}]
)
def test_what_an_agent_has_not_is_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SERVER.validate_python(bad)

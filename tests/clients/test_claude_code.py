"""Claude Code with the gateway as its API and as its MCP server, the model being Anthropic's, OpenAI's or Google's.

One `claude -p` in each case: the model has it call a tool of `/mcp`, it does so, and the model is told the result.
"""

import json
from pathlib import Path

import pytest

from tests.clients.claude_code import PROMPT_SECONDS, Claude
from tests.clients.llm_environment import claude_code
from tests.clients.llm_stage import KEY, Conversation, stage

pytestmark = pytest.mark.clients

TOOL = "mcp__hub__kit__add"
PROMPT = "What is 20 + 22? Use the tool."


@pytest.mark.parametrize("provider", ["anthropic", "openai", "responses", "gemini", "bedrock"])
def test_a_prompt_with_a_tool_of_the_same_gateway(provider: str, tmp_path: Path) -> None:
    talk = Conversation(TOOL, {"a": 20, "b": 22}, thought="The tool adds.")
    home = tmp_path / "home"
    home.mkdir()
    claude = Claude(str(claude_code()), home)
    with stage(tmp_path, provider) as at:
        at.providers.say(talk)
        server = {"type": "http", "url": f"{at.url}/mcp", "headers": {"Authorization": f"Bearer {KEY}"}}
        config = home / "mcp.json"
        config.write_text(json.dumps({"mcpServers": {"hub": server}}))
        options = ["--mcp-config", str(config), "--strict-mcp-config", "--allowedTools", "mcp__hub"]
        done = claude.run(
            *("-p", PROMPT, *options, "--output-format", "json"),
            seconds=PROMPT_SECONDS,
            ANTHROPIC_BASE_URL=at.url,
            ANTHROPIC_AUTH_TOKEN=KEY,
            ENABLE_TOOL_SEARCH="false",
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = json.loads(done.stdout)
    assert talk.result is not None
    assert "42" in talk.result
    assert said["result"] == f"The tool {TOOL} answered: {talk.result}"
    assert said["is_error"] is False
    assert any(PROMPT in text for meant in talk.meant for text in meant.texts)
    assert {asked.format for asked in at.providers.asked} == {provider}
    assert KEY not in str([asked.headers for asked in at.providers.asked])

"""The upstream of the conformance runs, spoken to in memory by the SDK's client, in both eras."""

from typing import Any

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPError

from tests.conformance import everything_server, second_server

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

ERAS = ["legacy", "2026-07-28"]
FORM: dict[str, str | int | float | bool | list[str] | None] = {
    "name": "Ada",
    "color": "blue",
    "ok": True,
    "context": "tea",
    "username": "ada",
    "email": "ada@example.com",
}


async def _fill_in(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content=FORM)


async def _decline(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="decline")


async def _sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    return types.CreateMessageResult(role="assistant", content=types.TextContent(text="Paris"), model="m")


async def _roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult.model_validate({"roots": [{"uri": "file:///home"}]})


def _client(era: str, elicit: Any = _fill_in) -> Client:
    return Client(
        everything_server.build(),
        mode=era,
        elicitation_callback=elicit,
        sampling_callback=_sample,
        list_roots_callback=_roots,
    )


def _text(result: types.CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("tool", "answer"),
    [
        ("test_sampling", "LLM response: Paris"),
        ("test_input_required_result_elicitation", "Hello, Ada!"),
        ("test_input_required_result_sampling", "Paris"),
        ("test_input_required_result_list_roots", "roots: file:///home"),
        ("test_input_required_result_request_state", "state-ok: ok=True"),
        ("test_input_required_result_multiple_inputs", "Paris Ada"),
        ("test_input_required_result_multi_round", "Ada likes blue"),
        ("test_input_required_result_capabilities", "asked for sample, name"),
    ],
)
async def test_a_fixture_that_asks_the_client_answers_alike_in_both_eras(era: str, tool: str, answer: str) -> None:
    async with _client(era) as client:
        result = await client.call_tool(tool, {"prompt": "a capital"})
    assert _text(result) == answer


@pytest.mark.parametrize("era", ERAS)
async def test_a_declined_form_ends_the_call_without_content(era: str) -> None:
    async with _client(era, _decline) as client:
        result = await client.call_tool("test_elicitation", {"message": "who are you?"})
    assert _text(result) == "User response: action=decline, content={}"


@pytest.mark.parametrize("era", ERAS)
async def test_a_prompt_can_ask_for_its_context(era: str) -> None:
    async with _client(era) as client:
        prompt = await client.get_prompt("test_input_required_result_prompt")
    assert prompt.messages[0].content == types.TextContent(text="Context given by the user: tea")


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_without_the_capability_is_refused(era: str) -> None:
    async with Client(everything_server.build(), mode=era) as client:
        with pytest.raises(MCPError) as refused:
            await client.call_tool("test_missing_capability", {})
    assert refused.value.code == types.MISSING_REQUIRED_CLIENT_CAPABILITY
    assert refused.value.data == {"requiredCapabilities": {"sampling": {}}}


@pytest.mark.parametrize("era", ERAS)
async def test_a_trigger_really_changes_the_list_of_tools(era: str) -> None:
    async with _client(era) as client:
        before = {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}
        await client.call_tool("test_trigger_tool_change", {})
        after = {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}
    assert after - before == {"test_dynamic_tool"}


async def test_the_second_server_shares_no_name_with_the_first() -> None:
    async with Client(second_server.build()) as second, _client("2026-07-28") as first:
        ours = {tool.name for tool in (await first.list_tools()).tools}
        theirs = {tool.name for tool in (await second.list_tools()).tools}
        counted = await second.call_tool("count_letters", {"text": "a1 b"})
    assert not ours & theirs
    assert counted.structured_content == {"result": 2}

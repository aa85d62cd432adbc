"""The official SDK's client (2.x) in each of its modes, against a gateway process over an SDK server."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequestParams,
    ElicitResult,
    TextContent,
    TextResourceContents,
)

from tests.e2e.gateway import manifest_of, shared_process

pytestmark = pytest.mark.anyio

MODES = {"legacy": "2025-11-25", "auto": "2026-07-28", "2026-07-28": "2026-07-28"}
SDK = str(Path(__file__).with_name("sdk_server.py"))
MODERN_BACK = {"command": sys.executable, "args": [SDK]}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    servers = {"old": {**MODERN_BACK, "era": "legacy"}, "new": MODERN_BACK}
    with shared_process(manifest_of(servers), tmp_path_factory.mktemp("gateway")) as base:
        yield f"{base}/mcp"


every_mode = pytest.mark.parametrize("mode", MODES)
both = pytest.mark.parametrize("server", ["old", "new"])


def said(result: Any) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@every_mode
async def test_it_connects_and_lists_everything(mode: str, url: str) -> None:
    async with Client(url, mode=mode) as client:
        assert client.session.protocol_version == MODES[mode]
        tools = [tool.name for tool in (await client.list_tools()).tools]
        own = ["add", "count", "greet", "think", "fail"]
        assert tools == [f"{server}__{name}" for server in ("old", "new") for name in own]
        assert [each.name for each in (await client.list_prompts()).prompts] == ["old__review", "new__review"]
        resources = [str(each.uri) for each in (await client.list_resources()).resources]
        assert resources == ["old+note://hello", "new+note://hello"]
        templates = [each.uri_template for each in (await client.list_resource_templates()).resource_templates]
        assert templates == ["old+note://{name}/text", "new+note://{name}/text"]


@every_mode
@both
async def test_it_calls_gets_and_reads(mode: str, server: str, url: str) -> None:
    async with Client(url, mode=mode) as client:
        result = await client.call_tool(f"{server}__add", {"a": 20, "b": 22})
        assert result.structured_content == {"total": 42}
        prompt = await client.get_prompt(f"{server}__review", {"code": "1/0"})
        assert isinstance(prompt.messages[0].content, TextContent)
        assert prompt.messages[0].content.text == "Review this: 1/0"
        for uri, text in (("note://hello", "hello from the note"), ("note://milk/text", "the note milk")):
            (content,) = (await client.read_resource(f"{server}+{uri}")).contents
            assert isinstance(content, TextResourceContents)
            assert (content.text, str(content.uri)) == (text, f"{server}+{uri}")


@every_mode
@both
async def test_a_tool_that_fails_is_an_error_result_and_the_client_goes_on(mode: str, server: str, url: str) -> None:
    async with Client(url, mode=mode) as client:
        assert (await client.call_tool(f"{server}__fail")).is_error
        assert not (await client.call_tool(f"{server}__add", {"a": 1, "b": 1})).is_error


@every_mode
@both
async def test_progress_arrives_in_order(mode: str, server: str, url: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with Client(url, mode=mode) as client:
        result = await client.call_tool(f"{server}__count", {"to": 3}, progress_callback=on_progress)
    assert said(result) == "counted to 3"
    assert heard == [(1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]


async def _elicited(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    assert params.message == "Who are you?"
    return ElicitResult(action="accept", content={"name": "Ada"})


async def _sampled(context: ClientRequestContext, params: CreateMessageRequestParams) -> CreateMessageResult:
    assert params.max_tokens == 10
    return CreateMessageResult(role="assistant", model="m", content=TextContent(type="text", text="4"))


@every_mode
async def test_a_legacy_server_asks_the_client_for_input(mode: str, url: str) -> None:
    async with Client(url, mode=mode, elicitation_callback=_elicited) as client:
        assert said(await client.call_tool("old__greet")) == "hello Ada"


@every_mode
async def test_a_legacy_server_asks_the_client_for_its_model(mode: str, url: str) -> None:
    async with Client(url, mode=mode, sampling_callback=_sampled) as client:
        assert said(await client.call_tool("old__think")) == "4"


@every_mode
async def test_a_tool_that_asks_a_client_which_cannot_be_asked_ends_with_the_reason(mode: str, url: str) -> None:
    async with Client(url, mode=mode) as client:
        try:
            await client.call_tool("old__greet")
        except MCPError as error:
            said_why = error.message
        assert said_why == "elicitation/create is not available: the client did not declare it"
        assert not (await client.call_tool("old__add", {"a": 1, "b": 1})).is_error


@every_mode
async def test_one_server_at_its_own_address_has_its_own_names(mode: str, url: str) -> None:
    async with Client(f"{url}/new", mode=mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools][:2] == ["add", "count"]
        if mode != "2026-07-28":  # which asks for no greeting
            assert client.instructions == "Numbers, notes and questions."
        (content,) = (await client.read_resource("note://hello")).contents
        assert str(content.uri) == "note://hello"

"""A session of an SDK 1.x client, run by the interpreter of `tools.sdk_v1` as `sdk_v1_script.py URL`; prints JSON.

Its modules are imported by name, because what type checkers see is the SDK 2.x.
"""

import asyncio
import importlib
import json
import sys
from importlib.metadata import version
from typing import Any

mcp: Any = importlib.import_module("mcp")
types: Any = importlib.import_module("mcp.types")
transport: Any = importlib.import_module("mcp.client.streamable_http")


async def elicited(_context: Any, params: Any) -> Any:
    return types.ElicitResult(action="accept", content={"name": f"Ada ({params.message})"})


async def sampled(_context: Any, params: Any) -> Any:
    content = types.TextContent(type="text", text=str(params.maxTokens))
    return types.CreateMessageResult(role="assistant", model="m", content=content)


async def session_with(url: str) -> dict[str, Any]:
    progress: list[float] = []

    async def on_progress(step: float, _total: float | None, _message: str | None) -> None:
        progress.append(step)

    async with (
        transport.streamablehttp_client(url) as (read, write, session_id),
        mcp.ClientSession(read, write, elicitation_callback=elicited, sampling_callback=sampled) as session,
    ):
        greeting = await session.initialize()
        await session.send_ping()
        resource = await session.read_resource("old+note://hello")
        prompt = await session.get_prompt("new__review", {"code": "1/0"})
        return {
            "sdk": version("mcp"),
            "version": greeting.protocolVersion,
            "session": bool(session_id()),
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "prompts": [each.name for each in (await session.list_prompts()).prompts],
            "resources": [str(each.uri) for each in (await session.list_resources()).resources],
            "templates": [each.uriTemplate for each in (await session.list_resource_templates()).resourceTemplates],
            "sum": (await session.call_tool("new__add", {"a": 20, "b": 22})).structuredContent,
            "counted": text(await session.call_tool("old__count", {"to": 3}, progress_callback=on_progress)),
            "progress": progress,
            "greeted": text(await session.call_tool("old__greet", {})),
            "thought": text(await session.call_tool("old__think", {})),
            "failed": (await session.call_tool("old__fail", {})).isError,
            "resource": resource.contents[0].text,
            "prompt": prompt.messages[0].content.text,
        }


def text(result: Any) -> str:
    said: str = result.content[0].text
    return said


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session_with(sys.argv[1]))))  # noqa: T201

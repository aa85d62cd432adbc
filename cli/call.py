"""`fedgate call`: one tool, called once; its text to standard output."""

import json
import shlex
import sys
from argparse import Namespace
from contextlib import AbstractAsyncContextManager
from typing import Any

from ..core.rawjson import Fields, Raw, encode, fields, items, value
from ..manifest.model import Manifest
from .bounds import logged
from .client import Refused
from .reach import READY, Place, bounded, started
from .screen import one_line, printable
from .source import read
from .stop import OK, TOOL_FAILED, UNREACHABLE, USAGE, Stop, nearest
from .tools import Tool, listed, named, place, searched
from .typed import BadArgument
from .typed import arguments as typed

SEARCHED = 25
"""Matches to look through where a gateway has a search instead of a list."""
_UPSTREAM = (-32000, -32001)
"""Codes with which the gateway says that the tool's server could not be reached, or did not answer in time."""


def run(arguments: Namespace) -> int:
    """Call it, and return `TOOL_FAILED` if it reports an error."""
    with logged(arguments):
        where = _place(arguments)
        return bounded(arguments, lambda: _call(where, arguments))


def _place(arguments: Namespace) -> AbstractAsyncContextManager[Place]:
    if arguments.url is not None:
        return place(arguments)
    return started(only(arguments.tool, read(arguments.manifests)), arguments.timeout)


def only(tool: str, manifest: Manifest) -> Manifest:
    """The manifest with the one server that a prefixed name belongs to: the others need not be started."""
    server = tool.partition("__")[0]
    if manifest.mcp.naming != "always" or server not in manifest.mcp.servers:
        return manifest
    servers = {server: manifest.mcp.servers[server]}
    return Manifest(mcp=manifest.mcp.model_copy(update={"servers": servers}), agents=manifest.agents)


async def _call(where: AbstractAsyncContextManager[Place], arguments: Namespace) -> int:
    async with where as there:
        tool = _find(arguments, await _candidates(there, arguments.tool), there)
        try:
            values = typed(arguments.arg, arguments.json_args, _schema(tool))
        except BadArgument as error:
            raise Stop(f"{tool.name}: {error}", USAGE, _look(arguments, "--json")) from None
        try:
            result = await there.client.request("tools/call", {"name": tool.name, "arguments": values})
        except Refused as error:
            code = UNREACHABLE if error.code in _UPSTREAM else TOOL_FAILED
            raise Stop(f"{tool.name}: {one_line(str(error))}", code, _look(arguments, "--json")) from error
    return _print(result, as_json=arguments.json)


async def _candidates(there: Place, name: str) -> list[Tool]:
    """What is listed; where that is a search, also what it finds for the name."""
    tools = await listed(there.client)
    if not searched(tools):
        return tools
    query = {"name": "search_tools", "arguments": {"query": name, "limit": SEARCHED}}
    try:
        result = await there.client.request("tools/call", query)
        structure = fields(result.get("structuredContent", Raw(b"{}")))
        return tools + named(items(structure.get("tools", Raw(b"[]"))))
    except (Refused, ValueError):  # two tools that are only called so
        return tools


def _find(arguments: Namespace, tools: list[Tool], there: Place) -> Tool:
    """The tool, or a `Stop` that says what comes near."""
    name = arguments.tool
    for tool in tools:
        if tool.name == name:
            return tool
    down = {each: state for each, state in there.servers.items() if state.get("state") != READY}
    owner = name.partition("__")[0]
    if owner in down:
        reason = one_line(str(down[owner].get("reason") or "no reason given"))
        what = f"server {owner} is {down[owner].get('state')}: {reason}"
        raise Stop(what, UNREACHABLE, _look(arguments, "--log-level", "debug"))
    found = nearest(name, [tool.name for tool in tools])
    near = f"; the nearest are {', '.join(found)}" if found else ""
    missing = f" (not reached: {', '.join(down)})" if down else ""
    raise Stop(f'there is no tool "{name}"{near}{missing}', USAGE, _look(arguments))


def _look(arguments: Namespace, *options: str) -> str:
    """The command that shows what there is."""
    where = ["--url", arguments.url] if arguments.url else arguments.manifests
    return shlex.join(["fedgate", "tools", *where, *options])


def _schema(tool: Tool) -> dict[str, Any]:
    schema = value(fields(tool.raw).get("inputSchema", b"{}"))
    return schema if isinstance(schema, dict) else {}


def _print(result: Fields, *, as_json: bool) -> int:
    if as_json:
        print(encode(result).decode())
    else:
        _show(result)
    if "isError" in result and value(result["isError"]) is True:
        print("fedgate: the tool reports an error", file=sys.stderr)
        return TOOL_FAILED
    return OK


def _show(result: Fields) -> None:
    blocks = value(result["content"]) if "content" in result else []
    lines = [_block(block) for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    if not lines and "structuredContent" in result:
        lines = [json.dumps(value(result["structuredContent"]), indent=2, ensure_ascii=False)]
    text = "\n".join(lines)
    # A terminal must not obey what a server sends; a file or a pipe gets it as it is.
    print(printable(text) if sys.stdout.isatty() else text)


def _block(block: dict[str, Any]) -> str:
    """Text as it is; of anything else, what it is."""
    kind = str(block.get("type"))
    if kind == "text":
        return str(block.get("text", ""))
    inner = block.get("resource")
    resource = inner if isinstance(inner, dict) else block
    if isinstance(resource.get("text"), str):
        return str(resource["text"])
    facts = [str(resource[key]) for key in ("mimeType", "uri", "name") if resource.get(key)]
    data = resource.get("data") or resource.get("blob")
    if isinstance(data, str):
        facts.append(f"{len(data) * 3 // 4} bytes")
    return f"[{' '.join([kind, *facts])}]"

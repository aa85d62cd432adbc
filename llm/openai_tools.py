"""Tools and the choice among them in OpenAI's chat format, both ways. Pure. Above: `openai_request`."""

from collections.abc import Iterable
from typing import Any

from ..core.rawjson import EMPTY, Raw, fields, items
from .blocks import Losses, tool_name
from .custom_calls import TEXT_SCHEMA
from .neutral import Foreign, Tool, ToolChoice
from .openai_dialect import Dialect
from .openai_parts import write_cache
from .openai_wire import FORMAT
from .openai_wire import Tool as WireTool
from .openai_wire import ToolChoice as WireChoice
from .wire import said

_TEXT = Raw(b'{"type":"text"}')
"""The format of a custom tool that says none."""


def read_tools(tools: list[WireTool] | None, body: bytes) -> tuple[Tool, ...]:
    """`ValueError` names the tool that is wrong; tools that nobody knows are cut out of `body`."""
    return tuple(_read_tool(tool, number, body) for number, tool in enumerate(tools or ()))


def _read_tool(tool: WireTool, number: int, body: bytes) -> Tool:
    cache = said(tool.cache_control)
    if tool.type == "function":
        if tool.function is None:
            raise ValueError(f"tools[{number}].function: the function is missing")
        found = tool.function
        return Tool(found.name, found.description or "", said(found.parameters), found.strict, cache=cache)
    if tool.type == "custom":
        if tool.custom is None:
            raise ValueError(f"tools[{number}].custom: the tool is missing")
        form = said(tool.custom.format)
        return Tool(
            tool.custom.name, tool.custom.description or "", cache=cache, custom=_TEXT if form == EMPTY else form
        )
    return Tool(tool.type, foreign=Foreign(FORMAT, items(fields(body)["tools"])[number]))


def is_taken(tool: Tool) -> bool:
    """Whether the format has a place for the tool."""
    return tool.foreign is None or tool.foreign.format == FORMAT


def write_tools(tools: Iterable[Tool], dialect: Dialect, losses: Losses) -> list[Any]:
    return [each for tool in tools if (each := _write_tool(tool, dialect, losses)) is not None]


def _write_tool(tool: Tool, dialect: Dialect, losses: Losses) -> dict[str, Any] | Raw | None:
    if tool.foreign is not None:
        if tool.foreign.format == FORMAT:
            return tool.foreign.raw
        losses.add("tool.foreign")
        return None
    definition: dict[str, Any] = {"name": tool_name(tool)}
    if tool.description:
        definition["description"] = tool.description
    if bytes(tool.custom) and dialect.custom_tools:
        custom: dict[str, Any] = {"type": "custom", "custom": {**definition, "format": tool.custom}}
        write_cache(custom, tool.cache, dialect, losses)
        return custom
    losses.note("tool.custom", bytes(tool.custom))
    parameters = TEXT_SCHEMA if bytes(tool.custom) else tool.parameters
    if bytes(parameters):
        definition["parameters"] = parameters
    if tool.strict is not None:
        definition["strict"] = tool.strict
    written: dict[str, Any] = {"type": "function", "function": definition}
    write_cache(written, tool.cache, dialect, losses)
    return written


_MODES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}


def read_choice(choice: str | WireChoice | None, parallel: bool | None, unread: list[str]) -> ToolChoice | None:
    """`ValueError` says what `tool_choice` may be."""
    if choice is None:
        return None if parallel is None else ToolChoice(parallel=parallel)
    if isinstance(choice, str):
        mode = _MODES.get(choice)
        if mode is None:
            raise ValueError("tool_choice: must be auto, none, required or an object that names a tool")
        return _choice(mode, parallel)
    if choice.type == "allowed_tools" and choice.allowed_tools is not None:
        unread.append("tool_choice.allowed_tools")
        return _choice(_MODES.get(choice.allowed_tools.mode, "auto"), parallel)
    named = choice.custom if choice.type == "custom" else choice.function
    if named is None:
        raise ValueError("tool_choice: must be auto, none, required or an object that names a tool")
    return ToolChoice("named", named.name, parallel)


def _choice(mode: str, parallel: bool | None) -> ToolChoice:
    if mode == "any":
        return ToolChoice("any", parallel=parallel)
    return ToolChoice("none" if mode == "none" else "auto", parallel=parallel)


def write_choice(
    choice: ToolChoice | None, tools: tuple[Tool, ...], dialect: Dialect, losses: Losses
) -> dict[str, Any]:
    """The members for it; none without tools, for the API refuses a choice among nothing."""
    if choice is None:
        return {}
    if not tools:
        losses.note("tool_choice", choice.mode != "auto")
        losses.note("tool_choice.parallel", choice.parallel is not None)
        return {}
    members: dict[str, Any] = {} if choice.parallel is None else {"parallel_tool_calls": choice.parallel}
    if choice.mode != "named":
        members["tool_choice"] = "required" if choice.mode == "any" else choice.mode
        return members
    tool = next((tool for tool in tools if choice.name in (tool.name, tool_name(tool))), None)
    if tool is None:
        losses.add("tool_choice")
        return members
    kind = "custom" if bytes(tool.custom) and dialect.custom_tools else "function"
    return {**members, "tool_choice": {"type": kind, kind: {"name": tool_name(tool)}}}

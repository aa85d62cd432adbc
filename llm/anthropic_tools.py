"""Tools and the choice among them in Anthropic's format, both ways. Pure. Above: `anthropic_request`."""

from collections.abc import Iterable
from typing import Any

from ..core.rawjson import Raw, fields, is_object, items, join
from .anthropic_blocks import write_cache
from .anthropic_wire import FORMAT
from .anthropic_wire import Tool as WireTool
from .anthropic_wire import ToolChoice as WireChoice
from .blocks import Losses, tool_name
from .custom_calls import TEXT_SCHEMA
from .neutral import Foreign, Tool, ToolChoice
from .wire import said, says

_OWN_TYPES = (None, "", "custom")
_UNREAD = ("allowed_callers", "defer_loading", "eager_input_streaming", "input_examples")


def read_tools(tools: list[WireTool] | None, body: bytes, unread: list[str]) -> tuple[Tool, ...]:
    """Server tools are cut out of `body` as they are; `ValueError` names the tool that is wrong."""
    return tuple(_read_tool(tool, number, body, unread) for number, tool in enumerate(tools or ()))


def _read_tool(tool: WireTool, number: int, body: bytes, unread: list[str]) -> Tool:
    if tool.type not in _OWN_TYPES:
        return Tool(tool.name or tool.type or "", foreign=Foreign(FORMAT, items(fields(body)["tools"])[number]))
    if not tool.name:
        raise ValueError(f"tools[{number}].name: is missing")
    if says(tool.input_schema) and not is_object(tool.input_schema):
        raise ValueError(f"tools[{number}].input_schema: must be an object")
    unread += [f"tools.{name}" for name in _UNREAD if says(getattr(tool, name))]
    cache = said(tool.cache_control)
    return Tool(tool.name, tool.description or "", said(tool.input_schema), tool.strict, cache=cache)


def is_taken(tool: Tool) -> bool:
    """Whether the format has a place for the tool."""
    return tool.foreign is None or tool.foreign.format == FORMAT


def write_tools(tools: Iterable[Tool], losses: Losses) -> list[Any]:
    return [each for tool in tools if (each := _write_tool(tool, losses)) is not None]


def _write_tool(tool: Tool, losses: Losses) -> dict[str, Any] | Raw | None:
    if tool.foreign is not None:
        if tool.foreign.format == FORMAT:
            return tool.foreign.raw
        losses.add("tool.foreign")
        return None
    losses.note("tool.custom", bytes(tool.custom))
    written: dict[str, Any] = {"name": tool_name(tool)}
    if tool.description:
        written["description"] = tool.description
    written["input_schema"] = TEXT_SCHEMA if bytes(tool.custom) else _schema(tool.parameters)
    if tool.strict is not None:
        written["strict"] = tool.strict
    return write_cache(written, tool.cache, losses)


def _schema(parameters: Raw) -> Any:
    # The API wants the type said, which other formats leave out.
    members = fields(parameters) if is_object(parameters) else {}
    if "type" in members:
        return parameters
    return Raw(join({"type": "object", **members}))


def read_choice(choice: WireChoice | None) -> ToolChoice | None:
    """`ValueError` says what `tool_choice.type` may be."""
    if choice is None:
        return None
    parallel = None if choice.disable_parallel_tool_use is None else not choice.disable_parallel_tool_use
    if choice.type == "tool":
        if not choice.name:
            raise ValueError("tool_choice.name: the name of the tool is missing")
        return ToolChoice("named", choice.name, parallel)
    if choice.type == "any":
        return ToolChoice("any", parallel=parallel)
    if choice.type == "none":
        return ToolChoice("none", parallel=parallel)
    if choice.type == "auto":
        return ToolChoice("auto", parallel=parallel)
    raise ValueError("tool_choice.type: must be auto, any, tool or none")


def write_choice(choice: ToolChoice | None, tools: tuple[Tool, ...], losses: Losses) -> dict[str, Any] | None:
    """`None` without tools: there is nothing to choose from."""
    if choice is None:
        return None
    if not tools:
        losses.note("tool_choice", choice.mode != "auto")
        losses.note("tool_choice.parallel", choice.parallel is not None)
        return None
    if choice.mode == "none":
        losses.note("tool_choice.parallel", choice.parallel is not None)
        return {"type": "none"}
    written: dict[str, Any] = {"type": "tool" if choice.mode == "named" else choice.mode}
    if choice.mode == "named":
        tool = next((tool for tool in tools if choice.name in (tool.name, tool_name(tool))), None)
        if tool is None:
            losses.add("tool_choice")
            return None
        written["name"] = tool_name(tool)
    if choice.parallel is not None:
        written["disable_parallel_tool_use"] = not choice.parallel
    return written

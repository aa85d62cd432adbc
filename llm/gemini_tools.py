"""Gemini: tools and the choice of a tool, both ways. Pure; `gemini_request` stands above."""

from collections.abc import Iterable
from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw, fields, items, raw
from . import gemini_members as wire
from .blocks import Losses, tool_name
from .custom_calls import TEXT_SCHEMA
from .gemini_members import FORMAT, absent, camel, read
from .gemini_schema import json_schema
from .neutral import Foreign, Tool, ToolChoice

MAX_TOOLS = 4096
"""Declarations of one request."""

_declaration = msgspec.json.Decoder(wire.Declaration)
_config = msgspec.json.Decoder(wire.CallingConfig)
_MODES: dict[str, ToolChoice] = {
    "AUTO": ToolChoice(),
    "VALIDATED": ToolChoice(),
    "MODE_UNSPECIFIED": ToolChoice(),
    "NONE": ToolChoice("none"),
    "ANY": ToolChoice("any"),
}


def read_tools(tools: Raw) -> tuple[Tool, ...]:
    """Declared functions, and what else stands beside them as the foreign tools that they are."""
    found: list[Tool] = []
    for number, each in enumerate(_list(tools, "tools")):
        where = f"tools[{number}]"
        for name, told in camel(_object(each, where)).items():
            if name != "functionDeclarations":
                found += [] if absent(told) else [Tool(name, foreign=Foreign(FORMAT, raw({name: told})))]
                continue
            for place, declared in enumerate(_list(told, f"{where}.functionDeclarations")):
                found.append(_read_tool(declared, f"{where}.functionDeclarations[{place}]"))
        if len(found) > MAX_TOOLS:
            raise ValueError(f"tools: send at most {MAX_TOOLS} tools")
    return tuple(found)


def _read_tool(declared: Raw, where: str) -> Tool:
    tool = read(_declaration, declared, where)
    parameters = EMPTY if absent(tool.parameters_json_schema) else tool.parameters_json_schema
    if not bytes(parameters) and not absent(tool.parameters):
        parameters = json_schema(tool.parameters, f"{where}.parameters")
    return Tool(tool.name, tool.description or "", parameters)


def _list(told: Raw, where: str) -> list[Raw]:
    if absent(told):
        return []
    try:
        return items(told)
    except ValueError as error:
        raise ValueError(f"{where}: must be a list") from error


def _object(told: Raw, where: str) -> dict[str, Raw]:
    try:
        return fields(told)
    except ValueError as error:
        raise ValueError(f"{where}: must be an object") from error


def read_choice(config: Raw, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...], bool]:
    """The choice, the tools that it leaves, and whether it was all of `toolConfig`."""
    if absent(config):
        return None, tools, True
    members = camel(_object(config, "toolConfig"))
    calling = members.pop("functionCallingConfig", EMPTY)
    whole = all(absent(other) for other in members.values())
    if absent(calling):
        return None, tools, whole
    told = read(_config, calling, "toolConfig.functionCallingConfig")
    choice = _MODES.get((told.mode or "AUTO").upper())
    if choice is None:
        raise ValueError("toolConfig.functionCallingConfig.mode: must be AUTO, ANY, NONE or VALIDATED")
    names = told.allowed_function_names or []
    if choice.mode == "any" and len(names) == 1:
        return ToolChoice("named", names[0]), tools, whole
    if names and choice.mode != "none":
        # Functions that may not be called need not be shown.
        tools = tuple(tool for tool in tools if tool.name in names or tool.foreign is not None)
    return choice, tools, whole


def write_tools(tools: Iterable[Tool], lost: Losses) -> list[Any]:
    declared: list[Any] = []
    others: list[Any] = []
    for tool in tools:
        lost.note("cache_control", bytes(tool.cache))
        if tool.foreign is None:
            declared.append(_write_tool(tool, lost))
        elif tool.foreign.format == FORMAT:
            others.append(tool.foreign.raw)
        else:
            lost.add("tool.foreign")
    return ([{"functionDeclarations": declared}] if declared else []) + others


def _write_tool(tool: Tool, lost: Losses) -> dict[str, Any]:
    lost.note("tool.strict", tool.strict)
    lost.note("tool.custom", bytes(tool.custom))
    parameters = TEXT_SCHEMA if bytes(tool.custom) else tool.parameters
    written: dict[str, Any] = {"name": tool_name(tool)}
    if tool.description:
        written["description"] = tool.description
    return written | ({"parametersJsonSchema": parameters} if bytes(parameters) else {})


def write_choice(choice: ToolChoice | None, tools: tuple[Tool, ...], lost: Losses) -> dict[str, Any]:
    """`functionCallingConfig`, if there is anything to say."""
    if choice is None:
        return {}
    lost.note("tool_choice.parallel", choice.parallel is False)
    if not tools:
        lost.note("tool_choice", choice.mode != "auto")
        return {}
    if choice.mode == "named":
        names = [tool_name(tool) for tool in tools if choice.name in (tool.name, tool_name(tool))]
        return {"mode": "ANY", "allowedFunctionNames": names[:1] or [choice.name]}
    return {"mode": choice.mode.upper()}

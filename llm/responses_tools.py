"""OpenAI Responses: tools, namespaces, custom tools and the choice of a tool, both ways.

Tools nested in a namespace are read one by one; what formats without namespaces call them is
`blocks.tool_name`'s affair. Custom tools take free text. Pure; `responses_request` and the
writers of answers stand above.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw, value
from .blocks import Losses
from .neutral import Foreign, Tool, ToolChoice
from .reading import decode
from .wire import said

FORMAT = "responses"
MAX_TOOLS = 4096
"""Tools of one request, nested ones included."""
_FREE_TEXT = Raw(b'{"type":"text"}')
_NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')


class _Tool(msgspec.Struct):
    type: str = ""
    name: str | None = None
    description: str | None = None
    parameters: Raw = EMPTY
    strict: bool | None = None
    format: Raw = EMPTY
    tools: list[Raw] | None = None


class _Choice(msgspec.Struct):
    type: str = ""
    name: str | None = None
    mode: str | None = None
    tools: list["_Choice"] | None = None


_tool = msgspec.json.Decoder(_Tool)
_choice = msgspec.json.Decoder(str | _Choice | None)
_kind = msgspec.json.Decoder(dict[str, Raw])


def read_tools(tools: Iterable[Raw], where: str = "tools") -> tuple[Tool, ...]:
    """Functions, custom tools, those of namespaces; others as the foreign tools that they are."""
    found: list[Tool] = []
    for tool in _read_all(tools, where, None):
        found.append(tool)
        if len(found) > MAX_TOOLS:
            raise ValueError(f"{where}: send at most {MAX_TOOLS} tools")
    return tuple(found)


def _read_all(tools: Iterable[Raw], where: str, space: _Tool | None) -> Iterator[Tool]:
    for number, each in enumerate(tools):
        at = f"{where}[{number}]"
        kind = decode(_kind, each, at).get("type", EMPTY)
        if bytes(kind) not in (b'"function"', b'"custom"', b'"namespace"'):
            yield Tool(_foreign_name(kind, at), foreign=Foreign(FORMAT, each))
            continue
        tool = decode(_tool, each, at)
        if not tool.name:
            raise ValueError(f"{at}.name: a tool of type {tool.type} needs a name")
        if tool.type == "namespace":
            if space is not None:
                raise ValueError(f"{at}.type: a namespace cannot stand in a namespace")
            yield from _read_all(tool.tools or [], f"{at}.tools", tool)
        else:
            yield _read_tool(tool, space)


def _foreign_name(kind: Raw, where: str) -> str:
    try:
        name = value(kind)
    except ValueError:
        name = None
    if not isinstance(name, str):
        raise ValueError(f'{where}.type: say what kind of tool it is, such as "function"')
    return name


def _read_tool(tool: _Tool, space: _Tool | None) -> Tool:
    custom = EMPTY
    if tool.type == "custom":
        custom = said(tool.format) if bytes(said(tool.format)) else _FREE_TEXT
    return Tool(
        tool.name or "",
        description=tool.description or "",
        parameters=said(tool.parameters),
        strict=tool.strict,
        namespace=(space.name or "") if space else "",
        namespace_description=(space.description or "") if space else "",
        custom=custom,
    )


def read_choice(choice: Raw, tools: tuple[Tool, ...]) -> tuple[ToolChoice | None, tuple[Tool, ...], bool]:
    """The choice, the tools that it leaves, and whether it was understood."""
    if not bytes(choice):
        return None, tools, True
    chosen = decode(_choice, choice, "tool_choice")
    if chosen is None:
        return None, tools, True
    if isinstance(chosen, str):
        modes = {"auto": ToolChoice(), "none": ToolChoice("none"), "required": ToolChoice("any")}
        if chosen not in modes:
            raise ValueError('tool_choice: must be "auto", "none", "required" or an object that names a tool')
        return modes[chosen], tools, True
    if chosen.type in ("function", "custom") and chosen.name:
        return ToolChoice("named", chosen.name), tools, True
    if chosen.type == "allowed_tools":
        # Tools that may not be called need not be shown.
        allowed = {each.name or each.type for each in chosen.tools or ()}
        left = tuple(tool for tool in tools if tool.name in allowed)
        return ToolChoice("any" if chosen.mode == "required" else "auto"), left, True
    return None, tools, False


def write_tools(tools: tuple[Tool, ...], lost: Losses) -> list[Any]:
    """Tools of one namespace stand together, where the first of them stood."""
    written: list[Any] = []
    spaces: dict[str, list[Any]] = {}
    for tool in tools:
        one = _write_tool(tool, lost)
        if one is None:
            continue
        if tool.namespace and tool.namespace not in spaces:
            spaces[tool.namespace] = []
            space = {"type": "namespace", "name": tool.namespace, "description": tool.namespace_description}
            written.append(space | {"tools": spaces[tool.namespace]})
        (spaces[tool.namespace] if tool.namespace else written).append(one)
    return written


def _write_tool(tool: Tool, lost: Losses) -> Any:
    if bytes(tool.cache):
        lost.add("cache_control")
    if tool.foreign is not None:
        if tool.foreign.format == FORMAT:
            return tool.foreign.raw
        lost.add("tool.foreign")
        return None
    about = {"description": tool.description} if tool.description else {}
    if bytes(tool.custom):
        return {"type": "custom", "name": tool.name} | about | {"format": tool.custom}
    parameters = tool.parameters if bytes(tool.parameters) else _NO_PARAMETERS
    # Left out, the schema would be made strict; elsewhere, that is asked for.
    return {"type": "function", "name": tool.name} | about | {"parameters": parameters, "strict": bool(tool.strict)}


def write_choice(choice: ToolChoice, tools: Iterable[Tool]) -> Any:
    if choice.mode != "named":
        return {"auto": "auto", "none": "none", "any": "required"}[choice.mode]
    custom = any(tool.name == choice.name and bytes(tool.custom) for tool in tools)
    return {"type": "custom" if custom else "function", "name": choice.name}

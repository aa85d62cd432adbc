"""Tool search: two tools that stand for a catalog too large to be listed. Pure.

`search_tools` is answered by the gateway; `call_tool` is taken for the call that it names
before anything else looks at it, so that rules, limits, logs, progress, questions and
errors are those of the tool itself. Here is what the two say of themselves, how they are
read, and what a search answers. Above: `catalog.py`, `routing.py`, `hub.py`. Below: JSON.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from ..core.errors import RpcError
from ..core.jsonrpc import INVALID_PARAMS
from ..core.rawjson import Fields, Raw, encode, fields, is_object, text, value
from .offers import Offer

SEARCH = "search_tools"
CALL = "call_tool"
RESERVED = frozenset({SEARCH, CALL})

DEFAULT_LIMIT = 5
MAX_LIMIT = 25
MAX_QUERY = 1000
"""Characters of a query that are looked at."""
MAX_LINES = 2800
"""Characters for all servers: with the rest it stays below 4096, where Claude Code cuts descriptions."""

_NAME = Raw(b'"' + CALL.encode() + b'"')

_SEARCH_ABOUT = """\
Find tools by what they do. This gateway has too many tools to list them all: look here first, \
then run what you found with call_tool.

Write the action and the thing in a few words, such as "create issue" or "read file", or a part of a tool's \
name. The answer has the best matches, each with its name, server, description and input schema, and says how many \
there are in all. Without words it lists tools in order. If nothing fits, try other words before you conclude \
that there is no such tool.

Servers whose tools can be found:
"""
_CALL_ABOUT = """\
Run a tool that search_tools found: its exact name, and in "arguments" an object that fits its input schema. \
The answer is the tool's own."""
_NONE_FOUND = "no tool matches; try fewer or other words, or no words and one server to see what it has"


def definitions(servers: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Both tools as items of `tools/list`. `servers`: name → what one line says of it, or nothing."""
    search = {
        "name": SEARCH,
        "title": "Search tools",
        "description": _SEARCH_ABOUT + "\n".join(_lines(servers)),
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "A few words for what the tool should do."},
                "server": {"type": "string", "description": "Only tools of this server."},
                "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            },
            "required": ["query"],
        },
        "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
    }
    call = {
        "name": CALL,
        "title": "Call a tool",
        "description": _CALL_ABOUT,
        "inputSchema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "The name as search_tools gave it."},
                "arguments": {"type": "object", "description": "The tool's own arguments."},
            },
            "required": ["name"],
        },
    }
    return encode(search), encode(call)


def _lines(servers: Mapping[str, str]) -> Iterable[str]:
    """One per server; where there are too many for that, their names alone, as far as there is room."""
    lines = [f"- {name}: {line}" if line else f"- {name}" for name, line in servers.items()]
    if sum(map(len, lines)) + len(lines) <= MAX_LINES:
        return lines
    shown: list[str] = []
    room = MAX_LINES
    for name in servers:
        room -= len(name) + 3
        if room < 0:
            return [*shown, f"- and {len(servers) - len(shown)} more"]
        shown.append(f"- {name}")
    return shown


# Reading calls.


def names_another(params: Fields) -> bool:
    """Whether the parameters of a `tools/call` are those of `call_tool`."""
    name = params.get("name")
    return name is not None and (name == _NAME or text(name) == CALL)


def unwrapped(params: Fields) -> Fields:
    """The parameters of the call that a call of `call_tool` stands for. Raises `RpcError`.

    Everything beside name and arguments stays (`requestState`, `inputResponses`, ...).
    """
    wrapped = params.get("arguments")
    inner = fields(wrapped) if wrapped is not None and is_object(wrapped) else {}
    name = inner.get("name")
    if name is None or text(name) is None:
        raise RpcError(INVALID_PARAMS, f"{CALL} needs arguments.name: the exact name of a tool that {SEARCH} found")
    found: Fields = {**params, "name": name}
    arguments = _object(inner.get("arguments"))
    if arguments is None:
        found.pop("arguments")
    else:
        found["arguments"] = arguments
    return found


def _object(arguments: Raw | None) -> Raw | None:
    """Models write objects as text now and then; that is read. Anything else is left for the server to judge."""
    if arguments is None or bytes(arguments) == b"null":
        return None
    written = text(arguments)
    if written is None:
        return arguments
    try:
        fields(written.encode())
    except ValueError:
        return arguments
    return Raw(written.encode())


class Query(msgspec.Struct, frozen=True):
    """What is looked for. `server`: in this one alone; empty: in all."""

    words: str = ""
    server: str = ""
    limit: int = DEFAULT_LIMIT


def read_query(params: Fields, servers: Iterable[str]) -> Query:
    """The arguments of a call of `search_tools`. `ValueError` with a sentence for the model."""
    arguments = params.get("arguments")
    given: Any = value(arguments) if arguments is not None and is_object(arguments) else {}
    words, server, limit = given.get("query"), given.get("server"), given.get("limit")
    if not isinstance(words or "", str) or not isinstance(server or "", str):
        raise ValueError("query and server must be strings")
    known = list(servers)
    if server and server not in known:
        near = get_close_matches(server, known, 1)
        hint = f'; did you mean "{near[0]}"?' if near else f"; there are: {', '.join(known)[:500]}"
        raise ValueError(f'there is no server "{server[:64]}"{hint}')
    return Query((words or "")[:MAX_QUERY], server or "", _limit(limit))


def _limit(limit: object) -> int:
    if isinstance(limit, str) and limit.isdecimal():
        limit = int(limit[:6])
    if isinstance(limit, float) and limit.is_integer():
        limit = int(limit)
    return min(max(limit, 1), MAX_LIMIT) if isinstance(limit, int) else DEFAULT_LIMIT


# Answering.


def answer(found: Iterable[tuple[str, Offer]], total: int) -> bytes:
    """The result of a search, as structure and as text. `total`: how many matched."""
    tools = [_told(name, offer) for name, offer in found]
    told: dict[str, Any] = {"tools": tools, "total": total}
    if not tools:
        told["hint"] = _NONE_FOUND
    structure = encode(told)
    content = [{"type": "text", "text": structure.decode()}]
    return encode({"content": content, "structuredContent": Raw(structure), "isError": False})


def _told(name: str, offer: Offer) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "server": offer.server}
    try:
        members = fields(offer.raw)
    except ValueError:  # nested too deeply for the stack as it is now
        return told
    return told | {key: members[key] for key in ("description", "inputSchema") if key in members}


def mistake(sentence: str) -> bytes:
    """The result of a search that could not be read: an error that the model sees and can mend."""
    return encode({"content": [{"type": "text", "text": sentence}], "isError": True})

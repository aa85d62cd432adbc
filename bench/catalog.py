"""What the fake servers offer: twenty tools each, with schemas of the size that real servers have.

Pure values; 200 tools make a `tools/list` of about 60 kB. Every tool takes `text` and
answers with it, so that an answer can be checked against its question. Above: the fake
upstream (`upstream_mcp.py`). Below: nothing.
"""

from typing import Any

ACTIONS = (
    ("search", "Search the {noun}s and return at most `limit` matches, best first.", True),
    ("get", "Read one {noun} with its history and the people who follow it.", True),
    ("create", "Create a {noun} and return its number; fields left out get defaults.", False),
    ("update", "Change a {noun}; only the fields that are given are touched.", False),
    ("list", "List the {noun}s of a project, newest first, `limit` to a page.", True),
)
NOUNS = ("ticket", "document", "invoice", "contact")
SEPARATOR = "__"


def tool(action: str, about: str, noun: str, *, reads_only: bool) -> dict[str, Any]:
    """One tool definition as it stands in a `tools/list` result."""
    return {
        "name": f"{action}_{noun}",
        "description": about.format(noun=noun),
        "inputSchema": {
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100},
            },
            "required": ["text"],
        },
        "annotations": {"readOnlyHint": reads_only},
    }


def server_tools() -> list[dict[str, Any]]:
    """The twenty tools of one server."""
    return [tool(action, about, noun, reads_only=reads) for noun in NOUNS for action, about, reads in ACTIONS]


def merged_tools(servers: list[str]) -> list[dict[str, Any]]:
    """The tools of all `servers` in one list, named as the gateway names them (`server__tool`)."""
    return [{**each, "name": f"{server}{SEPARATOR}{each['name']}"} for server in servers for each in server_tools()]


def server_names(era: str, count: int = 10) -> list[str]:
    """Path names of the fake servers: `s0`... speak the legacy era, `m0`... the modern one."""
    letter = "m" if era == "modern" else "s"
    return [f"{letter}{number}" for number in range(count)]

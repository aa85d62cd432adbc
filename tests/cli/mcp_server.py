"""A small MCP server over stdio, for the command line to talk to. Run as `python -S -E mcp_server.py`."""

import json
import os
import sys
from typing import Any

TOOLS: list[dict[str, Any]] = [
    {
        "name": "add",
        "description": "Add two numbers.\nOf any size.",
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "number"}, "note": {"type": ["string", "null"]}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
        "x-vendor": {"kept": True},
    },
    {"name": "die", "description": "Ends its server.", "inputSchema": {"type": "object"}},
    {"name": "fail", "description": "Always fails.", "inputSchema": {"type": "object"}},
    {"name": "facts", "inputSchema": True},
    {"name": "picture", "inputSchema": {"type": "object"}},
    {"name": "steer", "description": "\x1b[31mred", "inputSchema": {"type": "object"}},
]


def called(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if name == "add":
        total = arguments["a"] + arguments["b"]
        return {"content": [{"type": "text", "text": str(total)}], "structuredContent": {"sum": total}, "extra": 1}
    if name == "fail":
        return {"content": [{"type": "text", "text": "it is broken"}], "isError": True}
    if name == "die":
        sys.exit(3)
    if name == "steer":
        return {"content": [{"type": "text", "text": "\x1b[2Jgone"}]}
    if name == "facts":
        return {"content": [], "structuredContent": {"größe": 1}}
    if name == "picture":
        page = {"uri": "page:///1", "mimeType": "text/plain", "text": "the page itself"}
        return {
            "content": [
                {"type": "image", "mimeType": "image/png", "data": "AAAA"},
                {"type": "resource", "resource": page},
                {"type": "resource_link", "uri": "page:///2", "name": "two"},
                "no block at all",
            ]
        }
    raise ValueError(name)


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        return {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "sums", "version": "1"},
        }
    if method == "tools/list":
        other = {"description": os.environ["ABOUT_ADD"]} if "ABOUT_ADD" in os.environ else {}
        return {"tools": [TOOLS[0] | other, *TOOLS[1:]]}
    if method == "tools/call":
        return called(params["name"], params.get("arguments", {}))
    if method == "ping":
        return {}
    raise ValueError(method)


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            reply["result"] = answer(message["method"], message.get("params", {}))
        except ValueError:
            reply["error"] = {"code": -32601, "message": "Method not found"}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

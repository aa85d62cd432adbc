"""An MCP server on standard input and output, of the standard library alone, whose tools misbehave by name.

Run as `python -S -E stdio_server.py [legacy|modern|strict|mute]`. `strict` ends itself over
anything before `initialize`, as some servers do; `mute` never answers anything.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

MODERN = "2026-07-28"
OUT = sys.stdout.buffer
KIND = sys.argv[1] if len(sys.argv) > 1 else "legacy"
ANSWERS: dict[str, Any] = {}
CANCELLED: list[Any] = []
GROWN: list[str] = []


def write(data: bytes) -> None:
    OUT.write(data + b"\n")
    OUT.flush()


def say(value: object) -> None:
    write(json.dumps(value).encode())


def answer(ident: object, result: dict[str, Any]) -> None:
    more = {"resultType": "complete"} if KIND == "modern" else {}
    say({"jsonrpc": "2.0", "id": ident, "result": {**result, **more}})


def text(said: object) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": said if isinstance(said, str) else json.dumps(said)}]}


def notify(method: str, params: dict[str, Any]) -> None:
    say({"jsonrpc": "2.0", "method": method, "params": params})


# Tools.


def echo(ident: object, arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    answer(ident, text(arguments.get("text", "echo")))


def die(_ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    sys.stderr.write("cannot go on\n")
    sys.stderr.flush()
    os._exit(3)


def garbage(_ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    write(b'{"jsonrpc":"2.0","id":')


def wrong_id(_ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    answer(99_999, text("nobody asked"))


def never(_ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    pass


def big(ident: object, arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    answer(ident, text("x" * int(arguments["size"])))


def noise(ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    write(b"Debug: this is no JSON")
    answer(ident, text("after the noise"))


def progress(ident: object, _arguments: dict[str, Any], meta: dict[str, Any]) -> None:
    for step in range(1, 4):
        notify("notifications/progress", {"progressToken": meta["progressToken"], "progress": step, "total": 3})
    answer(ident, text(meta["progressToken"]))


def log(ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    notify("notifications/message", {"level": "info", "data": "at work"})
    answer(ident, text("logged"))


def elicit(ident: object, arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    question = f"q-{ident}"
    ANSWERS[question] = ident
    params = {"message": arguments.get("message", "?"), "requestedSchema": {"type": "object", "properties": {}}}
    say({"jsonrpc": "2.0", "id": question, "method": "elicitation/create", "params": params})


def env(ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    answer(ident, text(dict(os.environ)))


def pid(ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    answer(ident, text(str(os.getpid())))


def grow(ident: object, arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    GROWN.append(arguments["name"])
    notify("notifications/tools/list_changed", {})
    answer(ident, text("grown"))


def cancellations(ident: object, _arguments: dict[str, Any], _meta: dict[str, Any]) -> None:
    answer(ident, text(CANCELLED))


CALLS: dict[str, Callable[[object, dict[str, Any], dict[str, Any]], None]] = {
    each.__name__: each
    for each in (echo, die, garbage, wrong_id, never, big, noise, progress, elicit, log, env, pid, grow, cancellations)
}


# Methods.


def tools_list(ident: object, _params: dict[str, Any]) -> None:
    answer(ident, {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in (*CALLS, *GROWN)]})


def tools_call(ident: object, params: dict[str, Any]) -> None:
    CALLS[params["name"]](ident, params.get("arguments", {}), params.get("_meta", {}))


def initialize(ident: object, _params: dict[str, Any]) -> None:
    info = {"name": "stdio", "version": "1"}
    answer(
        ident,
        {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {"listChanged": True}, "logging": {}},
            "serverInfo": info,
        },
    )


def discover(ident: object, _params: dict[str, Any]) -> None:
    answer(ident, {"supportedVersions": [MODERN], "capabilities": {"tools": {}}, "ttlMs": 1, "cacheScope": "private"})


def ping(ident: object, _params: dict[str, Any]) -> None:
    answer(ident, {})


METHODS: dict[str, Callable[[object, dict[str, Any]], None]] = {"tools/list": tools_list, "tools/call": tools_call}
METHODS |= {"server/discover": discover} if KIND == "modern" else {"initialize": initialize, "ping": ping}


def take(message: dict[str, Any]) -> None:
    ident, method = message.get("id"), message.get("method")
    if method is None:
        if ident in ANSWERS:
            answer(ANSWERS.pop(ident), text(message.get("result", message.get("error"))))
    elif method == "notifications/cancelled":
        CANCELLED.append(message["params"]["requestId"])
    elif method in METHODS:
        METHODS[method](ident, message.get("params", {}))
    elif ident is not None:
        say({"jsonrpc": "2.0", "id": ident, "error": {"code": -32601, "message": "Method not found"}})


def main() -> None:
    initialized = False
    for line in sys.stdin.buffer:
        message = json.loads(line)
        initialized = initialized or message.get("method") == "initialize"
        if KIND == "strict" and not initialized:
            sys.exit("initialize comes first")
        if KIND != "mute":
            take(message)


if __name__ == "__main__":
    main()

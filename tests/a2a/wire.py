"""What the tests of A2A's wire share: requests and bodies made of plain values."""

import json
from importlib import import_module
from typing import Any

from fedgate.a2a.errors import A2aError
from fedgate.a2a.values import Speech
from fedgate.core.call import Request

json_format: Any = import_module("google.protobuf.json_format")  # it comes without types

RPC, LEGACY_RPC = Speech("1.0", "jsonrpc"), Speech("0.3", "jsonrpc")
REST, LEGACY_REST = Speech("1.0", "rest"), Speech("0.3", "rest")
SPEECHES = (RPC, LEGACY_RPC, REST, LEGACY_REST)


def dump(value: Any) -> bytes:
    """JSON with the white space that a person would put in."""
    return json.dumps(value).encode()


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def request(method: str = "POST", query: bytes = b"", **headers: bytes) -> Request:
    """The head of a request with a JSON body; keyword arguments replace headers, empty ones are left out."""

    async def read() -> bytes:
        return b""

    named = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    sent = {name: value for name, value in {b"content-type": b"application/json", **named}.items() if value}
    return Request("r1", method, "/a2a/x", query, sent, "127.0.0.1:5000", "localhost", "HTTP/1.1", read)


def rpc(method: str, params: Any = None, **members: Any) -> bytes:
    """A JSON-RPC request; `params` is left out if it is `None`."""
    whole = {"jsonrpc": "2.0", "id": 1, "method": method} | ({} if params is None else {"params": params})
    return dump(whole | members)


def message(**members: Any) -> dict[str, Any]:
    return {"role": "ROLE_USER", "parts": [{"text": "hello"}], "messageId": "m-1"} | members


def shown(error: A2aError) -> tuple[int, Speech | None, bytes]:
    """Code, speech and id: what the caller is told, in which form, under which id."""
    return error.code, error.speech, bytes(error.id)

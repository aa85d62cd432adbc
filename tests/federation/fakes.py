"""What the tests of federation's pure modules share: requests, listings and exchanges made of plain values."""

import json
from typing import Any

from fedgate.core.call import Record, Request
from fedgate.core.rawjson import Fields, Raw, fields
from fedgate.federation.exchange import Asker, Exchange
from fedgate.federation.headers import param_headers
from fedgate.federation.listing import KEYS, Greeting, Hints, Item, Listing
from fedgate.federation.messages import Answer, Client
from fedgate.federation.stream import EventStream

MODERN = "2026-07-28"
META = "io.modelcontextprotocol/"
ACCEPT = b"application/json, text/event-stream"


def dump(value: Any) -> bytes:
    """JSON with the white space that a person would put in: raw bytes must not depend on ours."""
    return json.dumps(value).encode()


def raws(value: dict[str, Any]) -> Fields:
    return fields(dump(value))


def request(
    headers: dict[bytes, bytes] | None = None, method: str = "POST", body: bytes = b"", path: str = "/mcp"
) -> Request:
    """An HTTP request with the headers of a well-behaved client; those given replace them, empty ones are left out."""

    async def read() -> bytes:
        return body

    usual = {b"host": b"localhost", b"content-type": b"application/json", b"accept": ACCEPT}
    sent = {name: value for name, value in {**usual, **(headers or {})}.items() if value}
    return Request("r1", method, path, b"", sent, "127.0.0.1:5000", "localhost", "HTTP/1.1", read)


def record(protocol: str = "mcp") -> Record:
    return Record(request(), protocol, 0.0)


def envelope(**meta: Any) -> dict[str, Any]:
    """`params._meta` of a modern request; keyword arguments are further keys under the specification's prefix."""
    required = {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    return required | {META + key: value for key, value in meta.items()}


def modern(method: str, params: dict[str, Any] | None = None, **headers: bytes) -> tuple[bytes, Request]:
    """A modern request that every rung of the ladder accepts: its body and its HTTP head."""
    whole = {"_meta": envelope(), **(params or {})}
    body = dump({"jsonrpc": "2.0", "id": 1, "method": method, "params": whole})
    sent = {b"mcp-protocol-version": MODERN.encode(), b"mcp-method": method.encode()}
    sent |= {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return body, request(sent, body=body)


def item(method: str, key: str, /, **members: Any) -> Item:
    """A list item of the given method, with its header parameters read as the lister reads them."""
    whole = {KEYS[method]: key, **members}
    params = param_headers(whole["inputSchema"]) if "inputSchema" in whole else {}
    return Item(key, dump(whole), params or {})


ALL: dict[str, Any] = {"tools": {}, "prompts": {}, "resources": {}}


def listing(
    *items: tuple[str, Item],
    capabilities: dict[str, Any] | None = None,
    instructions: str = "",
    hints: dict[str, Hints] | None = None,
    info: dict[str, Any] | None = None,
) -> Listing:
    """What a server offers, as (list method, item) pairs."""
    offered: dict[str, list[Item]] = {}
    for method, each in items:
        offered.setdefault(method, []).append(each)
    greeting = Greeting("2025-11-25", ALL if capabilities is None else capabilities, info or {}, instructions)
    return Listing(greeting, {method: tuple(found) for method, found in offered.items()}, hints or {})


def tools(*names: str, **settings: Any) -> Listing:
    """A server that has tools of these names."""
    return listing(*(("tools/list", item("tools/list", name)) for name in names), **settings)


class Person:
    """A client that answers what it is asked: by method, else with an empty result. `asked` remembers."""

    def __init__(self, **answers: Answer) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self._answers = {name.replace("_", "/"): answer for name, answer in answers.items()}

    async def __call__(self, exchange: Exchange, method: str, params: bytes) -> Answer:
        self.asked.append((method, params))
        return self._answers.get(method, Answer(result=b"{}"))


def exchange(asker: Asker, client: Client | None = None) -> Exchange:
    """A legacy client's exchange whose questions `asker` answers."""
    return Exchange(Raw(b"1"), "legacy", client or Client(), EventStream, asker)

"""What one server offers, as it said it: raw items in order, and how to ask for them page by page.

Items keep their bytes. An item without the member that identifies it is left out with a
warning. Paging is followed to the end, within limits: an endless chain of pages or a
cursor that repeats is the server's error, not our memory.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import Fields, Raw, fields, items, sub, text, value
from .eras import LISTS
from .headers import ParamHeaders, param_headers

log = logging.getLogger("fedgate.server")

MAX_PAGES = 1000
MAX_ITEMS = 20_000
MAX_BYTES = 64 * 1024 * 1024

KEYS = {
    "tools/list": "name",
    "prompts/list": "name",
    "resources/list": "uri",
    "resources/templates/list": "uriTemplate",
}
CAPABILITY = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resources",
}


class Item(msgspec.Struct, frozen=True):
    """One tool, prompt, resource or template: what identifies it, and its bytes."""

    key: str
    raw: bytes
    params: ParamHeaders = {}
    """For tools: the arguments that travel as `Mcp-Param-*` headers."""


class Hints(msgspec.Struct, frozen=True):
    """A server's caching hints for one list (2026-07-28, caching); legacy servers give none."""

    ttl_ms: int | None = None
    public: bool = False


class Greeting(msgspec.Struct, frozen=True):
    """What a server said of itself in `initialize` or `server/discover`."""

    version: str
    capabilities: dict[str, Any]
    info: dict[str, Any]
    instructions: str = ""


class Listing(msgspec.Struct, frozen=True):
    """The whole offer of one server at one time."""

    greeting: Greeting
    items: dict[str, tuple[Item, ...]]
    """List method → items in the server's order."""
    hints: dict[str, Hints] = {}

    def count(self, method: str) -> int:
        return len(self.items.get(method, ()))


Ask = Callable[[str, Fields], Awaitable[bytes]]
"""`await ask(method, params)` → the raw result; raises `UpstreamError` or `RpcError`."""


async def fetch(server: str, greeting: Greeting, ask: Ask, methods: tuple[str, ...] = tuple(LISTS)) -> Listing:
    """List everything of `methods` that the server's capabilities announce."""
    found: dict[str, tuple[Item, ...]] = {}
    hints: dict[str, Hints] = {}
    for method in methods:
        if isinstance(greeting.capabilities.get(CAPABILITY[method]), dict):
            found[method], hints[method] = await _all_pages(server, method, ask)
    return Listing(greeting, found, hints)


async def _all_pages(server: str, method: str, ask: Ask) -> tuple[tuple[Item, ...], Hints]:
    found: dict[str, Item] = {}
    seen: set[str] = set()
    params: Fields = {}
    hints: Hints | None = None
    size = 0
    for _ in range(MAX_PAGES):
        result = await ask(method, params)
        size += len(result)
        members = _page(server, method, result)
        for item in parse_items(server, method, members.get(LISTS[method], Raw(b"[]"))):
            found.setdefault(item.key, item)
        hints = _merge(hints, _hints(members))
        cursor = text(members.get("nextCursor"))
        if len(found) > MAX_ITEMS or size > MAX_BYTES or cursor in seen:
            break
        if cursor is None:
            return tuple(found.values()), hints
        seen.add(cursor)
        params = {"cursor": members["nextCursor"]}
    raise UpstreamInvalid(f"{server} does not come to an end of {method} (after {len(found)} items, {size} bytes)")


def _page(server: str, method: str, result: bytes) -> Fields:
    try:
        return fields(result)
    except ValueError as error:
        raise UpstreamInvalid(f"{server} answered {method} with something that is no result object") from error


def parse_items(server: str, method: str, array: Raw) -> list[Item]:
    """The identified items of a list. Tools with an illegal header annotation are left out (2026-07-28, MUST)."""
    found = []
    try:
        listed = items(array)
    except ValueError as error:
        raise UpstreamInvalid(f"{server} answered {method} with no array of items") from error
    for entry in listed:
        item = _item(method, bytes(entry))
        if item is None:
            log.warning("%s: an entry of %s has no usable %s and is left out", server, method, KEYS[method])
        else:
            found.append(item)
    return found


def _item(method: str, entry: bytes) -> Item | None:
    try:
        members = fields(entry)
        key = text(members.get(KEYS[method]))
        if not key:
            return None
        if b"x-mcp-header" not in entry or method != "tools/list":
            return Item(key, entry)
        params = param_headers(_schema(members.get("inputSchema", Raw(b"{}"))))
    except ValueError:
        return None
    return None if params is None else Item(key, entry, params)


def _schema(schema: Raw) -> Any:
    """The schema as values. A number beyond all doubles, somewhere in it, is no reason to lose the tool."""
    try:
        return value(schema)
    except ValueError:
        return json.loads(bytes(schema))


def _hints(page: Fields) -> Hints:
    ttl = page.get("ttlMs")
    try:
        number = value(ttl) if ttl is not None else None
    except ValueError:
        number = None
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        number = None
    # A negative one counts as 0 (2026-07-28, caching).
    return Hints(None if number is None else max(int(number), 0), text(page.get("cacheScope")) == "public")


def _merge(first: Hints | None, second: Hints) -> Hints:
    return second if first is None else merge_hints(first, second)


def merge_hints(first: Hints, second: Hints) -> Hints:
    """The shorter life and the narrower scope win."""
    ttls = [hint.ttl_ms for hint in (first, second) if hint.ttl_ms is not None]
    return Hints(min(ttls) if ttls else None, first.public and second.public)


def greeting_of(version: str, members: Fields) -> Greeting:
    """Read an `initialize` or `server/discover` result."""
    capabilities = value(members["capabilities"]) if "capabilities" in members else {}
    info = members.get("serverInfo") or sub(members, "_meta").get("io.modelcontextprotocol/serverInfo")
    known = value(info) if info is not None else {}
    return Greeting(
        version=version,
        capabilities=capabilities if isinstance(capabilities, dict) else {},
        info=known if isinstance(known, dict) else {},
        instructions=text(members.get("instructions")) or "",
    )

"""Every difference that there may be between a server's answer and what the gateway makes of it. Pure.

Written from the documentation, not from the gateway's code. Documents are exact (`exact.py`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tests.differential.exact import Json, Number, exact, mended
from tests.differential.odd_server import MEMBER

Era = Literal["legacy", "modern"]
DEFAULT_TTL = 30_000
"""Milliseconds, where a server gives none."""
LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
KEY = {"tools": "name", "prompts": "name", "resources": "uri", "resourceTemplates": "uriTemplate"}


@dataclass(frozen=True)
class View:
    """A front: its client's era, and the server whose name it puts before names and URIs, or none."""

    era: Era
    prefix: str = ""

    def uri(self, uri: Json) -> Json:
        """`{server}+{uri}`; `ui://{server}+{rest}`; web addresses as they are."""
        if not self.prefix or not isinstance(uri, str) or uri.startswith(("http://", "https://")):
            return uri
        return f"ui://{self.prefix}+{uri[5:]}" if uri.startswith("ui://") else f"{self.prefix}+{uri}"


# Results.


def result(view: View, method: str, said: Json) -> Json:
    """A server's result as the client of this view gets it."""
    members = dict(mended(said))
    if view.era == "modern":
        members.setdefault("resultType", "complete")
        if method == "resources/read":
            members = {**exact({"ttlMs": 0, "cacheScope": "private"}), **members}
    elif not isinstance(members.get("structuredContent", {}), dict):
        del members["structuredContent"]  # only objects were allowed
    return PLACES[method](view, members) if method in PLACES else members


def _tool_result(view: View, members: dict[str, Json]) -> Json:
    return _app(view, {**members, **({"content": _blocks(view, members["content"])} if "content" in members else {})})


def _prompt_result(view: View, members: dict[str, Json]) -> Json:
    messages = [
        {**message, **({"content": _blocks(view, message["content"])} if "content" in message else {})}
        for message in members.get("messages", [])
    ]
    return {**members, **({"messages": messages} if "messages" in members else {})}


def _read_result(view: View, members: dict[str, Json]) -> Json:
    contents = [_app(view, _uri(view, content)) for content in members.get("contents", [])]
    return {**members, **({"contents": contents} if "contents" in members else {})}


PLACES: Mapping[str, Callable[[View, dict[str, Json]], Json]] = {
    "tools/call": _tool_result,
    "prompts/get": _prompt_result,
    "resources/read": _read_result,
}


def _blocks(view: View, content: Json) -> Json:
    return [_block(view, block) for block in content] if isinstance(content, list) else _block(view, content)


def _block(view: View, block: Json) -> Json:
    """Links and embedded resources; what is of no known type is nobody's to change."""
    if not isinstance(block, dict):
        return block
    if block.get("type") == "resource_link":
        return _uri(view, block)
    if block.get("type") == "resource" and isinstance(block.get("resource"), dict):
        return {**block, "resource": _uri(view, block["resource"])}
    return block


def _uri(view: View, item: Json, *keys: str) -> Json:
    return {key: view.uri(part) if key in (keys or ("uri", "uriTemplate")) else part for key, part in item.items()}


def _app(view: View, item: dict[str, Json]) -> dict[str, Json]:
    """The link of MCP Apps, in both its spellings."""
    meta = item.get("_meta")
    if not isinstance(meta, dict):
        return item
    meta = _uri(view, meta, "ui/resourceUri")
    if isinstance(meta.get("ui"), dict):
        meta["ui"] = _uri(view, meta["ui"], "resourceUri")
    return {**item, "_meta": meta}


# Errors.


def answer(view: View, method: str, said: Json) -> Json:
    """The members `result` or `error` of a response."""
    if "error" not in said:
        return {"result": result(view, method, said["result"])}
    error = mended(said["error"])
    if view.era == "modern" and error["code"] == Number("-32002"):
        return {"error": {**error, "code": Number("-32602")}}
    return {"error": error}


# Notifications.


def wanted(view: View, notice: Json, level: str) -> bool:
    """Log lines go to those who asked: a modern client by its request; a legacy one has all until it says less."""
    if notice["method"] != "notifications/message" or view.era == "legacy":
        return True
    said = notice.get("params", {}).get("level")
    return level != "" and (said not in LEVELS or LEVELS.index(said) >= LEVELS.index(level))


# Lists.


def offered(method: str, items: Iterable[Json]) -> list[Json]:
    """What is left of a server's items: those with a key, the first of each; no tools with illegal annotations."""
    key = KEY[MEMBER[method]]
    found: dict[str, Json] = {}
    for item in items:
        name = item.get(key) if isinstance(item, dict) else None
        if isinstance(name, str) and name and (method != "tools/list" or legal_headers(item.get("inputSchema"))):
            found.setdefault(name, item)
    return list(found.values())


def listed(view: View, method: str, items: Iterable[Json]) -> list[Json]:
    """The items as the client of this view gets them; names are left to `same_but_names`."""
    return [_app(view, _uri(view, item)) for item in offered(method, map(mended, items))]


def list_members(view: View, page: Mapping[str, Json]) -> dict[str, Json]:
    """What stands beside the list: nothing for a legacy client, the caching hints for a modern one."""
    if view.era == "legacy":
        return {}
    ttl = int(page["ttlMs"].text) if "ttlMs" in page else DEFAULT_TTL
    scope = "public" if page.get("cacheScope") == "public" else "private"
    found: dict[str, Json] = exact({"resultType": "complete", "ttlMs": max(ttl, 0), "cacheScope": scope})
    return found


def same_but_names(view: View, method: str, expected: list[Json], got: list[Json]) -> bool:
    """Whether two lists are equal but for the names of a prefixed view, which are legal and tell the server."""
    if not view.prefix or KEY[MEMBER[method]] != "name":
        return expected == got
    legal = re.compile(re.escape(view.prefix) + r"_[A-Za-z0-9_-]+")
    nameless = [{**item, "name": ""} for item in got]
    names = [item["name"] for item in got]
    fit = all(legal.fullmatch(name) and len(name) <= 48 for name in names) and len(set(names)) == len(names)
    return fit and nameless == [{**item, "name": ""} for item in expected]


def legal_headers(schema: Any) -> bool:
    """`x-mcp-header`: a token, unique without regard to case, on scalars reached through `properties` alone."""
    tokens: list[str] = []
    return _legal(schema, tokens, reachable=True) and len({token.lower() for token in tokens}) == len(tokens)


def _legal(schema: Any, tokens: list[str], *, reachable: bool) -> bool:
    if not isinstance(schema, dict):
        return True
    if "x-mcp-header" in schema:
        token = schema["x-mcp-header"]
        fits = (
            isinstance(token, str) and TOKEN.fullmatch(token) and schema.get("type") in ("string", "integer", "boolean")
        )
        if not (fits and reachable):
            return False
        tokens.append(token)
    properties = schema.get("properties", {})
    return all(_legal(part, tokens, reachable=reachable) for part in properties.values())

"""How resource URIs of many servers live in one catalog, and every place where they stand in results. Pure.

With prefixes (`naming: always`) a URI becomes `{server}+{uri}`; `ui://x` becomes
`ui://{server}+x`, because hosts look at that scheme. `http(s)` URIs stay as they are:
a client may fetch them itself. Without prefixes URIs stay untouched and are routed by
look-up. Rewriting is all or nothing: lists, templates, results, links, notifications.
"""

import re
from collections.abc import Callable, Iterator

from ..core.rawjson import Fields, Raw, encode, fields, is_object, items, join, raw, text

Rewrite = Callable[[str], str]
_UI = "ui://"
_OPEN = ("http://", "https://")

MAX_EXPANSION = 2048
"""Characters of a URI, and of a template, that are compared to their end."""
MAX_GAPS = 16
_EXPRESSION = re.compile(r"\{([+#./;?&]?)[^{}]*\}")
_STOP = re.compile(r"[/?#]|\Z")


def expose(server: str, uri: str) -> str:
    """The URI under which the aggregate offers `uri` of `server`."""
    if uri.startswith(_OPEN):
        return uri
    if uri.startswith(_UI):
        return f"{_UI}{server}+{uri[len(_UI) :]}"
    return f"{server}+{uri}"


def split(uri: str, servers: frozenset[str]) -> tuple[str, str] | None:
    """The server and its own URI, or `None` if the URI does not carry the prefix of a known server."""
    ui = uri.startswith(_UI)
    server, plus, rest = uri[len(_UI) if ui else 0 :].partition("+")
    if not plus or server not in servers:
        return None
    return server, _UI + rest if ui else rest


def unchanged(uri: str) -> str:
    return uri


class Expansions:
    """What URIs a template (RFC 6570) can expand to, generously: for finding the owner, not for parsing.

    A server chooses the template and a client the URI: so the time is bounded, which that
    of a regular expression with several gaps is not. Beyond the limits the beginning decides.
    """

    def __init__(self, template: str) -> None:
        first, *rest = _EXPRESSION.split(template)
        self._head = first
        self._gaps: list[tuple[bool, str]] = []
        for operator, literal in zip(rest[::2], rest[1::2], strict=True):
            wide = bool(operator)
            if self._gaps and not self._gaps[-1][1]:
                wide |= self._gaps.pop()[0]
            self._gaps.append((wide, literal))
        self._bounded = len(template) <= MAX_EXPANSION and len(self._gaps) <= MAX_GAPS

    def fullmatch(self, uri: str) -> bool:
        if not uri.startswith(self._head):
            return False
        if not self._bounded or len(uri) > MAX_EXPANSION:
            return True
        reached = [len(self._head)]
        for wide, literal in self._gaps:
            reached = [at + len(literal) for at in _after_gap(uri, reached, wide, literal)]
        return len(uri) in reached


def _after_gap(uri: str, starts: list[int], wide: bool, literal: str) -> Iterator[int]:
    """Where `literal` stands behind a gap that begins at one of `starts` (ascending)."""
    covered = -1
    for start in starts:
        if start <= covered:
            continue
        stop = None if wide else _STOP.search(uri, start)
        covered = len(uri) if stop is None else stop.start()
        at = uri.find(literal, start, covered + len(literal))
        while at >= 0:
            yield at
            at = uri.find(literal, at + 1, covered + len(literal))


def map_result(method: str, result: bytes, rewrite: Rewrite) -> bytes:
    """Rewrite the URIs of a `tools/call`, `prompts/get` or `resources/read` result; other bytes stay."""
    if b"uri" not in result and b"Uri" not in result:
        return result
    try:
        return _MAPPERS[method](result, rewrite) if method in _MAPPERS else result
    except ValueError:
        return result  # not the shape we know: pass it on as it is


def map_item(item: Fields, rewrite: Rewrite) -> None:
    """Rewrite what a list item says of URIs: `uri`, `uriTemplate` and the Apps link in `_meta`."""
    _map_key(item, "uri", rewrite)
    _map_key(item, "uriTemplate", rewrite)
    _map_ui(item, rewrite)


def map_params(params: bytes, rewrite: Rewrite) -> bytes:
    """Rewrite `uri` of a notification's parameters."""
    members = fields(params)
    _map_key(members, "uri", rewrite)
    return join(members)


def _map_key(members: Fields, key: str, rewrite: Rewrite) -> None:
    if (uri := text(members.get(key))) is not None and (new := rewrite(uri)) != uri:
        members[key] = Raw(encode(new))


def _map_ui(item: Fields, rewrite: Rewrite) -> None:
    meta = item.get("_meta")
    if meta is None or not is_object(meta) or b"esourceUri" not in bytes(meta):
        return
    members = fields(meta)
    _map_key(members, "ui/resourceUri", rewrite)
    if is_object(members.get("ui")):
        app = fields(members["ui"])
        _map_key(app, "resourceUri", rewrite)
        members["ui"] = raw(app)
    item["_meta"] = raw(members)


def _block(block: Raw, rewrite: Rewrite) -> Raw:
    """One content block: `resource_link` and embedded `resource` carry URIs."""
    if b"uri" not in bytes(block) or not is_object(block):
        return block
    members = fields(block)
    kind = text(members.get("type"))
    if kind == "resource_link":
        _map_key(members, "uri", rewrite)
    elif kind == "resource" and is_object(members.get("resource")):
        inner = fields(members["resource"])
        _map_key(inner, "uri", rewrite)
        members["resource"] = raw(inner)
    else:
        return block
    return raw(members)


def _blocks(content: Raw, rewrite: Rewrite) -> Raw:
    if bytes(content).lstrip()[:1] != b"[":
        return _block(content, rewrite)
    return raw([_block(block, rewrite) for block in items(content)])


def _tool_result(result: bytes, rewrite: Rewrite) -> bytes:
    members = fields(result)
    if "content" in members:
        members["content"] = _blocks(members["content"], rewrite)
    _map_ui(members, rewrite)
    return join(members)


def _prompt_result(result: bytes, rewrite: Rewrite) -> bytes:
    members = fields(result)
    if "messages" not in members:
        return result
    messages = []
    for message in items(members["messages"]):
        inner = fields(message)
        if "content" in inner:
            inner["content"] = _blocks(inner["content"], rewrite)
        messages.append(raw(inner))
    return join({**members, "messages": raw(messages)})


def _read_result(result: bytes, rewrite: Rewrite) -> bytes:
    members = fields(result)
    if "contents" not in members:
        return result
    contents = []
    for content in items(members["contents"]):
        inner = fields(content)
        map_item(inner, rewrite)
        contents.append(raw(inner))
    return join({**members, "contents": raw(contents)})


_MAPPERS: dict[str, Callable[[bytes, Rewrite], bytes]] = {
    "tools/call": _tool_result,
    "prompts/get": _prompt_result,
    "resources/read": _read_result,
}

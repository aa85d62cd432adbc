"""Random MCP traffic: requests, what servers answer to them, and what servers list. Strategies for hypothesis."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.differential.exact import COMPACT, Json, Number, Spelling
from tests.differential.odd_server import World
from tests.differential.renames import LEVELS

LEAVES = 20
"""Values in the largest documents."""
ODD_NUMBERS = ["0", "-0", "1.0", "1.50", "1e5", "1E+2", "-1.5e-300", "123456789012345678901234567890", "1e400", "0.1e1"]
ODD_TEXT = ["", " ", "\u0000", "\ud800", "\udfff x", "\U0001f600", "e\u0301", "\u2028", "</script>", "\\u0041", "\x7f"]

numbers = st.one_of(
    st.sampled_from(ODD_NUMBERS),
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
).map(Number)
texts = st.one_of(st.text(max_size=12), st.sampled_from(ODD_TEXT))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
keys = st.one_of(st.text(max_size=8), st.sampled_from(["uri", "name", "type", "_meta", "$ref", "x-vendor", "id"]))
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=LEAVES,
)
objects = st.dictionaries(keys, documents, max_size=4)
deep = st.integers(1, 60).map(lambda depth: _nested(depth))
anything = st.one_of(documents, deep)
vendor_keys = st.sampled_from(["com.example/trace", "x", "vendor", "ü", "io.modelcontextprotocol/related-task"])
vendor = st.dictionaries(vendor_keys, anything, max_size=3)


def _nested(depth: int) -> Json:
    value: Json = "core"
    for level in range(depth):
        value = [value] if level % 2 else {"d": value}
    return value


# What stands in results.

uris = st.one_of(
    st.sampled_from(
        [
            "odd://one",
            "http://example.com/a?b#c",
            "https://example.com/x",
            "ui://app/main.html",
            "file:///a%20b",
            "urn:isbn:0451450523",
            "one+odd://two",
            "ui://one+x",
            "",
            "no uri at all",
            "odd://ünicode/日本",
        ]
    ),
    texts,
)
apps = st.fixed_dictionaries(
    {}, optional={"ui": st.one_of(st.fixed_dictionaries({"resourceUri": uris}), anything), "ui/resourceUri": uris}
)
metas = st.builds(lambda one, two: {**one, **two}, vendor, apps)


def known(more: dict[str, st.SearchStrategy[Any]], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An object with these members, and perhaps some that nobody knows."""
    extra = st.dictionaries(st.sampled_from(["x-extra", "annotations", "title", "new"]), anything, max_size=2)
    return st.builds(lambda a, b: {**a, **b}, extra, st.fixed_dictionaries(fixed, optional=more))


def _just(kind: str) -> st.SearchStrategy[str]:
    return st.just(kind)


meta = {"_meta": metas}
contents = st.one_of(
    known({**meta, "mimeType": texts}, uri=uris, text=texts), known(meta, uri=uris, blob=st.just("AAEC"))
)
blocks = st.one_of(
    known(meta, type=_just("text"), text=texts),
    known(meta, type=_just("image"), data=st.just("AAEC"), mimeType=texts),
    known(meta, type=_just("audio"), data=st.just("AAEC"), mimeType=texts),
    known(meta, type=_just("resource_link"), uri=uris, name=texts),
    known(meta, type=_just("resource"), resource=contents),
    known({"uri": uris, "resource": contents}, type=texts),
    anything,
)
tool_results = known(
    {"structuredContent": anything, "isError": st.booleans(), **meta}, content=st.lists(blocks, max_size=3)
)
messages = known({}, role=_just("user"), content=st.one_of(blocks, st.lists(blocks, max_size=2)))
prompt_results = known({"description": texts, **meta}, messages=st.lists(messages, max_size=3))
hints = {"ttlMs": numbers, "cacheScope": st.sampled_from(["public", "private"])}
read_results = known({**meta, **hints}, contents=st.lists(contents, max_size=3))
completions = known(meta, completion=known({"total": numbers, "hasMore": st.booleans()}, values=st.lists(texts)))
RESULTS = {
    "tools/call": tool_results,
    "prompts/get": prompt_results,
    "resources/read": read_results,
    "completion/complete": completions,
}
codes = st.one_of(
    st.sampled_from([-32002, -32602, -32601, -32603, -32000, -32042, 0, 404]), st.integers(-(2**40), 2**40)
)
errors = known({"data": anything}, code=codes.map(lambda code: Number(str(code))), message=texts)
notices = st.one_of(
    st.fixed_dictionaries(
        {
            "method": _just("notifications/message"),
            "params": known(meta, level=st.sampled_from([*LEVELS, "loud"]), data=anything),
        }
    ),
    st.fixed_dictionaries(
        {
            "method": _just("notifications/progress"),
            "params": known({"total": numbers, "message": texts}, progress=numbers),
        }
    ),
    st.fixed_dictionaries({"method": _just("notifications/vendor/thing")}, optional={"params": objects}),
)


def scripts(method: str) -> st.SearchStrategy[Json]:
    """What the server is told to answer; nothing: a mirror."""
    ending = st.one_of(
        st.fixed_dictionaries({"result": RESULTS.get(method, objects)}), st.fixed_dictionaries({"error": errors})
    )
    said = st.builds(lambda end, before: {**end, "notices": before}, ending, st.lists(notices, max_size=3))
    return st.one_of(st.just({}), st.fixed_dictionaries({"notices": st.lists(notices, max_size=2)}), said)


# Requests.


FIRST = Number("1")


@dataclass(frozen=True)
class Request:
    """One request, with the names and URIs of the server itself."""

    method: str
    params: dict[str, Json]
    meta: dict[str, Json] = field(default_factory=dict)
    script: dict[str, Json] = field(default_factory=dict)
    id: Json = FIRST
    level: str = ""
    """What a modern client wants of the log."""
    spelling: Spelling = COMPACT


ids = st.one_of(st.integers(-(2**70), 2**70).map(lambda value: Number(str(value))), st.text(max_size=10))
tokens = st.one_of(st.integers(-(2**70), 2**70).map(lambda value: Number(str(value))), st.text(max_size=10))
spellings = st.builds(Spelling, st.booleans(), st.booleans())


def requests(world: World, unlisted: bool) -> st.SearchStrategy[Request]:
    """Calls of what the world offers; `unlisted`: of what it does not list, and of methods that nobody knows, too."""
    kinds = [_of(method, _params(method, world, unlisted)) for method in RESULTS]
    if unlisted:
        kinds.append(_of("vendor/method", objects.map(_plain)))
    return st.one_of(kinds)


def _plain(params: dict[str, Json]) -> dict[str, Json]:
    return {key: part for key, part in params.items() if key != "_meta"}


def _of(method: str, params: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[Request]:
    token = st.fixed_dictionaries({}, optional={"progressToken": tokens})
    metadata = st.builds(lambda one, two: {**one, **two}, vendor, token)
    levels = st.sampled_from(["", "", *LEVELS])
    return st.builds(Request, st.just(method), params, metadata, scripts(method), ids, levels, spellings)


def _params(method: str, world: World, unlisted: bool) -> st.SearchStrategy[dict[str, Json]]:
    more = st.dictionaries(st.sampled_from(["x-more", "new"]), anything, max_size=1)
    return st.builds(lambda one, two: {**one, **two}, more, _PARAMS[method](world, unlisted))


def _names(world: World, method: str, unlisted: bool) -> st.SearchStrategy[str]:
    listed = st.sampled_from([item["name"] for item in world.items[method]])
    return st.one_of(listed, st.text(min_size=1, max_size=12)) if unlisted else listed


def _tool(world: World, unlisted: bool) -> st.SearchStrategy[dict[str, Json]]:
    arguments = st.builds(
        lambda one, two: {**one, **two},
        objects,
        st.fixed_dictionaries({}, optional={"region": st.one_of(texts, st.none()), "count": st.integers(-9, 9)}),
    )
    return st.fixed_dictionaries(
        {"name": _names(world, "tools/list", unlisted)}, optional={"arguments": arguments.map(_counted)}
    )


def _counted(arguments: dict[str, Json]) -> dict[str, Json]:
    count = arguments.get("count")
    return {**arguments, "count": Number(str(count))} if isinstance(count, int) else arguments


def _prompt(world: World, unlisted: bool) -> st.SearchStrategy[dict[str, Json]]:
    names = _names(world, "prompts/list", unlisted)
    return st.fixed_dictionaries({"name": names}, optional={"arguments": st.dictionaries(keys, texts, max_size=3)})


def _read(world: World, unlisted: bool) -> st.SearchStrategy[dict[str, Json]]:
    listed = st.sampled_from([item["uri"] for item in world.items["resources/list"]])
    expanded = st.sampled_from(["odd://items/7/data", "odd://items/%C3%BC/data", "https://example.com/t/x"])
    found = st.one_of(listed, expanded)
    return st.fixed_dictionaries({"uri": st.one_of(found, uris.filter(bool)) if unlisted else found})


def _complete(world: World, unlisted: bool) -> st.SearchStrategy[dict[str, Json]]:
    templates = [item["uriTemplate"] for item in world.items["resources/templates/list"]]
    prompt = st.fixed_dictionaries(
        {"type": _just("ref/prompt"), "name": _names(world, "prompts/list", unlisted)}, optional={"title": texts}
    )
    resource = st.fixed_dictionaries({"type": _just("ref/resource"), "uri": st.sampled_from(templates)})
    argument = known({}, name=texts, value=texts)
    return st.fixed_dictionaries(
        {"ref": st.one_of(prompt, resource), "argument": argument}, optional={"context": objects}
    )


_PARAMS = {"tools/call": _tool, "prompts/get": _prompt, "resources/read": _read, "completion/complete": _complete}


# Worlds.

schemas = st.one_of(
    st.fixed_dictionaries(
        {"type": _just("object")}, optional={"properties": st.dictionaries(keys, objects, max_size=3)}
    ),
    objects,
    st.fixed_dictionaries(
        {
            "type": _just("object"),
            "properties": st.fixed_dictionaries(
                {
                    "region": st.fixed_dictionaries(
                        {
                            "type": st.sampled_from(["string", "integer", "boolean", "number", "array"]),
                            "x-mcp-header": st.sampled_from(["Region", "region", "", "a b", "é"]),
                        }
                    )
                },
                optional={"other": st.just({"type": "string", "x-mcp-header": "REGION"})},
            ),
        }
    ),
)
names = st.one_of(
    st.sampled_from(
        ["plain", "with.dot", "with/slash", "日本語", "a" * 130, "A_B", "a_b", "a__b", "a b", "a-b", "🙂", "é"]
    ),
    st.text(max_size=12),
)
ITEMS = {
    "tools/list": known({**meta, "description": texts, "inputSchema": schemas, "icons": anything}, name=names),
    "prompts/list": known({**meta, "description": texts, "arguments": anything}, name=names),
    "resources/list": known({**meta, "mimeType": texts, "size": numbers}, uri=uris, name=texts),
    "resources/templates/list": known(
        {**meta, "mimeType": texts},
        uriTemplate=st.sampled_from(
            ["odd://items/{id}/data", "https://example.com/{+path}", "x{?y}", "{", "", "odd://{a}{b}"]
        ),
        name=texts,
    ),
}
nameless = st.one_of(anything, st.fixed_dictionaries({"name": st.one_of(st.none(), numbers)}))
worlds = st.builds(
    World,
    st.fixed_dictionaries(
        {method: st.lists(st.one_of(items, items, items, nameless), max_size=8) for method, items in ITEMS.items()}
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "_meta": vendor,
            "x-more": anything,
            "ttlMs": st.sampled_from([0, 5000, -1]).map(lambda value: Number(str(value))),
            "cacheScope": st.sampled_from(["public", "private", "x"]),
        },
    ),
)

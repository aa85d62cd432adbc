"""The names of rules: which variables there are, and what may be named below each. Pure data.

Three kinds of members: fixed ones (`mcp.tool.name`), any (`principal.claims`, `mcp.tool.arguments`: what others
wrote), and spellings of agentgateway for the same things (`jwt`, `apiKey`, `mcp.tool.target`). Knows no call: a
manifest is checked with it. Above: `cel.py`, `variables.py`.
"""

from typing import Any

Path = tuple[str, ...]
Tree = dict[str, Any]
"""Names → members; `ANY` where others decide what there is."""

ANY: Tree = {"*": {}}
_OWNER: Tree = {"server": {}, "target": {}}
VARIABLES: Tree = {
    "protocol": {},
    "principal": {"id": {}, "kind": {}, "issuer": {}, "groups": {}, "scopes": {}, "claims": ANY, "metadata": ANY},
    "jwt": ANY,
    "apiKey": ANY,
    "source": {"address": {}},
    "request": {"method": {}, "path": {}, "headers": ANY},
    "session": {"id": {}, "protocol": {}},
    "mcp": {
        "method": {},
        "server": {},
        "tool": {"name": {}, "full": {}, "arguments": ANY, **_OWNER},
        "prompt": {"name": {}, **_OWNER},
        "resource": {"name": {}, "uri": {}, **_OWNER},
        "task": {"name": {}, **_OWNER},
    },
    "a2a": {"agent": {}, "method": {}, "context_id": {}, "task_id": {}, "skill": {}},
    "llm": {
        "route": {},
        "model": {},
        "provider": {},
        "stream": {},
        "max_tokens": {},
        "has_tools": {},
        "has_images": {},
        "intent": {},
        "estimated_tokens": {},
        "operation": {},
    },
}
PROTOCOLS = ("mcp", "a2a", "llm")
"""Variables that calls of one protocol alone have."""
CALLERS_WORDS: Path = ("mcp", "tool", "arguments")
"""What the caller writes as it likes, in any shape."""

_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_SECRET_WORDS = ("api-key", "apikey", "token", "secret", "password", "credential", "goog-api")


def is_secret(header: str) -> bool:
    """Whether a header carries a credential: those are never shown."""
    return header in _CREDENTIALS or any(word in header for word in _SECRET_WORDS)


def members(path: Path, variables: Tree = VARIABLES) -> Tree | None:
    """What may be named below a path; `ANY` for anything, empty for nothing. `None` if the path itself is unknown."""
    tree = variables
    for part in path:
        if tree is ANY:
            return ANY
        if part not in tree:
            return None
        tree = tree[part]
    return tree

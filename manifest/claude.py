"""The `mcpServers` of Claude Desktop, Claude Code, Cursor, Cline and kin, as sections of ours.

A file of theirs is a manifest as it is. Entries become `mcp.servers` ones. Keys that steer
only the client itself are dropped; a key that would change which tools are offered, or how
the server is reached, is left in place and so refused as unknown, rather than ignored.
"""

from .problems import Problem
from .tree import Entry, Node, step

CLIENT_KEYS = ("alwaysAllow", "alwaysLoad", "auth", "autoApprove", "oauth", "request_timeout_ms", "trust")
"""Approval prompts, loading and sign-in of the client; `request_timeout_ms` stands in for a missing `timeout`."""

IGNORED_AT_TOP = ("$schema", "mcpServers")
BESIDE_SERVERS = ("globalShortcut", "preferences")
"""What Claude Desktop keeps in the same file; a typing error in a manifest without `mcpServers`."""
_SECONDS_BELOW, _MILLISECONDS_ABOVE = 1000, 3600


def native(document: Node, problems: list[Problem]) -> list[Node]:
    """A document as those of ours: without `$schema`, and `mcpServers` split off as `mcp.servers`."""
    if not isinstance(document.value, dict):
        return [document]
    theirs = document.value.get("mcpServers")
    ignored = IGNORED_AT_TOP if theirs is None else (*IGNORED_AT_TOP, *BESIDE_SERVERS)
    parts = [_like(document, {key: entry for key, entry in document.value.items() if key not in ignored})]
    if theirs is not None:
        servers = Entry(theirs.key, _servers(theirs.value, problems))
        section = Entry(theirs.key, Node(document.source, theirs.value.start, theirs.value.end, {"servers": servers}))
        parts.append(Node(document.source, document.start, document.end, {"mcp": section}))
    return parts


def _like(node: Node, entries: dict[str, Entry], shown: str = "") -> Node:
    return Node(node.source, node.start, node.end, entries, node.repeats, shown)


def _servers(node: Node, problems: list[Problem]) -> Node:
    if not isinstance(node.value, dict):
        return Node(node.source, node.start, node.end, node.value, shown="mcpServers")
    entries = {
        name: Entry(entry.key, _server(entry.value, step("mcpServers", name), problems))
        for name, entry in node.value.items()
    }
    return _like(node, entries, "mcpServers")


def _server(node: Node, shown: str, problems: list[Problem]) -> Node:
    if not isinstance(node.value, dict):
        return Node(node.source, node.start, node.end, node.value, shown=shown)
    entries = {key: entry for key, entry in node.value.items() if key not in CLIENT_KEYS}
    fallback = node.value.get("request_timeout_ms")
    if "timeout" in entries:
        entries["timeout"] = _timeout(entries["timeout"], step(shown, "timeout"), problems)
    elif fallback is not None and _is_number(fallback.value):
        entries["timeout"] = _spelled(fallback, f"{fallback.value.value}ms")
    return _like(node, entries, shown)


def _timeout(entry: Entry, name: str, problems: list[Problem]) -> Entry:
    """A bare number is milliseconds to Claude Code, Gemini CLI and Copilot, seconds to Cline and Roo Code.

    The latter take at most 3600, the former nothing sensible below 1000; between, it is refused.
    """
    node, number = entry.value, entry.value.value
    if not _is_number(node):
        return entry
    if isinstance(number, int) and _SECONDS_BELOW <= number <= _MILLISECONDS_ABOVE:
        why = f'write "{number}ms" (as Claude Code means it) or "{number}s" (as Cline means it)'
        problems.append(node.source.problem(node.start, name, f"{name} does not tell its unit", why))
        return _spelled(entry, f"{number}s")
    return _spelled(entry, f"{number}{'s' if isinstance(number, int) and number < _SECONDS_BELOW else 'ms'}")


def _is_number(node: Node) -> bool:
    return isinstance(node.value, int) and not isinstance(node.value, bool)


def _spelled(entry: Entry, text: str) -> Entry:
    node = entry.value
    return Entry(entry.key, Node(node.source, node.start, node.end, text))

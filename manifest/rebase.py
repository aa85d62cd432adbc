"""Files and folders are relative to the folder of the manifest file that they stand in: one table of where they stand.

Above: `load.py`, before anything is validated, so values may be of any kind. Below: `tree.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..core.values import Where
from ..sessions.settings import SQLITE
from .tree import Node, find

Part = Callable[[str], tuple[str, str] | None]
"""A value → what stands before the path in it, and the path; `None` if it is none."""


def _whole(text: str) -> tuple[str, str] | None:
    return ("", text) if text.strip() else None


def _program(text: str) -> tuple[str, str] | None:
    return ("", text) if "/" in text else None


def _document(text: str) -> tuple[str, str] | None:
    return ("", text) if text.strip() and "://" not in text else None


def _store(text: str) -> tuple[str, str] | None:
    return (SQLITE, text.removeprefix(SQLITE)) if text.startswith(SQLITE) and text != SQLITE else None


def _log_file(text: str) -> tuple[str, str] | None:
    return ("", text) if text.strip() and text != "stderr" else None


PATHS: dict[tuple[str, ...], Part] = {
    ("sessions", "store"): _store,
    ("mcp", "fingerprints"): _whole,
    ("mcp", "servers", "*", "cwd"): _whole,
    ("mcp", "servers", "*", "command"): _program,
    ("mcp", "servers", "*", "openapi"): _document,
    ("agents", "*", "card", "verify"): _whole,
    ("access", "jwt", "*", "jwks_file"): _whole,
    ("gateway", "signing_key"): _whole,
    ("telemetry", "log", "payloads", "file"): _log_file,
}
"""`*`: any key or index."""


def rebase(root: Node, data: dict[str, Any], env: Mapping[str, str]) -> None:
    """Change the paths in `data` (the manifest's plain values) in place."""
    for pattern, part in PATHS.items():
        for where, holder in list(_places(data, pattern)):
            key = where[-1]
            value = holder[key]
            found = part(value) if isinstance(value, str) else None
            if found is not None:
                prefix, path = found
                holder[key] = prefix + str(find(root, where).node.source.folder / _home(path, env))


def _places(data: Any, pattern: tuple[str, ...], where: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every value at the pattern: its path, and what holds it."""
    step, *rest = pattern
    for key in _keys(data, step):
        if not rest:
            yield (*where, key), data
        else:
            yield from _places(data[key], tuple(rest), (*where, key))


def _keys(data: Any, step: str) -> list[Any]:
    if isinstance(data, dict):
        return list(data) if step == "*" else [step] if step in data else []
    return list(range(len(data))) if isinstance(data, list) and step == "*" else []


def _home(path: str, env: Mapping[str, str]) -> str:
    home = env.get("HOME")
    return home + path[1:] if home and path.startswith("~/") else path

"""`${VAR}`, `${VAR:-default}`, `${file:/path}` and `$$`, resolved inside strings that are already parsed.

So no value can become syntax. `${env:VAR}` (Cursor, VS Code) means `${VAR}`. What was
resolved goes into the plain data only: nodes keep the text of the file, and problems show
nothing else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .problems import Problem
from .tree import SURROGATE, Node, step

MAX_FILE = 64 << 10
_REFERENCE = re.compile(r"\$(?:\$|\{(?P<body>[^}]*)(?P<close>\}?))")
_VARIABLE = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^{]*))?", re.DOTALL)
_FORMS = 'write ${NAME}, ${NAME:-default} or ${file:/path}; "$$" is a plain "$"'


class _Unresolved(Exception):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(what)
        self.what, self.why = what, why


@dataclass(slots=True)
class Interpolation:
    """Turns a tree into plain data. Strings that cannot be resolved stay as written and are listed in `broken`."""

    env: Mapping[str, str]
    problems: list[Problem]
    broken: set[int] = field(default_factory=set)
    """`id` of each node that could not be resolved: what the model says of its value means nothing."""
    _done: dict[int, str] = field(default_factory=dict)

    def data(self, node: Node, name: str = "") -> Any:
        """The node's value as dictionaries, lists and scalars."""
        if isinstance(node.value, dict):
            return {key: self.data(entry.value, step(name, key, entry.value)) for key, entry in node.value.items()}
        if isinstance(node.value, list):
            return [self.data(item, step(name, index, item)) for index, item in enumerate(node.value)]
        if isinstance(node.value, str) and "$" in node.value:
            return self.text(node, node.value, name)
        return node.value

    def text(self, node: Node, text: str, name: str) -> str:
        if id(node) not in self._done:
            self._done[id(node)] = self._resolve(node, text, name)
        return self._done[id(node)]

    def _resolve(self, node: Node, text: str, name: str) -> str:
        parts: list[str] = []
        end = cursor = 0
        for match in _REFERENCE.finditer(text):
            # The same reference in the file's own spelling, to point at it and not at the string's beginning.
            found = node.raw.find(match.group(), cursor)
            offset, cursor = (found, found + len(match.group())) if found >= 0 else (0, cursor)
            parts.append(text[end : match.start()])
            end = match.end()
            try:
                parts.append(self._value(node, match))
            except _Unresolved as error:
                self.broken.add(id(node))
                what = f"{name}: {error.what}"
                self.problems.append(node.source.problem(node.start + offset, name, what, error.why))
        parts.append(text[end:])
        return text if id(node) in self.broken else "".join(parts)

    def _value(self, node: Node, match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        body = match["body"]
        if not match["close"]:
            raise _Unresolved('"${" without "}"', _FORMS)
        if body.startswith("file:"):
            return _read(node.source.folder / body.removeprefix("file:"), body)
        variable = _VARIABLE.fullmatch(body)
        if variable is None:
            raise _Unresolved("this ${...} is not understood", _FORMS)
        name, default = variable.groups()
        value = self.env.get(name)
        if value is None and default is None:
            raise _Unresolved(
                f"the environment variable {name} is not set", f"export {name}=... or write ${{{name}:-default}}"
            )
        if value and SURROGATE.search(value):
            raise _Unresolved(f"the environment variable {name} is not UTF-8 text", "set it to text")
        # As in a shell: an empty variable counts as missing where there is a default.
        return default if default is not None and not value else value or ""


def _read(path: Path, body: str) -> str:
    shown = f"${{{body}}}"
    try:
        if not path.is_file():
            raise _Unresolved(f"{shown} is not a file", "give the path of a text file")
        with path.open("rb") as file:
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise _Unresolved(
                f"{shown} is larger than {MAX_FILE >> 10} KiB", "give the path of a secret or a short text"
            )
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise _Unresolved(f"{shown} is not UTF-8 text", "give the path of a text file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise _Unresolved(f"{shown} cannot be read: {reason}", "give the path of a readable text file") from None

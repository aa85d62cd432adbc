"""The parsed manifest before it means anything: nodes that know where they stand.

`parse_yaml.py` and `parse_json.py` build these, `merge.py`, `claude.py` and
`interpolate.py` work on them, `explain.py` finds positions in them. Nodes are shared
where YAML aliases share them, and never changed after they were built.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from ..core.values import Where
from .problems import Problem

MAX_DEPTH = 64
MAX_NODES = 100_000
SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN_KEY = 60
_BARE = re.compile(r"[A-Za-z0-9_$-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file: `name` as the user gave it, `folder` for relative paths, its text."""

    name: str
    folder: Path
    text: str
    starts: list[int] = field(init=False, repr=False)
    """Offset of the first character of each line."""

    def __post_init__(self) -> None:
        starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        object.__setattr__(self, "starts", starts)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both from 1."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def problem(self, offset: int, where: str, what: str, why: str = "") -> Problem:
        line, column = self.position(offset)
        return Problem(self.name, line, column, where, what, why)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value at `source.text[start:end]`."""

    source: Source
    start: int
    end: int
    value: "bool | int | float | str | list[Node] | dict[str, Entry] | None"
    repeats: "tuple[tuple[Entry, Entry], ...]" = ()
    """Of a mapping: keys given again, each as (first, again)."""
    shown: str = ""
    """How the user would name this place, where that is not its path (a server in `mcpServers`)."""

    @property
    def raw(self) -> str:
        """What stands in the file."""
        return self.source.text[self.start : self.end]

    def place(self) -> str:
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A key of a mapping (a node whose value is the text) and its value."""

    key: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Found:
    """What a path led to: the node (or the nearest above it), its key, and the path's name for people."""

    node: Node
    key: Node | None
    name: str
    complete: bool
    """False when the last parts of the path do not exist: the value is missing."""


class Malformed(Exception):
    """The text is not YAML or JSON; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def mapping(entries: list[Entry]) -> tuple[dict[str, Entry], tuple[tuple[Entry, Entry], ...]]:
    """Entries by key, and those whose key was there before."""
    unique: dict[str, Entry] = {}
    repeats: list[tuple[Entry, Entry]] = []
    for entry in entries:
        first = unique.setdefault(str(entry.key.value), entry)
        if first is not entry:
            repeats.append((first, entry))
    return unique, tuple(repeats)


def quoted(text: str) -> str:
    """A key as it is shown: in quotes, on one line, cut when long."""
    short = text if len(text) <= _SHOWN_KEY else text[:_SHOWN_KEY] + "…"
    return json.dumps(short, ensure_ascii=False)


def find(root: Node, where: Where) -> Found:
    """Follows a path as far as it exists. Parts that are no key here (a union's tag, `[key]`) are passed over."""
    node, key, name, complete = root, None, "", True
    for part in where:
        entry = node.value.get(str(part)) if isinstance(node.value, dict) else None
        if entry is not None:
            key, node = entry.key, entry.value
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            key, node = None, node.value[part]
        elif str(part)[:1] in "[<":
            continue
        else:
            complete = False
            break
        name = step(name, part, node)
    return Found(node, key, name, complete)


def step(name: str, part: str | int, node: Node | None = None) -> str:
    """The dotted path one step further (`access.keys` and 1: `access.keys[1]`), or the node's own name for it."""
    if node is not None and node.shown:
        return node.shown
    if isinstance(part, int):
        return f"{name}[{part}]"
    if not _BARE.fullmatch(part):
        return f"{name}[{quoted(part)}]"
    return f"{name}.{part}" if name else part

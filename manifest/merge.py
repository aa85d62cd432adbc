"""Several documents into one: sections and tables join, lists follow one another, names stand once.

Pure: nodes in, nodes out. What may be joined is read off the model (`shape.py`): a name in
a table (`mcp.servers.time`) or a value given twice is a problem that names both places.
"""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel

from .problems import Problem
from .shape import Shape, shape_of
from .tree import Entry, Node, step


def merge(model: type[BaseModel], documents: Iterable[Node], problems: list[Problem]) -> Node | None:
    """All documents as one; the first of two rivals is kept, and the rivalry added to `problems`."""
    joiner = _Joiner(problems)
    merged: Node | None = None
    for document in documents:
        problems.extend(_repeats(document, "", set()))
        merged = joiner.nodes(merged, document, shape_of(model), "") if merged else document
    return merged


class _Joiner:
    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems

    def nodes(self, first: Node, again: Node, shape: Shape, name: str) -> Node:
        if first.value is None or again.value is None:
            return first if again.value is None else again
        if shape.kind == "list" and isinstance(first.value, list) and isinstance(again.value, list):
            return Node(first.source, first.start, first.end, first.value + again.value)
        if isinstance(first.value, dict) and isinstance(again.value, dict):
            joined = dict(first.value)
            for key, entry in again.value.items():
                rival = joined.get(key)
                # What a table holds is not joined: a name stands for one thing, defined in one place.
                below = shape.below(key) if shape.kind == "section" else None
                joined[key] = self.entries(rival, entry, below, step(name, key, entry.value)) if rival else entry
            return Node(first.source, first.start, first.end, joined, shown=first.shown)
        self.problems.append(_twice(first, again, name))
        return first

    def entries(self, first: Entry, again: Entry, shape: Shape | None, name: str) -> Entry:
        if shape is not None and shape.joins:
            return Entry(first.key, self.nodes(first.value, again.value, shape, name))
        self.problems.append(_twice(first.key, again.key, name))
        return first


def _repeats(node: Node, name: str, seen: set[int]) -> Iterator[Problem]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node.value, dict):
        for first, again in node.repeats:
            yield _twice(first.key, again.key, step(name, str(again.key.value)))
        for key, entry in node.value.items():
            yield from _repeats(entry.value, step(name, key, entry.value), seen)
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield from _repeats(item, step(name, index, item), seen)


def _twice(first: Node, again: Node, name: str) -> Problem:
    why = f"it stands first at {first.place()}: keep one of them"
    return again.source.problem(again.start, name, f"{name} is given twice", why)

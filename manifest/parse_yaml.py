"""YAML 1.2 text to nodes, with the position of each value.

ruamel.yaml reads the syntax (its event stream); what it means is settled here by the core
schema of YAML 1.2 (10.3.2): no tags, no timestamps, no `yes` and `no`. Depth, size and what
aliases expand to are bounded. ruamel is imported only when a YAML file is read.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

from .tree import MAX_DEPTH, MAX_NODES, SURROGATE, Entry, Malformed, Node, Source, mapping

_NULL = re.compile("|~|null|Null|NULL")
_TRUE = re.compile("true|True|TRUE")
_FALSE = re.compile("false|False|FALSE")
_INT = re.compile("[-+]?[0-9]{1,400}")
_OCTAL = re.compile("0o[0-7]{1,400}")
_HEX = re.compile("0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,400}|[0-9]{1,400}(\.[0-9]{0,400})?)([eE][-+]?[0-9]{1,9})?")


def parse_yaml(source: Source) -> list[Node]:
    """The documents of a YAML text, in order; none for a text of comments only. Raises `Malformed`."""
    return _Builder(source).documents()


def plain_value(text: str) -> bool | int | float | str | None:
    """What a scalar without quotes means."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text.lower() == "true"
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return int(text if base == 10 else text[2:], base)
    return float(text) if _FLOAT.fullmatch(text) else text


class _Builder:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.events = _events(source)
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.count = 0

    def documents(self) -> list[Node]:
        found: list[Node] = []
        for event in self.events:
            if type(event).__name__ == "DocumentStartEvent":
                self.anchors = {}
                found.append(self.node(next(self.events), 0))
        return found

    def node(self, event: Any, depth: int) -> Node:
        kind, start = type(event).__name__, event.start_mark.index
        if kind == "AliasEvent":
            return self.alias(event)
        before = self.count
        self.grow(1, start)
        if depth > MAX_DEPTH:
            self.fail(start, "nested too deeply", f"at most {MAX_DEPTH} levels")
        if event.tag is not None:
            self.fail(start, "a tag (!...) is not allowed", "write the value itself; quotes make any value a string")
        if kind == "ScalarEvent":
            self.check_text(event.value, start)
            value = plain_value(event.value) if event.style is None else event.value
            node = Node(self.source, start, event.end_mark.index, value)
        elif kind == "SequenceStartEvent":
            node = self.sequence(start, depth)
        else:
            node = self.mapping(start, depth)
        if event.anchor is not None:
            self.anchors[str(event.anchor)] = (node, self.count - before)
        return node

    def alias(self, event: Any) -> Node:
        start = event.start_mark.index
        if str(event.anchor) not in self.anchors:
            self.fail(start, f"no anchor &{event.anchor} stands before this alias")
        node, size = self.anchors[str(event.anchor)]
        self.grow(size, start)
        return node

    def grow(self, size: int, start: int) -> None:
        self.count += size
        if self.count > MAX_NODES:
            self.fail(start, "too long", f"at most {MAX_NODES} values, aliases included")

    def sequence(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            items.append(self.node(event, depth + 1))
        return Node(self.source, start, event.end_mark.index, items)

    def mapping(self, start: int, depth: int) -> Node:
        entries: list[Entry] = []
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            key = self.key(event)
            entries.append(Entry(key, self.node(next(self.events), depth + 1)))
        unique, repeats = mapping(entries)
        return Node(self.source, start, event.end_mark.index, unique, repeats)

    def key(self, event: Any) -> Node:
        start = event.start_mark.index
        if type(event).__name__ != "ScalarEvent" or event.tag is not None:
            self.fail(start, "a key must be plain text")
        self.check_text(event.value, start)
        self.grow(1, start)
        key = Node(self.source, start, event.end_mark.index, event.value)
        if event.anchor is not None:
            self.anchors[str(event.anchor)] = (key, 1)
        return key

    def check_text(self, text: str, start: int) -> None:
        if not text.isascii() and SURROGATE.search(text):
            self.fail(start, "half of a surrogate pair (\\ud800 to \\udfff) is not a character", "write \\U0001F600")

    def fail(self, offset: int, what: str, why: str = "") -> NoReturn:
        raise Malformed(self.source.problem(offset, "", f"not usable YAML: {what}", why))


def _events(source: Source) -> Iterator[Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        yield from YAML(typ="safe", pure=True).parse(source.text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset, what = mark.index if mark else 0, " ".join(str(error.problem or error.context).split())
    except ReaderError as error:
        offset, what = error.position, "a control character is not allowed"
    except (YAMLError, ValueError):
        offset, what = 0, "it cannot be read"
    else:
        return
    raise Malformed(source.problem(offset, "", f"not valid YAML: {what}"))

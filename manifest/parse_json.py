"""JSON text to nodes (RFC 8259), with the position of each value.

Apart from the YAML parser because JSON is not read exactly by one: tabs, surrogate pairs
and long keys differ. Strings go through the standard library's decoder.
"""

import json
import re
from typing import NoReturn

from .tree import MAX_DEPTH, MAX_NODES, SURROGATE, Entry, Malformed, Node, Source, mapping

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_MAX_DIGITS = 400
_STRINGS = json.JSONDecoder()


def parse_json(source: Source) -> Node:
    """The document of a JSON text. Raises `Malformed`."""
    parser = _Parser(source)
    root = parser.value(parser.blank(0), 0)
    rest = parser.blank(root.end)
    if rest != len(source.text):
        parser.fail(rest, "text after the end of the document", "keep one JSON value per file")
    return root


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.count = 0

    def fail(self, offset: int, what: str, why: str = "") -> NoReturn:
        raise Malformed(self.source.problem(offset, "", f"not valid JSON: {what}", why))

    def blank(self, offset: int) -> int:
        match = _BLANK.match(self.text, offset)
        return match.end() if match else offset

    def value(self, start: int, depth: int) -> Node:
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_NODES:
            self.fail(start, "nested too deeply or too long", f"at most {MAX_DEPTH} levels and {MAX_NODES} values")
        first = self.text[start : start + 1]
        if first == "{":
            return self.object(start, depth)
        if first == "[":
            return self.array(start, depth)
        if first == '"':
            return self.string(start)
        return self.scalar(start)

    def scalar(self, start: int) -> Node:
        for word, meaning in _WORDS.items():
            if self.text.startswith(word, start):
                return Node(self.source, start, start + len(word), meaning)
        match = _NUMBER.match(self.text, start)
        if match is None:
            found = "the end of the file" if start >= len(self.text) else "something else"
            self.fail(start, f"a value was expected, {found} was found", "strings stand in double quotes")
        if match.end() - start > _MAX_DIGITS:
            self.fail(start, "the number is too long")
        whole, fraction, exponent = match.groups()
        number = float(match.group()) if fraction or exponent else int(whole)
        return Node(self.source, start, match.end(), number)

    def string(self, start: int) -> Node:
        try:
            text, end = _STRINGS.raw_decode(self.text, start)
        except json.JSONDecodeError as error:
            self.fail(error.pos, error.msg.removesuffix(" at").lower())
        if not text.isascii() and SURROGATE.search(text):
            self.fail(start, "half of a surrogate pair (\\ud800 to \\udfff) is not a character")
        return Node(self.source, start, end, text)

    def array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        at = self.blank(start + 1)
        while self.text[at : at + 1] != "]":
            if items:
                at = self.comma(at, "]")
            items.append(self.value(at, depth + 1))
            at = self.blank(items[-1].end)
        return Node(self.source, start, at + 1, items)

    def object(self, start: int, depth: int) -> Node:
        entries: list[Entry] = []
        at = self.blank(start + 1)
        while self.text[at : at + 1] != "}":
            if entries:
                at = self.comma(at, "}")
            if self.text[at : at + 1] != '"':
                self.fail(at, "a key in double quotes was expected")
            key = self.string(at)
            at = self.blank(key.end)
            if self.text[at : at + 1] != ":":
                self.fail(at, 'a ":" was expected after the key')
            value = self.value(self.blank(at + 1), depth + 1)
            entries.append(Entry(key, value))
            at = self.blank(value.end)
        unique, repeats = mapping(entries)
        return Node(self.source, start, at + 1, unique, repeats)

    def comma(self, at: int, closing: str) -> int:
        if self.text[at : at + 1] != ",":
            self.fail(at, f'a "," or "{closing}" was expected')
        after = self.blank(at + 1)
        if self.text[after : after + 1] == closing:
            self.fail(at, f'a "," stands before "{closing}"', "take the last comma away")
        return after

"""pydantic's errors as problems: placed in the file, in plain words, with the nearest valid key.

Never repeats a value. The only text of the user's that is shown is a key, and the only
value that is compared (to suggest a valid one) is what stands in the file.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import ErrorDetails

from ..core.values import REFUSED, Refusal, Where
from .model import Manifest
from .problems import Problem
from .shape import shape_at
from .tree import Found, Node, find, quoted

ROOT_KEYS = (*Manifest.model_fields, "mcpServers")

_WORDS_LONG = 8
"""Characters by which a place in a text is found again in the file."""
_MAPPING = ("must be a mapping", "write keys with values below it")
_WORDS: dict[str, tuple[str, str]] = {
    "string_type": ("must be text", "put the value in quotes"),
    "path_type": ("must be a path", "put the value in quotes"),
    "bool_type": ("must be true or false", ""),
    "bool_parsing": ("must be true or false", ""),
    "int_type": ("must be a whole number", ""),
    "int_parsing": ("must be a whole number", ""),
    "int_parsing_size": ("must be a smaller number", ""),
    "int_from_float": ("must be a whole number", ""),
    "finite_number": ("must be a whole number", ""),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "tuple_type": ("must be a list", 'write [a, b], or one "- item" per line'),
    "greater_than_equal": ("must be at least {ge}", ""),
    "less_than_equal": ("must be at most {le}", ""),
    "string_too_long": ("must have at most {max_length} characters", ""),
}


class Explainer:
    """Says what pydantic found in a tree, leaving out what it found about `broken` (never resolved) nodes."""

    def __init__(self, root: Node, broken: set[int]) -> None:
        self.root = root
        self.broken = broken

    def errors(self, errors: Iterable[ErrorDetails]) -> Iterator[Problem]:
        """One problem per error, or per refusal in it."""
        for error in errors:
            where: Where = tuple(error["loc"])
            if error["type"] == "extra_forbidden":
                yield self.unknown_key(where)
            else:
                yield from self.refusals(where, _refusals(find(self.root, where), error))

    def refusals(self, where: Where, refusals: Iterable[Refusal]) -> Iterator[Problem]:
        """What a validator of ours refused about the value at `where`."""
        for refusal in refusals:
            found = find(self.root, (*where, *refusal.at))
            if id(found.node) in self.broken:
                continue
            why = refusal.why
            if refusal.other is not None:
                why = f"the first is at {find(self.root, (*where, *refusal.other)).node.place()}; {why}"
            # A mapping is pointed at by its key, and so is a key that is wrong itself.
            at_key = where[-1:] == ("[key]",) or isinstance(found.node.value, dict | None)
            what = f"{found.name or 'the manifest'} {refusal.what}"
            said = Refusal(what, why, nearest=refusal.nearest, offset=refusal.offset)
            yield _problem(found.key if at_key and found.key else found.node, found.name, said)

    def unknown_key(self, where: Where) -> Problem:
        shape = shape_at(Manifest, where[:-1])
        keys = ROOT_KEYS if len(where) == 1 else shape.keys if shape else ()
        found, above = find(self.root, where), find(self.root, where[:-1]).name
        key = str(where[-1])
        near = nearest(key, keys)
        what = f"unknown key {quoted(key)} {f'in {above}' if above else 'at the top'}"
        why = "" if near else f"valid keys: {', '.join(keys)}"
        return _problem(found.key or found.node, found.name, Refusal(what, why, nearest=near))


def _problem(node: Node, name: str, said: Refusal) -> Problem:
    line, column = node.source.position(_character(node, said.offset))
    return Problem(node.source.name, line, column, name, said.what, said.why, said.nearest)


def _character(node: Node, offset: int | None) -> int:
    """Where a character of a text stands in the file. Quotes, escapes and folded lines are between the two, so the
    words that begin there are looked for: as often as they come before, they are passed over."""
    if offset is None or not isinstance(node.value, str):
        return node.start
    words = node.value[offset : offset + _WORDS_LONG].split("\n", 1)[0].rstrip()
    if not words:
        return max(node.start, node.end - (2 if node.raw[-1:] in ("'", '"') else 1))
    at = -1
    for _ in range(1 + node.value[:offset].count(words)):
        at = node.raw.find(words, at + 1)
    return node.start + max(at, 0)


def _refusals(found: Found, error: ErrorDetails) -> list[Refusal]:
    kind, context = error["type"], error.get("ctx", {})
    if kind == REFUSED:
        refusals: list[Refusal] = context.get("refusals") or [Refusal(context["what"], context.get("why", ""))]
        return refusals
    if kind == "missing":
        return [Refusal(f"needs {quoted(str(error['loc'][-1]))}")]
    if kind == "literal_error":
        return [_choice(found.node, str(context["expected"]))]
    if kind in _WORDS:
        what, why = _WORDS[kind]
        return [Refusal(what.format_map(context), why)]
    return [Refusal(f"is not valid: {error['msg'][:1].lower()}{error['msg'][1:]}")]


def _choice(node: Node, expected: str) -> Refusal:
    choices = re.findall("'([^']*)'", expected)
    near = nearest(node.value, choices) if isinstance(node.value, str) and "${" not in node.value else None
    one_of = "must be" if len(choices) == 1 else "must be one of"
    return Refusal(f"{one_of} {', '.join(quoted(choice) for choice in choices)}", nearest=near)


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid spelling that `word` was probably meant to be."""
    by_lower: dict[str, Any] = {each.lower(): each for each in valid}
    close = difflib.get_close_matches(word.lower()[:60], by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None

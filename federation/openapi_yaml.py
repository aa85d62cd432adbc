"""YAML text of an OpenAPI document to plain data: dictionaries with text keys, lists and JSON's scalars.

ruamel.yaml reads the syntax (its event stream); scalars mean what the core schema of YAML
1.2 (10.3.2) says, so `on` is a word, dates are text and the key `200` is "200". Merge keys
(`<<`) are followed, as documents in the wild use them. Depth and what aliases expand to
are bounded. Pure, and slow on large texts (about 0.5 MB a second): call it in a thread.
"""

import re
from collections.abc import Iterator
from threading import Event as Flag
from typing import Any

MAX_DEPTH = 200
MAX_NODES = 5_000_000
_CONSTANTS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_INT = re.compile("[-+]?[0-9]{1,400}")
_BASED = re.compile("0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,400}|[0-9]{1,400}(\.[0-9]{0,400})?)([eE][-+]?[0-9]{1,9})?")
_MERGE = "<<"


class Stopped(Exception):
    """Nobody waits for the result any more."""


def parse_yaml(text: str, stop: Flag) -> Any:
    """The first document of a text. `ValueError` says what is wrong and where; `Stopped` once `stop` is set."""
    from ruamel.yaml.error import YAMLError

    try:
        return _Builder(_events(text), stop).document()
    except YAMLError as error:
        raise ValueError(_said(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    return iter(YAML(typ="safe", pure=True).parse(text))


def _said(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"{where}{problem}"


def _scalar(text: str) -> bool | int | float | str | None:
    """What a scalar without quotes means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


class _Builder:
    def __init__(self, events: Iterator[Any], stop: Flag) -> None:
        self._events = events
        self._stop = stop
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._count = 0

    def document(self) -> Any:
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                return self._node(next(self._events), 0)
        return None

    def _node(self, event: Any, depth: int) -> Any:
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        before = self._count
        self._grow(1)
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        value: Any
        if kind == "ScalarEvent":
            value = _scalar(event.value) if event.style is None and event.tag is None else event.value
        elif kind == "SequenceStartEvent":
            value = [self._node(each, depth + 1) for each in self._until("SequenceEndEvent")]
        else:
            value = self._mapping(depth)
        if event.anchor is not None:
            self._anchors[str(event.anchor)] = (value, self._count - before)
        return value

    def _alias(self, event: Any) -> Any:
        if str(event.anchor) not in self._anchors:
            raise ValueError(f"line {event.start_mark.line + 1}: no anchor &{event.anchor} stands before its alias")
        value, size = self._anchors[str(event.anchor)]
        # Counted as often as it is used: who walks the data walks it as often.
        self._grow(size)
        return value

    def _grow(self, nodes: int) -> None:
        self._count += nodes
        if self._count > MAX_NODES:
            raise ValueError(f"it has more than {MAX_NODES} values, aliases counted as what they stand for")
        if self._stop.is_set():
            raise Stopped

    def _until(self, end: str) -> Iterator[Any]:
        while type(event := next(self._events)).__name__ != end:
            yield event

    def _mapping(self, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: list[Any] = []
        for event in self._until("MappingEndEvent"):
            key = event.value if type(event).__name__ == "ScalarEvent" else None
            if key is None:
                raise ValueError(f"line {event.start_mark.line + 1}: a key must be plain text")
            value = self._node(next(self._events), depth + 1)
            if key == _MERGE and event.style is None:
                merged += value if isinstance(value, list) else [value]
            else:
                own[key] = value
        for each in merged:
            own = {**each, **own} if isinstance(each, dict) else own
        return own

"""Whether a limit is about a call, and which calls share it. Pure.

A limit whose expressions mention `mcp`, `a2a` or `llm` is about those protocols alone, as rules are. One that names
what a call does not have is not about it; but nobody passes by what he writes himself: what is too large to be shown,
or does not fit what the caller wrote, counts. Above: `scopes.py`. Below: CEL.
"""

import hashlib
from typing import Any

import msgspec

from ..access import cel
from ..access.cel import Fault, Program
from ..access.names import CALLERS_WORDS, PROTOCOLS, Path
from .settings import DEFAULT_KEY, LimitSettings

MAX_KEY = 64
"""Characters of a key that are kept as they are; longer ones as their digest."""
NOBODY = "-"
"""The key of calls for which a key's expression has no value: they share the limit."""
CALLER = "\0caller"
"""Stands for the caller's own key, which no expression has to be evaluated for."""


class View(msgspec.Struct, frozen=True):
    """What expressions see of one call."""

    context: Any
    hidden: tuple[Path, ...] = ()


class Scope:
    """Of one limit."""

    def __init__(self, settings: LimitSettings) -> None:
        self._when = None if settings.when is None else cel.compile(settings.when)
        self._key = None if settings.key.strip() == DEFAULT_KEY else cel.compile(settings.key)
        self.programs = tuple(each for each in (self._when, self._key) if each is not None)
        self._protocols = frozenset(path[0] for each in self.programs for path in each.paths) & frozenset(PROTOCOLS)
        self._is_by_thing = self._key is not None and any(path[0] in PROTOCOLS for path in self._key.paths)

    def concerns(self, protocol: str) -> bool:
        return not self._protocols or protocol in self._protocols

    def key(self, view: View) -> str | None:
        """Calls with the same key share the limit; `None`: it is not about this call."""
        if self._when is not None and not _holds(self._when, view):
            return None
        return CALLER if self._key is None else self._evaluated(self._key, view)

    def _evaluated(self, program: Program, view: View) -> str | None:
        if _is_hidden(program, view):
            return NOBODY
        try:
            found = program.evaluate(view.context)
        except Fault as fault:
            dodged = not fault.absent or program.mentions(CALLERS_WORDS)
            return NOBODY if dodged or not self._is_by_thing else None
        return short(found) if isinstance(found, str) else short(_spelled(found))


def _holds(program: Program, view: View) -> bool:
    if _is_hidden(program, view):
        return True
    try:
        return program.holds(view.context)
    except Fault as fault:
        return not fault.absent


def _is_hidden(program: Program, view: View) -> bool:
    return any(program.mentions(path) for path in view.hidden)


def _spelled(found: Any) -> str:
    """Any value of CEL as a text; equal values have the same."""
    if isinstance(found, dict):
        return repr(sorted((str(key), _spelled(value)) for key, value in found.items()))
    if isinstance(found, list):
        return repr([_spelled(each) for each in found])
    return f"{type(found).__name__} {found}"


def short(key: str) -> str:
    if len(key) <= MAX_KEY:
        return key
    return "#" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:40]

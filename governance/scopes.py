"""The scopes of several limits together: under which key each counts a call, with the answers to equal calls kept.

Most calls look like one before to the expressions of a manifest, and nothing is evaluated for them. Nothing is kept of
what is large. Above: `limits.py`. Below: `scope.py`, and what of a call expressions are shown.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ..access import cel
from ..access.names import PROTOCOLS, Tree
from ..access.variables import Needs, Shown, common, show
from ..core.call import Call
from .scope import CALLER, Scope, View, short

MAX_ANSWERS = 8192
"""Answers that are kept."""
MAX_SEEN = 1024
"""Bytes of what expressions have seen, up to which an answer is kept."""

Own = Callable[[], Mapping[str, Any]]
"""What the protocol tells of the call (`core.ports.Telling`), if anybody asks."""
Keys = tuple[str | None, ...]
"""For each scope, in order; `None`: it is not about the call."""

_encode = msgspec.json.Encoder().encode


class Scopes:
    """Those that may be about calls of one protocol."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        self._scopes = tuple(scopes)
        programs = [program for scope in self._scopes for program in scope.programs]
        self._needs: Tree = Needs.of(path for program in programs for path in program.paths).tree
        self._functions = frozenset(name for program in programs for name in program.functions)
        self._empty: dict[str, Any] = {name: {} for name in PROTOCOLS if name in self._needs}
        self._always = not programs
        """Whether every call of a caller has the caller's own key."""
        self._kept: OrderedDict[bytes, Keys] = OrderedDict()

    def __len__(self) -> int:
        """Answers that are kept."""
        return len(self._kept)

    def keys(self, call: Call, own: Own) -> Keys:
        if self._always:
            return (short(call.principal.owner),) * len(self._scopes)
        found = self._answers(call, own)
        if CALLER in found:
            caller = short(call.principal.owner)
            return tuple([caller if key == CALLER else key for key in found])
        return found

    def _answers(self, call: Call, own: Own) -> Keys:
        facts = common(self._needs, call)
        shown = show(self._needs, {**facts, **own()} if self._empty else facts)
        seen = b"" if shown.hidden else _encode(shown.values)
        if not seen or len(seen) > MAX_SEEN:
            return self._asked(shown)
        found = self._kept.get(seen)
        if found is None:
            found = self._kept[seen] = self._asked(shown)
            if len(self._kept) > MAX_ANSWERS:
                self._kept.popitem(last=False)
        return found

    def _asked(self, shown: Shown) -> Keys:
        view = View(cel.context({**self._empty, **shown.values}, self._functions), shown.hidden)
        return tuple([scope.key(view) for scope in self._scopes])

"""What a catalog is made of: which servers, how they are named, what of it is shown and what is called otherwise. Pure.

The aggregate, one server alone and a profile are values of one type, `View`; `catalog.py`
builds any of them in the same way. Globs are matched against exposed names and URIs, with
case. Nothing here knows a listing. Above: `profiles.py`, which makes views of the
manifest, and `catalog.py`. Below: `names.py`.
"""

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from typing import Any, Literal

import msgspec

from .names import Naming

Searching = Literal["auto", "on", "off"]

Patterns = tuple[re.Pattern[str], ...]


class Pick(msgspec.Struct, frozen=True):
    """Globs: what matches none of `include` (if there are any), or one of `exclude`, is not there."""

    include: Patterns = ()
    exclude: Patterns = ()

    def includes(self, key: str) -> bool:
        return not self.include or any(pattern.match(key) for pattern in self.include)

    def excludes(self, key: str) -> bool:
        return any(pattern.match(key) for pattern in self.exclude)

    def has(self, key: str) -> bool:
        return self.includes(key) and not self.excludes(key)


EVERYTHING = Pick()


def pick(include: Iterable[str] = (), exclude: Iterable[str] = ()) -> Pick:
    """Compiled globs: `*` is any text, `?` any character, `[abc]` one of these."""
    return Pick(
        tuple(re.compile(translate(glob)) for glob in include), tuple(re.compile(translate(glob)) for glob in exclude)
    )


class Edit(msgspec.Struct, frozen=True):
    """What a tool is said to be instead. `None`: as its server says."""

    name: str | None = None
    title: str | None = None
    description: str | None = None


class View(msgspec.Struct, frozen=True):
    """What to build.

    `single` names the one server of a pass-through view, whose names and URIs stay
    untouched and which is asked for what it does not list, too. `servers` are those of a
    profile, in this order; empty: all. `picks`: kind (`tools`, `prompts`, `resources`) →
    globs; `edits`: exposed tool name → what it is called here.
    """

    naming: Naming = "always"
    single: str = ""
    info: dict[str, Any] = {}
    servers: tuple[str, ...] = ()
    picks: Mapping[str, Pick] = {}
    edits: Mapping[str, Edit] = {}
    search: Searching = "off"
    search_over: int = 0
    """Tokens: with `auto`, a catalog that costs more is searched instead of listed."""
    about: Mapping[str, str] = {}
    """Server → one line for the model, where the manifest has one."""

    def pick(self, method: str) -> Pick:
        """The globs for a list method."""
        return self.picks.get(method.partition("/")[0], EVERYTHING)

    def members(self, configured: Iterable[str]) -> tuple[str, ...]:
        """The servers of this view among those that are configured, in the view's order."""
        known = tuple(configured)
        wanted = (self.single,) if self.single else self.servers or known
        return tuple(name for name in wanted if name in known)

    @property
    def bare_naming(self) -> Naming:
        """How names are assigned: one server alone keeps its own."""
        return "never" if self.single else self.naming

    @property
    def prefixed(self) -> bool:
        """Whether URIs carry the name of their server."""
        return self.naming == "always" and not self.single

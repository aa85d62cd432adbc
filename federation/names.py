"""How tools and prompts of many servers are named in one catalog. Pure.

`server__tool` in `[A-Za-z0-9_-]` and at most 48 characters: what Claude Code
(`mcp__hub__` in front, 128 in all), OpenAI (64), Gemini CLI (63) and kagent accept.
What is longer is cut and gets 8 hex of the SHA-256 of its full form. A name depends on
server and tool alone, so it is the same after a restart and in any order of discovery.
It is reversed by the table that `assign` returns, never by splitting.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

Naming = Literal["always", "on_collision", "never"]

LIMIT = 48
SEPARATOR = "__"
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]+")
_RUN = re.compile(r"_{2,}")


class Owner(NamedTuple):
    """Where a name comes from."""

    server: str
    name: str


class Assigned(NamedTuple):
    """The outcome: exposed name → owner in the order given, and one sentence per collision."""

    table: dict[str, Owner]
    collisions: list[str]


def prefixed(owner: Owner) -> str:
    """`server__name`, made legal and short enough."""
    legal = f"{owner.server}{SEPARATOR}{_ILLEGAL.sub('_', owner.name)}"
    return legal if len(legal) <= LIMIT else hashed(owner)


def hashed(owner: Owner) -> str:
    """The form that is unique whatever else there is."""
    prefix = f"{owner.server}{SEPARATOR}"
    digest = hashlib.sha256(f"{owner.server}\0{owner.name}".encode()).hexdigest()[:8]
    kept = _ILLEGAL.sub("_", owner.name)[: max(LIMIT - len(prefix) - 9, 0)].rstrip("_")
    return f"{prefix}{kept}_{digest}" if kept else f"{prefix}{digest}"


def collapsed(name: str) -> str:
    """The form in which clients compare names: illegal characters and runs of `_` become one `_`."""
    return _RUN.sub("_", _ILLEGAL.sub("_", name))


def assign(owners: Iterable[Owner], naming: Naming) -> Assigned:
    """Give every owner a name. Deterministic for a given set of owners, whatever their order.

    `always`: prefixed. `on_collision`: the bare name, prefixed where two servers have it.
    `never`: the bare name; the first server (in the manifest's order) that has it wins, loudly.
    """
    listed = list(dict.fromkeys(owners))
    if naming == "never":
        return _first_wins(listed)
    shared = _shared(owner.name for owner in listed)
    wanted = {owner: prefixed(owner) if naming == "always" or owner.name in shared else owner.name for owner in listed}
    collisions = [
        f"{owner.name!r} of {owner.server} is exposed as {name!r}: another server has that name too"
        for owner, name in wanted.items()
        if naming == "on_collision" and name != owner.name
    ]
    return _separate(wanted, collisions)


def _first_wins(listed: list[Owner]) -> Assigned:
    table: dict[str, Owner] = {}
    collisions: list[str] = []
    for owner in listed:
        first = table.setdefault(owner.name, owner)
        if first is not owner:
            collisions.append(f"{owner.name!r} of {owner.server} is hidden: {first.server} has that name already")
    return Assigned(table, collisions)


def _separate(wanted: dict[Owner, str], collisions: list[str]) -> Assigned:
    """Hash what clients could not tell apart. A name that was legal as it stood keeps its plain form."""
    names = dict(wanted)
    while yielding := _ambiguous(names):  # a hash may meet a plain name, which then yields too
        for owner in yielding:
            collisions.append(
                f"{owner.name!r} of {owner.server} is exposed as {hashed(owner)!r}: {names[owner]!r} is ambiguous"
            )
            names[owner] = hashed(owner)
    firsts: dict[str, Owner] = {}
    hidden = [o for o in sorted(names) if firsts.setdefault(collapsed(names[o]), o) is not o]
    collisions += [f"{o.name!r} of {o.server} is hidden: {names[o]!r} is the hash of another" for o in hidden]
    return Assigned({name: owner for owner, name in names.items() if owner not in hidden}, collisions)


def _ambiguous(names: dict[Owner, str]) -> list[Owner]:
    """Who must take its hashed form."""
    met: dict[str, list[Owner]] = {}
    for owner, name in names.items():
        met.setdefault(collapsed(name), []).append(owner)
    yielding: list[Owner] = []
    for group in met.values():
        if len(group) > 1:
            free = [owner for owner in group if names[owner] != hashed(owner)]
            legal = [owner for owner in free if not _ILLEGAL.search(owner.name)]
            kept = legal[0] if len(legal) == 1 and len(free) == len(group) else None
            yielding += [owner for owner in free if owner is not kept]
    return yielding


def _shared(names: Iterable[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}

"""What of a call rules are shown. Pure.

Only what they mention, and never more than the limits of `reading.py`: the rest costs nothing. A value that cannot
be shown is told apart from one that is not there, so that nobody passes by making it too large. Above: `rules.py`,
`judge.py`, limits. Below: `names.py`, `reading.py`.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from ..core.call import Call, Principal
from ..core.ports import OneOf
from ..core.rawjson import Raw, is_object
from .names import CALLERS_WORDS, PROTOCOLS, Path, Tree, is_secret
from .reading import MAX_TEXT, Unshown, bounded, members_of, read

__all__ = ["CALLERS_WORDS", "PROTOCOLS", "Needs", "Path", "Shown", "Tree", "address_of", "common", "show"]

_NOTHING = object()


class Needs(msgspec.Struct, frozen=True):
    """What a set of expressions mentions."""

    tree: Tree
    """Names → members that are mentioned; empty below what is meant as a whole."""

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "Needs":
        tree: Tree = {}
        for path in sorted(paths, key=len):
            _plant(tree, path)
        return cls(tree)


def _plant(tree: Tree, path: Path) -> None:
    for place, part in enumerate(path):
        if part in tree and not tree[part]:
            return  # wanted as a whole already: shorter paths come first
        tree = tree.setdefault(part, {} if place + 1 == len(path) else {"": {}})
        tree.pop("", None)


class Shown(msgspec.Struct, frozen=True):
    """The values of what is mentioned, and which could not be shown."""

    values: dict[str, Any]
    hidden: tuple[Path, ...] = ()


def show(needs: Tree, facts: Mapping[str, Any]) -> Shown:
    """Of `facts`, what is needed. A `Raw` in them is JSON that is read only if it is; a function is called then."""
    hidden: list[Path] = []
    values = _picked(needs, facts, (), hidden)
    return Shown(values, tuple(hidden))


def _picked(needs: Tree, facts: Mapping[str, Any], above: Path, hidden: list[Path]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, below in needs.items():
        given = facts.get(name, _NOTHING)
        if given is _NOTHING:
            continue
        # What most facts are, first: it is asked for every call.
        if given.__class__ is str:
            if len(given) <= MAX_TEXT and given.isascii():
                values[name] = given
                continue
        elif below and given.__class__ is dict:
            values[name] = _picked(below, given, (*above, name), hidden)
            continue
        try:
            given = _opened(given, below)
            if given is _NOTHING:
                continue
            values[name] = _picked(below, given, (*above, name), hidden) if _goes_on(given, below) else _whole(given)
        except Unshown:
            hidden.append((*above, name))
    return values


def _opened(given: Any, below: Tree) -> Any:
    """A fact as a value or, if only members of it are needed, as raw members. Raises `Unshown`."""
    if isinstance(given, OneOf):
        return given[0] if given else _NOTHING
    if callable(given):
        given = given()
        if given is None:
            return _NOTHING
    if below and isinstance(given, Raw) and is_object(given):
        return members_of(given)
    return given


def _goes_on(given: Any, below: Tree) -> bool:
    return bool(below) and isinstance(given, dict)


def _whole(given: Any) -> Any:
    return read(given) if isinstance(given, Raw) else bounded(given)


# What every call has.


def _principal(call: Call) -> dict[str, Any]:
    principal = call.principal
    return {
        "id": principal.id,
        "kind": principal.kind,
        "issuer": principal.issuer,
        "groups": principal.groups,
        "scopes": principal.scopes,
        "claims": principal.claims,
        "metadata": principal.metadata,
    }


def _jwt(call: Call) -> dict[str, Any]:
    return call.principal.claims if call.principal.kind == "jwt" else {}


def _api_key(call: Call) -> dict[str, Any]:
    principal: Principal = call.principal
    return dict(principal.metadata) if principal.kind == "key" else {}


def address_of(source: str) -> str:
    """The address of `address:port`; of IPv4 in its own form, however it was accepted."""
    host = source.rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _headers(call: Call) -> dict[str, str]:
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in call.request.headers.items()}
    return {name: value for name, value in named.items() if not is_secret(name)}


def _request(call: Call) -> dict[str, Any]:
    return {"method": call.request.method, "path": call.request.path, "headers": lambda: _headers(call)}


def _session(call: Call) -> dict[str, Any]:
    return {"id": call.record.session, "protocol": call.protocol} if call.record.session else {}


_COMMON: dict[str, Callable[[Call], Any]] = {
    "protocol": lambda call: call.protocol,
    "principal": _principal,
    "jwt": _jwt,
    "apiKey": _api_key,
    "source": lambda call: {"address": address_of(call.request.source)},
    "request": _request,
    "session": _session,
}


def common(needs: Tree, call: Call) -> dict[str, Any]:
    """The facts about a call that no protocol adds to, as far as they are needed."""
    return {name: _COMMON[name](call) for name in needs if name in _COMMON}

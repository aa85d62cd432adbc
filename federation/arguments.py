"""The arguments of a call that travel as headers, too, picked out of the rest. Pure.

The rest is the server's and is not looked into: it may hold what Python has no value for,
such as a number beyond all doubles. Above: `bind.py`, `relay.py`. Below: JSON.
"""

from typing import Any

from ..core.rawjson import Raw, fields, is_object, value
from .headers import ParamHeaders


def picked(arguments: Raw, headers: ParamHeaders) -> dict[str, Any]:
    """Only the arguments at these paths, in their places. `None` for what is not there, or has no value."""
    found: dict[str, Any] = {}
    for path in headers.values():
        place = found
        for key in path[:-1]:
            inner = place.get(key)
            if not isinstance(inner, dict):
                inner = place[key] = {}
            place = inner
        place.setdefault(path[-1], _scalar(arguments, path))
    return found


def _scalar(arguments: Raw, path: tuple[str, ...]) -> Any:
    part: Raw | None = arguments
    for key in path:
        part = fields(part).get(key) if part is not None and is_object(part) else None
    try:
        return None if part is None else value(part)
    except ValueError:
        return None

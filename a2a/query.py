"""The query string of a request to an agent: the version that it may name, the context of `GET /tasks`, the rest.

The rest is passed on as it was written. Ids are looked for in every spelling: in a query they
may stand in one place only, so that the agent cannot find another one. Pure. Above: `inbound`.
Below: `errors`, `operations`.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote_plus

from .errors import invalid_params, invalid_request
from .operations import LIST, PUSH, Route, check_id

MAX_PAIRS = 100
"""Parameters of one query."""

_VERSION = "a2a-version"
_LEGAL = re.compile(r"[\x21\x22\x24-\x3a\x3c-\x5b\x5d-\x7e]*")
"""Visible ASCII without `#`, `;` (which some take for `&`) and the backslash."""


class Query(NamedTuple):
    version: str = ""
    """Value of `A2A-Version`; empty if it is not there."""
    context: str = ""
    rest: str = ""
    """The query as it was written, without `A2A-Version`."""


def version_in(raw: bytes) -> str:
    """`A2A-Version` of a query that is not looked at otherwise."""
    return _versions([_pair(each)[:2] for each in _split(raw)]) if raw else ""


def read_query(raw: bytes, route: Route) -> Query:
    """The query of an HTTP+JSON request. `A2aError` for ids that stand there twice, or do not belong there."""
    if not raw:
        return Query()
    context: str | None = None
    kept, versions = [], []
    for written in _split(raw):
        key, value, folded = _pair(written)
        if folded == _VERSION:
            versions.append((key, value))
            continue
        if folded == "contextid":
            if context is not None or route.operation != LIST or key not in ("contextId", "context_id"):
                raise invalid_params("the query may name contextId once, in this spelling, and for GET /tasks alone")
            context = value
        elif folded in ("id", "taskid", "name"):
            _check_place(folded, value, route)
        kept.append(written)
    check_id(context or "", "contextId in the query")
    return Query(_versions(versions), context or "", "&".join(kept))


def _check_place(folded: str, value: str, route: Route) -> None:
    own = route.config if folded == "id" and route.operation in PUSH else route.task
    if folded == "name" or not own or value != own:
        raise invalid_params(f'the ids of this operation stand in its path; leave "{folded}" out of the query')


def _split(raw: bytes) -> list[str]:
    text = raw.decode("latin-1")
    if _LEGAL.fullmatch(text) is None:
        raise invalid_request("the query has characters in it that must be percent-encoded")
    pairs = text.split("&", MAX_PAIRS)
    if len(pairs) > MAX_PAIRS:
        raise invalid_request(f"the query has more than {MAX_PAIRS} parameters")
    return pairs


def _pair(written: str) -> tuple[str, str, str]:
    """Name and value, decoded, and the name as the least particular reader takes it: its last part, folded."""
    name, _, value = written.partition("=")
    try:
        key, text = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_request("the query is not UTF-8 where it is percent-encoded") from error
    return key, text, key.rpartition(".")[2].replace("_", "").casefold()


def _versions(pairs: list[tuple[str, str]]) -> str:
    named = {value for key, value in pairs if key.casefold() == _VERSION}
    if len(named) > 1:
        raise invalid_request("the query names more than one A2A-Version")
    return named.pop() if named else ""

"""Which server a request is for, in one view. Pure: values of the catalog in, a `Route` or an error out.

Unknown and hidden look alike: both are `-32602` in the words of an unknown name.
"""

import re

from ..core.errors import RpcError
from ..core.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND, SERVER_ERROR
from ..core.rawjson import Fields, sub, text
from . import search
from .catalog import Catalog, Route
from .eras import LEGACY_NOT_FOUND, NAME_FIELD, Era
from .uris import split

_LIST_OF = {"tools/call": "tools/list", "prompts/get": "prompts/list"}
_WORD = {"tools/call": "tool", "prompts/get": "prompt"}
_METHOD = re.compile(r"[!-~]{1,128}")
"""Methods that are passed through: those that a header can carry."""


def resolved(catalog: Catalog, method: str, params: Fields) -> Fields:
    """The parameters as everything after this sees them: where tools are searched, `call_tool` is the tool it names.

    The same object if there was nothing to resolve. Raises `RpcError`.
    """
    if catalog.searching and method == "tools/call" and search.names_another(params):
        return search.unwrapped(params)
    return params


def route(catalog: Catalog, method: str, params: Fields, era: Era) -> Route:
    """The owner of what `params` name. Raises `RpcError` as a server that does not have it would."""
    if method in _LIST_OF:
        return _by_name(catalog, method, params)
    if method in ("resources/read", "resources/subscribe", "resources/unsubscribe"):
        return _by_uri(catalog, params, era)
    if method == "completion/complete":
        return _by_reference(catalog, params, era)
    if catalog.single and _METHOD.fullmatch(method):
        # A pass-through view passes through what it does not know.
        named = text(params.get(NAME_FIELD[method])) if method in NAME_FIELD else None
        return Route(catalog.single, named or "")
    raise RpcError(METHOD_NOT_FOUND, f"Method not found: {method[:100]}", status=404)


def _by_name(catalog: Catalog, method: str, params: Fields) -> Route:
    name = text(params.get("name"))
    if name is None:
        raise RpcError(INVALID_PARAMS, "params.name must be a string")
    listed = _LIST_OF[method]
    found = catalog.routes[listed].get(name)
    if found is None and catalog.single and catalog.shows(listed, catalog.single, name):
        # The server may know more than it lists.
        return Route(catalog.single, name)
    if found is None:
        raise RpcError(INVALID_PARAMS, f"Unknown {_WORD[method]}: {name[:200]}")
    if found.refusal:
        raise RpcError(SERVER_ERROR, found.refusal)
    return found


def _by_uri(catalog: Catalog, params: Fields, era: Era) -> Route:
    uri = text(params.get("uri"))
    if uri is None:
        raise RpcError(INVALID_PARAMS, "params.uri must be a string")
    found = owner_of(catalog, uri)
    if found is None:
        code = LEGACY_NOT_FOUND if era == "legacy" else INVALID_PARAMS
        raise RpcError(code, f"Resource not found: {uri[:200]}", data=b'{"uri":%b}' % bytes(params["uri"]))
    return found


def owner_of(catalog: Catalog, uri: str) -> Route | None:
    """By exact URI, by prefix, by template, and at last by being the only server with resources."""
    found = _owner(catalog, uri)
    return found if found is not None and catalog.shows("resources/list", found.server, found.name) else None


def _owner(catalog: Catalog, uri: str) -> Route | None:
    if catalog.single:
        return Route(catalog.single, uri)
    if (found := catalog.routes["resources/list"].get(uri)) is not None:
        return found
    if not catalog.reach.has(uri):
        return None
    if catalog.prefixed and (parts := split(uri, catalog.servers)) is not None:
        return Route(*parts)
    for pattern, template in catalog.templates:
        if pattern.fullmatch(uri):
            return Route(template.server, uri)
    owners = {each.server for each in catalog.routes["resources/list"].values()}
    owners |= {each.server for _, each in catalog.templates}
    return Route(owners.pop(), uri) if len(owners) == 1 and not catalog.prefixed else None


def _by_reference(catalog: Catalog, params: Fields, era: Era) -> Route:
    reference = sub(params, "ref")
    kind = text(reference.get("type"))
    if kind == "ref/prompt":
        return _by_name(catalog, "prompts/get", reference)
    if kind == "ref/resource":
        uri = text(reference.get("uri"))
        found = catalog.routes["resources/templates/list"].get(uri) if uri is not None else None
        return found or _by_uri(catalog, reference, era)
    raise RpcError(INVALID_PARAMS, "params.ref.type must be ref/prompt or ref/resource")

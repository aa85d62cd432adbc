"""Reading a client's request: binding, version, operation, ids. Pure; the first rule that is broken is raised.

A POST to the agent's base is JSON-RPC, in which the method's name says the version; everything
below it is HTTP+JSON, where `/v1` says 0.3. `A2A-Version` is checked against that, not
needed for it. What passes is sent on as the bytes that were read here. Errors know who asked
(`A2aError.speech`, `.id`). Above: the endpoint. Below: `members`, `ids`, `query`, `operations`.
"""

import re

from ..core.call import Request
from ..core.errors import ClientError, MethodNotAllowed
from ..core.rawjson import EMPTY, Fields, Raw, text
from . import ids
from .errors import (
    A2aError,
    content_type_not_supported,
    invalid_request,
    method_not_found,
    quote,
    version_not_supported,
)
from .members import Level, top
from .operations import LIST, PUSH_CREATE, SENDS, allowed, names_tenant, of_json, of_method, of_route, version_of
from .query import read_query, version_in
from .values import Asked, Binding, Ids, Speech, Version

MAX_RPC_ID = 512
"""Bytes of a JSON-RPC id: it is sent back as it came, in every event of a stream."""

_ROOT = ("", "/")
_JSON = "application/json"
_PLAIN = _JSON.encode()
_KINDS = {"jsonrpc": (_JSON,), "rest": (_JSON, "application/a2a+json")}
_ENVELOPE = Level("the request", "jsonrpc", "id", "method", "params")
_POST = ((b"allow", b"POST"),)
_TWO = Raw(b'"2.0"')
_ID_STARTS = frozenset(b'"-0123456789'[i : i + 1] for i in range(12))
_EXACT = {None: "", b"1.0": "1.0", b"0.3": "0.3"}
"""What nearly every request has as `A2A-Version`."""
_VERSION = re.compile(r"(1\.0|0\.3)(?:\.[0-9]{1,9})?")
_NEED_BODY = SENDS | {PUSH_CREATE}


def read(agent: str, rest: str, request: Request, body: bytes) -> Asked:
    """One request. `rest` is the raw path below `/a2a/{agent}`, as it was written on the wire.

    Raises `A2aError`, and `MethodNotAllowed` for a path that is there with another method.
    """
    try:
        return _read_rpc(agent, request, body) if rest in _ROOT else _read_rest(agent, rest, request, body)
    except A2aError as error:
        error.asked(speech_of(rest, request))
        raise


def speech_of(rest: str, request: Request) -> Speech:
    """How to answer a request whose body nobody has read: by its path, and for JSON-RPC by the version it names."""
    if rest not in _ROOT:
        return Speech(version_of(rest), "rest")
    found = _VERSION.fullmatch(request.header(b"a2a-version") or "")
    return Speech("0.3" if found is not None and found[1] == "0.3" else "1.0", "jsonrpc")


def _read_rpc(agent: str, request: Request, body: bytes) -> Asked:
    if request.method != "POST":
        raise MethodNotAllowed("send JSON-RPC requests to this address by POST", headers=_POST)
    _check_kind(request, "jsonrpc")
    body, members = top(body)
    envelope = _ENVELOPE.pick(body, members)
    id_ = members.get("id", EMPTY)
    known = id_ if _is_id(id_) else EMPTY
    speech: Speech | None = None
    try:
        operation, version = _method(envelope)
        speech = ids.RPC  # a contradiction is told in 1.0, which has a name for it
        if not known:
            raise invalid_request("the id must be a string or a number; notifications are not part of A2A")
        _check_version(operation, version, _wanted(request, version_in(request.query) if request.query else ""))
        speech = ids.RPC if version == "1.0" else ids.LEGACY_RPC
        params = members.get("params", EMPTY)
        found = ids.of_params(operation, speech, params)
    except A2aError as error:
        error.asked(speech or speech_of("", request), known)
        raise
    return Asked(operation, speech, agent, found, id_, params, body=body, extensions=_extensions(request))


def _is_id(raw: Raw) -> bool:
    return 0 < len(raw) <= MAX_RPC_ID and bytes(raw)[:1] in _ID_STARTS


def _method(envelope: Fields) -> tuple[str, Version]:
    if envelope.get("jsonrpc") != _TWO:
        raise invalid_request('"jsonrpc" must be "2.0"')
    member = envelope.get("method", EMPTY)
    found = of_json(bytes(member))
    if found is not None:
        return found
    name = text(member)
    if not name:
        raise invalid_request('"method" must be the name of a method')
    found = of_method(name)
    if found is None:
        raise method_not_found(f"there is no method {quote(name)}; A2A 1.0 has names like SendMessage")
    return found


def _check_version(operation: str, version: Version, wanted: str) -> None:
    """Method names are unambiguous, so that a version need not be named; the one that is named must be theirs."""
    if wanted == "1.0" and version == "0.3":
        raise method_not_found(f"A2A 1.0 has no such method; it is called {operation} there")
    if wanted == "0.3" and version == "1.0":
        raise version_not_supported(f"{operation} is a method of A2A 1.0, and A2A-Version says 0.3")


def _read_rest(agent: str, rest: str, request: Request, body: bytes) -> Asked:
    route = of_route(request.method, rest)
    if route is None:
        raise _unknown(request.method, rest)
    query = read_query(request.query, route)
    wanted = _wanted(request, query.version)
    if wanted and wanted != route.version:
        raise version_not_supported(f"this path belongs to A2A {route.version}, and A2A-Version says {wanted}")
    if body:
        if request.method != "POST":
            raise invalid_request(f"{request.method} takes no body")
        _check_kind(request, "rest")
    if body or route.operation in _NEED_BODY:
        body, _ = top(body)
    found = ids.of_body(route, body) if route.operation != LIST else Ids(context=query.context)
    return Asked(
        route.operation,
        Speech(route.version, "rest"),
        agent,
        found,
        params=Raw(body),
        path=route.path,
        query=query.rest,
        method=request.method,
        body=body,
        extensions=_extensions(request),
    )


def _unknown(method: str, rest: str) -> ClientError:
    if known := allowed(rest):
        return MethodNotAllowed(f"{quote(method)} is not allowed here", headers=((b"allow", known.encode()),))
    if rest == "/v1/tasks":
        return method_not_found("ListTasks came with A2A 1.0: GET /tasks")
    if names_tenant(rest):
        return method_not_found("this gateway serves no tenants; leave out the first segment of the path")
    return method_not_found("there is no such operation of A2A")


def _check_kind(request: Request, binding: Binding) -> None:
    if request.headers.get(b"content-type") == _PLAIN:
        return
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind not in _KINDS[binding]:
        raise content_type_not_supported("send the request with Content-Type: application/json")


def _wanted(request: Request, in_query: str) -> str:
    """The version that the request names, by Major.Minor; empty if it names none."""
    if not in_query and (exact := _EXACT.get(request.headers.get(b"a2a-version"))) is not None:
        return exact
    named = request.header(b"a2a-version") or ""
    if named and in_query and named != in_query:
        raise invalid_request("the header and the query name different versions (A2A-Version)")
    named = named or in_query
    if not named:
        return ""
    found = _VERSION.fullmatch(named)
    if found is None:
        raise version_not_supported(f"A2A-Version {quote(named)} is not supported")
    return found[1]


def _extensions(request: Request) -> str:
    """Peers of 0.3 know the header by its old name; those that speak to both kinds send both."""
    headers = request.headers
    if b"a2a-extensions" not in headers and b"x-a2a-extensions" not in headers:
        return ""
    new, old = request.header(b"a2a-extensions") or "", request.header(b"x-a2a-extensions") or ""
    return f"{new}, {old}" if new and old and new != old else new or old

"""The arguments of a call as an HTTP request. Pure.

No argument leaves its place: path values end no segment and are none of `.` and `..`,
query values add no parameter that base_url fixes, and the manifest's headers are laid over
everything else. What cannot be sent raises `BadArgument`.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from ..core.call import Header
from ..core.rawjson import Fields, value
from .openapi_encode import BadArgument, encoded
from .openapi_parameters import Parameter, templated
from .openapi_style import in_cookie, in_header, in_path, in_query
from .openapi_tools import Operation

MAX_PATH = 64 * 1024
"""Bytes of path and query together; servers take far less."""
_TEMPLATE_SAFE = "/%:@!$&'()*+,;=~-._?"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SEPARATOR = re.compile(r"[/\\]")


class HttpRequest(msgspec.Struct, frozen=True):
    """`path` goes with the operation's target."""

    method: str
    path: str
    headers: tuple[Header, ...]
    body: bytes = b""

    def under(self, fixed: tuple[Header, ...]) -> "HttpRequest":
        """The same with the headers of the manifest and its credentials laid over: they win, but for the boundary of
        a multipart body, which is the body's."""
        own = dict(self.headers)
        laid = {**own, **dict(fixed)}
        kind = own.get(b"content-type", b"")
        if self.body and kind.startswith(b"multipart/"):
            laid[b"content-type"] = kind
        return HttpRequest(self.method, self.path, tuple(laid.items()), self.body)


def request(operation: Operation, arguments: Fields, fixed: tuple[Header, ...], agent: str) -> HttpRequest:
    """`fixed`: headers to lay over, names in lower case. `agent`: the user agent. Raises `BadArgument`."""
    _check(operation, arguments)
    values = {each: _value(arguments, each) for each in operation.parameters if _is_given(arguments, each)}
    path = operation.target.join(_path(operation, values))
    if len(path) > MAX_PATH:
        raise BadArgument(f"the arguments make a URL of more than {MAX_PATH} characters; send less")
    headers = {b"accept": operation.accept.encode(), b"user-agent": agent.encode(), **_headers(values)}
    content = encoded(operation.body, arguments) if operation.body is not None else None
    if content is None:
        return HttpRequest(operation.method, path, tuple(headers.items())).under(fixed)
    headers[b"content-type"] = content[0].encode()
    return HttpRequest(operation.method, path, tuple(headers.items()), content[1]).under(fixed)


def _check(operation: Operation, arguments: Fields) -> None:
    unknown = [name for name in arguments if name not in operation.arguments]
    if unknown:
        there = ", ".join(operation.arguments[:50]) or "none"
        raise BadArgument(f"there is no argument {unknown[0][:100]!r}; there are: {there}")
    missing = [name for name in operation.arguments if name in operation.required and name not in arguments]
    if missing:
        raise BadArgument(f"missing: {', '.join(missing)}")


def _is_given(arguments: Fields, parameter: Parameter) -> bool:
    given = arguments.get(parameter.argument)
    if given is not None and bytes(given) != b"null":
        return True
    if parameter.where == "path":
        raise BadArgument(f"missing: {parameter.argument}")
    return False


def _value(arguments: Fields, parameter: Parameter) -> Any:
    return value(arguments[parameter.argument])


def _path(operation: Operation, values: dict[Parameter, Any]) -> str:
    """Path and query below the target."""
    template = quote(operation.path, safe=_TEMPLATE_SAFE + "{}")
    segments = {each.name: _segment(each, content) for each, content in values.items() if each.where == "path"}
    for name in templated(operation.path):
        template = template.replace(quote(f"{{{name}}}", safe=_TEMPLATE_SAFE + "{}"), segments[name])
    path, _, query = template.partition("?")
    if any(unquote(part) in (".", "..") for part in path.split("/")):
        raise BadArgument("the arguments make a path with the segment . or ..; choose other values")
    pairs = [query] if query else []
    for each, content in values.items():
        if each.where == "query":
            pairs += in_query(each.name, each.style, content)
    _check_fixed(operation, pairs)
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _segment(parameter: Parameter, content: Any) -> str:
    shown = in_path(parameter.name, parameter.style, content)
    if not shown:
        raise BadArgument(f"{parameter.argument} must not be empty")
    # Servers that decode %2F before they route would take a step up for one.
    if any(part in (".", "..") for part in _SEPARATOR.split(unquote(shown))):
        raise BadArgument(f"{parameter.argument} must not have . or .. between slashes")
    return shown


def _check_fixed(operation: Operation, pairs: list[str]) -> None:
    """Members of an exploded object are parameters named by the caller."""
    fixed = {name for name, _ in parse_qsl(operation.target.path.partition("?")[2], keep_blank_values=True)}
    for pair in pairs if fixed else ():
        name = unquote(pair.partition("=")[0])
        if name in fixed:
            raise BadArgument(f"the query parameter {name} is set by the gateway; leave it out")


def _headers(values: dict[Parameter, Any]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    cookies: list[str] = []
    for each, content in values.items():
        if each.where == "header":
            shown = in_header(each.style, content)
            if _CONTROL.search(shown):
                raise BadArgument(f"{each.argument} must not have line breaks or control characters")
            headers[each.name.lower().encode()] = shown.strip().encode()
        elif each.where == "cookie":
            cookies += in_cookie(each.name, each.style, content)
    if cookies:
        headers[b"cookie"] = "; ".join(cookies).encode()
    return headers

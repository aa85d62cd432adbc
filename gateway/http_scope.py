"""The head of a request as ASGI's scope. Pure. Above: `http_protocol.py`. Below: nothing."""

import urllib.parse
from collections.abc import Mapping
from typing import Any

import httptools

from ..core.call import Header
from .asgi_exchange import Scope

BASE: Mapping[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "scheme": "http",
    "root_path": "",
}
"""What all requests have in common."""


def scope_of(base: Mapping[str, Any], version: str, method: bytes, url: bytes, headers: list[Header]) -> Scope:
    """`base`: what all requests of a connection have in common. Raises `HttpParserError` or `ValueError` for a target
    that is none."""
    raw, query = _split(url)
    path = raw.decode("ascii")
    return {
        **base,
        "http_version": version,
        "method": method.decode("ascii"),
        "path": urllib.parse.unquote(path) if "%" in path else path,
        "raw_path": raw,
        "query_string": query,
        "headers": headers,
    }


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Path and query."""
    if url.startswith(b"/") and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path, parsed.query or b""


def address(name: Any) -> tuple[str, int] | None:
    """Of a peer, or of ourselves; `None` for what is no internet address."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) >= 2 else None

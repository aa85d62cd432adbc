"""An OpenAPI document as a value: its version, what its `$ref`s point at, the servers it names.

The document is used as far as it makes sense, not validated as a whole: real documents
break the letter of the specification everywhere, and one bad operation must not cost the
rest. What cannot be used raises `Broken`, which costs the operation that needs it.
References are followed inside the document only, never over the network. Pure.
"""

import re
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

MAX_HOPS = 32
"""`$ref`s to `$ref`s before it counts as a circle."""
_VARIABLE = re.compile(r"\{([^{}]+)\}")


class Broken(Exception):
    """A part of the document cannot be used; the text says why, for people."""


def table(anything: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return anything if isinstance(anything, dict) else {}


def listed(anything: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return anything if isinstance(anything, list) else []


def text(anything: Any) -> str:
    """The value if it is text, else none."""
    return anything if isinstance(anything, str) else ""


def media_type(name: str) -> str:
    """A media type without its parameters, in lower case."""
    return name.partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether a media type (of `media_type`) is written as JSON; wildcards count."""
    return media in ("application/json", "text/json", "application/*", "*/*") or media.endswith("+json")


_TEXTUAL = ("xml", "yaml", "x-yaml", "javascript", "graphql", "ndjson", "x-ndjson", "sql", "x-www-form-urlencoded")


def is_text(media: str) -> bool:
    """Whether a media type (of `media_type`) is read by people."""
    kind, _, sub = media.partition("/")
    return kind == "text" or (kind == "application" and sub in _TEXTUAL) or sub.endswith(("+xml", "+yaml"))


class Document:
    """`location` is the URL it came from, if it came from one: relative server URLs are below it."""

    def __init__(self, data: Any, location: str = "") -> None:
        self.data = table(data)
        version = self.data.get("openapi")
        if not isinstance(version, str | float) or str(version).partition(".")[0] != "3":
            raise Broken(_no_openapi(self.data))
        self.is_30 = str(version).startswith("3.0")
        """Whether schemas are in the dialect of OpenAPI 3.0 and not in JSON Schema's."""
        self.info = table(self.data.get("info"))
        self.paths = table(self.data.get("paths"))
        self._location = location
        if not self.paths:
            raise Broken("it has no paths: there is nothing to call")

    def resolve(self, reference: str) -> Any:
        """What a `$ref` points at (RFC 6901). Raises `Broken`."""
        if not reference.startswith("#"):
            shown = reference.partition("#")[0][:200]
            raise Broken(f"it refers to {shown}, outside of the document; bundle the parts into one document")
        node: Any = self.data
        for part in unquote(reference[1:]).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and key in node:
                node = node[key]
            elif isinstance(node, list) and key.isdecimal() and len(key) < 10 and int(key) < len(node):
                node = node[int(key)]
            else:
                raise Broken(f"it refers to {reference[:200]}, which is not there")
        return node

    def follow(self, node: Any) -> dict[str, Any]:
        """The object itself, at the end of its `$ref`s. Raises `Broken`."""
        for _ in range(MAX_HOPS):
            found = table(node)
            if not isinstance(found.get("$ref"), str):
                return found
            node = self.resolve(found["$ref"])
        raise Broken("its references go in a circle")

    def base(self, *holders: dict[str, Any]) -> str:
        """The first server's URL of the innermost that names any: operation, path, document. Raises `Broken`."""
        for holder in (*holders, self.data):
            servers = listed(holder.get("servers"))
            if servers:
                return self._absolute(table(servers[0]))
        return self._absolute({"url": "/"})

    def _absolute(self, server: dict[str, Any]) -> str:
        variables = table(server.get("variables"))
        url = _VARIABLE.sub(lambda match: _default(variables, match), text(server.get("url")))
        try:
            absolute = urljoin(self._location, url)
            named = urlsplit(absolute).scheme
        except ValueError as error:
            raise Broken("it names a server URL that cannot be read") from error
        if not named:
            raise Broken("it names no absolute server URL; set base_url in the manifest")
        # Whoever serves the document must not be able to send the manifest's credentials elsewhere.
        if self._location and origin_of(absolute) != origin_of(self._location):
            where = origin_of(absolute)
            raise Broken(f"its server {where} is not where the document comes from; set base_url in the manifest")
        return absolute


def _default(variables: dict[str, Any], match: re.Match[str]) -> str:
    return str(table(variables.get(match[1])).get("default", ""))


def origin_of(url: str) -> str:
    """Scheme, host and port; the port always spelt out. Raises `Broken`."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as error:
        raise Broken("it names a server URL that cannot be read") from error
    return f"{parts.scheme}://{parts.hostname or ''}:{port}"


def _no_openapi(data: dict[str, Any]) -> str:
    if "swagger" in data:
        return f"it is Swagger {str(data['swagger'])[:10]}; convert it to OpenAPI 3.0 or 3.1"
    if "openapi" in data:
        return f"it is OpenAPI {str(data['openapi'])[:10]}; only 3.x is understood"
    return "it is no OpenAPI document: openapi: 3.x is missing at its top"

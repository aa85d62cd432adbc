"""The operations of a document under the names of their tools, and which of them the manifest chooses. Pure.

A name is the operation's id, or its method and path, in letters, digits, `_` and `-`. It
depends on the document alone, so it stays the same whatever is included.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from .openapi_document import Broken, Document, text
from .openapi_keywords import distinct
from .openapi_parameters import Scope

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
MAX_NAME = 64
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]+")


class Choice(msgspec.Struct, frozen=True):
    """What the manifest says about the tools. `headers`: names of those it sets, in lower case."""

    base_url: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    headers: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        included = not self.include or any(fnmatchcase(name, each) for each in self.include)
        return included and not any(fnmatchcase(name, each) for each in self.exclude)

    def unmatched(self, names: list[str]) -> Iterator[str]:
        """A sentence for each pattern that chooses nothing: most likely it is misspelt."""
        for key, patterns in (("include", self.include), ("exclude", self.exclude)):
            for pattern in patterns:
                if not any(fnmatchcase(name, pattern) for name in names):
                    yield f"{key}: {pattern[:100]!r} matches no tool; there are {', '.join(names[:3])}, ..."


class Named(msgspec.Struct, frozen=True):
    """One operation. `method` in lower case."""

    name: str
    method: str
    scope: Scope

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.scope.path[:200]} ({self.name})"


def operations(document: Document) -> list[Named]:
    """Every operation, in the document's order."""
    found = list(_scopes(document))
    names = distinct([_wanted(method, scope) for method, scope in found], MAX_NAME)
    return [Named(name, method, scope) for name, (method, scope) in zip(names, found, strict=True)]


def _scopes(document: Document) -> Iterator[tuple[str, Scope]]:
    for path, entry in document.paths.items():
        try:
            item = document.follow(entry)
        except Broken:
            continue  # nobody knows which operations would be there
        for method in item:
            if method in METHODS and isinstance(item[method], dict) and path.startswith("/"):
                yield method, Scope(document, path, item, item[method])


def _wanted(method: str, scope: Scope) -> str:
    given = _ILLEGAL.sub("_", text(scope.operation.get("operationId"))).strip("_")
    return (given or _ILLEGAL.sub("_", f"{method}{scope.path}").strip("_"))[:MAX_NAME]

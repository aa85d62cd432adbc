"""The operations of an OpenAPI document as MCP tools: descriptions, schemas, and how each is called.

An operation that cannot be used is left out with a sentence that names it; the others
work. Pure, and some seconds of work for a large document: call it in a thread.
"""

from threading import Event as Flag
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ..core.http_values import Target
from ..core.rawjson import encode
from .openapi_body import Body, body
from .openapi_defs import close
from .openapi_document import Broken, Document, text
from .openapi_keywords import short
from .openapi_names import Choice, Named, operations
from .openapi_output import accepted, contents, output_schema
from .openapi_parameters import Fixed, Parameter, Scope, Signature, parameters
from .openapi_schema import Converter, Schema
from .openapi_yaml import Stopped

MAX_TOOLS = 5000
MAX_VALUES = 20_000
"""Values of an input schema, counted all the way down; a tool with more is left out."""
MAX_TITLE = 100
MAX_DESCRIPTION = 2000
_READING = ("get", "head", "options")


class Operation(msgspec.Struct, frozen=True):
    """How one tool is called. `accept`: value of that header; `structured`: whether an output schema is declared."""

    tool: str
    method: str
    target: Target
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    arguments: tuple[str, ...]
    required: frozenset[str]
    accept: str
    structured: bool


class Tools(msgspec.Struct, frozen=True):
    """`listing`: the result of `tools/list`; `warnings`: what was left out and why, for people."""

    listing: bytes
    operations: dict[str, Operation]
    warnings: tuple[str, ...]


def build(document: Document, choice: Choice, stop: Flag) -> Tools:
    """The chosen tools. Raises `Broken` if there would be none for a reason, `Stopped` once `stop` is set."""
    named = operations(document)
    chosen = [each for each in named if choice.takes(each.name)]
    if len(chosen) > MAX_TOOLS:
        raise Broken(f"it has {len(chosen)} operations, more than {MAX_TOOLS}; choose some by include or exclude")
    warnings = list(choice.unmatched([each.name for each in named]))
    builder = _Builder(document, choice)
    items: dict[str, bytes] = {}
    known: dict[str, Operation] = {}
    for each in chosen:
        if stop.is_set():
            raise Stopped
        try:
            items[each.name], known[each.name] = builder.tool(each)
        except (Broken, RecursionError, ValueError) as error:
            warnings.append(f"{each} is left out: {error}")
    if chosen and not items:
        raise Broken(f"none of its operations can be used: {warnings[-1]}")
    return Tools(b'{"tools":[%b]}' % b",".join(items.values()), known, tuple(warnings))


class _Builder:
    def __init__(self, document: Document, choice: Choice) -> None:
        self._document = document
        self._choice = choice
        self._inputs = Converter(document, "input")
        self._outputs = Converter(document, "output")
        self._targets: dict[str, Target] = {}

    def tool(self, named: Named) -> tuple[bytes, Operation]:
        """The tool as it is listed, and its operation. Raises `Broken`."""
        scope = named.scope
        target = self._target(scope)
        signature = Signature()
        found = parameters(scope, self._inputs, Fixed(self._choice.headers, _query_names(target)), signature)
        content = None if named.method == "head" else body(scope, self._inputs, signature)
        successes = contents(self._document, scope.operation)
        output = output_schema(successes, self._outputs)
        operation = Operation(
            tool=named.name,
            method=named.method.upper(),
            target=target,
            path=scope.path.partition("#")[0],
            parameters=found,
            body=content,
            arguments=tuple(signature.properties),
            required=frozenset(signature.required),
            accept=accepted(successes),
            structured=output is not None,
        )
        item = {"name": named.name, **_words(named), "inputSchema": self._input(signature)}
        if output is not None:
            item["outputSchema"] = output
        return encode({**item, "annotations": _annotations(named.method)}), operation

    def _target(self, scope: Scope) -> Target:
        base = self._choice.base_url or self._document.base(scope.operation, scope.item)
        if base not in self._targets:
            try:
                self._targets[base] = Target.parse(base)
            except ValueError as error:
                raise Broken(f"its server cannot be used: {error}") from error
        return self._targets[base]

    def _input(self, signature: Signature) -> Schema:
        schema: Schema = {"type": "object", "properties": signature.properties}
        if signature.required:
            schema["required"] = signature.required
        return {**close(schema, self._inputs, MAX_VALUES), "additionalProperties": False}


def _query_names(target: Target) -> frozenset[str]:
    return frozenset(name for name, _ in parse_qsl(target.path.partition("?")[2], keep_blank_values=True))


def _words(named: Named) -> dict[str, Any]:
    """Title and description; method and path where the document has no word for it."""
    declared = named.scope.operation
    summary, description = (text(declared.get(key)).strip() for key in ("summary", "description"))
    said = [each for each in dict.fromkeys((summary, description)) if each]
    said = said or [f"{named.method.upper()} {named.scope.path}"]
    deprecated = "Deprecated. " if declared.get("deprecated") is True else ""
    words = {"title": short(summary, MAX_TITLE)} if summary else {}
    return {**words, "description": short(deprecated + "\n\n".join(said), MAX_DESCRIPTION)}


def _annotations(method: str) -> dict[str, bool]:
    """What HTTP says of a method (RFC 9110 9.2), as hints of MCP."""
    hints = {"readOnlyHint": method in _READING, "openWorldHint": True}
    if method == "delete":
        hints["destructiveHint"] = True
    if method in ("put", "delete"):
        hints["idempotentHint"] = True
    return hints

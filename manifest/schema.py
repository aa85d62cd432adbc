"""The manifest's JSON Schema (2020-12): what `fedgate schema` prints and editors read.

Made from the models, then widened by what the loader accepts besides: `${...}` wherever a
value is not free text, `mcpServers` as other clients write it, and `$schema` itself.
"""

from copy import deepcopy
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from .claude import CLIENT_KEYS
from .model import Manifest

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTITY = "urn:fedgate:manifest"
_REFERENCE: Schema = {"type": "string", "pattern": r"\$\{"}
_ABOUT = ("title", "description", "default", "examples")
_CONSTRAINTS = ("pattern", "enum", "const")


def schema() -> Schema:
    """A fresh copy; it refers to nothing outside of itself."""
    found = Manifest.model_json_schema(schema_generator=_Generator)
    definitions: Schema = found["$defs"]
    for name in ("StdioServer", "HttpServer", "OpenApiServer", "AgentServer"):
        definitions[f"Client{name}"] = _client(definitions[name])
    servers = definitions["McpSettings"]["properties"]["servers"]
    properties = {
        "$schema": {"type": "string", "description": "Where an editor finds this schema. Ignored."},
        **found["properties"],
        "mcpServers": {
            "description": "Servers as Claude and other clients write them; the same as mcp.servers.",
            "type": "object",
            "patternProperties": {
                pattern: {
                    "oneOf": [{"$ref": each["$ref"].replace("/$defs/", "/$defs/Client")} for each in server["oneOf"]]
                }
                for pattern, server in servers["patternProperties"].items()
            },
            "additionalProperties": False,
        },
    }
    whole = {**found, "properties": properties}
    head = {"$schema": DIALECT, "$id": IDENTITY, "title": "fedgate manifest"}
    return {**head, **_widened({key: value for key, value in whole.items() if key not in head})}


class _Generator(GenerateJsonSchema):
    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        found = super().dict_schema(schema)
        # Names have a pattern; other names are errors, not extras.
        return {**found, "additionalProperties": False} if "patternProperties" in found else found


def _client(server: Schema) -> Schema:
    """A server as other clients write it: a bare number as timeout, and keys for the client alone."""
    found = deepcopy(server)
    timeout = found["properties"]["timeout"]
    about = {key: timeout.pop(key) for key in _ABOUT if key in timeout}
    found["properties"]["timeout"] = {**about, "anyOf": [timeout, {"type": "integer", "minimum": 1}]}
    found["properties"].update({key: {"description": "For the client only."} for key in CLIENT_KEYS})
    return found


def _widened(node: Schema) -> Schema:
    """The schema with `${...}` allowed in every scalar that is not free text."""
    found = dict(node)
    if "properties" in found:
        found["properties"] = {name: _widened(_untitled(each)) for name, each in found["properties"].items()}
    for key in ("patternProperties", "$defs"):
        if key in found:
            found[key] = {name: _widened(each) for name, each in found[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(found.get(key), dict):
            found[key] = _widened(found[key])
    for key in ("anyOf", "oneOf"):
        if key in found:
            found[key] = [_widened(each) for each in found[key]]
    if not _is_constrained_scalar(node):
        return found
    about = {key: found.pop(key) for key in _ABOUT if key in found}
    return {**about, "anyOf": [found, _REFERENCE]}


def _untitled(node: Schema) -> Schema:
    """Without pydantic's title for a property, which is its name again."""
    return {key: value for key, value in node.items() if key != "title"}


def _is_constrained_scalar(node: Schema) -> bool:
    kind = node.get("type")
    return kind in ("integer", "boolean") or (kind == "string" and any(key in node for key in _CONSTRAINTS))

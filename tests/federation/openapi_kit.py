"""What the OpenAPI tests share: small documents made of parts, and the tools that they become."""

import json
from pathlib import Path
from threading import Event
from typing import Any

from fedgate.core.rawjson import fields
from fedgate.federation.openapi_document import Document
from fedgate.federation.openapi_names import Choice
from fedgate.federation.openapi_request import HttpRequest, request
from fedgate.federation.openapi_tools import Operation, Tools, build

DOCUMENTS = Path(__file__).parent / "openapi"
BASE = "http://api.example.com/v1"
PETSTORE = DOCUMENTS / "petstore.yaml"
TRACKS = DOCUMENTS / "tracks.json"


def document(paths: dict[str, Any], version: str = "3.1.0", **more: Any) -> Document:
    return Document({"openapi": version, "info": {"title": "T", "version": "1"}, "paths": paths, **more})


def tools(found: Document, **choice: Any) -> Tools:
    return build(found, Choice(**{"base_url": BASE, **choice}), Event())


def listed(found: Tools) -> dict[str, Any]:
    """Name → tool as it is listed."""
    return {each["name"]: each for each in json.loads(found.listing)["tools"]}


def only(operation: dict[str, Any], path: str = "/x", method: str = "get", **more: Any) -> tuple[Any, Operation]:
    """The one tool of a document with one operation, and how it is called."""
    choice = more.pop("choice", {})
    found = tools(document({path: {method: {"operationId": "op", **operation}}}, **more), **choice)
    assert found.warnings == ()
    return listed(found)["op"], found.operations["op"]


def sent(operation: Operation, arguments: dict[str, Any], **fixed: str) -> HttpRequest:
    """The request that a call makes. `fixed`: the manifest's headers, with `_` for `-`."""
    headers = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fixed.items())
    return request(operation, fields(json.dumps(arguments).encode()), headers, "test/1")


def parameter(name: str, where: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": where, "schema": {}, **more}


def with_body(content: dict[str, Any], *, required: bool = True, **more: Any) -> dict[str, Any]:
    """An operation with a request body."""
    return {"requestBody": {"content": content, "required": required}, **more}

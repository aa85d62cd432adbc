"""The part of the administration's OpenAPI document that is about watching: live view, stories, reload. Pure data.

Above: `openapi.py`.
"""

from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MOMENT: Schema = {"type": "number", "description": "Seconds since the epoch."}
_NAMES: Schema = {"type": "array", "items": _TEXT}


def watched() -> Schema:
    """The paths."""
    return {"/live": {"get": _live()}, "/requests/{id}": {"get": _story()}, "/reload": _reload()}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, name: str) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": _ref(name)}}}


_ERROR = _json("Refused", "Error")


def _live() -> Schema:
    events = {
        "type": "string",
        "description": "Events snapshot (all operations), delta (those that are new or other, and those that ended) "
        "and sessions (the first page of /sessions). Who does not keep up gets a snapshot again.",
    }
    once = _json("Operations under way, as a stream of events; with once a snapshot as JSON", "Live")
    once["content"]["text/event-stream"] = {"schema": events}
    return {
        "operationId": "watch",
        "summary": "What happens at this moment",
        "parameters": [
            {
                "name": "once",
                "in": "query",
                "required": False,
                "allowEmptyValue": True,
                "schema": _TEXT,
                "description": "Give one snapshot and end.",
            }
        ],
        "responses": {"200": once, "default": _ERROR},
    }


def _story() -> Schema:
    return {
        "operationId": "tellRequest",
        "summary": "The story of a request: stages, decisions, upstreams, outcome",
        "parameters": [
            {
                "name": "id",
                "in": "path",
                "required": True,
                "schema": _TEXT,
                "description": "x-fedgate-request-id of the reply, which is request_id in the access line.",
            }
        ],
        "responses": {"200": _json("Every operation of the request", "Request"), "default": _ERROR},
    }


def _reload() -> Schema:
    return {
        "get": {
            "operationId": "reloaded",
            "summary": "Which manifest is served, and what became of the last one that was read",
            "responses": {"200": _json("How it stands", "Served"), "default": _ERROR},
        },
        "post": {
            "operationId": "reload",
            "summary": "Read the manifest again and serve it, or say why not",
            "responses": {
                "200": _json("It is served, or is what is served already", "Reloaded"),
                "422": _json("It cannot be used; what was served is served on", "Reloaded"),
                "default": _ERROR,
            },
        },
    }


def _object(**members: Schema) -> Schema:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _some(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def watched_schemas() -> dict[str, Schema]:
    changed = {"type": "object", "properties": {"added": _NAMES, "removed": _NAMES, "changed": _NAMES}}
    changes = _object(sections={"type": "object", "additionalProperties": changed}, restart=_NAMES)
    return {
        "Operation": _running(),
        "Live": _object(
            when=_MOMENT, total=_COUNT, operations=_some(_ref("Operation")), sessions=_or_null(_ref("Sessions"))
        ),
        "Request": _object(request=_TEXT, operations=_some(_ref("Story"))),
        "Story": _told(),
        "Reloaded": _object(
            result={"enum": ["applied", "unchanged", "refused"]},
            when=_MOMENT,
            by=_TEXT,
            changes=changes,
            reason=_TEXT,
        ),
        "Served": _object(
            possible={"type": "boolean", "description": "Whether there is a manifest that can be read again."},
            generation={"type": "integer", "minimum": 1},
            since=_MOMENT,
            last=_or_null(_ref("Reloaded")),
        ),
    }


def _running() -> Schema:
    texts = ("id", "protocol", "operation", "user", "source", "target", "destination", "endpoint", "session", "error")
    return _object(
        number=_COUNT,
        **dict.fromkeys(texts, _TEXT),
        state={"enum": ["running", "streaming", "done", "failed"]},
        status=_or_null(_COUNT),
        since=_MOMENT,
        seconds=_or_null(_NUMBER),
        bytes_in=_or_null(_COUNT),
        bytes_out=_COUNT,
        input_tokens=_or_null(_COUNT),
        output_tokens=_or_null(_COUNT),
        cost_usd=_or_null(_NUMBER),
    )


def _told() -> Schema:
    asked = _object(upstream=_TEXT, kind=_TEXT, what=_TEXT, at_ms=_NUMBER, took_ms=_NUMBER, error=_TEXT)
    texts = ("id", "protocol", "operation", "route", "target", "endpoint", "user", "error")
    return _object(
        **dict.fromkeys(texts, _TEXT),
        when=_MOMENT,
        status=_COUNT,
        duration_ms=_NUMBER,
        overhead_ms=_NUMBER,
        stages=_some(_object(stage=_TEXT, at_ms=_NUMBER, took_ms=_NUMBER)),
        decisions=_NAMES,
        upstreams=_some(asked),
        fields={"type": "object"},
    )

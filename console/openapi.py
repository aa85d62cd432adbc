"""What the administration answers, as an OpenAPI document. Pure data, written by hand; a test holds it to the routes.

Above: `admin.py`. Below: the words that `filters.py` knows.
"""

from collections.abc import Sequence
from typing import Any

from .filters import LIMIT, MOST, STATES
from .openapi_watching import watched, watched_schemas
from .rows import KINDS, PROTOCOLS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SECONDS: Schema = {"type": "number", "minimum": 0}
MOMENT: Schema = {"type": "number", "description": "Seconds since the epoch."}
REACHED: Schema = {"enum": ["starting", "ready", "unreachable", "lost"]}


def document(version: str) -> Schema:
    """The whole of it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fedgate administration",
            "version": version,
            "description": "For callers in access.admins; for this machine while nobody has to say who they are.",
        },
        "servers": [{"url": "/admin"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
            "schemas": _schemas(),
        },
    }


def _paths() -> Schema:
    one = [_in_path("agent"), _in_path("instance")]
    below = "/agents/{agent}/instances/{instance}"
    return {
        "/sessions": {
            "get": _operation("listSessions", "Sessions, contexts and tasks, newest first", "Sessions", _filters())
        },
        "/sessions/{mark}": {
            "delete": _operation(
                "endSession",
                "End one: its streams close, and its id is unknown from then on. Of a context its tasks end too",
                "Ended",
                [_in_path("mark")],
            )
        },
        "/agents": {"get": _operation("listAgents", "Agents, their instances, and what each holds", "Agents")},
        f"{below}/drain": {
            "post": _operation("drain", "Give the instance no new conversations; those it holds go on", "Instance", one)
        },
        f"{below}/undrain": {"post": _operation("undrain", "Give it new conversations again", "Instance", one)},
        "/why": {"post": _asking()},
        "/servers": {"get": _operation("listServers", "MCP servers, as /readyz shows them", "Servers")},
        **watched(),
        "/openapi.json": {
            "get": {
                "operationId": "describe",
                "summary": "This document",
                "responses": {"200": _json("OpenAPI 3.1", {"type": "object"}), "default": _ERROR},
            }
        },
    }


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_ERROR = _json("Refused: 400, 401, 403, 404, 405 or 421", _ref("Error"))


def _operation(ident: str, summary: str, gives: str, parameters: Sequence[Schema] = ()) -> Schema:
    return {
        "operationId": ident,
        "summary": summary,
        "parameters": list(parameters),
        "responses": {"200": _json(summary, _ref(gives)), "default": _ERROR},
    }


def _asking() -> Schema:
    summary = "May this one do that, and why: identity, route, rules, limits. Nothing is sent"
    body = {"required": True, "content": {"application/json": {"schema": _ref("Question")}}}
    return {**_operation("why", summary, "Why"), "requestBody": body}


def _in_path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


def _filters() -> list[Schema]:
    return [
        _in_query("protocol", _one_of(PROTOCOLS), "Of this protocol."),
        _in_query("owner", TEXT, "Of this caller: kind and id (key:alice), or the id alone."),
        _in_query("agent", TEXT, "Contexts and tasks of this agent."),
        _in_query("instance", TEXT, "Held by this instance."),
        _in_query(
            "kind",
            _one_of(sorted(set(KINDS.values()))),
            "Of this kind; conversation: those with models, and with agents, which are contexts.",
        ),
        _in_query(
            "state",
            _one_of(STATES),
            "Of a session active or idle; of a context that of its instance; of a task its own, also as A2A 1.0 "
            "spells it.",
        ),
        _in_query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}, "On one page."),
        _in_query("cursor", TEXT, "`next` of the page before."),
    ]


def _one_of(words: Sequence[str]) -> Schema:
    return {"enum": ["", *words]}


def _in_query(name: str, schema: Schema, description: str) -> Schema:
    """An empty value is as none; for a number that is said in words alone."""
    more: Schema = {"description": f"{description} Empty: as if it were left out."}
    if "type" not in schema or schema["type"] == "string":
        more["allowEmptyValue"] = True
    return {"name": name, "in": "query", "required": False, "schema": schema, **more}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(optional: Sequence[str] = (), **members: Schema) -> Schema:
    return {
        "type": "object",
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


def _list(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _schemas() -> dict[str, Schema]:
    return {
        "Error": _object(error=_object(reason=TEXT, message=TEXT)),
        "Session": _session(),
        "Sessions": _object(sessions=_list("Session"), next=_or_null(TEXT), total=COUNT),
        "Ended": _object(session=_ref("Session"), tasks=COUNT),
        "Instance": _instance(),
        "Agent": _agent(),
        "Agents": _object(agents=_list("Agent")),
        "Question": _question(),
        "Why": _why(),
        "Server": _server(),
        "Servers": _object(servers=_list("Server")),
        **watched_schemas(),
    }


def _session() -> Schema:
    return _object(
        id={"type": "string", "description": "The mark; of contexts and tasks the id if telemetry.log.ids is plain."},
        mark={"type": "string", "pattern": "^[0-9a-f]{24}$", "description": "What DELETE takes."},
        log_id={"type": "string", "description": "What access lines call it unless telemetry.log.ids is plain."},
        protocol={"enum": list(PROTOCOLS)},
        kind={"enum": sorted(set(KINDS.values()))},
        owner={"type": "string", "description": "Kind and id of the caller who opened it."},
        target={"type": "string", "description": "The agent, or the view of the catalog (empty: all servers)."},
        instance=_or_null(TEXT),
        epoch=_or_null(TEXT),
        state=TEXT,
        created=MOMENT,
        last_seen=MOMENT,
        age_seconds=SECONDS,
        idle_seconds=SECONDS,
        turns=COUNT,
        input_tokens=_or_null(COUNT),
        output_tokens=_or_null(COUNT),
        cost_usd=_or_null({"type": "number"}),
    )


def _instance() -> Schema:
    return _object(
        name=TEXT,
        url={"type": "string", "description": "Host and port alone."},
        state=REACHED,
        epoch={"type": "string", "description": "Stands for one process: another epoch, other conversations."},
        draining={"type": "boolean"},
        inflight={**COUNT, "description": "Requests under way."},
        conversations={**COUNT, "description": "Contexts that it holds."},
        tasks={**COUNT, "description": "Tasks that it holds and that have not ended."},
        last_used=_or_null(MOMENT),
        speaks={"type": "array", "items": TEXT},
        since=MOMENT,
        reason=TEXT,
    )


def _agent() -> Schema:
    return _object(
        name=TEXT,
        state=REACHED,
        version=TEXT,
        policy={"enum": ["instance", "shared", "none"]},
        conversations=COUNT,
        tasks=COUNT,
        lost={**COUNT, "description": "Conversations whose process is gone."},
        instances=_list("Instance"),
        reason=TEXT,
    )


def _question() -> Schema:
    """`minLength` would keep an empty name out, which is as none; the two are told apart by the answer."""
    anybody = {"anyOf": [TEXT, {"type": "object"}], "description": "A key, its id, a token, anonymous; or claims."}
    return _object(
        ("as", "tool", "agent", "model", "arguments", "view"),
        **{"as": anybody},
        tool=TEXT,
        agent=TEXT,
        model=TEXT,
        arguments={"type": "object"},
        view={"type": "string", "description": "The catalog that the tool is in; empty: all servers."},
    )


def _why() -> Schema:
    flag = {"type": "boolean"}
    return _object(
        ("route",),
        identity=_object(admitted=flag, id=TEXT, kind=TEXT, groups={"type": "array", "items": TEXT}, why=TEXT),
        asked=_object(kind={"enum": ["tool", "agent", "model"]}, name=TEXT, view=TEXT, operation=TEXT),
        route={"type": "object", "description": "What the name leads to."},
        rules={"type": "array", "items": _told()},
        limits={"type": "array", "items": _standing()},
        known={"type": "boolean", "description": "Whether the caller may know of it; else it looks unknown."},
        allowed=flag,
        why=TEXT,
        told={"type": "string", "description": "What the caller is told; empty if it is allowed."},
    )


def _told() -> Schema:
    kinds, held = ["allow", "deny", "require"], ["yes", "no", "error", "unknown"]
    return _object(rule=TEXT, kind={"enum": kinds}, expression=TEXT, held={"enum": held}, why=TEXT)


def _standing() -> Schema:
    kinds = ["requests", "tokens", "concurrency"]
    return _object(limit=TEXT, kind={"enum": kinds}, most=COUNT, per=TEXT, left=COUNT)


def _server() -> Schema:
    return _object(
        name=TEXT,
        state={"enum": ["starting", "ready", "degraded", "down"]},
        since=MOMENT,
        reason=TEXT,
        era=TEXT,
        version=TEXT,
        tools=COUNT,
        prompts=COUNT,
        resources=COUNT,
        endpoint=TEXT,
        tokens=COUNT,
        changed=COUNT,
    )

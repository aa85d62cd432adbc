"""The document and the routes are one: every route is in it, and every answer is what it says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from starlette.routing import Route

from fedgate.console.openapi import document
from fedgate.console.rows import mark_of
from tests.console.kit import Desk, two

pytestmark = pytest.mark.anyio

DOCUMENT = document("1.2.3")


def schema(path: str, method: str, status: str = "200") -> dict[str, Any]:
    """Of one answer, with what it refers to."""
    found = DOCUMENT["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return {**found, "components": DOCUMENT["components"]}


def check(answer: Any, path: str, method: str = "get", status: str = "200") -> None:
    Draft202012Validator(schema(path, method, status)).validate(answer)


def test_it_names_every_route_and_no_other() -> None:
    served = {
        (route.path, method.lower())
        for route in Desk().admin.paths
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    assert {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods} == served


def test_its_schemas_are_schemas_and_every_reference_leads_somewhere() -> None:
    for each in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(each)
    names = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) == names
    idents = [each["operationId"] for methods in DOCUMENT["paths"].values() for each in methods.values()]
    assert len(set(idents)) == len(idents)


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [each for member in value.values() for each in references(member)]
    return [each for member in value for each in references(member)] if isinstance(value, list) else []


async def test_every_answer_is_what_it_says() -> None:
    desk = Desk(two("lost"), plain=True)
    session = desk.session()
    desk.context("c1")
    desk.task("t1", "c1")
    spoken, _ = desk.table.claim("llm.conversation", "x", "key:alice", "smart")
    spoken.data = {"target": "anthropic/claude", "input_tokens": 3, "output_tokens": 4, "cost_usd": 0.5}
    check(await desk.get("/admin/sessions?limit=2"), "/sessions")
    check(await desk.get("/admin/sessions"), "/sessions")
    check(await desk.get("/admin/agents"), "/agents")
    check(await desk.get("/admin/servers"), "/servers")
    assert await desk.get("/admin/openapi.json") == DOCUMENT
    for act in ("drain", "undrain"):
        reply = await desk.ask(f"/admin/agents/support/instances/s1/{act}", "POST")
        check(reply.json(), f"/agents/{{agent}}/instances/{{instance}}/{act}", "post")
    ended = await desk.ask(f"/admin/sessions/{mark_of(session)}", "DELETE")
    check(ended.json(), "/sessions/{mark}", "delete")


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/admin/sessions?limit=0", "the-admins-key"),
        ("GET", "/admin/sessions", None),
        ("GET", "/admin/nothing", "the-admins-key"),
        ("POST", "/admin/servers", "the-admins-key"),
    ],
)
async def test_every_refusal_is_what_it_says(method: str, path: str, key: str | None) -> None:
    reply = await Desk().ask(path, method, key)
    assert reply.status_code >= 400
    check(reply.json(), "/sessions", "get", "default")

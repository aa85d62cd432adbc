"""Schemathesis asks the administration what its own document lets one ask, and holds the answers to the document.

Requests are made from the description alone, some that it allows and some that it does not; none may fail, and each
answer has a described status, content type and body. Nothing of it is random: every run asks the same. `/live` is
asked for its snapshot alone, since its stream has no end.
"""

from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import APIOperation, Case, CheckFunction, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from fedgate.console.admin import Admin, Parts
from fedgate.console.openapi import document
from fedgate.console.rows import mark_of
from fedgate.console.why import Question
from fedgate.gateway.differences import Changed, Differences
from fedgate.gateway.reload import Outcome
from fedgate.telemetry.live import Live
from fedgate.telemetry.stories import Stories
from tests.console.kit import KEY, SERVER, Desk
from tests.console.test_watching import Reload
from tests.telemetry.operations import over, record

EXAMPLES = 20
VERSION = "1.2.3"
HEADERS = {"authorization": f"Bearer {KEY}"}
OUTCOME = Outcome("applied", 5.0, "file", Differences({"mcp.servers": Changed(added=("two",))}, ("gateway",)), "why")
EXPLAINED = {
    "identity": {"admitted": True, "id": "alice", "kind": "key", "groups": ["staff"], "why": "a key"},
    "asked": {"kind": "tool", "name": "notes__add", "view": "", "operation": "tools/call"},
    "rules": [{"rule": "r", "kind": "deny", "expression": "false", "held": "no", "why": ""}],
    "limits": [{"limit": "l", "kind": "requests", "most": 5, "per": "minute", "left": 4}],
    "known": True,
    "allowed": True,
    "why": "nothing refuses it",
    "told": "",
}


class Office(Desk):
    """A desk with something behind every route."""

    def __init__(self) -> None:
        super().__init__(plain=True)
        self.context("c1")
        self.task("t1", "c1")
        mark = mark_of(self.session())
        self.known = {"mark": mark, "agent": "support", "instance": "s1", "id": "boot-1"}
        live, stories = Live(self.clock), Stories(10)
        live.began(record(self.clock))
        stories.ended(over(self.clock, record(self.clock)))
        parts = Parts(self.admit, self.table, self.agents, lambda: [dict(SERVER)], VERSION, plain_ids=True)
        more = {"live": live, "stories": stories, "reload": Reload(OUTCOME), "why": self.explain}
        self.app = Starlette(routes=Admin(msgspec.structs.replace(parts, **more)).routes)

    async def explain(self, _question: Question) -> dict[str, Any]:
        return EXPLAINED


class Building:
    """The application that is asked: a new office for each example, so that none depends on those before it."""

    def __init__(self) -> None:
        self.office = Office()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.office.app(scope, receive, send)


BUILDING = Building()
SCHEMA = schemathesis.openapi.from_dict(document(VERSION), config=schemathesis.Config(seed=1))
SCHEMA.app = BUILDING
OPERATIONS: list[APIOperation[Any, Any, Any, Any]] = [
    each.ok() for each in SCHEMA.get_all_operations() if isinstance(each, Ok)
]

BEYOND: dict[str, list[CheckFunction]] = {
    "GET /sessions": [positive_data_acceptance],
    "POST /why": [positive_data_acceptance],
}
"""What a schema cannot say: a cursor is one that was given out, an empty filter is none, and one of three is asked."""


def validated(case: Case[Any]) -> int:
    """Ask it; the status, once the answer is what is described."""
    if case.operation.path == "/live":
        case.query = {**case.query, "once": ""}
    reply = case.call(headers=HEADERS)
    case.validate_response(reply, headers=HEADERS, excluded_checks=BEYOND.get(case.operation.label))
    return reply.status_code


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: str(each.label))
def test_whatever_is_asked_is_answered_as_described(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode
) -> None:
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(case=operation.as_strategy(mode))
    def asked(case: Case[Any]) -> None:
        BUILDING.office = Office()
        assert validated(case) < 500

    asked()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: str(each.label))
def test_what_is_there_is_found_as_described(operation: APIOperation[Any, Any, Any, Any]) -> None:
    statuses: set[int] = set()

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None)
    @given(case=operation.as_strategy())
    def asked(case: Case[Any]) -> None:
        BUILDING.office = Office()
        case.path_parameters = {name: BUILDING.office.known[name] for name in case.path_parameters}
        case.query.pop("cursor", None)
        statuses.add(validated(case))

    asked()
    assert 200 in statuses
    assert statuses <= ({200, 400} if operation.label == "POST /why" else {200})


def test_every_operation_of_the_document_is_asked() -> None:
    described = {
        f"{method.upper()} {path}" for path, methods in document(VERSION)["paths"].items() for method in methods
    }
    assert {each.label for each in OPERATIONS} == described

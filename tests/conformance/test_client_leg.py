"""The client that the suite starts: what it makes up, and what it does in a scenario, without the suite."""

from typing import Any

import pytest
from mcp import types

from tests.conformance import everything_server
from tests.conformance.client_leg import SCENES, call_everything, defaults, look_only, sample
from tests.conformance.client_leg_run import NOT_PLAYED, chosen, judged, listed, not_played
from tests.conformance.processes import RunnerError

LISTING = """Client scenarios (test against a client):
  - initialize [2025-06-18,2025-11-25]
  - tools_call [2025-06-18,2025-11-25,2026-07-28]
  - auth/dpop [extension]
"""
PASS = {"id": "one", "status": "SUCCESS"}
SKIP = {"id": "two", "status": "SKIPPED"}


def _check(status: str) -> dict[str, Any]:
    return {"id": "header", "status": status, "errorMessage": "it is missing"}


def test_arguments_are_made_up_for_every_property_of_a_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "boolean"}, "c": {}}}
    assert sample(schema) == {"a": 1.5, "b": True, "c": "x"}


def test_a_form_is_sent_back_with_its_defaults() -> None:
    fields = {"name": {"type": "string", "default": "John Doe"}, "age": {"type": "integer"}}
    schema = {"type": "object", "properties": fields}
    params = types.ElicitRequestFormParams(message="who?", requested_schema=schema)
    assert defaults(params) == {"name": "John Doe", "age": 1}


@pytest.mark.parametrize(
    ("scenario", "scene"), [("tools_call", call_everything), ("json-schema-ref-no-deref", look_only)]
)
def test_a_scenario_without_a_scene_of_its_own_calls_every_tool(scenario: str, scene: object) -> None:
    assert SCENES.get(scenario, call_everything) is scene


def test_arguments_can_be_made_up_for_every_fixture() -> None:
    made = {name: sample(fixture.tool.input_schema) for name, fixture in everything_server.TOOLS.items()}
    assert made["test_x_mcp_header"] == {"region": "x"}


def test_the_scenarios_of_each_revision_are_read_from_the_suites_list() -> None:
    assert dict(listed(LISTING)) == {
        "initialize": ["2025-06-18", "2025-11-25"],
        "tools_call": ["2025-06-18", "2025-11-25", "2026-07-28"],
        "auth/dpop": ["extension"],
    }


def test_what_no_reason_speaks_against_is_played_and_so_are_extensions() -> None:
    known = dict(listed(LISTING))
    assert chosen(known, "2025-11-25", {}) == ["initialize", "tools_call", "auth/dpop"]
    assert chosen(known, "2026-07-28", {"auth/dpop": "no"}) == ["tools_call"]


def test_a_reason_for_a_scenario_that_the_suite_does_not_have_is_told() -> None:
    with pytest.raises(RunnerError, match=r"the suite has no auth/gone: take it out of not_played\.yaml"):
        chosen(dict(listed(LISTING)), "2025-11-25", {"auth/gone": "no", "auth/dpop": "no"})


def test_every_scenario_that_is_not_played_has_a_reason() -> None:
    reasons = not_played(NOT_PLAYED)
    assert "auth/client-credentials-basic" not in reasons
    assert all(len(reason.split()) > 5 for reason in reasons.values())


def test_a_scenario_whose_checks_pass_is_good() -> None:
    scenario = judged("tools_call", True, [PASS, SKIP], "")
    assert (scenario.passed, scenario.failed, scenario.problems) == (1, 0, [])


def test_a_failed_check_is_told_with_its_message() -> None:
    scenario = judged("tools_call", True, [PASS, _check("FAILURE")], "OVERALL: FAILED")
    assert (scenario.passed, scenario.failed, scenario.problems) == (1, 1, ["header: it is missing"])


def test_a_warning_is_told_and_fails_nothing() -> None:
    scenario = judged("tools_call", True, [PASS, _check("WARNING")], "OVERALL: FAILED")
    assert (scenario.failed, scenario.warnings) == (0, ["header: it is missing"])


def test_a_client_that_ends_badly_fails_whatever_its_checks_say() -> None:
    scenario = judged("tools_call", True, [PASS], "Client timed out")
    assert (scenario.failed, scenario.problems) == (1, ["the client did not end well:\nClient timed out"])

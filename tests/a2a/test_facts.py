"""a2a/facts.py: what rules are told of a request, and the skill where clients put it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.a2a import facts
from fedgate.a2a.values import OWN, Asked, Ids
from fedgate.core.rawjson import Raw


def told(params: object = None, context: str = "", task: str = "") -> dict[str, Any]:
    raw = Raw(params) if isinstance(params, bytes) else Raw(json.dumps(params or {}).encode())
    asked = Asked("SendMessage", OWN, "support", Ids(context=context, task=task), params=raw)
    found: dict[str, Any] = facts.of_call("support", asked, None)["a2a"]
    return found


def test_a_request_is_told_by_its_agent_method_and_ids() -> None:
    found = told(context="c-1", task="t-1")
    assert {**found, "skill": found["skill"]()} == {
        "agent": "support",
        "method": "SendMessage",
        "context_id": "c-1",
        "task_id": "t-1",
        "skill": None,
    }


def test_ids_that_are_not_named_are_left_out() -> None:
    assert sorted(told()) == ["agent", "method", "skill"]


@pytest.mark.parametrize(
    "params",
    [
        {"message": {"metadata": {"skillId": "count"}}},
        {"message": {"metadata": {"skill_id": "count"}}},
        {"metadata": {"skill": "count"}},
        {"message": {"metadata": {"skillId": 5, "skill": "count"}}, "metadata": {"skillId": "other"}},
    ],
)
def test_the_skill_is_found(params: object) -> None:
    assert told(params)["skill"]() == "count"


@pytest.mark.parametrize("params", [b"", b"[]", b"{", {"message": []}, {"message": {"metadata": {"skillId": {}}}}])
def test_there_may_be_no_skill(params: object) -> None:
    assert told(params)["skill"]() is None


def test_a_request_too_large_to_be_searched_does_not_pass_for_one_without_a_skill() -> None:
    large = b'{"x":"%b","message":{"metadata":{"skillId":"count"}}}' % (b"x" * facts.MAX_LOOKED_AT)
    assert told(large)["skill"]() == Raw(large)


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_have_a_skill_or_none(params: bytes) -> None:
    assert isinstance(told(params)["skill"](), str | None)

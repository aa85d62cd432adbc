"""Answers of all four speeches in one form; and nothing that comes is too odd to be read."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.a2a_heard import Answer, Failure, Heard, hear, state
from bench.a2a_speech import SPEECHES

V1_RPC, V1_REST, V03_RPC, V03_REST = SPEECHES
STATUS = {"state": "TASK_STATE_COMPLETED", "message": {"parts": [{"text": "asked"}]}}
TASK = {"id": "t", "contextId": "c", "status": STATUS, "artifacts": [{"parts": [{"text": "an"}, {"text": "swer"}]}]}
OLD_STATUS = {"state": "input-required", "message": {"content": [{"text": "asked"}]}}


def seen(heard: Heard) -> tuple[str, ...]:
    return heard.kind, heard.task, heard.context, heard.state, heard.text, heard.question


@pytest.mark.parametrize(
    ("speech", "body", "wanted"),
    [
        (V1_RPC, {"result": {"task": TASK}}, ("task", "t", "c", "TASK_STATE_COMPLETED", "answer", "asked")),
        (V1_RPC, {"result": TASK}, ("task", "t", "c", "TASK_STATE_COMPLETED", "answer", "asked")),
        (V1_REST, TASK, ("task", "t", "c", "TASK_STATE_COMPLETED", "answer", "asked")),
        (
            V1_REST,
            {"statusUpdate": {"taskId": "t", "contextId": "c", "status": STATUS}},
            ("statusUpdate", "t", "c", "TASK_STATE_COMPLETED", "", "asked"),
        ),
        (
            V03_RPC,
            {"result": {"kind": "status-update", "taskId": "t", "contextId": "c", "status": OLD_STATUS}},
            ("statusUpdate", "t", "c", "TASK_STATE_INPUT_REQUIRED", "", "asked"),
        ),
        (
            V03_REST,
            {"artifactUpdate": {"taskId": "t", "contextId": "c", "artifact": {"parts": [{"text": "x"}]}}},
            ("artifactUpdate", "t", "c", "", "x", ""),
        ),
        (
            V1_REST,
            {"message": {"taskId": "t", "contextId": "c", "parts": [{"text": "x"}]}},
            ("message", "", "c", "", "x", ""),
        ),
        (V1_RPC, {"result": None}, ("other", "", "", "", "", "")),
    ],
)
def test_results_are_read_into_one_form(speech: Any, body: Any, wanted: tuple[str, ...]) -> None:
    assert seen(hear(speech, msgspec.json.encode(body))) == wanted


def test_failures_carry_code_reason_and_message() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "TASK_NOT_FOUND"}
    rpc = {"error": {"code": -32001, "message": "gone", "data": [info]}}
    rest = {"error": {"code": 404, "message": "gone", "details": [info]}}
    assert hear(V1_RPC, msgspec.json.encode(rpc)).failure == Failure(-32001, "TASK_NOT_FOUND", "gone", [info])
    heard = hear(V1_REST, msgspec.json.encode(rest))
    assert heard.failure == Failure(404, "TASK_NOT_FOUND", "gone", [info])
    assert Answer(404, {}, b"", [heard]).failure == heard.failure


def test_states_are_spelt_as_in_1_0() -> None:
    spelt = [state(each) for each in ("auth-required", "TASK_STATE_CANCELLED", "canceled", "")]
    assert spelt == ["TASK_STATE_AUTH_REQUIRED", "TASK_STATE_CANCELED", "TASK_STATE_CANCELED", ""]


KEYS = st.sampled_from(
    [
        "result",
        "error",
        "task",
        "message",
        "statusUpdate",
        "kind",
        "status",
        "state",
        "parts",
        "artifacts",
        "data",
        "id",
    ]
)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(SPEECHES), json.map(msgspec.json.encode) | st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_nothing_that_comes_is_too_odd_to_be_read(speech: Any, body: bytes) -> None:
    assert isinstance(hear(speech, body), Heard)

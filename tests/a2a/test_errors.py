"""a2a/errors.py: the table is the specification's, and "not yours" cannot be told from "not found"."""

import pytest

from fedgate.a2a import errors
from fedgate.a2a.errors import BY_CODE, BY_REASON, KINDS, MAX_ECHO, A2aError, Kind, quote
from fedgate.core.rawjson import Raw

from .wire import LEGACY_RPC, RPC


def test_the_table_is_that_of_the_official_sdk() -> None:
    from a2a.utils.errors import A2A_ERROR_MAPPING, JSON_RPC_ERROR_CODE_MAP

    theirs = {
        code: (code, *A2A_ERROR_MAPPING[kind], kind.__name__)
        for kind, code in JSON_RPC_ERROR_CODE_MAP.items()
        if kind in A2A_ERROR_MAPPING
    }
    ours = {kind.code: kind[:5] for kind in KINDS}
    assert ours.pop(-32700) == (-32700, 400, "INVALID_ARGUMENT", "INVALID_REQUEST", "JSONParseError")
    assert ours == theirs


def test_every_error_is_found_by_its_code_and_reason() -> None:
    assert {BY_CODE[kind.code] for kind in KINDS} == set(KINDS)
    assert BY_REASON["INVALID_REQUEST"] is errors.INVALID_REQUEST
    assert len(BY_REASON) == len(KINDS) - 1


def test_codes_that_came_with_1_0_are_internal_errors_in_0_3() -> None:
    assert [kind.code for kind in KINDS if kind.legacy_code != kind.code] == [-32008, -32009]
    assert errors.VERSION_NOT_SUPPORTED.legacy_code == -32603


def parts(error: A2aError) -> tuple[Kind, str, dict[str, str], tuple[tuple[bytes, bytes], ...]]:
    return error.kind, error.message, error.metadata, error.headers


def test_not_yours_looks_like_not_found() -> None:
    assert parts(errors.task_not_found("t-1")) == (
        *(errors.TASK_NOT_FOUND, "Task not found", {"taskId": "t-1"}),
        (),
    )
    assert parts(errors.foreign_context("c-1")) == parts(errors.unknown_context("c-1"))
    assert errors.foreign_context("c-1").kind.reason == "INVALID_CONTEXT"


@pytest.mark.parametrize(
    ("error", "code", "status", "reason"),
    [
        (errors.task_not_found("t"), -32001, 404, "TASK_NOT_FOUND"),
        (errors.foreign_context("c"), -32602, 400, "INVALID_CONTEXT"),
        (errors.context_lost("c"), -32602, 400, "CONTEXT_LOST"),
        (errors.instance_unavailable(5), -32603, 503, "INSTANCE_UNAVAILABLE"),
        (errors.invalid_params("why"), -32602, 400, "INVALID_PARAMS"),
        (errors.invalid_request("why"), -32600, 400, "INVALID_REQUEST"),
        (errors.parse_error("why"), -32700, 400, "INVALID_REQUEST"),
        (errors.method_not_found("why"), -32601, 404, "METHOD_NOT_FOUND"),
        (errors.version_not_supported("why"), -32009, 400, "VERSION_NOT_SUPPORTED"),
        (errors.push_not_supported(), -32003, 400, "PUSH_NOTIFICATION_NOT_SUPPORTED"),
        (errors.unsupported_operation("why"), -32004, 400, "UNSUPPORTED_OPERATION"),
        (errors.content_type_not_supported("why"), -32005, 415, "CONTENT_TYPE_NOT_SUPPORTED"),
        (errors.invalid_agent_response("why"), -32006, 500, "INVALID_AGENT_RESPONSE"),
        (errors.extended_card_not_configured(), -32007, 400, "EXTENDED_AGENT_CARD_NOT_CONFIGURED"),
        (errors.internal("why"), -32603, 500, "INTERNAL_ERROR"),
    ],
)
def test_each_constructor_makes_its_error(error: A2aError, code: int, status: int, reason: str) -> None:
    assert (error.code, error.status, error.kind.reason) == (code, status, reason)
    assert str(error) == error.message


@pytest.mark.parametrize(("seconds", "header", "delay"), [(5, b"5", "5s"), (0.2, b"1", "0.2s"), (1.5, b"2", "1.5s")])
def test_an_instance_that_is_away_says_when_to_come_again(seconds: float, header: bytes, delay: str) -> None:
    error = errors.instance_unavailable(seconds)
    assert error.retryable
    assert error.headers == ((b"retry-after", header),)
    assert error.metadata == {"retryDelay": delay}


def test_who_asked_is_said_once() -> None:
    error = errors.internal("why").asked(RPC, Raw(b"7")).asked(LEGACY_RPC, Raw(b"8"))
    assert (error.speech, bytes(error.id)) == (RPC, b"7")


def test_what_a_caller_wrote_is_repeated_in_part() -> None:
    assert quote("a" * MAX_ECHO) == "a" * MAX_ECHO
    assert quote("a" * (MAX_ECHO + 1)) == "a" * MAX_ECHO + "..."

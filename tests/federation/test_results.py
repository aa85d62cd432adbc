"""federation/results.py: results and errors that one era must not send are made fit for the client's."""

import json
from typing import Any

import pytest

from fedgate.federation.messages import Answer
from fedgate.federation.results import for_error, for_method

from .fakes import dump


def fitted(method: str, result: Any, era: Any) -> Any:
    return json.loads(for_method(method, dump(result), era))


def test_a_legacy_servers_result_is_complete_for_a_modern_client() -> None:
    assert fitted("tools/call", {"content": []}, "modern") == {"resultType": "complete", "content": []}


@pytest.mark.parametrize("kind", ["complete", "input_required", "task"])
def test_a_modern_result_keeps_its_type_byte_for_byte(kind: str) -> None:
    result = b'{"resultType": "' + kind.encode() + b'", "x": 1.50}'
    assert for_method("tools/call", result, "modern") == result


def test_what_was_read_always_says_how_long_it_may_be_kept() -> None:
    assert fitted("resources/read", {"contents": []}, "modern") == {
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
        "contents": [],
    }
    hinted = {"resultType": "complete", "ttlMs": 9, "cacheScope": "public", "contents": []}
    assert fitted("resources/read", hinted, "modern") == hinted
    assert fitted("resources/read", {"resultType": "complete", "ttlMs": 9}, "modern")["cacheScope"] == "private"


def test_a_question_instead_of_contents_carries_no_hints() -> None:
    asked = {"resultType": "input_required", "requestState": "s"}
    assert fitted("resources/read", asked, "modern") == asked


def test_contents_that_only_speak_of_questions_are_cached_as_ever() -> None:
    result = {"contents": [{"uri": "x", "_meta": {"kind": "input_required"}}]}
    assert fitted("resources/read", result, "modern")["ttlMs"] == 0


def test_a_legacy_client_gets_the_result_byte_for_byte() -> None:
    result = b'{"content": [ ], "structuredContent": {"a": 1.50} }'
    assert for_method("tools/call", result, "legacy") == result
    assert for_method("tools/call", b'{"content": [1]}', "legacy") == b'{"content": [1]}'


@pytest.mark.parametrize("structured", [[1], "x", 7, None, True])
def test_structured_content_that_was_not_legal_is_dropped_for_a_legacy_client(structured: Any) -> None:
    result = {"content": [{"type": "text", "text": "[1]"}], "structuredContent": structured, "x": 1}
    assert fitted("tools/call", result, "legacy") == {"content": [{"type": "text", "text": "[1]"}], "x": 1}
    assert fitted("tools/call", result, "modern")["structuredContent"] == structured


def test_structured_content_further_in_is_nobodys_affair() -> None:
    result = {"content": [{"structuredContent": [1]}]}
    assert fitted("tools/call", result, "legacy") == result


NOT_FOUND = {"code": -32002, "message": "no", "data": {"uri": "x"}}


def test_the_old_code_for_resource_not_found_becomes_the_new_one() -> None:
    assert json.loads(for_error(dump(NOT_FOUND), "modern").error) == {**NOT_FOUND, "code": -32602}
    assert for_error(dump(NOT_FOUND), "legacy") == Answer(error=dump(NOT_FOUND))


@pytest.mark.parametrize(
    "error", [{"code": -32603, "message": "-32002"}, {"message": "m"}, {"code": -32020, "message": "m"}]
)
@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_other_errors_pass_byte_for_byte(error: dict[str, Any], era: Any) -> None:
    assert for_error(dump(error), era) == Answer(error=dump(error))


def elicitations(*urls: str) -> list[dict[str, str]]:
    return [{"mode": "url", "url": url, "elicitationId": "e", "message": "m"} for url in urls]


def test_a_url_to_open_becomes_a_question_for_a_modern_client() -> None:
    error = dump({"code": -32042, "message": "m", "data": {"elicitations": elicitations("http://a", "http://b")}})
    answer = for_error(error, "modern")
    one, two = elicitations("http://a", "http://b")
    assert json.loads(answer.result) == {
        "resultType": "input_required",
        "inputRequests": {
            "url0": {"method": "elicitation/create", "params": one},
            "url1": {"method": "elicitation/create", "params": two},
        },
    }
    assert answer.error == b""
    assert for_error(error, "legacy") == Answer(error=error)


@pytest.mark.parametrize("data", [None, [], {}, {"elicitations": []}, {"elicitations": {}}, {"elicitations": "x"}])
def test_a_url_error_without_urls_stays_what_it_is(data: Any) -> None:
    error = dump({"code": -32042, "message": "m", "data": data})
    assert for_error(error, "modern") == Answer(error=error)

"""Answers of agents as results of tools."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.conversation import Outcome, Piece
from fedgate.core.rawjson import Raw
from fedgate.federation.agent_result import answer_in, can_be_asked, elicitation, ended, failed, progress, result


def made(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result(outcome, "support"))
    return found


def test_words_are_content_and_structured_content_beside_the_ids() -> None:
    found = made(Outcome("c1", "t1", "completed", (Piece(text="Tea is green."), Piece(text="So is grass."))))
    assert found == {
        "content": [{"type": "text", "text": "Tea is green."}, {"type": "text", "text": "So is grass."}],
        "structuredContent": {
            "text": "Tea is green.\n\nSo is grass.", "state": "completed", "contextId": "c1", "taskId": "t1",
        },
        "_meta": {"fedgate.a2a/contextId": "c1", "fedgate.a2a/taskId": "t1"},
    }  # fmt: skip


def test_a_message_that_is_no_task_names_none() -> None:
    found = made(Outcome("c1", pieces=(Piece(text="Hello."),)))
    assert found["structuredContent"] == {"text": "Hello.", "state": "completed", "contextId": "c1"}
    assert found["_meta"] == {"fedgate.a2a/contextId": "c1"}


def test_data_is_json_text_and_structured_content_in_its_own_bytes() -> None:
    whole = result(Outcome("c", pieces=(Piece(text="Here."), Piece(data=Raw(b'{"n": 1.10}')))), "support")
    assert b'"data":[{"n": 1.10}]' in whole
    found = json.loads(whole)
    assert found["content"] == [{"type": "text", "text": "Here."}, {"type": "text", "text": '{"n": 1.10}'}]
    assert found["structuredContent"]["text"] == "Here."


def test_files_are_content_of_their_kind() -> None:
    pieces = (
        Piece(blob="aGk=", name="a.png", media="image/png"),
        Piece(blob="aGk=", media="audio/wav"),
        Piece(blob="aGk=", name="r\u00e9sum\u00e9 1.pdf", media="application/pdf"),
        Piece(blob="aGk="),
        Piece(url="https://files.example.com/x/report.csv", media="text/csv"),
        Piece(url="https://files.example.com/", name="all"),
    )
    assert made(Outcome("c", "t/1", pieces=pieces))["content"] == [
        {"type": "image", "data": "aGk=", "mimeType": "image/png"},
        {"type": "audio", "data": "aGk=", "mimeType": "audio/wav"},
        {
            "type": "resource",
            "resource": {
                "uri": "a2a:///support/t%2F1/r%C3%A9sum%C3%A9%201.pdf", "mimeType": "application/pdf", "blob": "aGk=",
            },
        },
        {
            "type": "resource",
            "resource": {"uri": "a2a:///support/t%2F1/file", "mimeType": "application/octet-stream", "blob": "aGk="},
        },
        {
            "type": "resource_link", "uri": "https://files.example.com/x/report.csv", "name": "report.csv",
            "mimeType": "text/csv",
        },
        {"type": "resource_link", "uri": "https://files.example.com/", "name": "all"},
        {"type": "text", "text": "The agent has done it, and says nothing more."},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("failed", "The agent's task has failed."), ("rejected", "The agent has rejected the task."),
        ("canceled", "The agent's task was cancelled."),
    ],
)  # fmt: skip
def test_a_task_that_came_to_nothing_is_an_error(state: str, words: str) -> None:
    found = made(Outcome("c", "t", state))
    assert (found["isError"], found["content"][0]["text"]) == (True, words)
    assert made(Outcome("c", "t", state, (Piece(text="No."),)))["content"] == [{"type": "text", "text": "No."}]


def test_a_question_that_nobody_can_be_asked_says_how_to_go_on() -> None:
    found = made(Outcome("c1", "t1", "input-required", (Piece(text="Draft."),), "For how many?"))
    assert [each["text"] for each in found["content"]] == [
        "Draft.",
        "For how many?",
        'The agent waits for an answer: call this tool again with it as message, and with context_id "c1" and '
        'task_id "t1".',
    ]
    assert "isError" not in found
    assert found["structuredContent"]["state"] == "input-required"


def test_a_task_that_goes_on_says_so() -> None:
    assert made(Outcome("c", "t", "working"))["content"][0]["text"] == "The agent is still at work on the task."


def test_an_ended_task_and_a_mistake_say_why() -> None:
    found = json.loads(ended(Outcome("c", "t", "canceled", (), "Why?"), "It was declined."))
    assert (found["isError"], found["structuredContent"]["text"]) == (True, "It was declined.")
    assert json.loads(failed("No.")) == {"content": [{"type": "text", "text": "No."}], "isError": True}


def test_progress_carries_the_clients_own_token() -> None:
    assert progress(Raw(b'"a"'), 3, "") == b'{"progressToken":"a","progress":3}'
    found = json.loads(progress(Raw(b"7"), 1, "x" * 3000))
    assert (found["progressToken"], len(found["message"])) == (7, 2000)


def test_a_question_is_a_form_with_one_field() -> None:
    assert json.loads(elicitation("Who?")) == {
        "message": "Who?",
        "requestedSchema": {
            "type": "object",
            "properties": {"answer": {"type": "string", "title": "Answer"}},
            "required": ["answer"],
        },
    }


@pytest.mark.parametrize(
    ("capabilities", "can"),
    [
        (b"{}", False), (b'{"elicitation":{}}', True), (b'{"elicitation":{"form":{}}}', True),
        (b'{"elicitation":{"url":{}}}', False), (b'{"elicitation":{"url":{},"form":{}}}', True),
        (b'{"elicitation":null}', False), (b"[]", False),
    ],
)  # fmt: skip
def test_only_clients_that_show_forms_can_be_asked(capabilities: bytes, can: bool) -> None:
    assert can_be_asked(Raw(capabilities)) is can


def test_an_answer_is_its_text_and_a_refusal_none() -> None:
    assert answer_in(b'{"action":"accept","content":{"answer":" 4 "}}') == " 4 "
    assert answer_in(b'{"action":"decline"}') is None
    assert answer_in(b'{"action":"cancel"}') is None


@pytest.mark.parametrize(
    "answered", [b"[]", b"{}", b'{"action":"accept"}', b'{"action":"accept","content":{"answer":" "}}',
                 b'{"action":"accept","content":{"answer":4}}', b'{"action":"no"}'],
)  # fmt: skip
def test_what_is_no_answer_is_refused(answered: bytes) -> None:
    with pytest.raises(ValueError, match="no"):
        answer_in(answered)


@given(st.binary())
def test_whatever_a_client_answers_is_read_or_refused(junk: bytes) -> None:
    for answered in (junk, b'{"action":"accept","content":%b}' % junk):
        with contextlib.suppress(ValueError):
            answer_in(answered)
    can_be_asked(Raw(junk))

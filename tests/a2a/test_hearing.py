"""What an agent says in one turn, gathered."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.hearing import Hearing
from fedgate.core.conversation import Heard, Outcome, Piece
from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw

LIMIT = 100_000


def message(*texts: str, **more: Any) -> dict[str, Any]:
    return {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": each} for each in texts], **more}


def artifact(text: str, append: bool = False, id_: str = "a", **ids: Any) -> dict[str, Any]:
    update = {"taskId": "t1", "contextId": "c1", "artifact": {"artifactId": id_, "parts": [{"text": text}]}, **ids}
    return {"artifactUpdate": {**update, "append": append} if append else update}


def status(state: str | int, *texts: str) -> dict[str, Any]:
    told = {"state": state, "message": message(*texts)} if texts else {"state": state}
    return {"statusUpdate": {"taskId": "t1", "contextId": "c1", "status": told}}


def task(state: str, **more: Any) -> dict[str, Any]:
    return {"task": {"id": "t1", "contextId": "c1", "status": {"state": state}, **more}}


def heard(*said: dict[str, Any]) -> tuple[list[str], Hearing]:
    hearing = Hearing(LIMIT)
    return [hearing.take(json.dumps(each).encode()) for each in said], hearing


def texts(hearing: Hearing) -> list[str | None]:
    return [piece.text for piece in hearing.outcome().pieces]


def test_a_message_is_an_answer_and_names_no_task() -> None:
    said, hearing = heard({"message": message("Hello.", contextId="c1", taskId="phantom")})
    assert said == [""]
    assert hearing.over
    assert hearing.outcome() == Outcome("c1", "", "completed", (Piece(text="Hello."),))


def test_an_artifact_that_comes_piece_by_piece_is_one_text() -> None:
    said, hearing = heard(
        task("TASK_STATE_SUBMITTED"), status("TASK_STATE_WORKING", "Counting."), artifact("1 "), artifact("2 ", True),
        artifact("other", id_="b"), artifact("3", True), status("TASK_STATE_COMPLETED"),
    )  # fmt: skip
    assert said == ["", "Counting.", "1 ", "2 ", "other", "3", ""]
    assert hearing.outcome() == Outcome("c1", "t1", "completed", (Piece(text="1 2 3"), Piece(text="other")))


def test_an_artifact_that_comes_anew_replaces_the_old_one() -> None:
    _, hearing = heard(artifact("old"), artifact("new"), status("TASK_STATE_COMPLETED"))
    assert texts(hearing) == ["new"]


def test_several_parts_stay_several() -> None:
    file = {"raw": "aGk=", "filename": "f", "mediaType": "a/b"}
    parts = [{"text": "one"}, {"text": "two"}, {"data": {"n": 1}}, file, {"url": "http://h/x"}]
    _, hearing = heard(task("TASK_STATE_COMPLETED", artifacts=[{"artifactId": "a", "parts": parts}]))
    assert hearing.outcome().pieces == (
        Piece(text="one"), Piece(text="two"), Piece(data=Raw(b'{"n": 1}')),
        Piece(blob="aGk=", name="f", media="a/b"), Piece(url="http://h/x"),
    )  # fmt: skip


def test_the_last_message_counts_unless_it_repeats_the_artifact() -> None:
    _, hearing = heard(artifact("Green."), status("TASK_STATE_COMPLETED", "Green.", "Anything else?"))
    assert texts(hearing) == ["Green.", "Anything else?"]
    _, hearing = heard(status("TASK_STATE_WORKING", "Wait."), status("TASK_STATE_FAILED", "No luck."))
    assert (texts(hearing), hearing.outcome().state) == (["No luck."], "failed")


def test_an_answer_that_stands_in_the_history_alone_is_found() -> None:
    history = [{"role": "ROLE_USER", "parts": [{"text": "hi"}]}, message("Hello.")]
    _, hearing = heard(task("TASK_STATE_COMPLETED", history=history))
    assert texts(hearing) == ["Hello."]
    _, hearing = heard(task("TASK_STATE_COMPLETED", history=history, artifacts=[{"parts": [{"text": "A."}]}]))
    assert texts(hearing) == ["A."]


@pytest.mark.parametrize(
    ("told", "question"),
    [
        (("For how many?", "When?"), "For how many?\nWhen?"),
        ((), "What should I tell the agent?"),
    ],
)
def test_a_question_ends_the_turn_and_not_the_task(told: tuple[str, ...], question: str) -> None:
    _, hearing = heard(artifact("Draft."), status("TASK_STATE_INPUT_REQUIRED", *told))
    assert hearing.over
    assert hearing.outcome() == Outcome("c1", "t1", "input-required", (Piece(text="Draft."),), question)


def test_the_ids_of_both_spellings_are_read_and_states_in_all() -> None:
    _, hearing = heard({"status_update": {"task_id": "t", "context_id": "c", "status": {"state": 2}}})
    assert hearing.heard("x") == Heard("c", "t", "working", "x")
    _, hearing = heard({"statusUpdate": {"taskId": "t", "status": {"state": "TASK_STATE_CANCELLED"}}})
    assert hearing.state == "canceled"
    _, hearing = heard({"statusUpdate": {"status": {"state": "?"}}}, {"statusUpdate": {"status": {"state": 99}}})
    assert (hearing.state, hearing.over) == ("", False)


def test_a_task_alone_is_read_as_one() -> None:
    hearing = Hearing(LIMIT)
    assert hearing.take_task(b'{"id":"t","contextId":"c","status":{"state":"TASK_STATE_WORKING"}}') == ""
    assert (hearing.task, hearing.context, hearing.state) == ("t", "c", "working")


@pytest.mark.parametrize(
    "result", [b"", b"[]", b"null", b'"x"', b'{"task":{"id":1}}', b'{"message":{"parts":{}}}',
               b'{"message":{"parts":[{"text":1}]}}', b'{"message":{"parts":[{"data":{"a":"\xff"}}]}}'],
)  # fmt: skip
def test_what_is_not_of_the_protocol_is_refused(result: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="the agent's answer cannot be understood"):
        Hearing(LIMIT).take(result)


def test_half_an_emoji_is_mended() -> None:
    hearing = Hearing(LIMIT)
    hearing.take(b'{"message":{"parts":[{"text":"cut \\ud83d"}]}}')
    assert texts(hearing) == ["cut \ufffd"]


def test_an_answer_without_end_has_one_here() -> None:
    hearing = Hearing(1000)
    piece = json.dumps(artifact("x" * 300, True)).encode()
    hearing.take(piece)
    hearing.take(piece)
    with pytest.raises(UpstreamInvalid, match="the agent's answer is longer than 1000 bytes"):
        hearing.take(piece)


SHAPES = (b"%b", b'{"task":%b}', b'{"message":%b}', b'{"statusUpdate":%b}', b'{"task":{"status":%b}}')
KEYS = (
    "task",
    "message",
    "statusUpdate",
    "artifactUpdate",
    "artifact",
    "parts",
    "text",
    "data",
    "status",
    "state",
    "id",
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(), st.sampled_from(SHAPES))
def test_whatever_an_agent_says_is_heard_or_refused(junk: bytes, shape: bytes) -> None:
    hearing = Hearing(LIMIT)
    try:
        hearing.take(shape % junk)
    except UpstreamInvalid:
        return
    hearing.outcome()


@given(TREES)
def test_whatever_json_an_agent_says_is_heard_or_refused(said: Any) -> None:
    hearing = Hearing(LIMIT)
    try:
        hearing.take(json.dumps(said).encode())
    except UpstreamInvalid:
        return
    hearing.outcome()

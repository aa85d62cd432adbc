"""console/why.py: a question has one subject, a bounded size, and is answered to administrators alone."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.console.why import MAX_QUESTION, Question, parse
from fedgate.core.errors import BadRequest

QUESTION = b'{"as":"alice","tool":"a__b","arguments":{"x":[1]},"view":"v"}'


def test_a_question_is_read() -> None:
    assert parse(QUESTION) == Question("alice", tool="a__b", arguments={"x": [1]}, view="v")
    assert parse(b'{"as":{"sub":"x"},"model":"m"}') == Question({"sub": "x"}, model="m")
    assert parse(b'{"agent":"a"}') == Question("anonymous", agent="a")
    assert repr(parse(QUESTION)) == "<Question>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "this is no question: send a JSON object"),
        (b"[]", "this is no question: Expected `object`, got `array`"),
        (b"{}", 'ask about one of "tool", "agent" and "model"'),
        (b'{"tool":"a","model":"b"}', 'ask about one of "tool", "agent" and "model"'),
        (b'{"tool":5}', "this is no question: Expected `str`, got `int` - at `$.tool`"),
        (b'{"tool":"a","colour":"red"}', "this is no question: Object contains unknown field `colour`"),
        (b'{"as":5,"tool":"a"}', "this is no question: Expected `str | object`, got `int` - at `$.as`"),
    ],
)
def test_what_is_no_question_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(body)
    assert caught.value.message == said


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=40), st.text(alphabet='{}[]",:astolmde 0', max_size=40).map(str.encode)))
def test_any_bytes_are_a_question_or_refused(body: bytes) -> None:
    found: Any = None
    try:
        found = parse(body)
    except BadRequest as error:
        found = error
    assert isinstance(found, Question | BadRequest)


def test_a_question_has_an_end() -> None:
    assert MAX_QUESTION == 65536

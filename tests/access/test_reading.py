"""access/reading.py: what others wrote is shown to rules if it is small, shallow, and can be read in one way only."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.access.reading import (
    MAX_DEPTH,
    MAX_GROUPS,
    MAX_JSON,
    MAX_LIST,
    MAX_TEXT,
    MAX_VALUES,
    Unshown,
    bounded,
    members_of,
    read,
)
from fedgate.core.rawjson import Raw


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":[1,2.5,"x",null,true],"b":{}}', {"a": [1, 2.5, "x", None, True], "b": {}}),
        (b'"\\u00e9"', "é"),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", 2.0**63),
        (b"null", None),
    ],
)
def test_json_is_read_as_rules_take_it(text: bytes, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1,"a":2}', "names a member twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', "names a member twice"),
        (b'"' + b"x" * MAX_JSON + b'"', f"is longer than {MAX_JSON} bytes"),
        (b'"' + b"x" * (MAX_TEXT + 1) + b'"', f"has a text of more than {MAX_TEXT} characters"),
        (b"[" + b"1," * MAX_LIST + b"1]", f"has a list of more than {MAX_LIST}"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "has too many values in it, or is nested too deeply"),
        (b"[" + b"[1,1,1],1," * 254 + b"[1,1]" + b"]", "has a list of more than 256"),
        (b"[" + b",".join([b"[1,1,1,1,1]"] * 200) + b"]", "has too many values in it, or is nested too deeply"),
        (b'"\\ud800"', "has half a character in it"),
        (b"NaN", "cannot be read"),
        (b"1e999", "has a number that is none"),
        (b"1" + b"0" * 400, "has a number that is too large"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 8000, "cannot be read"),
    ],
)
def test_what_is_large_or_ambiguous_is_not_shown(text: bytes, why: str) -> None:
    with pytest.raises(Unshown, match=why):
        read(text)


def test_what_the_gateway_made_may_be_longer() -> None:
    assert len(bounded(tuple("x" * MAX_GROUPS))) == MAX_GROUPS
    assert MAX_GROUPS < MAX_VALUES
    with pytest.raises(Unshown):
        bounded(tuple("x" * (MAX_GROUPS + 1)))


def test_members_are_taken_one_by_one() -> None:
    assert members_of(Raw(b'{"a":1,"b":[2]}')) == {"a": Raw(b"1"), "b": Raw(b"[2]")}
    for twice in (b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b"[1]"):
        with pytest.raises(Unshown):
            members_of(Raw(twice))


def test_what_is_no_json_is_not_shown() -> None:
    with pytest.raises(Unshown, match="is nothing that rules know"):
        bounded({"a": object()})


@settings(deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.text(alphabet='{}[]",:0123456789.eE+-\\u tfn', max_size=60).map(str.encode))
)
def test_any_bytes_are_read_or_not_shown(text: bytes) -> None:
    for reading in (read, lambda body: members_of(Raw(body))):
        with contextlib.suppress(Unshown):
            reading(text)

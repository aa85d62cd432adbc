"""llm/splice.py: members change, every other byte stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.errors import BadRequest
from fedgate.llm.splice import check_once, members, set_found, set_members, set_one

SPACED = b'{ "model" : "a", "x": {"model": "q"} , "stream":true }'


@pytest.mark.parametrize(
    ("body", "new", "remove", "result"),
    [
        (SPACED, {"model": b'"zz"'}, "", b'{ "model" : "zz", "x": {"model": "q"} , "stream":true }'),
        (SPACED, {"n": b"1"}, "model", b'{  "x": {"model": "q"} , "stream":true ,"n":1}'),
        (SPACED, {}, "stream", b'{ "model" : "a", "x": {"model": "q"}  }'),
        (b"{}", {"a": b"1"}, "", b'{"a":1}'),
        (b" { } ", {"a": b"1"}, "", b' { "a":1} '),
        (b'{"model":1}', {"a": b"1"}, "model", b'{"a":1}'),
        (b'{"a":1}', {}, "b", b'{"a":1}'),
    ],
)
def test_only_what_is_asked_for_changes(body: bytes, new: dict[str, bytes], remove: str, result: bytes) -> None:
    assert set_members(body, new, remove=remove) == result


@pytest.mark.parametrize("body", [b'{"model":"a","model":"b"}', b'{"model":"a","mod\\u0065l":"b"}'])
def test_a_member_that_stands_twice_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="twice"):
        set_members(body, {"model": b'"c"'})
    with pytest.raises(BadRequest, match="twice"):
        check_once(body, members(body)[1], "model")


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"a":1}x', b'{"a":"\xff"', b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="the body is not a JSON object"):
        set_members(body, {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["model", "a", "é", '"', "mod\nel"]), JSON),
    st.booleans(),
    st.integers(0, 4),
    st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_every_object_is_the_same_but_for_the_new_member(
    value: dict[str, Any], ascii_: bool, indent: int, separators: tuple[str, str]
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_, indent=indent or None, separators=separators).encode(
        "utf-8", "surrogatepass"
    )
    mended, found = members(body)
    expected = json.loads(mended) | {"model": "new"}
    for spliced in (set_one(mended, found, "model", b'"new"'), set_found(mended, found, {"model": b'"new"'})):
        assert json.loads(spliced) == expected
        assert list(json.loads(spliced)) == list(expected)

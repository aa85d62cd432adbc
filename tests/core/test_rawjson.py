"""core/rawjson.py: taken apart and put together, values stay the bytes they were."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.rawjson import (
    EMPTY,
    MENDABLE,
    NULL,
    Raw,
    detach,
    encode,
    fields,
    is_object,
    items,
    join,
    raw,
    repeats,
    sub,
    text,
    value,
    well_formed,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
LONE = rb'"\ud800"'
"""Half of a surrogate pair, which the decoder refuses."""
UNREADABLE = (LONE, b'"\xff"')


def shape(members: dict[str, Raw]) -> dict[str, bytes]:
    return {key: bytes(member) for key, member in members.items()}


def test_members_keep_their_bytes_and_their_order() -> None:
    body = b' { "b" : [1,\n 2.50e0] , "a":{"x": "\\u0041"} , "c":null } '
    assert list(shape(fields(body)).items()) == [
        ("b", b"[1,\n 2.50e0]"),
        ("a", b'{"x": "\\u0041"}'),
        ("c", b"null"),
    ]


def test_of_two_equal_keys_the_last_stays_also_when_spelled_differently() -> None:
    assert shape(fields(rb'{"a":1,"\u0061":2}')) == {"a": b"2"}


@given(st.dictionaries(st.text(), JSON))
@settings(deadline=None)
def test_an_object_survives_being_taken_apart_and_joined(members: dict[str, Any]) -> None:
    spaced = json.dumps(members, indent=1).encode()
    apart = fields(spaced)
    assert json.loads(join(apart)) == members
    assert shape(fields(join(apart))) == shape(apart)


@given(st.lists(JSON))
@settings(deadline=None)
def test_the_elements_of_an_array_keep_their_bytes(elements: list[Any]) -> None:
    written = [json.dumps(element, indent=1).encode() for element in elements]
    assert [bytes(part) for part in items(b"[ " + b" ,\n".join(written) + b" ]")] == written


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b"null", b'"{}"', b"{", b'{"a":}', b"{}x", b'{"a":01}', b'{"\xff":1}', b"\xff", LONE]
)
def test_what_is_no_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        fields(body)


@pytest.mark.parametrize("body", [b"", b"{}", b"1", b"[", b"[1,]", b"[]]", b"\xff"])
def test_what_is_no_array_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON array"):
        items(body)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_nothing_but_a_value_error_comes_of_any_bytes(body: bytes) -> None:
    for read in (fields, items, value):
        try:
            read(body)
        except ValueError:
            continue


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_endless_nesting_is_a_value_error(opening: bytes) -> None:
    for read in (fields, items, value):
        with pytest.raises(ValueError, match=r"."):
            read(opening * 200_000)


def test_values_of_ours_are_encoded_beside_untouched_ones() -> None:
    assert join({"mine": [1, "ä"], "theirs": Raw(b"[ 1.0 ]")}) == '{"mine":[1,"ä"],"theirs":[ 1.0 ]}'.encode()
    assert bytes(raw({"a": NULL})) == b'{"a":null}'
    assert encode("x") == b'"x"'


@given(st.text())
@settings(deadline=None)
def test_text_reads_every_string(word: str) -> None:
    assert text(raw(word)) == word
    assert text(Raw(json.dumps(word).encode())) == word


@pytest.mark.parametrize("member", [None, EMPTY, NULL, Raw(b"1"), Raw(b"[]"), Raw(b"{}"), *map(Raw, UNREADABLE)])
def test_text_of_anything_else_is_none(member: Raw | None) -> None:
    assert text(member) is None


@pytest.mark.parametrize(
    ("member", "expected"),
    [(Raw(b"{}"), True), (Raw(b' {"a":1}'), True), (Raw(b"[]"), False), (NULL, False), (EMPTY, False), (None, False)],
)
def test_is_object_looks_at_the_first_byte(member: Raw | None, expected: bool) -> None:
    assert is_object(member) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":{"b": 1}}', {"b": b"1"}),
        (b'{"a":[1]}', {}),
        (b"{}", {}),
        (b'{"a":{"\xff":1}}', {}),
    ],
)
def test_sub_gives_the_inner_object_or_an_empty_one(body: bytes, expected: dict[str, bytes]) -> None:
    assert shape(sub(fields(body), "a")) == expected


def test_detached_members_do_not_keep_the_message_alive() -> None:
    member = fields(b'{"a":"xyz"}')["a"]
    copy = detach(member)
    assert bytes(copy) == b'"xyz"'
    assert bytes(detach(b"1")) == b"1"
    assert isinstance(copy, msgspec.Raw)
    assert copy is not member


@pytest.mark.parametrize("body", [b"1e999", b"9" * 5000, *UNREADABLE])
def test_a_value_that_cannot_be_held_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        value(body)


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\uDE00 and \ud83d\ud83d"', rb'"\ufffd and \ufffd\ufffd"'),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\uDBFF\uDFFF\ud800"', rb'"\uDBFF\uDFFF\ufffd"'),
        (rb'"\ud800\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\n\u00e4\ud7ff"', rb'"\n\u00e4\ud7ff"'),
    ],
)
def test_halves_of_surrogate_pairs_are_replaced_and_nothing_else(written: bytes, mended: bytes) -> None:
    assert well_formed(written) == mended


@given(
    st.lists(st.sampled_from(["\ud83d", "\ude00", "a", "\\", '"', "\n", "\ud7ff", "u", "d83d"]), max_size=12).map(
        "".join
    )
)
@settings(deadline=None)
def test_a_mended_string_says_what_a_browser_would_make_of_it(word: str) -> None:
    paired = word.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert len(paired) <= len(word)
    read = json.loads(well_formed(json.dumps(word).encode()))
    assert read == "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in json.loads(json.dumps(word)))


def test_a_body_too_long_to_be_mended_stays_as_it_is() -> None:
    body = b'"' + b"x" * MENDABLE + rb'\ud800"'
    assert well_formed(body) is body


@given(st.dictionaries(st.text(), JSON), st.booleans())
@settings(deadline=None)
def test_an_object_that_names_every_member_once_does_not_repeat_itself(
    members: dict[str, Any], ascii_only: bool
) -> None:
    for indent in (None, 1):
        assert not repeats(json.dumps(members, indent=indent, ensure_ascii=ascii_only).encode())


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "id", 'q"', "\\"]), JSON), max_size=5), st.booleans())
@settings(deadline=None)
def test_an_object_repeats_itself_if_a_key_comes_again(pairs: list[tuple[str, Any]], spaced: bool) -> None:
    blank = " \n" if spaced else ""
    body = blank.join(f"{json.dumps(key)}{blank}:{json.dumps(part)}," for key, part in pairs).rstrip(",")
    expected = len({key for key, _ in pairs}) < len(pairs)
    assert repeats(f"{blank}{{{blank}{body}{blank}}}{blank}".encode()) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id":7,"id":8}', True),
        (b'{"id":1,"id":12}', True),
        (b'{"id":12,"id":1}', True),
        (b'{"id":1,"id":1}', True),
        (rb'{"id":1,"\u0069d":1}', True),
        (rb'{"\u0069d":1}', False),
        (b'{"a":"x","b":1,"a":"y"}', True),
        (b'{"a":{"a":{"a":1}}}', False),
        (b'{"a":",\\"a\\":1","b":2}', False),
        (b"{}", False),
        (b" { } ", False),
    ],
)
def test_spelling_and_place_do_not_hide_a_repetition(body: bytes, expected: bool) -> None:
    assert repeats(Raw(body)) is expected


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'{"a":1'])
def test_only_objects_can_repeat_themselves(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        repeats(body)

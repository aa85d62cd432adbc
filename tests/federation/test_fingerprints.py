import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.federation.fingerprints import PARTS, differences, fingerprint, invisible

TOOL: dict[str, Any] = {
    "name": "add",
    "title": "Add",
    "description": "Adds.",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "outputSchema": {"type": "object"},
    "annotations": {"readOnlyHint": True},
}


def dump(tool: dict[str, Any], **options: Any) -> bytes:
    return json.dumps(tool, **options).encode()


def test_another_way_to_write_the_same_is_the_same() -> None:
    first = fingerprint(dump(TOOL, separators=(",", ":")))
    again = dict(reversed(TOOL.items())) | {"inputSchema": dict(reversed(TOOL["inputSchema"].items()))}
    assert fingerprint(dump(again, indent=3)) == first
    assert set(first) == set(PARTS)
    assert all(len(digest) == 32 for digest in first.values())


def test_a_fingerprint_is_the_same_in_every_process_and_version() -> None:
    tool = '{"name":"x","description":"y","inputSchema":{"b":1,"a":"é"}}'.encode()
    digests = {
        part: hashlib.sha256(text.encode()).hexdigest()[:32]
        for part, text in (("description", '"y"'), ("inputSchema", '{"a":"é","b":1}'))
    }
    assert fingerprint(tool) == digests


@pytest.mark.parametrize("part", PARTS)
def test_a_change_is_named_by_its_part(part: str) -> None:
    old = fingerprint(dump(TOOL))
    changed = fingerprint(dump({**TOOL, part: "other"}))
    assert differences(old, changed) == (part,)
    gone = fingerprint(dump({key: value for key, value in TOOL.items() if key != part}))
    assert differences(old, gone) == differences(gone, old) == (part,)


def test_members_that_neither_model_nor_person_relies_on_are_no_part_of_it() -> None:
    assert fingerprint(dump({**TOOL, "_meta": {"x": 1}, "icons": [], "name": "other"})) == fingerprint(dump(TOOL))


def test_a_part_that_cannot_be_read_still_has_a_digest() -> None:
    deep = b'{"name":"x","inputSchema":' + b"[" * 5000 + b"]" * 5000 + b"}"
    assert set(fingerprint(deep)) == {"inputSchema"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, JSON)
def test_definitions_are_equal_exactly_if_their_fingerprints_are(first: Any, second: Any) -> None:
    prints = [fingerprint(dump({"inputSchema": each})) for each in (first, second)]
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert (differences(*prints) == ()) == same


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", ()),
        ("déjà vu, 搜索, שלום, می‌خواهم", ()),  # a joiner belongs to the last one
        ("👨‍👩‍👧 ❤️", ()),
        ("a\u200bb", ("U+200B",)),
        ("\u202eevil\u202c", ("U+202E", "U+202C")),
        ("\U000e0041\U000e0042", ("U+E0041", "U+E0042")),
        ("\ufeffx\ufeff", ("U+FEFF",)),
    ],
)
def test_characters_that_nobody_sees_are_named(text: str, found: tuple[str, ...]) -> None:
    for ascii_only in (True, False):
        assert invisible(dump({"name": "x", "description": text}, ensure_ascii=ascii_only)) == found
        hidden_deeper = {"name": "x", "inputSchema": {"properties": {text: {"enum": [1, text]}}}}
        assert invisible(dump(hidden_deeper, ensure_ascii=ascii_only)) == found


def test_only_a_few_invisible_characters_are_named() -> None:
    assert len(invisible(dump({"description": "".join(chr(0xE0020 + n) for n in range(50))}))) == 8

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fedgate.federation.openapi_keywords import NAMED, ONE, SOME, VALUES, distinct, kinds, short, type_of

META = Draft202012Validator(Draft202012Validator.META_SCHEMA)
SAMPLES: list[Any] = [
    None, True, False, 0, -1, 1, 1.5, 0.0, "", "string", "x", [], ["a"], ["a", "a"], [1], [None], {}, {"a": 1},
    {"a": ["b"]}, {"a": ["b", "b"]}, {"a": {}}, "1", "null",
]  # fmt: skip


@pytest.mark.parametrize("keyword", sorted(VALUES))
def test_what_passes_for_a_keyword_is_legal_json_schema(keyword: str) -> None:
    passed = [sample for sample in SAMPLES if VALUES[keyword](sample)]
    assert passed
    assert [sample for sample in passed if not META.is_valid({keyword: sample})] == []


def test_every_keyword_of_the_dialect_is_known_once() -> None:
    assert not (VALUES.keys() & ONE | VALUES.keys() & SOME | VALUES.keys() & NAMED | ONE & SOME | ONE & NAMED)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("string", ["string"]),
        (["null", "string"], ["string", "null"]),
        (["string", "any", 1, "string"], ["string"]),
        ("any", []),
        (None, []),
        ({}, []),
    ],
)
def test_only_real_types_are_kept(value: object, found: list[str]) -> None:
    assert kinds(value) == found


def test_one_type_stands_alone() -> None:
    assert type_of(["string"]) == "string"
    assert type_of(["string", "null"]) == ["string", "null"]


def test_long_words_are_cut_visibly() -> None:
    assert short("abc", 3) == "abc"
    assert short("ab cd", 4) == "ab…"


@given(st.lists(st.sampled_from(["a", "a_2", "a_3", "b" * 64, "b" * 63 + "c"]), max_size=12))
@settings(deadline=None)
def test_no_two_have_one_name_and_exact_ones_keep_theirs(wanted: list[str]) -> None:
    found = distinct(wanted, 64)
    assert len(set(found)) == len(found) == len(wanted)
    assert all(len(name) <= 64 for name in found)
    assert all(found[wanted.index(name)] == name for name in wanted)


def test_many_of_one_name_are_no_quadratic_matter() -> None:
    assert distinct(["a"] * 100_000, 64)[-1] == "a_100000"

"""Canonical JSON is what RFC 8785 says, and what the SDK's verifiers make of the same value."""

import json
from typing import Any

import pytest
from a2a.utils._jcs import CanonicalizationError, canonicalize
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.canonical import MAX_DEPTH, canonical, number, without_empty

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_it_is_what_the_sdk_makes_of_it(value: Any) -> None:
    try:
        expected: str | None = canonicalize(value)
    except CanonicalizationError:
        expected = None
    if expected is None:
        with pytest.raises(ValueError, match=r".*"):
            canonical(value)
    else:
        assert canonical(value) == expected.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0"), (-0.0, "0"), (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308")),
        *(
            (9007199254740992.0, "9007199254740992"),
            (1e21, "1e+21"),
            (999999999999999900000.0, "999999999999999900000"),
        ),
        *(
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (333333333.33333329, "333333333.3333333"),
            (4.50, "4.5"),
            (-2e-3, "-0.002"),
        ),
        *((10**20, "100000000000000000000"), (2**60 + 1, "1152921504606847000"), (123, "123")),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_doubles(value: float, text: str) -> None:
    assert number(value) == text


def test_members_stand_in_the_order_of_their_utf_16_code_units() -> None:
    # The example of RFC 8785 3.2.3.
    value = json.loads(r'{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}')
    assert [json.loads(canonical(value))[key] for key in json.loads(canonical(value))] == [2, 4, 6, 7, 1, 5, 3]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "\ud800", {"\udfff": 1}, {1}, b"x"])
def test_what_has_no_canonical_form_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match=r".*"):
        canonical(value)


def test_what_is_nested_too_deep_is_an_error() -> None:
    value: Any = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert canonical(value) == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    for judged in (canonical, without_empty):
        with pytest.raises(ValueError, match="nested deeper"):
            judged([value])


def test_empty_members_go_from_the_inside_out() -> None:
    assert without_empty({"a": "", "b": [], "c": {"d": [{"e": ""}]}, "f": 0, "g": False, "h": None, "i": ["", 1]}) == {
        "f": 0,
        "g": False,
        "i": [1],
    }
    assert without_empty({"a": {}}) is None

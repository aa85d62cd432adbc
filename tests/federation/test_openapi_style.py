from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.federation.openapi_style import Style, in_cookie, in_header, in_parts, in_path, in_query, plain

EMPTY, STRING = "", "blue"
ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}

# The table "Style Examples" of OpenAPI 3.1.1, in its order.
PATH = [
    ("matrix", False, EMPTY, ";color"),
    ("matrix", False, STRING, ";color=blue"),
    ("matrix", False, ARRAY, ";color=blue,black,brown"),
    ("matrix", False, OBJECT, ";color=R,100,G,200,B,150"),
    ("matrix", True, EMPTY, ";color"),
    ("matrix", True, STRING, ";color=blue"),
    ("matrix", True, ARRAY, ";color=blue;color=black;color=brown"),
    ("matrix", True, OBJECT, ";R=100;G=200;B=150"),
    ("label", False, EMPTY, "."),
    ("label", False, STRING, ".blue"),
    ("label", False, ARRAY, ".blue,black,brown"),
    ("label", False, OBJECT, ".R,100,G,200,B,150"),
    ("label", True, EMPTY, "."),
    ("label", True, STRING, ".blue"),
    ("label", True, ARRAY, ".blue.black.brown"),
    ("label", True, OBJECT, ".R=100.G=200.B=150"),
    ("simple", False, EMPTY, ""),
    ("simple", False, STRING, "blue"),
    ("simple", False, ARRAY, "blue,black,brown"),
    ("simple", False, OBJECT, "R,100,G,200,B,150"),
    ("simple", True, STRING, "blue"),
    ("simple", True, ARRAY, "blue,black,brown"),
    ("simple", True, OBJECT, "R=100,G=200,B=150"),
]
QUERY = [
    ("form", False, EMPTY, "color="),
    ("form", False, STRING, "color=blue"),
    ("form", False, ARRAY, "color=blue,black,brown"),
    ("form", False, OBJECT, "color=R,100,G,200,B,150"),
    ("form", True, EMPTY, "color="),
    ("form", True, STRING, "color=blue"),
    ("form", True, ARRAY, "color=blue&color=black&color=brown"),
    ("form", True, OBJECT, "R=100&G=200&B=150"),
    ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
    ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
    ("spaceDelimited", True, ARRAY, "color=blue&color=black&color=brown"),
    ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
    ("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
]


@pytest.mark.parametrize(("name", "explode", "value", "wanted"), PATH)
def test_path_values_are_written_as_the_specification_shows(name: str, explode: bool, value: Any, wanted: str) -> None:
    assert in_path("color", Style(name, explode), value) == wanted


@pytest.mark.parametrize(("name", "explode", "value", "wanted"), QUERY)
def test_query_values_are_written_as_the_specification_shows(name: str, explode: bool, value: Any, wanted: str) -> None:
    assert "&".join(in_query("color", Style(name, explode), value)) == wanted


@pytest.mark.parametrize(
    ("explode", "value", "wanted"),
    [(False, ARRAY, "blue,black,brown"), (False, OBJECT, "R,100,G,200,B,150"), (True, OBJECT, "R=100,G=200,B=150"),
     (False, "a b/c%", "a b/c%"), (False, True, "true")],
)  # fmt: skip
def test_header_values_are_simple_and_not_encoded(explode: bool, value: Any, wanted: str) -> None:
    assert in_header(Style("simple", explode), value) == wanted


def test_cookies_cannot_be_ended_by_a_value() -> None:
    assert in_cookie("s", Style(), 'a;b=c, "d"%\r\n') == ["s=a%3Bb=c%2C%20%22d%22%25%0D%0A"]
    assert in_cookie("s", Style("form", True), {"a;": 1, "b": 2}) == ["a%3B=1", "b=2"]
    assert in_cookie("s", Style("form", False), [1, 2]) == ["s=1,2"]


def test_values_are_spelt_as_in_json() -> None:
    assert [plain(value) for value in (True, False, None, 1, 1.5, 10**30, "x", [1], {"a": None})] == [
        "true", "false", "", "1", "1.5", str(10**30), "x", "[1]", '{"a":null}',
    ]  # fmt: skip


def test_nothing_given_is_nothing_sent() -> None:
    for style in ("form", "spaceDelimited", "pipeDelimited", "deepObject"):
        for explode in (True, False):
            assert in_query("a", Style(style, explode), []) == []
            assert in_query("a", Style(style, explode), {}) == []
    assert in_query("a", Style(), [None, 1]) == ["a=1"]
    assert in_query("a", Style("deepObject"), {"b": None}) == []


def test_what_is_nested_is_json_and_has_brackets_of_its_own_under_deep_object() -> None:
    assert in_query("a", Style(), [[1, 2]]) == ["a=%5B1%2C2%5D"]
    assert in_query("a", Style("form", False), {"b": {"c": 1}}) == ["a=b,%7B%22c%22%3A1%7D"]
    found = in_query("a", Style("deepObject"), {"b": {"c": [1, {"d": 2}]}})
    assert [unquote(each) for each in found] == ["a[b][c][0]=1", "a[b][c][1][d]=2"]
    assert [unquote(each) for each in in_query("a", Style("deepObject"), ["x"])] == ["a[0]=x"]


def test_reserved_characters_may_stay_but_not_those_that_would_end_the_value() -> None:
    value = "/:?@!$'()*,=&#+;[]% %2F%zz"
    (found,) = in_query("u", Style(reserved=True), value)
    assert found == "u=/:?@!$'()*,=%26%23%2B%3B%5B%5D%25%20%2F%25zz"
    (strict,) = in_query("u", Style(), value)
    assert unquote(strict) == f"u={value}"


def test_a_media_type_writes_the_whole_value() -> None:
    style = Style(media="application/json")
    assert in_query("q", style, {"a": [1]}) == ["q=%7B%22a%22%3A%5B1%5D%7D"]
    assert in_query("q", style, "a") == ["q=%22a%22"]
    assert in_path("q", style, [1]) == "%5B1%5D"
    assert in_header(style, {"a": 1}) == '{"a":1}'
    assert in_query("q", Style(media="text/plain"), "a b") == ["q=a%20b"]


def test_parts_of_a_form_are_not_encoded() -> None:
    assert in_parts("a b", Style("spaceDelimited", False), ["x y", "z"]) == [("a b", "x y z")]


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(max_size=4), SCALARS, max_size=3))
STYLES = st.builds(
    Style,
    st.sampled_from(["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject"]),
    st.booleans(), st.booleans(), st.sampled_from(["", "application/json", "text/plain"]),
)  # fmt: skip


@given(STYLES, VALUES)
@settings(deadline=None)
def test_no_value_leaves_its_path_segment(style: Style, value: Any) -> None:
    found = in_path("n", style, value)
    assert not set(found) & set("/?#\\ ")
    assert found.isascii()
    assert found.isprintable()


@given(STYLES, VALUES, st.text(min_size=1, max_size=5))
@settings(deadline=None)
def test_no_value_adds_a_query_parameter(style: Style, value: Any, name: str) -> None:
    found = in_query(name, style, value)
    read = parse_qsl("&".join(found), keep_blank_values=True)
    assert len(read) == len(found)
    if not isinstance(value, dict):
        assert all(key == name or key.startswith(f"{name}[") for key, _ in read)
    if isinstance(value, str) and not style.media and not style.reserved:
        assert read == [(name, value)]


@given(STYLES, VALUES)
@settings(deadline=None)
def test_no_value_adds_a_cookie(style: Style, value: Any) -> None:
    found = in_cookie("n", style, value)
    assert not set("".join(found)) & set('; "\\\r\n\t')

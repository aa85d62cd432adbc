"""federation/headers.py: what a header says is what the body says, in the forms of 2026-07-28."""

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared import inbound as sdk

from fedgate.federation.headers import (
    decode_value,
    encode_value,
    mismatch,
    param_headers,
    render_params,
    scalar_text,
)

VALUES = st.text() | st.text(alphabet="=?base64x \t") | st.sampled_from(["=?base64?", "=?base64?=", "=?base64??="])


@given(VALUES)
@settings(deadline=None)
def test_every_value_survives_the_header(value: str) -> None:
    field = encode_value(value).decode("ascii")
    assert all(" " <= letter <= "~" for letter in field)
    assert field == field.strip()
    assert decode_value(field) == value
    assert decode_value(f" \t{field}\t ") == value
    assert sdk.decode_header_value(field) == value


@given(VALUES)
@settings(deadline=None)
def test_what_the_official_sdk_sends_is_understood(value: str) -> None:
    assert decode_value(sdk.encode_header_value(value)) == value


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("us-west1", b"us-west1"),
        ("Hello, 世界", b"=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", b"=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", b"=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", b"=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("=?base64?=", b"=?base64?PT9iYXNlNjQ/PQ==?="),
        ("a\tb", b"=?base64?YQli?="),
        ("", b""),
    ],
)
def test_the_examples_of_the_specification_are_written_so(value: str, field: bytes) -> None:
    assert encode_value(value) == field


@pytest.mark.parametrize(
    "field",
    [
        "=?base64?YQ?=",
        "=?base64?YR==?=",
        "=?base64?Y Q==?=",
        "=?base64?!!!!?=",
        "=?base64?/w==?=",
        "=?base64?é?=",
        "é",
        "a\x7fb",
        "a\x01b",
        "\x85",
    ],
)
def test_a_broken_field_equals_nothing(field: str) -> None:
    assert decode_value(field) is None


@given(st.binary(max_size=30))
@settings(deadline=None)
def test_any_bytes_in_a_header_are_read_without_an_error(field: bytes) -> None:
    read = decode_value(field.decode("latin-1"))
    assert read is None or isinstance(read, str)
    decode_value("=?base64?" + field.decode("latin-1") + "?=")


def annotated(kind: Any = "string", token: Any = "Region") -> dict[str, Any]:
    return {"type": kind, "x-mcp-header": token}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_annotations_are_found_at_any_depth_of_properties() -> None:
    nested = schema(a=annotated(), properties=schema(b=annotated("integer", "X-Count")), c={"type": "number"}, d=True)
    assert param_headers(nested) == {"region": ("a",), "x-count": ("properties", "b")}


@pytest.mark.parametrize(
    "plain", [{}, {"type": "object"}, schema(), {"properties": []}, {"properties": {"a": 1}}, None, [], 7]
)
def test_a_schema_without_annotations_has_no_headers(plain: Any) -> None:
    assert param_headers(plain) == {}


@pytest.mark.parametrize("kind", ["number", "object", "array", "null", None, ["string", "null"], {"a": 1}, 7])
def test_only_strings_integers_and_booleans_may_be_annotated(kind: Any) -> None:
    assert param_headers(schema(a=annotated(kind))) is None
    assert param_headers(schema(a={"x-mcp-header": "Region"})) is None


@pytest.mark.parametrize("token", ["", "a b", "a:b", "a\r\nb", "é", "a\n", None, 7, ["a"]])
def test_an_annotation_must_be_a_header_token(token: Any) -> None:
    assert param_headers(schema(a=annotated(token=token))) is None


def test_two_annotations_that_differ_in_case_alone_are_none() -> None:
    assert param_headers(schema(a=annotated(token="Region"), b=annotated(token="REGION"))) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        annotated(),
        schema(a={"type": "array", "items": annotated()}),
        schema(a={"type": "array", "items": [annotated()]}),
        schema(a={"type": "array", "items": [], "additionalItems": annotated()}),
        schema(a={"type": "array", "prefixItems": [annotated()]}),
        {"anyOf": [schema(a=annotated())]},
        {"if": schema(a=annotated())},
        {"$defs": {"x": annotated()}},
        {"definitions": {"x": annotated()}},
        {"dependencies": {"x": schema(a=annotated())}},
        {"additionalProperties": annotated()},
        {"patternProperties": {"^x": annotated()}},
        {"properties": {"a": {"not": {"properties": {"b": annotated()}}}}},
    ],
)
def test_an_annotation_that_is_not_reached_through_properties_alone_hides_the_tool(elsewhere: Any) -> None:
    assert param_headers(elsewhere) is None
    assert (
        param_headers({**elsewhere, "properties": {**elsewhere.get("properties", {}), "ok": annotated(token="Ok")}})
        is None
    )


def test_data_that_looks_like_an_annotation_is_data() -> None:
    data = schema(a={"type": "object", "default": annotated(), "examples": [annotated()], "enum": [annotated()]})
    assert param_headers(data) == {}


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "boolean", "number", "object"]),
            "x-mcp-header": st.sampled_from(["A", "a", "B", "C", "", "x y"]),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "object"]),
            "x-mcp-header": st.sampled_from(["A", "D"]),
            "properties": st.dictionaries(st.sampled_from(["p", "q"]), inner, max_size=2),
            "items": inner,
            "allOf": st.lists(inner, max_size=2),
            "$defs": st.dictionaries(st.sampled_from(["p", "q"]), inner, max_size=2),
            "default": inner,
        },
    ),
    max_leaves=8,
)


@given(SCHEMAS)
@settings(deadline=None)
def test_the_official_sdk_finds_the_same(given_schema: dict[str, Any]) -> None:
    ours = param_headers(given_schema)
    if sdk.find_invalid_x_mcp_header(given_schema) is not None:
        assert ours is None
    else:
        assert ours == {token.lower(): path for path, token in sdk.x_mcp_header_map(given_schema).items()}


def test_a_schema_of_any_depth_is_walked() -> None:
    deep: dict[str, Any] = annotated()
    for _ in range(5_000):
        deep = schema(a=deep)
    found = param_headers(deep)
    assert found is not None
    assert len(found["region"]) == 5_000


HEADERS = {"region": ("region",), "count": ("deep", "count")}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (True, "true"),
        (False, "false"),
        (42, "42"),
        (-7, "-7"),
        (42.0, "42"),
        (1.5, "1.5"),
        (1e300, str(int(1e300))),
        (2**64, str(2**64)),
        (None, None),
        ([1], None),
        ({}, None),
    ],
)
def test_scalars_have_one_text(value: Any, text: str | None) -> None:
    assert scalar_text(value) == text


@pytest.mark.parametrize(
    "arguments", [{}, {"region": None, "deep": None}, {"deep": {"x": 1}}, {"deep": 7}, [], None, "x"]
)
def test_absent_and_null_arguments_have_no_header(arguments: Any) -> None:
    assert render_params(HEADERS, arguments) == ()
    assert mismatch(HEADERS, arguments, {}) is None


def test_arguments_are_rendered_as_headers_and_agree_with_them() -> None:
    arguments = {"region": "Zürich", "deep": {"count": 42}}
    rendered = render_params(HEADERS, arguments)
    assert rendered == (
        (b"mcp-param-region", b"=?base64?" + base64.b64encode("Zürich".encode()) + b"?="),
        (b"mcp-param-count", b"42"),
    )
    assert mismatch(HEADERS, arguments, dict(rendered)) is None


def test_a_missing_header_is_named_with_its_argument() -> None:
    assert mismatch(HEADERS, {"deep": {"count": 1}}, {}) == (
        "the header Mcp-Param-count is missing: argument deep.count has a value"
    )


@pytest.mark.parametrize("arguments", [{}, {"region": None}, {"region": "us"}, {"region": "EU"}, {"region": ["eu"]}])
def test_a_header_that_says_something_else_than_its_argument_is_named(arguments: Any) -> None:
    assert mismatch(HEADERS, arguments, {b"mcp-param-region": b"eu"}) == (
        "the header Mcp-Param-region does not equal argument region"
    )


@pytest.mark.parametrize(
    ("value", "field", "same"),
    [
        (42, b"42", True),
        (42, b"42.0", True),
        (42, b"42.000", True),
        (42.0, b"42", True),
        (42.0, b"42.0", True),
        (-7, b"-7.0", True),
        (42, b"42.5", False),
        (42, b"43", False),
        (42, b"4_2", False),
        (42, b"+42", False),
        (42, b" 42", True),
        (42, b"4.2e1", False),
        (42, b"=?base64?" + base64.b64encode("٤٢".encode()) + b"?=", False),
        (2**53 + 1, str(2**53).encode(), False),
        (10**400, b"1" + b"0" * 400 + b".0", False),
        (10**400, b"1" + b"0" * 400, True),
        (1, b"9" * 5000, False),
        (1.5, b"1.5", True),
        (True, b"true", True),
        (True, b"1", False),
        (True, b"True", False),
        ("42", b"42.0", False),
        ("é", b"\xe9", False),
        ("x", b"=?base64?eA==?=", True),
        ("x", b"=?base64?eA?=", False),
        (float("1e308") * 10, b"1", False),
    ],
)
def test_numbers_are_compared_as_numbers_and_all_else_as_text(value: Any, field: bytes, same: bool) -> None:
    assert (mismatch({"a": ("a",)}, {"a": value}, {b"mcp-param-a": field}) is None) is same


@given(st.dictionaries(st.sampled_from(["region", "deep"]), st.text() | st.integers() | st.booleans() | st.none()))
@settings(deadline=None)
def test_what_the_official_sdk_sends_for_arguments_agrees_with_them(arguments: dict[str, Any]) -> None:
    paths: dict[tuple[str, ...], str] = {("region",): "Region", ("deep",): "Deep"}
    sent = {name.lower().encode(): value.encode() for name, value in sdk.mcp_param_headers(paths, arguments).items()}
    ours = {"region": ("region",), "deep": ("deep",)}
    assert mismatch(ours, arguments, sent) is None
    assert dict(render_params(ours, arguments)) == sent

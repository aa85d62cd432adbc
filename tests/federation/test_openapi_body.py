from typing import Any

import pytest

from fedgate.federation.openapi_body import Body, Part, body, kind_of
from fedgate.federation.openapi_document import Broken
from fedgate.federation.openapi_parameters import Scope, Signature
from fedgate.federation.openapi_schema import Converter
from fedgate.federation.openapi_style import Style
from tests.federation.openapi_kit import document, with_body

PLAIN = {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}


def read(
    operation: dict[str, Any], taken: tuple[str, ...] = (), version: str = "3.1.0", **schemas: Any
) -> tuple[Body | None, Signature]:
    found = document({"/x": {}}, version, components={"schemas": schemas})
    signature = Signature()
    for name in taken:
        signature.add(name, {}, required=False)
    return body(Scope(found, "/x", {}, operation), Converter(found, "input"), signature), signature


def of(schema: Any, media: str = "application/json", **more: Any) -> tuple[Body, Signature]:
    required = more.pop("required", True)
    found, signature = read(with_body({media: {"schema": schema}}, required=required), **more)
    assert found is not None
    return found, signature


def test_members_of_a_plain_object_are_arguments() -> None:
    found, signature = of(PLAIN)
    assert found == Body("json", "application/json", "", frozenset({"a", "b"}), {}, True)
    assert signature.properties == {"a": {"type": "string"}, "b": {}}
    assert signature.required == ["a"]


def test_a_reference_to_a_plain_object_is_one_too() -> None:
    found, _ = of({"$ref": "#/components/schemas/A"}, A={"$ref": "#/components/schemas/B"}, B=PLAIN)
    assert found.members == frozenset({"a", "b"})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array"},
        {"type": "string"},
        {"type": ["object", "null"], "properties": {"a": {}}},
        {"type": "object"},
        {},
        {"allOf": [PLAIN]},
        {"anyOf": [PLAIN]},
        {**PLAIN, "additionalProperties": True},
        {**PLAIN, "additionalProperties": {"type": "string"}},
        {**PLAIN, "minProperties": 1},
        {**PLAIN, "required": ["a", "z"]},
        {"type": "object", "properties": {"a b": {}}},
        {"type": "object", "properties": {"x" * 65: {}}},
        {"type": "object", "properties": {"taken": {}}},
    ],
)
def test_any_other_body_is_one_argument(schema: Any) -> None:
    found, signature = of(schema, taken=("taken",))
    assert (found.argument, found.members) == ("body", frozenset())
    assert list(signature.properties) == ["taken", "body"]
    assert signature.required == ["body"]


def test_an_optional_body_is_spread_only_if_it_may_be_empty() -> None:
    found, signature = of(PLAIN, required=False)
    assert (found.argument, signature.required) == ("body", [])
    found, signature = of({"properties": {"a": {}}}, required=False)
    assert (found.argument, found.members, signature.required) == ("", frozenset({"a"}), [])


def test_closed_objects_are_spread() -> None:
    assert of({**PLAIN, "additionalProperties": False})[0].members == frozenset({"a", "b"})


def test_a_parameter_called_body_keeps_its_name() -> None:
    found, signature = of({"type": "array"}, taken=("body",))
    assert found.argument == "request_body"
    assert list(signature.properties) == ["body", "request_body"]


def test_read_only_members_are_no_arguments() -> None:
    schema = {"type": "object", "properties": {"id": {"readOnly": True}, "a": {}}, "required": ["id", "a"]}
    found, signature = of(schema)
    assert (found.members, signature.required) == (frozenset({"a"}), ["a"])


@pytest.mark.parametrize(
    ("media", "chosen"),
    [
        (("text/plain", "application/json"), "application/json"),
        (("application/x-www-form-urlencoded", "multipart/form-data"), "multipart/form-data"),
        (("application/octet-stream", "application/xml"), "application/xml"),
        (("image/png", "application/x-www-form-urlencoded"), "application/x-www-form-urlencoded"),
        (("application/json; v=1", "application/json; v=2"), "application/json; v=1"),
        (("*/*",), "application/json"),
        (("text/*",), "text/plain"),
        (("image/*",), "application/octet-stream"),
        (("multipart/form-data; boundary=x",), "multipart/form-data"),
    ],
)
def test_the_media_type_that_says_most_is_sent(media: tuple[str, ...], chosen: str) -> None:
    found, _ = read(with_body({each: {"schema": {}} for each in media}))
    assert found is not None
    assert found.media == chosen


@pytest.mark.parametrize(
    ("media", "kind", "schema"),
    [
        ("text/csv", "text", {"type": "string", "description": "The body, as text/csv."}),
        ("application/xml", "text", {"type": "string", "description": "The body, as application/xml."}),
        ("image/png", "binary",
         {"type": "string", "contentEncoding": "base64", "description": "The body (image/png), in base64."}),
    ],
)  # fmt: skip
def test_text_and_bytes_are_strings(media: str, kind: str, schema: Any) -> None:
    found, signature = of({"type": "object", "properties": {"a": {}}}, media)
    assert (found.kind, found.argument, kind_of(media)) == (kind, "body", kind)
    assert signature.properties == {"body": schema}


def test_fields_of_a_form_are_written_as_their_encoding_says() -> None:
    schema = {
        "type": "object",
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "files": {"type": "array", "items": {"$ref": "#/components/schemas/File"}},
            "icon": {"contentMediaType": "image/png"},
            "meta": {"type": "object"},
            "deep": {"type": "object"},
            "typed": {"type": "string"},
        },
    }
    encoding = {
        "file": {"contentType": "image/*, image/jpeg"},
        "deep": {"style": "deepObject", "explode": True},
        "typed": {"contentType": "application/xml"},
        "other": {"contentType": "bad\r\nheader: x"},
    }
    content = {"multipart/form-data": {"schema": schema, "encoding": encoding}}
    found, _ = read(with_body(content), File={"format": "binary"})
    assert found is not None
    assert found.parts == {
        "file": Part(media="image/jpeg", binary=True),
        "files": Part(media="application/octet-stream", binary=True),
        "icon": Part(media="image/png", binary=True),
        "meta": Part(),
        "deep": Part(style=Style("deepObject", True)),
        "typed": Part(media="application/xml"),
        "other": Part(),
    }


@pytest.mark.parametrize("operation", [{}, {"requestBody": None}, {"requestBody": {"content": {}}}])
def test_without_content_there_is_no_body(operation: dict[str, Any]) -> None:
    assert read(operation)[0] is None


def test_a_media_type_that_breaks_a_header_is_broken() -> None:
    with pytest.raises(Broken, match="cannot be sent"):
        of({}, "text/plain; x=\r\ny: z")


def test_bodies_may_be_references() -> None:
    found = document({"/x": {}}, components={"requestBodies": {"A": {"content": {"application/json": {}}}}})
    operation = {"requestBody": {"$ref": "#/components/requestBodies/A"}}
    read_ = body(Scope(found, "/x", {}, operation), Converter(found, "input"), Signature())
    assert read_ == Body("json", "application/json", "body", required=False)

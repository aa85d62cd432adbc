from typing import Any

import pytest

from fedgate.federation.openapi_output import MAX_VALUES, accepted, contents, output_schema
from fedgate.federation.openapi_schema import Converter
from tests.federation.openapi_kit import document

PET = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOLERANT = {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}


def answers(**by_status: Any) -> dict[str, Any]:
    """An operation by status (`s200`) and media type."""
    said = {status[1:]: {"content": content} for status, content in by_status.items()}
    return {"responses": said}


def output(operation: dict[str, Any], **schemas: Any) -> Any:
    found = document({"/x": {}}, components={"schemas": schemas})
    return output_schema(contents(found, operation), Converter(found, "output"))


def json_of(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def test_an_object_that_success_answers_with_is_the_output() -> None:
    assert output(answers(s200=json_of(PET))) == TOLERANT
    assert output(answers(s201={"application/vnd.x+json": {"schema": PET}}, s204={}, s404=json_of({}))) == TOLERANT
    assert output({"responses": {200: {"content": json_of(PET)}}}) == TOLERANT


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {}}},
        {"type": ["object", "null"]},
        {"allOf": [{"description": "x"}, {"$ref": "#/components/schemas/P"}]},
        {"oneOf": [PET, {"$ref": "#/components/schemas/P"}]},
        {"$ref": "#/components/schemas/P"},
    ],
)
def test_objects_are_recognized_however_they_are_written(schema: Any) -> None:
    assert output(answers(s200=json_of(schema)), P=PET)["type"] == "object"


@pytest.mark.parametrize(
    "operation",
    [
        {},
        {"responses": []},
        answers(s404=json_of(PET)),
        answers(s200={"text/plain": {"schema": PET}}),
        answers(s200=json_of({"type": "array"})),
        answers(s200=json_of({"type": ["object", "array"]})),
        answers(s200=json_of({"type": "string"})),
        answers(s200=json_of({})),
        answers(s200=json_of({"anyOf": [PET, {"type": "array"}]})),
        answers(s200=json_of(PET), s201=json_of({"type": "array"})),
        answers(s200=json_of({"$ref": "#/nowhere"})),
        answers(s200=json_of({"$ref": "#/components/schemas/Loop"})),
    ],
)
def test_anything_else_has_no_output_schema(operation: dict[str, Any]) -> None:
    assert output(operation, Loop={"$ref": "#/components/schemas/Loop"}) is None


def test_what_an_object_is_made_of_is_looked_at_once_however_often_it_is_used() -> None:
    wide = {f"A{n}": {"anyOf": [{"$ref": f"#/components/schemas/A{n + 1}"}] * 20} for n in range(30)}
    found = output(answers(s200=json_of({"$ref": "#/components/schemas/A0"})), **wide, A30=PET)
    assert found == {"type": "object"}
    itself = {"allOf": [{"$ref": "#/components/schemas/A"}]}
    assert output(answers(s200=json_of({"$ref": "#/components/schemas/A"})), A=itself) is None


def test_equal_answers_count_once() -> None:
    assert output(answers(s200=json_of(PET), s201=json_of(PET))) == TOLERANT


def test_what_is_too_large_or_broken_below_is_only_an_object() -> None:
    large = {"type": "object", "properties": {str(number): {"type": "string"} for number in range(MAX_VALUES)}}
    assert output(answers(s200=json_of(large))) == {"type": "object"}
    assert output(answers(s200=json_of({"properties": {"a": {"items": {"$ref": "#/nowhere"}}}}))) == {"type": "object"}


def test_a_recursive_answer_refers_to_its_definition() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    found = output(answers(s200=json_of({"$ref": "#/components/schemas/Node"})), Node=node)
    link = {"next": {"$ref": "#/$defs/Node"}}
    assert found == {
        "type": "object",
        "properties": link,
        "$defs": {"Node": {"type": ["object", "null"], "properties": link}},
    }


@pytest.mark.parametrize(
    ("media", "accept"),
    [
        ((), "application/json, */*;q=0.1"),
        (("application/json",), "application/json, */*;q=0.1"),
        (("application/xml", "Application/JSON; v=1"), "application/json, application/xml;q=0.5, */*;q=0.1"),
        (("image/png",), "image/png;q=0.5, */*;q=0.1"),
        (("*/*", "bad\r\nx: y", "no"), "application/json, */*;q=0.1"),
    ],
)
def test_what_is_documented_is_accepted_json_first(media: tuple[str, ...], accept: str) -> None:
    assert accepted([dict.fromkeys(media)]) == accept


def test_the_accept_header_is_bounded() -> None:
    assert accepted([dict.fromkeys(f"text/x{number}" for number in range(99))]).count(",") == 8


def test_broken_answers_are_no_reason_to_leave_an_operation_out() -> None:
    assert contents(document({"/x": {}}), {"responses": {"200": {"$ref": "#/nowhere"}, "default": {}}}) == [{}]

from typing import Any

import pytest

from fedgate.federation.openapi_names import Choice, operations
from tests.federation.openapi_kit import document


def names(paths: dict[str, Any], **more: Any) -> list[str]:
    return [each.name for each in operations(document(paths, **more))]


@pytest.mark.parametrize(
    ("path", "operation", "name"),
    [
        ("/pets", {"operationId": "listPets"}, "listPets"),
        ("/pets", {"operationId": "repos/create-in-org"}, "repos_create-in-org"),
        ("/pets", {"operationId": " Pets: list (all) "}, "Pets_list_all"),
        ("/pets", {}, "get_pets"),
        ("/pets/{petId}/photo.png", {"operationId": ""}, "get_pets_petId_photo_png"),
        ("/", {}, "get"),
        ("/ü", {"operationId": "ü"}, "get"),
        ("/x", {"operationId": "a" * 99}, "a" * 64),
        ("/x", {"operationId": 5}, "get_x"),
    ],
)
def test_tools_are_called_by_operation_id_or_method_and_path(path: str, operation: Any, name: str) -> None:
    assert names({path: {"get": operation}}) == [name]


def test_equal_names_are_numbered_in_the_documents_order() -> None:
    paths = {
        "/a": {"get": {"operationId": "x"}, "put": {"operationId": "x"}},
        "/b": {"get": {"operationId": "x_2"}, "put": {"operationId": "x"}},
    }
    assert names(paths) == ["x", "x_3", "x_2", "x_4"]


def test_only_methods_of_http_are_operations() -> None:
    item: Any = {"get": {}, "trace": {}, "x-get": {}, "parameters": [], "summary": "s", "head": None, "delete": {}}
    found = operations(document({"/x": item, "x-paths": {"get": {}}, "/bad": {"$ref": "#/nowhere"}, "/none": None}))
    assert [str(each) for each in found] == ["GET /x (get_x)", "DELETE /x (delete_x)"]


def test_a_path_item_may_be_a_reference() -> None:
    shared = {"pathItems": {"P": {"get": {"operationId": "g"}}}}
    assert names({"/a": {"$ref": "#/components/pathItems/P"}}, components=shared) == ["g"]


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), ["getA", "getB", "setA"]),
        (Choice(include=("get*",)), ["getA", "getB"]),
        (Choice(include=("get?", "setA"), exclude=("*B",)), ["getA", "setA"]),
        (Choice(include=("GET*",)), []),
        (Choice(exclude=("*",)), []),
    ],
)
def test_globs_choose_tools(choice: Choice, taken: list[str]) -> None:
    assert [name for name in ("getA", "getB", "setA") if choice.takes(name)] == taken


def test_a_pattern_that_chooses_nothing_is_told() -> None:
    choice = Choice(include=("get*", "lst*"), exclude=("Del*",))
    assert list(choice.unmatched(["getA", "b", "c", "d"])) == [
        "include: 'lst*' matches no tool; there are getA, b, c, ...",
        "exclude: 'Del*' matches no tool; there are getA, b, c, ...",
    ]

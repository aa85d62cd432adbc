from pydantic import BaseModel

from fedgate.access.settings import ApiKey
from fedgate.federation.settings import HTTP, STDIO, HttpServer, StdioServer
from fedgate.manifest.model import Manifest
from fedgate.manifest.shape import shape_at, shape_of


def test_sections_tables_lists_and_values_are_told_apart() -> None:
    paths = [(), ("mcp",), ("mcp", "servers"), ("access", "keys"), ("mcp", "naming"), ("gateway", "public_url")]
    shapes = [shape_at(Manifest, path) for path in paths]
    assert [shape.kind if shape else None for shape in shapes] == [
        "section", "section", "table", "list", "value", "value"
    ]  # fmt: skip
    assert [shape.joins if shape else None for shape in shapes] == [True, True, True, True, False, False]


def test_a_server_is_reached_by_its_tag() -> None:
    server = shape_at(Manifest, ("mcp", "servers", "any"))
    assert server is not None
    for tag, model in ((STDIO, StdioServer), (HTTP, HttpServer)):
        variant = server.below(tag)
        assert variant is not None
        assert variant.model is model


def test_items_of_a_list_have_the_shape_of_its_type() -> None:
    shape = shape_at(Manifest, ("access", "keys", 3))
    assert shape is not None
    assert shape.keys == tuple(ApiKey.model_fields)


def test_nothing_is_below_what_the_model_does_not_have() -> None:
    assert shape_at(Manifest, ("wizards",)) is None
    assert shape_at(Manifest, ("wizards", "support", "x")) is None
    assert shape_at(Manifest, ("mcp", "naming", "x")) is None


class Plain(BaseModel):
    one: int | str
    two: "dict[str, int] | None" = None


def test_a_union_of_plain_types_is_a_value_and_an_optional_is_what_it_holds() -> None:
    assert shape_of(Plain.model_fields["one"].annotation).kind == "value"
    assert shape_of(Plain.model_fields["two"].annotation).kind == "table"

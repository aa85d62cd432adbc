"""A field of a section that is validated apart, by a validator that is built when the field is there.

To build the validators of everything takes longer than to read most manifests, and few have everything. Errors and
the JSON Schema are those of a field like any other. Values on pydantic, as `core.values`. Above: the `settings.py` of
parts, and `manifest/model.py`.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

Type = TypeVar("Type")


class Mark:
    """Metadata of one field. `find` says what it is, with the validators beside it, which pydantic would leave out."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    @cached_property
    def type(self) -> Any:
        """What is validated."""
        return self._find()

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.type)

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validated)

    def _validated(self, value: object, info: ValidationInfo) -> object:
        """Raises `ValidationError`, whose errors pydantic puts below the field."""
        return self._adapter.validate_python(value, context=info.context)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        # As a schema within another one, so that a model becomes a definition under its name.
        return handler(core_schema.definitions_schema(self._adapter.core_schema, []))


if TYPE_CHECKING:
    Apart = Annotated[Type, ...]
else:

    class Apart:
        """`Apart[T]`: as T."""

        def __class_getitem__(cls, type_: Any) -> Any:
            return Annotated[type_, Mark(lambda: type_)]


def elsewhere(module: str, name: str, package: str | None) -> Any:
    """As `Apart`, of a type whose module is imported when the field is there. Type checkers are told another way."""
    return Annotated[Any, Mark(lambda: getattr(import_module(module, package), name))]


def type_of(annotation: Any, metadata: Iterable[Any] = ()) -> Any:
    """What a field's annotation stands for."""
    return next((each.type for each in metadata if isinstance(each, Mark)), annotation)

"""What the model expects at a path: a section, a table of names, a list, or a value.

Read off the pydantic models, so that merging and explaining follow them without a second
list to keep. Knows no file and no value.
"""

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from ..core.apart import type_of
from ..core.values import Where

Kind = Literal["section", "table", "list", "value"]


@dataclass(frozen=True, slots=True)
class Shape:
    """`keys` are a section's fields; `item` is what a table or list holds; `variants` are a union's, by tag."""

    kind: Kind
    model: type[BaseModel] | None = None
    item: Any = None
    variants: tuple[tuple[str, Any], ...] = ()

    @property
    def joins(self) -> bool:
        """Of a section's key: given in two documents, the two become one."""
        return self.kind != "value"

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self.model.model_fields) if self.model else ()

    def below(self, part: str | int) -> "Shape | None":
        """The shape one step down, or nothing where the model has no such key."""
        if self.model is not None:
            found = self.model.model_fields.get(str(part))
            return shape_of(type_of(found.annotation, found.metadata)) if found else None
        if self.item is not None:
            return shape_of(self.item)
        return next((shape_of(model) for tag, model in self.variants if tag == part), None)


def shape_of(annotation: Any) -> Shape:
    """The shape of a type as it stands in a model."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(type_of(parts[0], parts[1:]))
    if origin in (Union, UnionType):
        given = [part for part in parts if part is not type(None)]
        if len(given) == 1:
            return shape_of(given[0])
        return Shape("value", variants=tuple(_tagged(given)))
    if origin is dict:
        return Shape("table", item=parts[1])
    if origin is tuple:
        return Shape("list", item=parts[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape("section", model=annotation)
    return Shape("value")


def _tagged(members: list[Any]) -> list[tuple[str, Any]]:
    return [
        (mark.tag, member)
        for member in members
        for mark in (get_args(member)[1:] if get_origin(member) is Annotated else ())
        if isinstance(mark, Tag)
    ]


def shape_at(root: type[BaseModel], where: Where) -> Shape | None:
    """Follows a path (with union tags in it, as in pydantic's errors) down from a model."""
    shape: Shape | None = shape_of(root)
    for part in where:
        shape = shape.below(part) if shape else None
    return shape

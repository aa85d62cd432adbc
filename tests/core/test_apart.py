"""core/apart.py: fields that are validated apart are fields like any other, but for when their validators are built."""

import subprocess
import sys
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from fedgate.core.apart import Apart, elsewhere, type_of
from fedgate.core.values import MANIFEST, Duration, Refusal, Section, refuse_all

HERE = __name__.rpartition(".")[0]


class Inner(Section):
    """What is inside."""

    many: int = Field(default=1, ge=1, description="How many.")
    wait: Duration = 5.0


def _few(inner: tuple[Inner, ...]) -> tuple[Inner, ...]:
    if len(inner) > 2:
        raise refuse_all([Refusal("has too many", "leave one out", (2,))])
    return inner


List = Annotated[tuple[Inner, ...], Field(max_length=3), AfterValidator(_few)]


class Direct(Section):
    one: Inner = Field(default_factory=Inner.absent, description="One.")
    some: List = ()
    named: dict[str, Inner] = Field(default={})
    none: Inner | None = None


class Later(Section):
    one: Apart[Inner] = Field(default_factory=Inner.absent, description="One.")
    some: Apart[List] = ()
    named: dict[str, Apart[Inner]] = Field(default={})
    none: Apart[Inner | None] = None


class Elsewhere(Section):
    one: elsewhere(".test_apart", "Inner", HERE) = Field(  # type: ignore[valid-type]
        default_factory=Inner.absent, description="One."
    )


GOOD: dict[str, Any] = {"one": {"many": 2}, "some": [{}, {"wait": "3s"}], "named": {"a": {"many": 3}}, "none": {}}


def errors(model: type[Section], data: dict[str, Any]) -> list[Any]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data, context=MANIFEST)
    return caught.value.errors(include_url=False, include_input=False)


def test_values_are_the_same_as_without_it() -> None:
    direct, later = Direct.model_validate(GOOD, context=MANIFEST), Later.model_validate(GOOD, context=MANIFEST)
    assert dict(direct) == dict(later)
    assert (later.some[1].wait, later.named["a"].many, later.none) == (3.0, 3, Inner())
    assert dict(Direct()) == dict(Later())


@pytest.mark.parametrize(
    "data",
    [
        {"one": {"many": 0, "more": 1}},
        {"one": 3, "none": []},
        {"some": [{"many": "x"}, {"wait": 3}]},
        {"some": [{}, {}, {}]},
        {"some": [{}, {}, {}, {}]},
        {"named": {"a": {"many": 0}, "b": {"wait": "soon"}}},
    ],
)
def test_errors_say_the_same_in_the_same_places(data: dict[str, Any]) -> None:
    assert errors(Later, data) == errors(Direct, data)


def test_a_value_that_is_one_already_is_taken_as_it_is() -> None:
    inner = Inner(many=4)
    assert Later.model_validate({"one": inner}).one is inner


def test_the_schema_is_the_same_but_for_titles() -> None:
    """Titles of properties are their names again; `manifest/schema.py` takes them away."""

    def of(model: type[Section]) -> Any:
        found = model.model_json_schema()
        for each in found["properties"].values():
            each.pop("title", None)
        return {**found, "title": ""}

    assert of(Later) == of(Direct)
    assert of(Later)["properties"]["one"] == {"$ref": "#/$defs/Inner", "description": "One."}


def test_a_type_of_another_module_is_found_there() -> None:
    made = Elsewhere.model_validate({"one": {"many": 2}})
    assert made.one == Inner(many=2)
    assert errors(Elsewhere, {"one": {"many": 0}})[0]["loc"] == ("one", "many")


def test_what_a_field_stands_for_is_told() -> None:
    for model in (Later, Elsewhere):
        field = model.model_fields["one"]
        assert type_of(field.annotation, field.metadata) is Inner
    assert type_of(int) is int
    assert TypeAdapter(type_of(Any, Later.model_fields["some"].metadata)).validate_python(()) == ()


def test_the_module_of_a_type_is_not_imported_before_the_field_is_there() -> None:
    program = (
        "import sys; from fedgate.manifest.model import Manifest; name = 'fedgate.a2a.settings'; "
        "Manifest.model_validate({'mcp': {}}); before = name in sys.modules; "
        "Manifest.model_validate({'agents': {'a': {'instances': ['http://127.0.0.1:9']}}}); "
        "print(before, name in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False True\n"

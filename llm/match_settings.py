"""What a rule of a route may ask of a request in plain fields, without an expression. Values only.

All that is written has to hold; of a list, one. Above: `route_settings`; `conditions` acts on it. Below:
`core.values`.
"""

import re
from typing import Annotated, Any, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ..core.values import Name, Section, refuse

BOUND_PATTERN = "^(<=|>=|<|>|==)? ?[0-9]{1,12}$"
MAX_CHOICES = 64
"""Values of one field."""
SECRET = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-fedgate-provider-key",
    }
)
"""Headers that carry credentials: rules do not look at them."""


class Bound(NamedTuple):
    """A comparison with a number, such as `<=100`."""

    sign: str
    number: int

    def holds(self, value: int | None) -> bool:
        """What is not said fulfils nothing."""
        if value is None:
            return False
        match self.sign:
            case "<":
                return value < self.number
            case ">":
                return value > self.number
            case ">=":
                return value >= self.number
            case "==":
                return value == self.number
            case _:
                return value <= self.number

    def __str__(self) -> str:
        return f"{self.sign} {self.number}"


def _bound(value: object) -> Bound:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(BOUND_PATTERN[1:-1], text):
        raise refuse("is not a comparison", 'write for example "<=100", ">100000", or 100, which means "<=100"')
    sign = text.rstrip("0123456789")
    return Bound(sign.strip() or "<=", int(text[len(sign) :]))


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", text):
        raise refuse("is not the name of a header", "write for example x-team")
    if text.lower() in SECRET:
        raise refuse("is a header that carries a credential", "choose by group: the caller is known by then")
    return text.lower()


Comparison = Annotated[
    Bound,
    BeforeValidator(_bound),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": BOUND_PATTERN}, {"type": "integer", "minimum": 0}]}),
]
Word = Annotated[str, Field(min_length=1, max_length=256)]
Words = Annotated[tuple[Word, ...], BeforeValidator(_list), Field(min_length=1, max_length=MAX_CHOICES)]
Intents = Annotated[tuple[Name, ...], BeforeValidator(_list), Field(min_length=1, max_length=MAX_CHOICES)]
HeaderName = Annotated[str, AfterValidator(_header)]


class MatchSettings(Section):
    """Conditions on a request. `*` in a text stands for anything."""

    max_tokens: Comparison | None = Field(
        default=None, description="What the caller allows the answer at most; a bare number means: not more than that."
    )
    estimated_tokens: Comparison | None = Field(
        default=None, description="How long the request is, as far as that can be said without the model."
    )
    has_tools: bool | None = Field(default=None, description="Whether it brings tools.")
    has_images: bool | None = Field(default=None, description="Whether it shows images.")
    reasoning: bool | None = Field(default=None, description="Whether it asks the model to think.")
    stream: bool | None = Field(default=None, description="Whether the answer is to be streamed.")
    intent: Intents | None = Field(default=None, description="Classes of models.intents, one of which it belongs to.")
    model: Words | None = Field(default=None, description="The model that the caller names.")
    group: Words | None = Field(default=None, description="Groups, one of which the caller is in.")
    path: Words | None = Field(default=None, description="The path of the request.")
    header: dict[HeaderName, Words] = Field(
        default={}, max_length=16, description="Headers and the values that they must have."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not any(
            value is not None and value != {} for value in (getattr(self, key) for key in self.model_fields_set)
        ):
            raise refuse("says nothing", "write a condition, or leave match out, so that the rule always holds")
        return self

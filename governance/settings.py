"""The `limits` section: how much of what a caller may do in which time. Values only.

Expressions are checked here, when the manifest is loaded, so that a limit which can never apply is an error with its
place and not a surprise. What a limit does is `limits.py`'s. `manifest/model.py` composes this section.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ..access.rule_settings import Expression
from ..core.values import Name, Refusal, Section, refuse, refuse_all

MAX_LIMITS = 64
"""Entries of the section: each costs a few microseconds of every call."""
RATE_PATTERN = "^[1-9][0-9]{0,11}/(second|minute|hour|day)$"
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
DEFAULT_KEY = "principal.id"
_WRITTEN = re.compile(r"\s*([0-9_, ]*[0-9])\s*(?:/|per)\s*([a-z]+)\s*", re.I)


@dataclass(frozen=True, slots=True)
class Rate:
    """So much in so long."""

    amount: int
    unit: Literal["second", "minute", "hour", "day"]

    @property
    def seconds(self) -> int:
        return SECONDS[self.unit]

    @property
    def spoken(self) -> str:
        return f"{self.amount} per {self.unit}"

    def __str__(self) -> str:
        return f"{self.amount}/{self.unit}"


def parse_rate(text: str) -> Rate:
    """The rate that "600/minute" means. Raises `ValueError` for anything else."""
    if not re.fullmatch(RATE_PATTERN[1:-1], text):
        raise ValueError("not a rate")
    amount, _, unit = text.partition("/")
    return Rate(int(amount), unit)  # type: ignore[arg-type]


def suggest_rate(text: str) -> str | None:
    """The valid spelling that was probably meant: "1_000 per min" is "1000/minute"."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    amount = re.sub("[^0-9]", "", found[1]).lstrip("0")[:12]
    word = found[2].lower()
    word = word[:-1] if len(word) > 1 and word.endswith("s") else word
    unit = "hour" if word == "hr" else next((unit for unit in SECONDS if unit.startswith(word)), None)
    return f"{amount}/{unit}" if amount and unit else None


def _rate(value: object) -> Rate:
    if isinstance(value, Rate):
        return value
    try:
        return parse_rate(value if isinstance(value, str) else "")
    except ValueError:
        near = suggest_rate(value) if isinstance(value, str) else None
        why = "write N/second, N/minute, N/hour or N/day, such as 600/minute"
        raise refuse("must be a rate above zero", why, nearest=near) from None


RateText = Annotated[
    Rate,
    BeforeValidator(_rate),
    WithJsonSchema({"type": "string", "pattern": RATE_PATTERN, "examples": ["10/second", "600/minute", "200000/day"]}),
]


class LimitSettings(Section):
    """One limit, for every key anew: callers with different keys do not share it."""

    name: Name = Field(description="What errors, the log and metrics call it.")
    when: Expression | None = Field(
        default=None, description="A CEL expression: the calls that it counts; without it, all."
    )
    key: Expression = Field(
        default=DEFAULT_KEY, description="A CEL expression: calls with the same value share the limit."
    )
    requests: RateText | None = Field(default=None, description="Calls in a sliding window.")
    tokens: RateText | None = Field(
        default=None, description="Tokens of models, read and written, in a sliding window."
    )
    concurrency: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        default=None, description="Calls under way at a time; a stream counts until its end."
    )

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.requests is None and self.tokens is None and self.concurrency is None:
            raise refuse("limits nothing", "write requests, tokens or concurrency")
        return self


def _unique(limits: tuple[LimitSettings, ...]) -> tuple[LimitSettings, ...]:
    found = list(_twice(limits))
    if found:
        raise refuse_all(found)
    return limits


def _twice(limits: tuple[LimitSettings, ...]) -> Iterator[Refusal]:
    first: dict[str, int] = {}
    for place, limit in enumerate(limits):
        if limit.name in first:
            other = (first[limit.name], "name")
            yield Refusal("is the name of another limit", "choose another", (place, "name"), other)
        first.setdefault(limit.name, place)


def _store(text: str) -> str:
    if text != "memory":
        near = "memory" if text.lower().strip() == "memory" else None
        raise refuse('must be "memory"', "this is the only place so far: a restart begins to count anew", nearest=near)
    return text


Limits = Annotated[tuple[LimitSettings, ...], Field(max_length=MAX_LIMITS), AfterValidator(_unique)]
Store = Annotated[str, AfterValidator(_store), WithJsonSchema({"type": "string", "enum": ["memory"]})]

"""One route of the `models` section: its targets or rules, and how it takes failures. Values only.

Above: `settings`, which checks routes against providers and one another. Below: `core.values`.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ..core.values import Duration, Name, Refusal, Section, refuse, refuse_all, written
from .match_settings import MatchSettings
from .retry_settings import BreakerSettings, RetrySettings

CONDITIONS = ("4xx", "5xx", "timeout", "refused", "all_failed")
PATH_PATTERN = r"^(/[A-Za-z0-9._~-]+){1,8}$"
ALIAS_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}\*?$"
MAX_EXPRESSION = 4096
"""Characters of a rule's condition."""


def _condition(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not (value in CONDITIONS or re.fullmatch("[45][0-9][0-9]", value)):
        raise refuse("is not a condition", f"write a status from 400 to 599, or {', '.join(CONDITIONS)}")
    return value


def _path(text: str) -> str:
    if not re.fullmatch(PATH_PATTERN[1:-1], text):
        raise refuse("is not a path", "write for example /anthropic: a slash first, none at the end")
    if any(segment in (".", "..") for segment in text.split("/")):
        raise refuse("must not have . or .. in it", "write the path out")
    return text


def _alias(text: str) -> str:
    if not re.fullmatch(ALIAS_PATTERN[1:-1], text):
        raise refuse("is not a model name", "write a name, or the beginning of one with * at its end: claude-*")
    return text


Condition = Annotated[
    str,
    BeforeValidator(_condition),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 400, "maximum": 599}, {"enum": [*CONDITIONS]}]}),
]


class TargetSettings(Section):
    """A model of a provider that a route may use."""

    provider: Name = Field(description="One of models.providers.")
    model: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[!-~]+$")] | None = Field(
        default=None, description="Its model there; without it, the name that the client sent."
    )
    weight: int = Field(default=1, ge=0, le=1_000_000, description="With weighted: its share.")
    on: tuple[Condition, ...] = Field(
        default=(),
        max_length=32,
        description="When to fall to this target; without it, whenever another provider may help.",
    )
    first_byte_timeout: Duration | None = Field(
        default=None, description="How long it may take to begin its answer; without it, as the provider says."
    )


class RuleSettings(Section):
    """A condition on the request and the route that it leads to."""

    match: MatchSettings | None = Field(
        default=None, description="Plain conditions, all of which have to hold; without it and when, always."
    )
    when: Annotated[str, Field(min_length=1, max_length=MAX_EXPRESSION)] | None = Field(
        default=None, description="A CEL expression over llm, principal and request; with match, both have to hold."
    )
    route: str = Field(description="One of models.routes.")


class RouteSettings(Section):
    """What one model name of the gateway means."""

    targets: tuple[TargetSettings, ...] = Field(
        default=(), max_length=64, description="The models that serve it, the preferred one first."
    )
    rules: tuple[RuleSettings, ...] = Field(
        default=(), max_length=256, description="Instead of targets: other routes by conditions; the first that holds."
    )
    strategy: Literal["fallback", "weighted", "latency", "cost"] = Field(
        default="fallback",
        description="fallback: in order; weighted: by shares; latency: the fastest; cost: the cheapest that can.",
    )
    affinity: Literal["conversation", "none"] = Field(
        default="conversation", description="Whether a conversation stays with its target while that is healthy."
    )
    path: Annotated[str, AfterValidator(_path), WithJsonSchema({"type": "string", "pattern": PATH_PATTERN})] | None = (
        Field(default=None, description="Also reachable below this path, whatever model the client names.")
    )
    aliases: tuple[
        Annotated[str, AfterValidator(_alias), WithJsonSchema({"type": "string", "pattern": ALIAS_PATTERN})], ...
    ] = Field(default=(), max_length=64, description="Other model names that lead here; * at the end stands for any.")
    credentials: Literal["gateway", "caller"] = Field(
        default="gateway", description="Whose key the provider gets: the manifest's, or the one that the caller sent."
    )
    retry: RetrySettings | None = Field(default=None, description="Instead of models.retry.")
    breaker: BreakerSettings | None = Field(default=None, description="Instead of models.breaker.")
    timeout: Duration = Field(
        default=600.0, json_schema_extra=written("10m"), description="After this long, nothing more is tried."
    )
    groups: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), max_length=64, description="Groups whose members may ask for it; default: everybody."
    )
    description: str | None = Field(default=None, max_length=1000, description="What it is for: people read it.")

    @model_validator(mode="after")
    def _targets_or_rules(self) -> Self:
        found: list[Refusal] = []
        if self.targets and self.rules:
            found.append(Refusal("has both targets and rules", "let the rules lead to a route with these targets"))
        if not self.targets and not self.rules:
            found.append(Refusal("needs targets or rules", "write targets: [{provider: ..., model: ...}]"))
        for place, rule in enumerate(self.rules[:-1]):
            if rule.when is None and rule.match is None:
                found.append(Refusal("holds always: what follows is never reached", "put it last", ("rules", place)))
        if self.strategy == "weighted" and self.targets and not any(target.weight for target in self.targets):
            found.append(Refusal("has no target with a weight", "give one a weight above 0", ("targets",)))
        if found:
            raise refuse_all(found)
        return self

"""One entry of `access.rules`: an expression, and what happens where it holds. Values only.

Expressions are compiled here to be checked, so that a wrong one is refused with its place in the file.
Above: `settings.py`; `rules.py` acts on it. Below: `cel.py`.
"""

from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import CoreSchema

from ..core.values import Refusal, Section, refuse, refuse_all
from . import cel

MAX_RULES = 256
"""Rules of one manifest: each is evaluated for every call that it concerns."""
KINDS: tuple[Literal["deny", "require", "allow"], ...] = ("deny", "require", "allow")


def refusal(error: cel.CelError) -> Refusal:
    """A wrong expression as a manifest's mistake."""
    return Refusal(error.what, error.why, nearest=error.nearest, offset=error.offset)


def wrong(text: str) -> Refusal | None:
    """Why an expression cannot be used, if it cannot."""
    try:
        cel.compile(text)
    except cel.CelError as error:
        return refusal(error)
    return None


def wrong_pattern(text: str, *, any_case: bool) -> Refusal | None:
    """The same of a regular expression that the engine of rules is to run."""
    literal = msgspec.json.encode(f"(?i){text}" if any_case else text).decode()
    try:
        program = cel.compile(f"text.matches({literal})", {"text": {}})
        program.holds(cel.context({"text": ""}, program.functions))
    except (cel.CelError, cel.Fault):
        return Refusal("is not a regular expression", "RE2 syntax: no look-around, no back-references")
    return None


def _expression(text: str) -> str:
    found = wrong(text)
    if found is not None:
        raise refuse_all([found])
    return text


Expression = Annotated[
    str,
    AfterValidator(_expression),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": cel.MAX_TEXT}),
]
"""CEL over the variables of rules (docs/rules.md)."""


class RuleSettings(Section):
    """A rule: exactly one of `allow`, `deny` and `require`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]})

    allow: Expression | None = Field(default=None, description="What holds here is allowed; then only that is.")
    deny: Expression | None = Field(default=None, description="What holds here is denied, whatever is allowed.")
    require: Expression | None = Field(default=None, description="What does not hold here is denied.")
    name: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="What callers and the log are told; default: its place in the list."
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if not given:
            raise refuse('needs "allow", "deny" or "require"', "for example deny: 'mcp.tool.name == \"drop\"'")
        if len(given) > 1:
            raise refuse(f'has both "{given[0]}" and "{given[1]}"', "write two rules")
        return self

    @property
    def kind(self) -> Literal["deny", "require", "allow"]:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def expression(self) -> str:
        text: str = getattr(self, self.kind)
        return text


class _OrText:
    """Accepts a plain expression where a rule is expected, and says so in the schema."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": cel.MAX_TEXT}, handler(schema)]}


def _from_text(value: object) -> object:
    return {"allow": value} if isinstance(value, str) else value


AnyRule = Annotated[RuleSettings, BeforeValidator(_from_text), _OrText()]


def _few(rules: tuple[RuleSettings, ...]) -> tuple[RuleSettings, ...]:
    if len(rules) > MAX_RULES:
        raise refuse(f"has more than {MAX_RULES} rules", "join some with && and ||")
    return rules


RuleList = Annotated[tuple[AnyRule, ...], AfterValidator(_few)]

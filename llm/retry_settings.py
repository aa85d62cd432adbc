"""How providers that fail are asked again, and when they are left alone: of all routes, or of one. Values only.

Above: `settings`, `route_settings`. Below: `core.values`.
"""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ..core.values import Duration, Refusal, Section, refuse, refuse_all, written


def _status(value: object) -> object:
    if not isinstance(value, int) or isinstance(value, bool) or not 400 <= value <= 599:
        raise refuse("is not a status that can be retried", "write a number from 400 to 599")
    return value


Status = Annotated[int, BeforeValidator(_status), WithJsonSchema({"type": "integer", "minimum": 400, "maximum": 599})]


class RetrySettings(Section):
    """Waiting and asking the same provider again. A Retry-After of the provider comes first."""

    attempts: int = Field(default=3, ge=0, le=10, description="Retries after the first try; 0: none.")
    initial: Duration = Field(default=1.0, json_schema_extra=written("1s"), description="Wait before the first retry.")
    max: Duration = Field(default=10.0, json_schema_extra=written("10s"), description="Longest wait between two tries.")
    multiplier: float = Field(default=2.0, ge=1, le=10, description="How much longer each wait is than the one before.")
    on: tuple[Status, ...] = Field(
        default=(429, 500, 502, 503, 529), max_length=32, description="Statuses of the provider that are worth a retry."
    )

    @model_validator(mode="after")
    def _max_is_no_less(self) -> Self:
        if self.max < self.initial:
            raise refuse_all([Refusal("must not be shorter than initial", "make it longer", ("max",))])
        return self


class BreakerSettings(Section):
    """After so many failures in a row a provider's model is left alone; then one request tries it."""

    failures: int = Field(default=5, ge=1, le=1000, description="Failures in a row that open the breaker.")
    reset: Duration = Field(default=60.0, json_schema_extra=written("60s"), description="How long it stays open.")

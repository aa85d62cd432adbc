"""The `sessions` section: where session records are kept, how long, and how many."""

from typing import Literal

from pydantic import Field

from ..core.values import Duration, Section, written


class SessionSettings(Section):
    """The session table."""

    store: Literal["memory"] = Field(
        default="memory", description="Where records are kept. memory: in the process; a restart forgets them."
    )
    idle: Duration = Field(
        default=1800.0,
        json_schema_extra=written("30m"),
        description="A session that was not used for so long is closed.",
    )
    max: int = Field(
        default=10_000,
        ge=1,
        le=10_000_000,
        description="Sessions kept at a time; beyond, the longest idle one is closed.",
    )

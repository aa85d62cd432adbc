"""The `telemetry` section: how the gateway tells what it does."""

from typing import Literal

from pydantic import Field

from ..core.values import Section


class LogSettings(Section):
    """The access line that every operation ends with."""

    format: Literal["auto", "logfmt", "json"] = Field(
        default="auto", description="auto writes logfmt on a terminal and JSON elsewhere."
    )
    ids: Literal["hashed", "plain"] = Field(
        default="hashed",
        description="How ids of A2A contexts and tasks are written and shown to administrators: as marks, or as they "
        "are. Ids of MCP sessions are never written.",
    )


class TelemetrySettings(Section):
    """Logs (metrics are always on, at /metrics)."""

    log: LogSettings = Field(default=LogSettings(), description="The access log.")

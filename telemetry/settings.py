"""The `telemetry` section: how the gateway tells what it does."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from ..core.values import Section, Size, Url, refuse, written

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VALUE = re.compile(r"[\t -~\x80-\xff]{0,8192}")


def _headers(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name):
            raise refuse("has a name that is no header", 'write for example "authorization"')
        if not _VALUE.fullmatch(value.get_secret_value()):
            raise refuse("has a value that no header can carry", "write one line of Latin text")
    return headers


class PayloadSettings(Section):
    """What requests and answers said, for those who may read it."""

    file: str = Field(
        default="stderr",
        min_length=1,
        description="A file that lines are appended to, or stderr. One JSON object each.",
    )
    max: Size = Field(
        default=16 << 10, json_schema_extra=written("16KiB"), description="Of one body, how much is written at most."
    )
    redact: tuple[str, ...] = Field(
        default=(),
        description="Names of JSON members and headers whose values are left out, besides those of credentials.",
    )


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
    payloads: bool | PayloadSettings = Field(
        default=False,
        description="Whether bodies are written, to a log of their own, without credentials; or how. Off by default.",
    )

    @property
    def payload_settings(self) -> PayloadSettings | None:
        """`None`: bodies are not written."""
        if isinstance(self.payloads, bool):
            return PayloadSettings() if self.payloads else None
        return self.payloads


class MetricsSettings(Section):
    """Metrics are always on, at /metrics."""

    aliases: tuple[Literal["agentgateway"], ...] = Field(
        default=(), description="Whose names some metrics have besides their own, so that its dashboards work."
    )


class TracesSettings(Section):
    """Traces, in the form of OpenTelemetry. Without `otlp` there are none."""

    otlp: Url | None = Field(
        default=None, description="Where a collector takes OTLP over HTTP; /v1/traces is put behind it."
    )
    sample: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="How many of the traces that begin here are sent: 0 to 1. Those that a caller began are sent if "
        "the caller's are.",
    )
    headers: Annotated[dict[str, SecretStr], AfterValidator(_headers)] = Field(
        default={}, description="What the collector is sent besides, such as a key."
    )


class StoriesSettings(Section):
    """What administrators can be told of single requests, at /admin/requests/ID."""

    keep: int = Field(default=1000, ge=0, le=100_000, description="How many of the last requests; 0: none.")


class TelemetrySettings(Section):
    """Logs, metrics, traces."""

    log: LogSettings = Field(default=LogSettings.absent(), description="The access log.")
    metrics: MetricsSettings = Field(default=MetricsSettings.absent(), description="What /metrics says.")
    traces: TracesSettings = Field(
        default=TracesSettings.absent(), description="What is sent to a collector of traces."
    )
    requests: StoriesSettings = Field(default=StoriesSettings.absent(), description="Requests that can be looked at.")

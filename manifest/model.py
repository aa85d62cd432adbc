"""The manifest: one section per part, and the rules that need more than one section.

Each part owns its section (`settings.py`); this only composes. Text becomes a `Manifest` by
`load.py`; tests and the demo may build one directly, the rules hold there too.
"""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from ..a2a.settings import Agents
from ..access.settings import AccessSettings
from ..core.values import Refusal, Section, refuse_all
from ..federation.settings import McpSettings
from ..gateway.settings import GatewaySettings
from ..sessions.settings import SessionSettings
from ..telemetry.settings import TelemetrySettings


def conflicts(gateway: GatewaySettings, access: AccessSettings) -> Iterator[Refusal]:
    """What two sections together must not say. Paths are from the root."""
    listen = gateway.listen
    if listen.is_loopback:
        return
    if not access.keys:
        yield Refusal(
            "is an address that other machines can reach, but nobody has to say who they are",
            "add access.keys, or listen on 127.0.0.1",
            ("gateway", "listen"),
        )
    if access.anonymous:
        yield Refusal(
            "must not be true on an address that other machines can reach",
            "take it away, or listen on 127.0.0.1",
            ("access", "anonymous"),
        )


class Manifest(Section):
    """Everything that a gateway is told."""

    gateway: GatewaySettings = Field(default_factory=GatewaySettings, description="Address, names and limits.")
    access: AccessSettings = Field(default_factory=AccessSettings, description="Who may call.")
    mcp: McpSettings = Field(default_factory=McpSettings, description="MCP servers and their catalog.")
    agents: Agents = Field(default={}, description="A2A agents, each under its name, served at /a2a/NAME.")
    sessions: SessionSettings = Field(
        default_factory=SessionSettings, description="Where session records are kept, how long and how many."
    )
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings, description="Logs.")

    @model_validator(mode="after")
    def _no_conflict(self) -> Self:
        found = list(conflicts(self.gateway, self.access))
        if found:
            raise refuse_all(found)
        return self

    @property
    def anonymous(self) -> bool:
        """Whether callers without a key are served: as said, else only on loopback with no key configured."""
        if self.access.anonymous is not None:
            return self.access.anonymous
        return self.gateway.listen.is_loopback and not self.access.keys

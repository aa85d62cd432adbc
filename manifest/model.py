"""The manifest: one section per part, and the rules that need more than one section.

Each part owns its section (`settings.py`); this only composes. Text becomes a `Manifest` by
`load.py`; tests and the demo may build one directly, the rules hold there too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from ..access.settings import AccessSettings, wrong, wrong_pattern
from ..core.apart import Apart, elsewhere
from ..core.values import Refusal, Section, refuse_all
from ..federation.settings import McpSettings
from ..gateway.settings import GatewaySettings
from ..governance.settings import Limits, Store
from ..llm.settings import ModelsSettings
from ..sessions.settings import SessionSettings
from ..telemetry.settings import TelemetrySettings

if TYPE_CHECKING:
    from ..a2a.settings import Agents
else:
    Agents = elsewhere("..a2a.settings", "Agents", __package__)


def conflicts(gateway: GatewaySettings, access: AccessSettings) -> Iterator[Refusal]:
    """What two sections together must not say. Paths are from the root."""
    listen = gateway.listen
    if listen.is_loopback:
        return
    if not access.identifies:
        yield Refusal(
            "is an address that other machines can reach, but nobody has to say who they are",
            "add access.keys or access.jwt, or listen on 127.0.0.1",
            ("gateway", "listen"),
        )
    if access.anonymous:
        yield Refusal(
            "must not be true on an address that other machines can reach",
            "take it away, or listen on 127.0.0.1",
            ("access", "anonymous"),
        )


def strangers(mcp: McpSettings, agents: Mapping[str, object]) -> Iterator[Refusal]:
    """Servers that are to be agents which do not exist. Paths are from the root."""
    for name, agent in mcp.agents.items():
        if agent not in agents:
            near = get_close_matches(agent, agents, 1)
            why = f"there are: {', '.join(agents)}" if agents else "there are none; list it below agents"
            at = ("mcp", "servers", name, "agent")
            yield Refusal("is no agent", "" if near else why, at, nearest=near[0] if near else None)


def unreadable(models: ModelsSettings) -> Iterator[Refusal]:
    """Conditions of routes and patterns of intents that the engine of rules cannot read. Paths are from the root."""
    for where, text in models.conditions():
        if (found := wrong(text)) is not None:
            yield replace(found, at=("models", *where))
    for where, text, any_case in models.patterns():
        if (found := wrong_pattern(text, any_case=any_case)) is not None:
            yield replace(found, at=("models", *where))


class Manifest(Section):
    """Everything that a gateway is told."""

    gateway: Apart[GatewaySettings] = Field(
        default_factory=GatewaySettings.absent, description="Address, names and limits."
    )
    access: Apart[AccessSettings] = Field(default_factory=AccessSettings.absent, description="Who may call.")
    mcp: Apart[McpSettings] = Field(default_factory=McpSettings.absent, description="MCP servers and their catalog.")
    agents: Agents = Field(default={}, description="A2A agents, each under its name, served at /a2a/NAME.")
    models: Apart[ModelsSettings] = Field(
        default_factory=ModelsSettings.absent, description="Providers of models, and the names that clients ask for."
    )
    limits: Apart[Limits] = Field(default=(), description="How much of what callers may do in which time.")
    limits_store: Store = Field(default="memory", description="Where it is counted. memory: in the process.")
    sessions: Apart[SessionSettings] = Field(
        default_factory=SessionSettings.absent, description="Where session records are kept, how long and how many."
    )
    telemetry: Apart[TelemetrySettings] = Field(default_factory=TelemetrySettings.absent, description="Logs.")

    @model_validator(mode="after")
    def _no_conflict(self) -> Self:
        found = [
            *conflicts(self.gateway, self.access),
            *strangers(self.mcp, self.agents),
            *unreadable(self.models),
        ]
        if found:
            raise refuse_all(found)
        return self

    @property
    def anonymous(self) -> bool:
        """Whether callers without a credential are served: as said, else only on loopback with none configured."""
        if self.access.anonymous is not None:
            return self.access.anonymous
        return self.gateway.listen.is_loopback and not self.access.identifies

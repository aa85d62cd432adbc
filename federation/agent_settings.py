"""The section of a server that is an agent of this gateway: its skills become tools. Values only.

Whether there is such an agent is checked by `manifest/model.py`, which knows both sections.
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from ..core.values import Duration, Name, refuse, written
from .server_settings import AnyServer

_OTHERS = ("command", "url", "openapi")


class AgentServer(AnyServer):
    """An agent of the `agents` section, offered as tools."""

    agent: Name = Field(description="The agent, by its name below agents.")
    tools: Literal["skills", "send"] = Field(
        default="skills",
        description="skills: one tool for each skill of its card; send: one tool for all that the agent can do.",
    )
    timeout: Duration = Field(
        default=600.0,
        json_schema_extra=written("10m"),
        description="How long the agent may be silent in one call.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, data: Any) -> Any:
        if isinstance(data, dict) and any(data.get(key) is not None for key in _OTHERS):
            raise refuse('has "agent" beside "command", "url" or "openapi"', "a server is one of them: keep that one")
        return data

    @property
    def endpoint(self) -> str:
        """What logs call it."""
        return f"a2a/{self.agent}"

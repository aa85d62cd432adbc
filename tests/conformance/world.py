"""What a fixture server remembers and announces while it runs.

Holds the switches that fixtures flip (a tool and a prompt that come and go, a resource
that changes) and tells every connected client: handshake-era ones on their standalone
stream, modern ones through `subscriptions/listen`. Must not know fixtures or transports.
"""

from collections import deque
from dataclasses import dataclass, field

from mcp.server.session import ServerSession
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ResourcesListChanged,
    ResourceUpdated,
    ToolsListChanged,
)

MAX_SESSIONS_TOLD = 256


@dataclass
class World:
    """Mutable state of one server process."""

    extra_tool: bool = False
    extra_prompt: bool = False
    extra_resource: bool = False
    watched_revision: int = 1
    subscribed: set[str] = field(default_factory=set)
    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    sessions: deque[ServerSession] = field(default_factory=lambda: deque(maxlen=MAX_SESSIONS_TOLD))

    async def flip_tool(self) -> None:
        """Add the extra tool, or remove it, and announce the change."""
        self.extra_tool = not self.extra_tool
        await self.bus.publish(ToolsListChanged())
        for session in list(self.sessions):
            await session.send_tool_list_changed()

    async def flip_prompt(self) -> None:
        """Add the extra prompt, or remove it, and announce the change."""
        self.extra_prompt = not self.extra_prompt
        await self.bus.publish(PromptsListChanged())
        for session in list(self.sessions):
            await session.send_prompt_list_changed()

    async def flip_resource(self) -> None:
        """Add the extra resource, or remove it, and announce the change."""
        self.extra_resource = not self.extra_resource
        await self.bus.publish(ResourcesListChanged())
        for session in list(self.sessions):
            await session.send_resource_list_changed()

    async def touch(self, uri: str) -> None:
        """Change the watched resource and tell those who subscribed to `uri`."""
        self.watched_revision += 1
        await self.bus.publish(ResourceUpdated(uri=uri))
        if uri in self.subscribed:
            for session in list(self.sessions):
                await session.send_resource_updated(uri)

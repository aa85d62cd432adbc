"""What the administration asks of the parts that it may not know: agents with their instances, and MCP servers.

Values are what people are shown, without any credential. Above: `admin.py`. The gateway's assembly implements
the ports.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..core.call import Principal

if TYPE_CHECKING:
    from starlette.requests import Request

Admit = Callable[["Request"], Principal]
"""Who administers. Raises `ClientError` for everybody else, and for requests that are not meant for this gateway."""

Servers = Callable[[], list[dict[str, Any]]]
"""The MCP servers, as `/readyz` shows them."""


class Reload(Protocol):
    """Reads the manifest again."""

    @property
    def standing(self) -> Any:
        """Which manifest is served, and what became of the last attempt: a value that has a JSON form."""
        ...

    async def reload(self, by: str) -> Any:
        """What became of it, as above, with `result`. Raises `ClientError` where there is nothing to be read."""
        ...


class InstanceView(msgspec.Struct, frozen=True):
    """One instance of an agent. `since` on the wall clock."""

    name: str
    url: str
    state: str
    epoch: str
    draining: bool = False
    inflight: int = 0
    since: float = 0.0
    speaks: tuple[str, ...] = ()
    """Such as `1.0/jsonrpc`, preferred first."""
    reason: str = ""

    @property
    def label(self) -> str:
        """What a record is pinned to: the instance while it is this process."""
        return f"{self.name}#{self.epoch}"


class AgentView(msgspec.Struct, frozen=True):
    """One agent. `policy`: where its conversations live (`instance`, `shared`, `none`)."""

    name: str
    state: str
    instances: tuple[InstanceView, ...] = ()
    version: str = ""
    policy: str = "instance"
    reason: str = ""


class Agents(Protocol):
    """All agents of the gateway."""

    def views(self) -> list[AgentView]:
        """As they are now."""
        ...

    def drain(self, agent: str, instance: str, on: bool) -> None:
        """Give the instance no new conversations, or do again. Raises `NotFound`, which names what is near."""
        ...

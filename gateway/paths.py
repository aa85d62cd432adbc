"""The data paths of one manifest: which first segment of a URL leads through which stages to which endpoint.

Made anew whenever the manifest is another one; requests under way stay on the path that they began on. Above:
`app.py`. Below: `pipeline.py` and the endpoints.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..access.judge import Judge
from ..core.call import Call, Handler
from ..core.ports import Endpoint, Telling
from ..core.stage import Stage
from ..federation.endpoint import McpEndpoint
from ..federation.sse_front import SseEndpoint
from ..governance.limits import Limits
from .access import AccessSide
from .admit import Admit
from .asgi import Hot
from .bind import BindOne
from .observe import Observe
from .pipeline import batch_path, data_path, inner_stages, message_path

if TYPE_CHECKING:
    from .payloads import PayloadLog

MODELS = frozenset({"v1", "v1beta"})
"""First segments of the paths that clients of models know."""


class Told(Endpoint, Telling, Protocol):
    """An endpoint whose calls rules and limits look at."""


class Agents(Told, Protocol):
    """The endpoint of agents."""

    def is_open(self, call: Call) -> bool:
        """Whether anybody may ask this, without a credential."""
        ...


@dataclass(frozen=True)
class Ends:
    """What all paths are made of. `observe`: the outermost stage for an endpoint whose operations are these."""

    observe: Callable[[frozenset[str]], Observe]
    admit: Admit
    access: AccessSide
    judge: Judge
    limits: Limits
    payloads: "PayloadLog | None" = None

    def inner(self, endpoint: Told) -> Sequence[Stage]:
        return inner_stages(self.judge, endpoint, limits=self.limits)


def to_servers(ends: Ends, mcp: McpEndpoint, revealing: Endpoint, sse: SseEndpoint) -> dict[str, Hot]:
    """By the first segment. `revealing`: the MCP endpoint as the outermost stages see it. The messages of a batch and
    those of the old transport get their paths too."""
    observe = ends.observe(mcp.operations | sse.operations)
    inner, identify = ends.inner(mcp), ends.access.identify()
    mcp.each = batch_path(observe, mcp, BindOne(mcp.bind_one), inner)
    sse.each = message_path(observe, revealing, inner)
    old = Hot("mcp", data_path(observe, ends.admit, identify, sse, payloads=ends.payloads))
    new = Hot("mcp", data_path(observe, ends.admit, identify, revealing, inner, ends.payloads))
    return {"mcp": new, "sse": old, "messages": old}


def to_agents(ends: Ends, agents: Agents) -> Handler:
    observe, identify = ends.observe(agents.operations), ends.access.identify(agents.is_open)
    return data_path(observe, ends.admit, identify, agents, ends.inner(agents), ends.payloads)


def to_models(ends: Ends, models: Told) -> Handler:
    observe, identify = ends.observe(models.operations), ends.access.identify(lenient=True)
    return data_path(observe, ends.admit, identify, models, ends.inner(models), ends.payloads)

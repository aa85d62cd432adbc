"""The data paths of one manifest: which first segment of a URL leads through which stages to which endpoint.

Made anew whenever the manifest is another one; requests under way stay on the path that they began on. Above:
`app.py`. Below: `pipeline.py` and the endpoints.
"""

from dataclasses import dataclass
from functools import partial

from ..a2a.endpoint import A2aEndpoint
from ..access.judge import Judge
from ..core.ports import Endpoint
from ..federation.endpoint import McpEndpoint
from ..federation.sse_front import SseEndpoint
from ..governance.limits import Limits
from ..llm.endpoint import LlmEndpoint
from .access import AccessSide
from .admit import Admit
from .asgi import Hot
from .bind import BindOne
from .observe import Observe
from .payloads import PayloadLog
from .pipeline import batch_path, data_path, inner_stages, message_path

OPERATIONS = McpEndpoint.operations | SseEndpoint.operations | A2aEndpoint.operations | LlmEndpoint.operations
"""What may become a metric label."""


@dataclass(frozen=True)
class Ends:
    """What the paths are made of. `revealing`: the MCP endpoint as the outermost stages see it."""

    observe: Observe
    admit: Admit
    access: AccessSide
    judge: Judge
    limits: Limits
    mcp: McpEndpoint
    revealing: Endpoint
    sse: SseEndpoint
    agents: A2aEndpoint
    models: LlmEndpoint
    payloads: PayloadLog | None = None


def hot_paths(ends: Ends, prefixes: frozenset[str]) -> dict[str, Hot]:
    """By the first segment. `prefixes`: those of models. The messages of a batch get theirs too."""
    inner = partial(inner_stages, ends.judge, limits=ends.limits)
    whole = partial(data_path, ends.observe, ends.admit, payloads=ends.payloads)
    of_mcp = inner(ends.mcp)
    identify = ends.access.identify()
    ends.mcp.each = batch_path(ends.observe, ends.mcp, BindOne(ends.mcp.bind_one), of_mcp)
    ends.sse.each = message_path(ends.observe, ends.revealing, of_mcp)
    old = Hot("mcp", whole(identify, ends.sse))
    agents, models = ends.agents, ends.models
    hot = {
        "mcp": Hot("mcp", whole(identify, ends.revealing, of_mcp)),
        "sse": old,
        "messages": old,
        "a2a": Hot("a2a", whole(ends.access.identify(agents.is_open), agents, inner(agents))),
    }
    to_models = Hot("llm", whole(ends.access.identify(lenient=True), models, inner(models)))
    return hot | dict.fromkeys(prefixes, to_models)

"""The stage that asks whether this caller may do this: rules and plain groups, the same for every protocol.

What a caller may not know of is unknown before a call comes here: endpoints leave it out of their lists and do not
find it (`core.ports.Sight`). So what is refused here is about the call: its method, its arguments, its size. Above:
`bind`. Below: limits.
"""

from ..access.judge import Judge, Members
from ..access.rules import ALLOWED, Rules, Verdict
from ..core.call import Call, Handler, Reply
from ..core.errors import Forbidden
from ..core.ports import Telling
from ..federation.agent_settings import AgentServer
from ..manifest.model import Manifest

DENIED = "this is not allowed here"


class Authorize:
    """For calls of one endpoint. `judge`: what the manifest says, the same for all."""

    def __init__(self, judge: Judge, telling: Telling) -> None:
        self._judge = judge
        self._telling = telling

    async def __call__(self, call: Call, inner: Handler) -> Reply:
        """Raises `Forbidden`."""
        told = self._telling.variables(call)
        verdict = self._judge.verdict(call, told) if told else ALLOWED
        if call.record.trail is not None:
            call.record.trail.note(verdict)
        if not verdict.allowed:
            call.record.error = f"forbidden: {verdict.reason}"[:200]
            raise Forbidden(public(verdict))
        return await inner(call)


def public(verdict: Verdict) -> str:
    """Why, for callers: a rule is named if whoever wrote it gave it a name."""
    if verdict.by is not None and verdict.by.named:
        return f"{DENIED}: {verdict.by.label}"
    return DENIED


def judge_of(manifest: Manifest) -> Judge:
    """What the manifest says of who may do what. The groups of agents count here for those who use them as tools;
    for others they are A2A's own affair: their cards may be public all the same."""
    groups: dict[tuple[str, str, str], tuple[str, ...]] = {}
    groups |= {("mcp", "server", name): each.groups for name, each in manifest.mcp.servers.items()}
    tools = {each.agent for each in manifest.mcp.servers.values() if isinstance(each, AgentServer)}
    groups |= {("mcp", "agent", name): each.groups for name, each in manifest.agents.items() if name in tools}
    groups |= {("mcp", "view", name): each.groups for name, each in manifest.mcp.profiles.items()}
    groups |= {("llm", "route", name): each.groups for name, each in manifest.models.routes.items()}
    return Judge(Rules.of(manifest.access.rules), Members(groups))

"""What rules, limits and logs are told of MCP: of a call that was routed, and of what a catalog may hold. Pure.

Names are the server's own, so that a rule does not depend on the view. A server that is an agent of this gateway is
an agent to rules, too. Above: `endpoint.py`, `visible.py`. Below: values.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core.call import Call
from ..core.rawjson import Fields, sub, text
from . import task_ids
from .agent_facts import AgentFacts
from .inbound import Inbound

JOINED = "__"
"""Between the server and the tool in `mcp.tool.full`, whatever views call it."""
_KINDS = {
    "tools/list": ("tool", "tools/call"),
    "prompts/list": ("prompt", "prompts/get"),
    "resources/list": ("resource", "resources/read"),
    "resources/templates/list": ("resource", "resources/read"),
}
"""List method → what the list holds, and the method that uses one."""
_KIND_OF = {
    "tools/call": "tool",
    "prompts/get": "prompt",
    "resources/read": "resource",
    "resources/subscribe": "resource",
    "resources/unsubscribe": "resource",
}
_OPEN_OF_SERVER = ("mcp.method", "mcp.tool", "mcp.prompt", "mcp.resource", "mcp.task")
_OPEN_OF_TOOL = ("a2a.context_id", "a2a.task_id")
_OPEN_OF_AGENT = (*_OPEN_OF_TOOL, "a2a.skill")


class Thing(NamedTuple):
    """`facts` about what could be used, and what a call would say besides (`core.ports.Seen`)."""

    facts: dict[str, Any]
    unknown: tuple[str, ...]


class Facts:
    """`agents`: server → the agent of this gateway that it is. `said`: what calls of agents' tools say."""

    def __init__(self, agents: Mapping[str, str], said: AgentFacts | None = None) -> None:
        self._agents = agents
        self._said = said

    def of_call(self, call: Call) -> dict[str, Any]:
        """The `Telling` port: of a call that is bound. Streams, answers and batches only carry others."""
        inbound: Inbound = call.message
        if inbound.kind not in ("request", "notification"):
            return {}
        mcp: dict[str, Any] = {"method": call.operation}
        route = inbound.route
        if route is None or not route.server:
            return {"mcp": mcp}
        mcp["server"] = route.server
        kind = _kind(call.operation, inbound.params)
        if kind:
            mcp[kind] = _named(kind, route.server, route.name)
        if kind == "tool" and "arguments" in inbound.params:
            mcp[kind]["arguments"] = inbound.params["arguments"]
        facts = self._with_agent(route.server, mcp)
        if kind == "tool" and "a2a" in facts and self._said is not None:
            facts["a2a"] |= self._said.of_call(route.server, route.name, call, inbound.params)
        return facts

    def of_item(self, method: str, server: str, key: str) -> Thing:
        """Of what stands in the list of `method`."""
        kind, using = _KINDS[method]
        facts = self._with_agent(server, {"method": using, "server": server, kind: _named(kind, server, key)})
        unknown = ("mcp.tool.arguments",) if kind == "tool" else ()
        if "a2a" not in facts:
            return Thing(facts, unknown)
        if kind == "tool" and self._said is not None:
            facts["a2a"] |= self._said.of_tool(server, key)
            return Thing(facts, unknown + _OPEN_OF_TOOL)
        return Thing(facts, unknown + _OPEN_OF_AGENT)

    def of_server(self, server: str) -> Thing:
        facts = self._with_agent(server, {"server": server})
        return Thing(facts, _OPEN_OF_SERVER + (_OPEN_OF_AGENT if "a2a" in facts else ()))

    def of_view(self, profile: str) -> Thing:
        return Thing({"mcp": {"view": profile}}, ("mcp.server", *_OPEN_OF_SERVER))

    def _with_agent(self, server: str, mcp: dict[str, Any]) -> dict[str, Any]:
        agent = self._agents.get(server)
        if agent is None:
            return {"mcp": mcp}
        # The name stands in `mcp` too: there the agent's groups count, which are A2A's own affair in `a2a`.
        return {"mcp": {**mcp, "agent": agent}, "a2a": {"agent": agent, "method": "SendMessage"}}


def _kind(method: str, params: Fields) -> str:
    if method == "completion/complete":
        return "prompt" if text(sub(params, "ref").get("type")) == "ref/prompt" else "resource"
    return "task" if method in task_ids.METHODS else _KIND_OF.get(method, "")


def _named(kind: str, server: str, name: str) -> dict[str, Any]:
    named = {"name": name, "server": server, "target": server}
    if kind == "tool":
        named["full"] = f"{server}{JOINED}{name}"
    if kind == "resource":
        named["uri"] = name
    return named

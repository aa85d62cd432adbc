"""What rules and limits are told of a call of an agent's tool, beside the agent: what A2A clients say in messages.

The skill is the tool's; the conversation is the one that the message would go on with. Looked up when it is asked for.
Above: `facts.py`. Below: the port `AgentDoor`, `agent_tools.py`.
"""

from collections.abc import Callable, Mapping

from ..core.call import Call
from ..core.conversation import Asking, Offer
from ..core.ports import AgentDoor
from ..core.rawjson import Fields
from .agent_settings import AgentServer
from .agent_tools import Arguments, BadArgument, build, read
from .server import Server

Fact = Callable[[], str | None]


class AgentFacts:
    """Of the servers that there are at the moment. Without a `door` nothing is told, for there are no agents."""

    def __init__(self, servers: Mapping[str, Server], door: AgentDoor | None) -> None:
        self._servers = servers
        self._door = door
        self._known: dict[str, tuple[AgentServer, Offer, Mapping[str, str]]] = {}

    def of_tool(self, server: str, tool: str) -> dict[str, Fact]:
        """What every call of the tool would say."""
        return {"skill": lambda: self._skill(server, tool)}

    def of_call(self, server: str, tool: str, call: Call, params: Fields) -> dict[str, Fact]:
        def context() -> str | None:
            said, settings = _read(params), self._settings(server)
            if self._door is None or said is None or settings is None:
                return None
            asking = Asking(settings.agent, call.caller, "", said.context, said.task, _thread(call))
            return self._door.context_of(asking) or None

        def task() -> str | None:
            said = _read(params)
            return None if said is None else said.task or None

        return {**self.of_tool(server, tool), "context_id": context, "task_id": task}

    def _settings(self, server: str) -> AgentServer | None:
        found = self._servers.get(server)
        return found.settings if found is not None and isinstance(found.settings, AgentServer) else None

    def _skill(self, server: str, tool: str) -> str | None:
        """By the offer that the tools were made of; while the agent is away, by its last one."""
        settings = self._settings(server)
        if self._door is None or settings is None:
            return None
        known = self._known.get(server)
        offer = self._door.shown(settings.agent).offer
        if offer is not None and (known is None or known[0] is not settings or known[1] is not offer):
            known = self._known[server] = settings, offer, build(offer, settings.tools).skills
        return None if known is None else known[2].get(tool) or None


def _read(params: Fields) -> Arguments | None:
    """What is wrong with them is told by the call itself, which asks no agent then."""
    try:
        return read(params)
    except BadArgument:
        return None


def _thread(call: Call) -> str:
    """The session of a legacy client: its conversation goes on where no id is named."""
    return "" if call.session is None else str(call.session.client.key)

"""An agent of this gateway as an MCP server of the modern era: it has tools, and lives here.

Nothing is asked of the agent but what is said to it: its offer is looked up, and every change of it is
told to the inbox. While it cannot be spoken to there is no connection. Above: `connect.py`. Below: the
port `AgentDoor`, `agent_call.py`.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from ..core import jsonrpc
from ..core.conversation import Asking, Offer
from ..core.errors import ClientError, Internal, UpstreamRefused
from ..core.jsonrpc import INVALID_PARAMS, METHOD_NOT_FOUND
from ..core.ports import AgentDoor
from ..core.rawjson import Fields, encode, text
from . import agent_result
from .agent_call import AgentCall
from .agent_settings import AgentServer
from .agent_tools import BadArgument, build, read
from .eras import CHANGED, MODERN, MODERN_VERSIONS, Era
from .listing import Greeting
from .messages import Answer, Client, Event, Inbox, Notice, Outbound
from .openapi_keywords import short

SETTLE = 30.0
"""Seconds for the first look at an agent, and for one that was lost to come back before its tools are withdrawn."""
AWAY = 600.0
"""Seconds to wait for an agent that is away, until the log says so again."""
MAX_INSTRUCTIONS = 600


class AgentOpener:
    """Opens connections while the agent can be spoken to."""

    def __init__(self, settings: AgentServer, door: AgentDoor, *, settle: float = SETTLE) -> None:
        self._settings = settings
        self._door = door
        self._settle = settle
        self._wait: float | None = None
        """How long the next opening may take; `None`: until the agent was looked at for the first time."""

    async def open(self, inbox: Inbox) -> "AgentTools":
        """Raises `UpstreamRefused` if the agent cannot be spoken to in time."""
        news = asyncio.Event()
        unwatch = self._door.watch(self._settings.agent, news.set)
        try:
            offer = await self._offer(news)
        finally:
            unwatch()
        return AgentTools(self._settings, self._door, offer, inbox)

    def private(self) -> "AgentTools":
        """One for the calls of a single client. Raises `UpstreamRefused` if the agent cannot be spoken to just now."""
        return AgentTools(self._settings, self._door, _offered(self._door, self._settings.agent))

    async def _offer(self, news: asyncio.Event) -> Offer:
        first, self._wait = self._wait is None, self._wait or self._settle
        door, agent = self._door, self._settings.agent
        try:
            async with asyncio.timeout(self._wait):
                while (shown := door.shown(agent)).offer is None and not (first and shown.settled):
                    news.clear()
                    await news.wait()
        except TimeoutError:
            shown = door.shown(agent)
        self._wait = AWAY if shown.offer is None else self._settle
        return _offered(door, agent)


class AgentTools:
    """A `Connection`: for all clients, or for one. Changes of the offer are told to `inbox`, if there is one."""

    era: Era = "modern"
    shared = True
    stateful = False
    ended = ""
    busy = False
    """Nothing is lost with it: the agent is kept by others."""

    def __init__(self, settings: AgentServer, door: AgentDoor, offer: Offer, inbox: Inbox | None = None) -> None:
        self.endpoint = settings.endpoint
        self._settings = settings
        self._door = door
        self._inbox = inbox
        self._use(offer)
        self._unwatch: Callable[[], None] | None = None
        if inbox is not None:
            self._unwatch = door.watch(settings.agent, self._changed)

    def _use(self, offer: Offer) -> None:
        self._offer = offer
        self._tools = build(offer, self._settings.tools)
        info = {"name": short(offer.name, 100), "version": offer.version[:100]}
        self.greeting = Greeting(MODERN, {"tools": {}}, info, short(offer.description, MAX_INSTRUCTIONS))

    def _changed(self) -> None:
        if self._inbox is not None and self._door.shown(self._settings.agent).offer != self._offer:
            self._inbox(Notice(CHANGED["tools"]))

    def _look(self) -> None:
        """Take up what the agent offers now. Raises `UpstreamRefused` if it cannot be spoken to."""
        offer = _offered(self._door, self._settings.agent)
        if offer != self._offer:
            self._use(offer)

    async def call(self, outbound: Outbound) -> AsyncGenerator[Event, None]:
        if outbound.method != "tools/call":
            yield self._own(outbound.method)
            return
        try:
            asking = self._asking(outbound)
            async with aclosing(AgentCall(self._door, asking, outbound).events()) as events:
                async for event in events:
                    yield event
        except _Unknown as error:
            yield _refused(INVALID_PARAMS, str(error))
        except (BadArgument, ClientError) as error:
            yield Answer(result=agent_result.failed(str(error)))

    def _own(self, method: str) -> Answer:
        if method == "tools/list":
            self._look()
            return Answer(result=self._tools.listing)
        if method == "server/discover":
            self._look()
            return Answer(
                result=encode({"supportedVersions": MODERN_VERSIONS, "capabilities": self.greeting.capabilities})
            )
        return _refused(METHOD_NOT_FOUND, f"Method not found: {method[:100]}")

    def _asking(self, outbound: Outbound) -> Asking:
        self._look()
        name = text(outbound.params.get("name")) or ""
        skill = self._tools.skills.get(name)
        if skill is None:
            raise _Unknown(f"Unknown tool: {name[:200]}")
        said = read(outbound.params)
        caller = outbound.client.caller
        if caller is None:
            raise Internal("it is not known who calls")
        return Asking(
            agent=self._settings.agent,
            caller=caller,
            message=said.message,
            context=said.context,
            task=said.task,
            thread=_session(outbound.client),
            skill=skill,
        )

    async def notify(self, method: str, params: bytes) -> None:
        """Nothing: there is nobody to hear it."""

    async def listen(self, notifications: Fields) -> bool:
        """`False`: changes are told to the inbox, on no stream."""
        del notifications
        return False

    async def aclose(self) -> None:
        """Nothing to end but the news."""
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None


class _Unknown(Exception):
    """A tool that is not there."""


def _offered(door: AgentDoor, agent: str) -> Offer:
    shown = door.shown(agent)
    if shown.offer is None:
        raise UpstreamRefused(shown.reason)
    return shown.offer


def _session(client: Client) -> str:
    """The session of a legacy client. Those without one are known by their owner and a mark, with a colon between."""
    return "" if ":" in client.key else client.key


def _refused(code: int, message: str) -> Answer:
    return Answer(error=jsonrpc.error_object(code, message))

"""A2A behind the data path: what `bind`, `dispatch` and `render` mean for `/a2a`.

`bind` reads the request in whatever version and binding it comes, and finds the instance that it belongs
to; `dispatch` sends it there. What the gateway answers by itself (lists, cards, push configurations) is
answered by the modules beside this one. Above: the data path. Below: every module of this part.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ..core import jsonrpc, sse
from ..core.call import JSON, SSE, Call, Principal, Record, Reply, Request, replace
from ..core.errors import GatewayError, MethodNotAllowed, NotFound
from ..core.ports import FULL_SIGHT, Sight
from ..core.rawjson import EMPTY, Raw
from . import errors, facts, inbound, learn, listing, tracing
from .agent import Agent
from .agents import Agents
from .cards import Cards, is_seen, may_use
from .errors import A2aError
from .filling import with_context
from .ids import LEGACY_RPC
from .operations import CARD, LIST, OPERATIONS, PUSH, SENDS, STREAMS
from .placing import Place, Placing
from .push_config import PushConfig
from .pushes import CALLBACK, Pushes
from .relay import Relay
from .rendering import render
from .task_lists import TaskLists
from .values import Asked, Speech

CARD_PATHS = frozenset({"/.well-known/agent-card.json", "/.well-known/agent.json"})
LIST_AGENTS, GET_CARD, PUSH_CALLBACK = "ListAgents", "GetAgentCard", "PushCallback"
"""What is asked of the gateway itself, beside the protocol's operations."""
PATIENCE = 2.0
"""Seconds to wait for agents that are being reached for the first time."""
_READ = frozenset({"GET", "HEAD"})
_PUSHING = PUSH | SENDS


class Heard(msgspec.Struct, frozen=True):
    """Who asked, for the error renderer."""

    speech: Speech | None
    id: Raw = EMPTY
    operation: str = ""


class Bound(msgspec.Struct):
    """A request whose place is known. `asked` and `place` are `None` where the gateway answers by itself."""

    agent: Agent | None = None
    asked: Asked | None = None
    place: Place | None = None
    push: PushConfig | None = None
    """The push configuration that came with it."""
    rest: str = ""


class Parts(msgspec.Struct, frozen=True):
    """What the endpoint is made of."""

    agents: Agents
    placing: Placing
    relay: Relay
    lists: TaskLists
    cards: Cards
    pushes: Pushes
    public_url: str = ""
    """The gateway's own URL; empty: what the client's Host header says."""
    sight: Sight = FULL_SIGHT
    """Who may know of which agent."""


class A2aEndpoint:
    """The `Endpoint` port."""

    protocol = "a2a"
    operations = OPERATIONS | {LIST_AGENTS, GET_CARD, PUSH_CALLBACK}

    def __init__(self, parts: Parts) -> None:
        self.agents = parts.agents
        self._parts = parts
        self._settled = parts.agents.settled
        self._own: dict[str, Callable[[Call, Bound], Awaitable[Reply]]] = {
            LIST_AGENTS: self._list_agents,
            GET_CARD: self._card,
            PUSH_CALLBACK: self._callback,
        }

    def is_open(self, call: Call) -> bool:
        """Whether a request needs no key: public cards, and callbacks of agents, which have secrets of their own."""
        name, rest = _split(call.request)
        agent = self.agents.find(name) if rest else None
        if agent is None:
            return False
        own = _own(rest, call.request)
        return own == PUSH_CALLBACK or (own == GET_CARD and self._is_public(call, agent))

    async def bind(self, call: Call) -> Call:
        """Raises `A2aError`, `NotFound`, `MethodNotAllowed`."""
        request, record = call.request, call.record
        name, rest = _split(request)
        if not name:
            return self._bound(call, LIST_AGENTS, Bound())
        agent = self.agents.find(name)
        own = _own(rest, request) if rest else ""
        if agent is None or not self._knows(call, agent, own):
            raise NotFound(f"there is no agent {errors.quote(name)} here; GET /a2a lists them")
        record.fields["a2a.agent"] = name
        if own:
            return self._bound(call, own, Bound(agent, rest=rest))
        body = await request.read()
        asked = inbound.read(name, rest, request, body)
        record.wire = Heard(asked.speech, asked.id, asked.operation)
        if not self._settled.is_set() and not agent.settled:
            await self._settle()
        bound = self._resolved(agent, asked, call.principal)
        _note(record, asked)
        tracing.bound(record, asked)
        record.operation, record.target = asked.operation, name
        place = bound.place
        if place is None:
            return replace(call, operation=asked.operation, message=bound, target=name, body=asked.body)
        place.fields = record.fields
        return replace(
            call, operation=asked.operation, message=bound, target=name, body=asked.body, session=place.context
        )

    def _knows(self, call: Call, agent: Agent, own: str) -> bool:
        """Whether there is this agent for the caller."""
        if own == PUSH_CALLBACK or (own == GET_CARD and self._is_public(call, agent)):
            return True
        return may_use(agent, call.principal) and self._sees(call, agent)

    def _is_public(self, call: Call, agent: Agent) -> bool:
        """Whether anybody may read the card, in this way."""
        return call.request.method in _READ and agent.settings.card.public and self._sees(call, agent)

    def _sees(self, call: Call, agent: Agent) -> bool:
        return is_seen(agent, self._parts.sight.of(call))

    def variables(self, call: Call) -> dict[str, Any]:
        """The `Telling` port. Of what was decided when it was bound, nothing is told."""
        bound: Bound = call.message
        if bound.agent is None:
            return {"a2a": {"method": call.operation}}
        return facts.of_call(bound.agent.name, bound.asked, bound.place) if bound.asked is not None else {}

    async def _settle(self) -> None:
        """The gateway has just started: who comes now waits a moment, rather than being told that nobody is there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._settled.wait()

    def _resolved(self, agent: Agent, asked: Asked, principal: Principal) -> Bound:
        if asked.operation == LIST:
            return Bound(agent, asked)
        push = None
        if asked.operation in _PUSHING and not asked.ids.bare:
            push = self._parts.pushes.check(agent, asked)
        return Bound(agent, asked, self._parts.placing.place(agent, asked, principal.owner), push)

    def _bound(self, call: Call, operation: str, bound: Bound) -> Call:
        call.record.operation = operation
        call.record.target = bound.agent.name if bound.agent is not None else ""
        return replace(call, operation=operation, message=bound)

    async def dispatch(self, call: Call) -> Reply:
        """Raises `A2aError`, `UpstreamError`, `Overloaded`."""
        bound: Bound = call.message
        asked, agent, place = bound.asked, bound.agent, bound.place
        if asked is None or agent is None:
            return await self._own[call.operation](call, bound)
        if place is None:
            return await self._parts.lists.answer(call, asked, agent, call.principal.owner)
        return _streamed(asked.speech, asked.operation, await self._relayed(call, bound, asked, place))

    def _relayed(self, call: Call, bound: Bound, asked: Asked, place: Place) -> Awaitable[Reply]:
        if asked.operation in PUSH:
            return self._parts.pushes.answer(call, asked, place, bound.push)
        if asked.operation in SENDS and place.agent.settings.fill_context:
            asked = with_context(asked, place)
        if bound.push is not None:
            return self._parts.pushes.sent(call, asked, place, bound.push)
        if asked.operation == CARD:
            return self._own_card(call, asked, place)
        return self._parts.relay.forward(call, asked, place)

    async def _own_card(self, call: Call, asked: Asked, place: Place) -> Reply:
        """The extended card of an agent, with the gateway's addresses in it."""
        reply = await self._parts.relay.forward(call, asked, place)
        if not isinstance(reply.body, bytes) or reply.status >= 300 or learn.failed(asked.speech, reply.body):
            return reply
        rpc = asked.speech.binding == "jsonrpc"
        card = bytes(jsonrpc.parse_one(reply.body).result) if rpc else reply.body
        made = await self._parts.cards.extended(place.agent, self.base_url(call.request), card, asked.speech.version)
        return replace(reply, body=jsonrpc.result(asked.id, made) if rpc else made)

    def render(self, record: Record, error: GatewayError) -> Reply:
        heard: Heard = record.wire if isinstance(record.wire, Heard) else _unread(record.request)
        speech, id_ = heard.speech, heard.id
        if isinstance(error, A2aError) and error.speech is not None:
            speech, id_ = error.speech, error.id
        tracing.failed(record, speech, error)
        return _streamed(speech, heard.operation, render(speech, id_, error))

    # What the gateway answers by itself.

    def base_url(self, request: Request) -> str:
        """The gateway's own URL for this client."""
        return self._parts.public_url or f"http://{request.host}"

    async def _list_agents(self, call: Call, _bound: Bound) -> Reply:
        _only_read(call.request)
        found = self._parts.cards.listed(call.principal, self._parts.sight.of(call))
        return Reply(200, (JSON,), listing.agents(found, self.base_url(call.request)))

    async def _card(self, call: Call, bound: Bound) -> Reply:
        _only_read(call.request)
        agent, request = bound.agent, call.request
        assert agent is not None
        if agent.card is None and any(each.usable for each in agent.instances.values()):
            raise NotFound(f"agent {agent.name} has shown no card; the gateway's manifest says how it speaks")
        return await self._parts.cards.public(agent, self.base_url(request), request.header(b"if-none-match"))

    async def _callback(self, call: Call, bound: Bound) -> Reply:
        assert bound.agent is not None
        return await self._parts.pushes.called_back(call, bound.agent, bound.rest)


def _split(request: Request) -> tuple[str, str]:
    """The agent's name and the raw path below it, as they were written."""
    parts = request.raw_path.removeprefix("/").split("/", 2)
    return parts[1] if len(parts) > 1 else "", f"/{parts[2]}" if len(parts) > 2 else ""


def _own(rest: str, request: Request) -> str:
    """Which operation of the gateway itself a path below an agent stands for; empty: none of them."""
    if rest in CARD_PATHS:
        return GET_CARD
    return PUSH_CALLBACK if request.method == "POST" and rest.startswith(CALLBACK) else ""


def _unread(request: Request) -> Heard:
    """Who asks, as far as the head tells: also for those who are refused before anything is read."""
    name, rest = _split(request)
    return Heard(inbound.speech_of(rest, request) if name else None)


def _streamed(speech: Speech | None, operation: str, reply: Reply) -> Reply:
    """A whole answer where an event stream was asked for: clients of 0.3 JSON-RPC take nothing but a stream."""
    if speech != LEGACY_RPC or operation not in STREAMS or reply.status != 200 or not isinstance(reply.body, bytes):
        return reply
    others = [header for header in reply.headers if header[0] != b"content-type"]
    return Reply(200, (SSE, *others), sse.event(reply.body, name=b""))


def _only_read(request: Request) -> None:
    if request.method not in _READ:
        raise MethodNotAllowed("this address is read with GET", headers=((b"allow", b"GET, HEAD"),))


def _note(record: Record, asked: Asked) -> None:
    if asked.ids.context:
        record.fields["a2a.context.id"] = asked.ids.context
    if asked.ids.task:
        record.fields["a2a.task.id"] = asked.ids.task

"""Agents for callers that speak another protocol: the port `AgentDoor`, on the very path of A2A clients.

Every message goes through placing, pins and relay, so owners, health and measures are the same; what
comes back is gathered by `hearing.py`. An id that a caller names must be one of its own: unlike an A2A
client, it cannot bring a conversation of its own making. Above: whoever offers agents elsewhere, by way
of `gateway/`. Below: relay, placing, pins, threads.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import msgspec

from ..core import jsonrpc, sse
from ..core.call import Call, Principal, Record, Reply, Request
from ..core.clock import Clock
from ..core.conversation import TERMINAL, Asking, Offer, Said, Shown
from ..core.errors import Forbidden, NotFound, RpcError, UpstreamBroken, UpstreamInvalid, UpstreamTimeout
from ..core.rawjson import Raw, fields, join, raw, text, value
from ..core.streams import closing
from . import bridge, errors
from .agent import Agent
from .agents import Agents
from .cards import may_use
from .endings import Endings
from .errors import CONTEXT_LOST, A2aError
from .filling import with_context
from .hearing import Hearing
from .offering import offer
from .operations import CANCEL, GET, SEND, STREAM
from .pins import Pins
from .placing import Placing
from .relay import Relay
from .threads import Key, Threads
from .values import Asked

CANCEL_TIMEOUT = 10.0
"""Seconds for an agent to cancel a task."""
LOOKS = (0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at a task that goes on although its answer has come; the last one repeats."""
MAX_SENTENCE = 2000
"""Characters of an agent's error that are passed on."""

_UNKNOWN = "there is no such conversation; context_id and task_id must come from an earlier answer of this agent"
_LOST = "the agent has lost this conversation: its instance is gone, or it was idle for too long; send the message "
_LOST += "again to begin a new one, which knows nothing of what was said before"


class Ways(msgspec.Struct, frozen=True):
    """What messages travel on. `who`: the principal behind an owner, if it can be known."""

    relay: Relay
    placing: Placing
    pins: Pins
    threads: Threads
    clock: Clock
    who: Callable[[str], Principal | None]


class Door:
    """Runs until `aclose`."""

    def __init__(self, agents: Agents, ways: Ways) -> None:
        self._agents = agents
        self._ways = ways
        self._watchers: dict[str, dict[object, Callable[[], None]]] = {}
        self._offers: dict[str, tuple[object, Offer]] = {}
        self._endings = Endings()

    async def aclose(self) -> None:
        await self._endings.aclose()

    # What there is.

    def shown(self, agent: str) -> Shown:
        found = self._agents.find(agent)
        if found is None:
            return Shown(reason=f"there is no agent {errors.quote(agent)}")
        if any(each.usable for each in found.instances.values()):
            return Shown(self._offer(found))
        status = found.status
        return Shown(None, found.settled, f"agent {agent} is {status.state}: {status.reason}".removesuffix(": "))

    def _offer(self, agent: Agent) -> Offer:
        known = self._offers.get(agent.name)
        if known is None or known[0] is not agent.card:
            made = offer(agent.name, agent.card, agent.settings.description)
            known = self._offers[agent.name] = (agent.card, made)
        return known[1]

    def watch(self, agent: str, changed: Callable[[], None]) -> Callable[[], None]:
        key = object()
        self._watchers.setdefault(agent, {})[key] = changed
        return lambda: self._watchers[agent].pop(key, None) and None

    def changed(self, agent: Agent) -> None:
        """To be called when the agent's card or state is another."""
        for each in list(self._watchers.get(agent.name, {}).values()):
            each()

    # What is said.

    async def converse(self, asking: Asking) -> AsyncGenerator[Said, None]:
        agent = self._permitted(asking.agent, asking.owner)
        self._check(asking)
        named = asking.context or asking.task
        talk = self._in_thread(agent, asking) if asking.thread and not named else self._talk(agent, asking)
        async with aclosing(talk) as events:
            async for event in events:
                yield event

    def _permitted(self, name: str, owner: str) -> Agent:
        agent = self._agents.find(name)
        if agent is None:
            raise NotFound(f"there is no agent {errors.quote(name)}")
        principal = self._ways.who(owner)
        if agent.settings.groups and (principal is None or not may_use(agent, principal)):
            raise Forbidden(f"agent {name} is for members of certain groups, and this caller is in none of them")
        return agent

    def _check(self, asking: Asking) -> None:
        """Somebody else's looks like what does not exist, whatever the agent's rules are for A2A clients."""
        pins = self._ways.pins
        for id_, record in (
            (asking.context, pins.context(asking.agent, asking.context)),
            (asking.task, pins.task(asking.agent, asking.task)),
        ):
            if id_ and (record is None or record.owner != asking.owner):
                raise NotFound(_UNKNOWN)

    async def _in_thread(self, agent: Agent, asking: Asking) -> AsyncGenerator[Said, None]:
        """The conversation of the caller's session."""
        threads, key = self._ways.threads, (agent.name, asking.owner, asking.thread)
        context = await threads.enter(key)
        begins = not context
        try:
            if context:
                self._still_there(key, context)
            talk = self._talk(agent, msgspec.structs.replace(asking, context=context))
            async with aclosing(talk) as events:
                async for event in events:
                    if event.context and event.context != context:
                        context = event.context
                        threads.learn(key, context)
                        if begins:
                            threads.leave(key)
                            begins = False
                    yield event
        except A2aError as error:
            if error.kind != CONTEXT_LOST:
                raise
            threads.lose(key)
            raise A2aError(CONTEXT_LOST, _LOST) from error
        finally:
            if begins:
                threads.leave(key)

    def _still_there(self, key: Key, context: str) -> None:
        record = self._ways.pins.context(key[0], context)
        if record is None or record.owner != key[1]:
            raise errors.context_lost(context)

    async def _talk(self, agent: Agent, asking: Asking) -> AsyncGenerator[Said, None]:
        operation = STREAM if agent.card is not None and agent.card.streaming else SEND
        asked = bridge.ask(operation, message(asking), agent=agent.name)
        place = self._ways.placing.place(agent, asked, asking.owner)
        if agent.settings.fill_context:
            asked = with_context(asked, place)
        hearing = Hearing(agent.settings.max_answer)
        reply = await self._ways.relay.forward(_call(asked), asked, place)
        if isinstance(reply.body, bytes):
            yield hearing.heard(hearing.take(_said(reply)))
        else:
            async with closing(reply.body) as chunks:
                async for data in _events(chunks, agent.settings.max_answer):
                    yield hearing.heard(hearing.take(_result(data)))
                    if hearing.over:
                        break
        if not hearing.over:
            async with aclosing(self._follow(agent, asking.owner, hearing)) as events:
                async for event in events:
                    yield event
        yield hearing.outcome()

    async def _follow(self, agent: Agent, owner: str, hearing: Hearing) -> AsyncGenerator[Said, None]:
        """A task that goes on is looked at until it is done, or for as long as an answer may take."""
        if not hearing.task:
            raise UpstreamBroken(f"the answer of agent {agent.name} ended before it was complete")
        clock = self._ways.clock
        until, looks = clock.monotonic() + agent.settings.timeout, iter(LOOKS)
        wait = 0.0
        while not hearing.over and clock.monotonic() < until:
            wait = next(looks, wait)
            await clock.sleep(wait)
            reply = await self._ask(GET, agent, owner, hearing.task)
            yield hearing.heard(hearing.take_task(_said(reply)))

    async def _ask(self, operation: str, agent: Agent, owner: str, task: str) -> Reply:
        asked = bridge.ask(operation, join({"id": raw(task)}), agent=agent.name)
        place = self._ways.placing.place(agent, asked, owner)
        return await self._ways.relay.forward(_call(asked), asked, place)

    # What is ended.

    async def cancel(self, agent: str, owner: str, task: str) -> str:
        found = self._permitted(agent, owner)
        hearing = Hearing(found.settings.max_answer)
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                reply = await self._ask(CANCEL, found, owner, task)
        except TimeoutError as error:
            raise UpstreamTimeout(f"agent {agent} did not cancel the task within {CANCEL_TIMEOUT:g} s") from error
        hearing.take_task(_said(reply))
        return hearing.state

    def abandon(self, agent: str, owner: str, task: str) -> None:
        record = self._ways.pins.task(agent, task)
        if record is not None and record.data.get("state", "").removeprefix("TASK_STATE_").lower() in TERMINAL:
            return
        self._endings.start(lambda: self.cancel(agent, owner, task), f"{agent} {task}")

    def forget(self, thread: str) -> None:
        self._ways.threads.forget(thread)


def message(asking: Asking) -> bytes:
    """The parameters that say it, as 1.0 has them."""
    said: dict[str, object] = {
        "messageId": secrets.token_hex(16),
        "role": "ROLE_USER",
        "parts": [{"text": asking.message}],
    }
    ids = {"contextId": asking.context, "taskId": asking.task}
    said |= {key: id_ for key, id_ in ids.items() if id_}
    if asking.skill:
        said["metadata"] = {"skillId": asking.skill}
    return join({"message": said, "configuration": {}})


def _call(asked: Asked) -> Call:
    """A request of the gateway itself: it carries no header of anybody."""

    async def read() -> bytes:
        return asked.body

    request = Request("", "POST", f"/a2a/{asked.agent}", b"", {}, "", "", "HTTP/1.1", read)
    return Call("a2a", request, Record(request, "a2a", 0.0), operation=asked.operation, body=asked.body)


async def _events(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The data of each event that has some."""
    reader = sse.Reader(limit)
    async for chunk in chunks:
        for event in reader.feed(chunk):
            if event.data:
                yield event.data


def _said(reply: Reply) -> Raw:
    assert isinstance(reply.body, bytes)
    return _result(reply.body)


def _result(body: bytes) -> Raw:
    """The result in an envelope. `RpcError` with the agent's own sentence for the error that it is instead."""
    try:
        envelope = jsonrpc.parse_one(body)
        if bytes(envelope.error) in (b"", b"null"):
            return envelope.result
        error = fields(envelope.error)
        code = value(error["code"]) if "code" in error else jsonrpc.INTERNAL_ERROR
        sentence = text(error.get("message")) or "no reason given"
    except (RpcError, ValueError) as error:
        raise UpstreamInvalid("the agent's answer is no JSON-RPC answer") from error
    raise RpcError(code if isinstance(code, int) else jsonrpc.INTERNAL_ERROR, sentence[:MAX_SENTENCE])

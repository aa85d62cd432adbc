"""Agents for callers that speak another protocol: the port `AgentDoor`, on the very path of A2A clients.

Every message goes through placing, pins and relay, so owners, health and measures are the same; what
comes back is gathered by `hearing.py`. An id that a caller names must be one of its own: unlike an A2A
client, it cannot bring a conversation of its own making. Above: whoever offers agents elsewhere, by way
of `gateway/`. Below: relay, placing, pins, threads.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import NamedTuple

import msgspec

from ..core.call import Caller, Principal
from ..core.clock import Clock
from ..core.conversation import TERMINAL, Asking, Offer, Said, Shown
from ..core.errors import Forbidden, NotFound, UpstreamBroken, UpstreamTimeout
from ..core.rawjson import join, raw
from ..core.trail import Trail
from . import bridge, errors, saying
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

CANCEL_TIMEOUT = 10.0
"""Seconds for an agent to cancel a task."""
LOOKS = (0.5, 1.0, 2.0, 5.0)
"""Seconds between looks at a task that goes on although its answer has come; the last one repeats."""

_UNKNOWN = "there is no such conversation; context_id and task_id must come from an earlier answer of this agent"
_LOST = "the agent has lost this conversation: its instance is gone, or it was idle for too long; send the message "
_LOST += "again to begin a new one, which knows nothing of what was said before"


class Ways(msgspec.Struct, frozen=True):
    """What messages travel on."""

    relay: Relay
    placing: Placing
    pins: Pins
    threads: Threads
    clock: Clock


class _About(NamedTuple):
    """Whose task is asked about, as a part of which operation."""

    caller: Caller
    task: str
    trail: Trail | None


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

    def context_of(self, asking: Asking) -> str:
        pins, agent, owner = self._ways.pins, asking.agent, asking.owner
        if not asking.context and not asking.task:
            return self._ways.threads.find((agent, owner, asking.thread)) if asking.thread else ""
        context = asking.context
        if not context:
            task = pins.task(agent, asking.task)
            context = str(task.data.get("context", "")) if task is not None and task.owner == owner else ""
        record = pins.context(agent, context) if context else None
        return context if record is not None and record.owner == owner else ""

    async def converse(self, asking: Asking) -> AsyncGenerator[Said, None]:
        agent = self._permitted(asking.agent, asking.caller.principal)
        self._check(asking)
        named = asking.context or asking.task
        talk = self._in_thread(agent, asking) if asking.thread and not named else self._talk(agent, asking)
        async with aclosing(talk) as events:
            async for event in events:
                yield event

    def _permitted(self, name: str, principal: Principal) -> Agent:
        agent = self._known(name)
        if not may_use(agent, principal):
            raise Forbidden(f"agent {name} is for members of certain groups, and this caller is in none of them")
        return agent

    def _known(self, name: str) -> Agent:
        agent = self._agents.find(name)
        if agent is None:
            raise NotFound(f"there is no agent {errors.quote(name)}")
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
        asked = bridge.ask(operation, saying.message(asking), agent=agent.name)
        place = self._ways.placing.place(agent, asked, asking.owner)
        if agent.settings.fill_context:
            asked = with_context(asked, place)
        hearing = Hearing(agent.settings.max_answer)
        reply = await self._ways.relay.forward(saying.call(asked, asking.caller, asking.trail), asked, place)
        if isinstance(reply.body, bytes):
            yield hearing.heard(hearing.take(saying.result(reply.body)))
        else:
            async with aclosing(saying.events(reply.body, agent.settings.max_answer)) as events:
                async for data in events:
                    yield hearing.heard(hearing.take(saying.result(data)))
                    if hearing.over:
                        break
        if not hearing.over:
            async with aclosing(self._follow(agent, asking, hearing)) as looks:
                async for look in looks:
                    yield look
        yield hearing.outcome()

    async def _follow(self, agent: Agent, asking: Asking, hearing: Hearing) -> AsyncGenerator[Said, None]:
        """A task that goes on is looked at until it is done, or for as long as an answer may take."""
        if not hearing.task:
            raise UpstreamBroken(f"the answer of agent {agent.name} ended before it was complete")
        clock = self._ways.clock
        until, looks = clock.monotonic() + agent.settings.timeout, iter(LOOKS)
        wait = 0.0
        while not hearing.over and clock.monotonic() < until:
            wait = next(looks, wait)
            await clock.sleep(wait)
            answer = await self._ask(GET, agent, _About(asking.caller, hearing.task, asking.trail))
            yield hearing.heard(hearing.take_task(saying.result(answer)))

    async def _ask(self, operation: str, agent: Agent, about: "_About") -> bytes:
        asked = bridge.ask(operation, join({"id": raw(about.task)}), agent=agent.name)
        place = self._ways.placing.place(agent, asked, about.caller.principal.owner)
        return (await self._ways.relay.ask(saying.call(asked, about.caller, about.trail), asked, place)).body

    # What is ended.

    async def cancel(self, agent: str, caller: Caller, task: str, trail: Trail | None = None) -> str:
        found = self._known(agent)
        hearing = Hearing(found.settings.max_answer)
        try:
            async with asyncio.timeout(CANCEL_TIMEOUT):
                answer = await self._ask(CANCEL, found, _About(caller, task, trail))
        except TimeoutError as error:
            raise UpstreamTimeout(f"agent {agent} did not cancel the task within {CANCEL_TIMEOUT:g} s") from error
        hearing.take_task(saying.result(answer))
        return hearing.state

    def abandon(self, agent: str, caller: Caller, task: str) -> None:
        record = self._ways.pins.task(agent, task)
        if record is not None and record.data.get("state", "").removeprefix("TASK_STATE_").lower() in TERMINAL:
            return
        self._endings.start(lambda: self.cancel(agent, caller, task), f"{agent} {task}")

    def forget(self, thread: str) -> None:
        self._ways.threads.forget(thread)

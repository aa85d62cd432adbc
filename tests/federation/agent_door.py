"""A scripted `AgentDoor`, and calls of a connection to it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

from fedgate.core.call import Caller, Principal
from fedgate.core.conversation import Asking, Offer, Said, Shown, Skill
from fedgate.core.errors import GatewayError
from fedgate.core.rawjson import Raw
from fedgate.core.trail import Trail
from fedgate.federation.agent_connection import AgentTools
from fedgate.federation.agent_settings import AgentServer
from fedgate.federation.messages import Answer, Ask, Client, Event, Notice, Outbound
from tests.federation.fakes import dump, raws

OFFER = Offer("Memory", "Remembers.", "1.0", (Skill("remember", "Remember", "Keeps facts."), Skill("count")))
ALICE = Caller(Principal("alice", "key"))
MODERN = Client(key=f"key:alice:{'0' * 16}", caller=ALICE)
FORM = Raw(b'{"elicitation":{}}')

Turn = list[Said | GatewayError | None]
"""What a message is answered with, in order; `None`: nothing more ever comes."""


class FakeDoor:
    """Answers each message with the next of `turns`."""

    def __init__(self, *turns: Turn, offer: Offer | None = OFFER) -> None:
        self.turns = list(turns)
        self.now = Shown(offer, reason="" if offer else "agent support is unreachable: refused")
        self.asked: list[Asking] = []
        self.trails: list[Trail | None] = []
        """Those of cancellations."""
        self.contexts: dict[str, str] = {}
        """By task or thread."""
        self.cancelled: list[tuple[str, str, str]] = []
        self.abandoned: list[tuple[str, str, str]] = []
        self.forgotten: list[str] = []
        self.closed = 0
        self.silent = asyncio.Event()
        """Set when an agent says nothing more."""
        self.cancel_result: str | GatewayError = "canceled"
        self.watchers: list[Callable[[], None]] = []

    def show(self, shown: Shown) -> None:
        self.now = shown
        for each in list(self.watchers):
            each()

    def shown(self, agent: str) -> Shown:
        assert agent == "support"
        return self.now

    def watch(self, agent: str, changed: Callable[[], None]) -> Callable[[], None]:
        assert agent == "support"
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)

    async def converse(self, asking: Asking) -> AsyncGenerator[Said, None]:
        self.asked.append(asking)
        try:
            for said in self.turns.pop(0):
                if said is None:
                    self.silent.set()
                    await asyncio.Event().wait()
                elif isinstance(said, GatewayError):
                    raise said
                else:
                    yield said
        finally:
            self.closed += 1

    def context_of(self, asking: Asking) -> str:
        return asking.context or self.contexts.get(asking.task or asking.thread, "")

    async def cancel(self, agent: str, caller: Caller, task: str, trail: Trail | None = None) -> str:
        self.trails.append(trail)
        self.cancelled.append((agent, caller.principal.owner, task))
        if isinstance(self.cancel_result, GatewayError):
            raise self.cancel_result
        return self.cancel_result

    def abandon(self, agent: str, caller: Caller, task: str) -> None:
        self.abandoned.append((agent, caller.principal.owner, task))

    def forget(self, thread: str) -> None:
        self.forgotten.append(thread)


def connection(door: FakeDoor, inbox: Callable[[Notice], None] | None = None, **more: Any) -> AgentTools:
    assert door.now.offer is not None
    return AgentTools(AgentServer(agent="support", **more), door, door.now.offer, inbox)


def outbound(tool: str, arguments: Any, client: Client = MODERN, timeout: float = 5.0, **meta: Any) -> Outbound:
    params = {"name": tool, "arguments": arguments}
    return Outbound("tools/call", raws(params), raws(meta), client=client, timeout=timeout)


async def call(
    found: AgentTools, asked: Outbound, *answers: dict[str, Any] | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Progress and the result. `answers`: to questions, in order; `None` is an error of the client."""
    heard: list[dict[str, Any]] = []
    left = list(answers)
    last: Event | None = None
    async for event in found.call(asked):
        last = event
        if isinstance(event, Notice):
            heard.append({"method": event.method, **json.loads(event.params)})
        elif isinstance(event, Ask):
            heard.append({"method": event.method, **json.loads(event.params)})
            answer = left.pop(0)
            await event.reply(Answer(error=b'{"code":-32601}') if answer is None else Answer(result=dump(answer)))
    assert isinstance(last, Answer)
    assert not left
    return heard, json.loads(last.error or last.result)

"""Which conversation a caller's session has with an agent, for callers that do not name it themselves.

One record per session and agent, which lives as long as the context does. Of messages that begin one
session's conversation at the same time, the first goes alone until its context is known: two would be
two conversations. Above: `door.py`. Below: the session table.
"""

import asyncio

from ..sessions.table import Rule, SessionTable
from .agent_settings import Pins as PinSettings

Key = tuple[str, str, str]
"""Agent, owner, thread."""


class Threads:
    """For all agents."""

    def __init__(self, sessions: SessionTable) -> None:
        self._sessions = sessions
        self._agents: list[str] = []
        self._opening: dict[Key, asyncio.Event] = {}

    def __repr__(self) -> str:
        return f"<Threads {sum(self._sessions.count(_shelf(each)) for each in self._agents)}>"

    def shelve(self, agent: str, rules: PinSettings) -> None:
        """Declare an agent's shelf, before stored records are restored."""
        self._agents.append(agent)
        # Nothing is evicted: whoever forgets a conversation must say so.
        rule = Rule(rules.context_idle, rules.max, rules.per_owner, evicts=False)
        self._sessions.shelve(_shelf(agent), rule)

    async def enter(self, key: Key) -> str:
        """The context to go on with; empty for the one who begins, who must `leave`.

        Waits while another one begins; the caller bounds the time.
        """
        while True:
            known = self.find(key)
            if known:
                return known
            opening = self._opening.get(key)
            if opening is None:
                self._opening[key] = asyncio.Event()
                return ""
            await opening.wait()

    def find(self, key: Key) -> str:
        """The context as far as it is known."""
        agent, owner, thread = key
        record = self._sessions.find(_shelf(agent), thread, owner)
        context = None if record is None else record.data.get("context")
        return context if isinstance(context, str) else ""

    def learn(self, key: Key, context: str) -> None:
        """From now on this is its conversation. Raises `Overloaded` if there is no room."""
        agent, owner, thread = key
        record, is_new = self._sessions.claim(_shelf(agent), thread, owner, agent, {"context": context})
        if not is_new and record.owner == owner and record.data.get("context") != context:
            record.data = {"context": context}
            self._sessions.changed(record)

    def leave(self, key: Key) -> None:
        """By the one who began: whoever waits may go on."""
        opening = self._opening.pop(key, None)
        if opening is not None:
            opening.set()

    def lose(self, key: Key) -> None:
        """Its conversation is gone: the next message begins another."""
        record = self._sessions.find(_shelf(key[0]), key[2], key[1])
        if record is not None:
            self._sessions.end(record, "lost")

    def forget(self, thread: str) -> None:
        """The caller's session has ended."""
        for agent in self._agents:
            record = self._sessions.peek(_shelf(agent), thread)
            if record is not None:
                self._sessions.end(record)


def _shelf(agent: str) -> str:
    return f"a2a.thread/{agent}"

"""Which instance holds a conversation, and whose it is: the session table as A2A uses it.

Per agent there are shelves for contexts, tasks and finished tasks; messages are remembered beside it.
An id stands there once per agent with its owner in the record, because an agent would take two owners
of one id for the same conversation. First claim wins, by a client before its request goes out, or by
an answer before its bytes are released; nothing is ever bound anew because somebody says so.
Above: `placing.py`, `relay.py`. Knows no HTTP and no instance, only their labels.
"""

import logging

import msgspec

from ..core.errors import Overloaded
from ..core.ports import Meter
from ..sessions.table import Rule, Session, SessionTable
from .agent_settings import Pins as PinSettings
from .repeats import Repeats
from .values import TERMINAL, Seen

log = logging.getLogger("fedgate.a2a")

INSTANCE = "instance"
"""The one pin of a record: the instance's label."""


class Foreign(Exception):
    """An answer names an id that belongs to somebody else."""


class Learnt(msgspec.Struct, frozen=True):
    """What an answer said, and where that stands."""

    seen: Seen
    context: Session | None = None
    task: Session | None = None

    def covers(self, seen: Seen) -> bool:
        """Whether an answer of the same instance to the same caller that says this says nothing new."""
        if seen.task != self.seen.task or seen.context != self.seen.context:
            return False
        context, task = self.context, self.task
        if (context is not None and context.gone) or (task is not None and task.gone):
            return False
        return not seen.state or (task is not None and task.data.get("state") == seen.state)


class Pins:
    """All agents' pins."""

    def __init__(self, sessions: SessionTable, meter: Meter) -> None:
        self._sessions = sessions
        self._meter = meter
        self._loose: set[str] = set()
        self._messages: dict[str, Repeats] = {}

    def shelve(self, agent: str, rules: PinSettings, *, loose: bool = False) -> None:
        """Declare an agent's shelves, before stored records are restored. `loose`: any instance may answer."""
        if loose:
            self._loose.add(agent)
        else:
            self._loose.discard(agent)
        limit, own = rules.max, rules.per_owner
        shelve = self._sessions.shelve
        shelve(contexts(agent), Rule(rules.context_idle, limit, own, evicts=False))
        shelve(tasks(agent), Rule(rules.task_idle, limit, own, evicts=False, indexed=True))
        shelve(finished(agent), Rule(rules.finished, limit, indexed=True))
        self._messages.setdefault(agent, Repeats(self._sessions.clock))

    # Look-ups. Records of others are shown too: the caller answers alike whatever it learns.

    def task(self, agent: str, id_: str) -> Session | None:
        found = self._sessions.peek(tasks(agent), id_)
        return found if found is not None else self._sessions.peek(finished(agent), id_)

    def context(self, agent: str, id_: str) -> Session | None:
        return self._sessions.peek(contexts(agent), id_)

    def message(self, agent: str, owner: str, id_: str) -> str:
        """The label of the instance that was sent this message before; empty if none was."""
        return self._messages[agent].find(owner, id_)

    def tasks_of(self, agent: str, owner: str) -> list[Session]:
        """The owner's tasks, finished ones too."""
        return [*self._sessions.owned(tasks(agent), owner), *self._sessions.owned(finished(agent), owner)]

    # Binding.

    def used(self, record: Session) -> None:
        """It was found by its owner: it lives on."""
        self._sessions.use(record)
        self._meter.pinned("hit")

    def adopt(self, agent: str, id_: str, owner: str, label: str) -> Session:
        """The context that a client names first: bound to `label`, unless somebody was faster.

        The record tells whose it is and where. Raises `Overloaded`.
        """
        return self._claim(contexts(agent), agent, id_, owner, label)

    def remember(self, agent: str, owner: str, id_: str, label: str) -> None:
        """This message goes there, and will again."""
        self._messages[agent].note(owner, id_, label)

    def rebind(self, record: Session, label: str) -> None:
        """By the agent's policy, or because the first request of a conversation found no listener."""
        record.pins = {INSTANCE: label}
        self._sessions.changed(record)

    def turned(self, record: Session) -> None:
        """A message of the conversation was answered: after the first one it cannot move, nor after a restart."""
        record.turns += 1
        if record.turns == 1:
            self._sessions.changed(record)

    async def learn(self, agent: str, owner: str, label: str, seen: Seen, *, turn: bool) -> Learnt:
        """Bind what an answer of the instance names, and note the task's state; done before the answer is released.

        `turn`: this is the first that is heard of an answer to a message.

        Raises `Foreign` if an id is somebody else's, `Overloaded` if there is no room, or it cannot be stored.
        """
        context = task = None
        if seen.context:
            context = self._bind(contexts(agent), agent, owner, label, seen.context)
            begins = not context.turns
            if turn:
                self.turned(context)
            if not self._sessions.in_memory:
                await self._stored(context, begins)
        if seen.task:
            task = await self._learn_task(agent, owner, label, seen)
        return Learnt(seen, context, task)

    async def _learn_task(self, agent: str, owner: str, label: str, seen: Seen) -> Session:
        record = self._sessions.peek(finished(agent), seen.task)
        if record is None:
            record = self._bind(tasks(agent), agent, owner, label, seen.task)
            if not record.turns:
                await self._stored(record, True)
            record.turns = 1
        elif record.owner != owner:
            raise Foreign(seen.task)
        told = {"context": seen.context, "state": seen.state}
        data = record.data | {key: value for key, value in told.items() if value}
        if data != record.data:
            record.data = data
            self._moved(agent, record, seen.state)
        return record

    def _moved(self, agent: str, record: Session, state: str) -> None:
        shelf = finished(agent) if state in TERMINAL else tasks(agent)
        if state and record.shelf != shelf:
            self._sessions.move(record, shelf)
        else:
            self._sessions.changed(record)

    def _bind(self, shelf: str, agent: str, owner: str, label: str, id_: str) -> Session:
        record = self._sessions.peek(shelf, id_)
        if record is None:
            record = self._claim(shelf, agent, id_, owner, label)
        if record.owner != owner:
            log.warning("agent %s: %s answered with an id of another caller; it was not passed on", agent, label)
            raise Foreign(id_)
        if label_of(record) != label and agent not in self._loose:
            log.warning("agent %s: %s answered for a conversation that %s holds", agent, label, label_of(record))
        return record

    async def _stored(self, record: Session, is_new: bool) -> None:
        """What is new must not be lost once its id was heard of; what is known lives on while nothing can be stored."""
        if not await self._sessions.kept(record) and is_new:
            self._sessions.end(record)
            raise Overloaded("the conversation could not be stored; try again later")

    def _claim(self, shelf: str, agent: str, id_: str, owner: str, label: str) -> Session:
        record, is_new = self._sessions.claim(shelf, id_, owner, agent)
        if is_new:
            record.pins = {INSTANCE: label}
            self._meter.pinned("made")
        return record


def contexts(agent: str) -> str:
    """The name of the shelf of an agent's contexts."""
    return f"a2a.context/{agent}"


def tasks(agent: str) -> str:
    return f"a2a.task/{agent}"


def finished(agent: str) -> str:
    return f"a2a.finished/{agent}"


def label_of(record: Session) -> str:
    """The label of the instance that a record is bound to."""
    return record.pins.get(INSTANCE, "")

"""Where a request must go: the rules that make it impossible to reach the wrong instance.

Looks ids up in the order task, context, referenced tasks, repeated message; whatever belongs to
somebody else looks like what does not exist. A conversation whose instance cannot be reached is
unavailable, one whose instance is gone is lost, and neither is ever answered by another instance
unless the agent's manifest says that its state is not in the instance. Decides and binds nothing by
itself but what the policy `repin` asks for. Above: `endpoint.py`. Below: `pins.py`, `agents.py`.
"""

from collections.abc import Callable

import msgspec

from ..core.ports import Meter
from ..sessions.table import Session
from . import errors
from .agent import Agent
from .errors import A2aError
from .instance import Instance
from .operations import SENDS
from .pins import Pins, label_of
from .values import Asked

AGAIN = 2.0
"""Seconds after which an unavailable instance may be asked for again."""


class Place(msgspec.Struct):
    """`instance` is `None` while any will do."""

    agent: Agent
    owner: str
    instance: Instance | None = None
    context: Session | None = None
    """The record of the conversation, if there is one."""
    task: Session | None = None
    new_context: str = ""
    """An id that the client has minted: to be claimed before the request goes out."""
    fixed: bool = False
    """The question is to this very instance."""
    fields: dict[str, str | int | float | bool | None] = {}
    """Of the request's access line."""
    told: Callable[[str], None] | None = None
    """Told the id of each task that the answer names."""


class Placing:
    """The look-ups of all agents."""

    def __init__(self, pins: Pins, meter: Meter) -> None:
        self._pins = pins
        self._meter = meter

    def place(self, agent: Agent, asked: Asked, owner: str) -> Place:
        """Raises `A2aError`: not found, foreign, lost, unavailable."""
        place = Place(agent, owner)
        ids = asked.ids
        references = [self._own_task(agent, owner, each) for each in ids.references] if ids.references else []
        if ids.context:
            place.context = self._own_context(agent, asked, owner)
        if ids.task:
            self._by_task(place, asked)
        elif place.context is not None:
            self._by_context(place)
        elif ids.context:
            place.new_context = ids.context
        if place.instance is None and place.task is None and place.context is None:
            place.instance = self._by_neighbours(place, references, asked)
        return place

    def _by_task(self, place: Place, asked: Asked) -> None:
        record = self._pins.task(place.agent.name, asked.ids.task)
        if record is None and place.context is not None:
            self._by_context(place)  # the agent knows whether there is such a task
            return
        place.task = record = self._checked(record, asked.ids.task, place.owner)
        if place.context is None and (context := record.data.get("context")):
            place.context = self._pins.context(place.agent.name, context)
        place.instance = self._holder(place.agent, record)
        if place.instance is None:
            raise self._refused("lost", errors.task_not_found(asked.ids.task))
        self._pins.used(record)
        if place.context is not None and place.context.owner == place.owner:
            self._pins.used(place.context)

    def _by_context(self, place: Place) -> None:
        record = place.context
        assert record is not None
        place.instance = self._holder(place.agent, record)
        if place.instance is not None:
            self._pins.used(record)
            return
        if place.agent.settings.on_lost == "reject":
            raise self._refused("lost", errors.context_lost(record.id))
        place.instance = self.choose(place.agent)
        self._pins.rebind(record, place.instance.label)
        self._meter.pinned("repinned")

    def _by_neighbours(self, place: Place, references: list[Session], asked: Asked) -> Instance | None:
        """Where the tasks are that it refers to, or where the same message went before."""
        labels = {label_of(each) for each in references}
        if not labels and asked.ids.message and asked.operation in SENDS:
            labels = {self._pins.message(place.agent.name, place.owner, asked.ids.message)}
        if len(labels) != 1:
            return None
        instance = place.agent.labelled(labels.pop())
        return instance if instance is not None and instance.usable else None

    def _own_task(self, agent: Agent, owner: str, id_: str) -> Session:
        return self._checked(self._pins.task(agent.name, id_), id_, owner)

    def _checked(self, record: Session | None, id_: str, owner: str) -> Session:
        if record is None or record.owner != owner:
            raise self._refused("refused", errors.task_not_found(id_))
        return record

    def _own_context(self, agent: Agent, asked: Asked, owner: str) -> Session | None:
        id_ = asked.ids.context
        record = self._pins.context(agent.name, id_)
        if record is not None and record.owner == owner:
            return record
        if agent.settings.client_context == "reject":
            raise self._refused("refused", errors.unknown_context(id_))
        if record is not None:
            raise self._refused("refused", errors.foreign_context(id_))
        return None

    def _holder(self, agent: Agent, record: Session) -> Instance | None:
        """The instance that a record is bound to; `None` if it is lost. Raises if it cannot be reached just now."""
        policy = agent.settings.state
        instance = agent.labelled(label_of(record))
        if policy == "instance":
            if instance is None or instance.state == "lost":
                return None
            if not instance.usable:
                raise self._refused("refused", errors.instance_unavailable(AGAIN))
            return instance
        if policy == "shared" and instance is not None and instance.open:
            return instance
        other = self.choose(agent)
        if policy == "shared":
            self._pins.rebind(record, other.label)
            self._meter.pinned("repinned")
        return other

    def choose(self, agent: Agent, without: frozenset[str] = frozenset()) -> Instance:
        """One for a new conversation. Raises if none is ready."""
        found = agent.choose(without)
        if found is None:
            raise errors.nobody_ready(AGAIN)
        return found

    def claim(self, place: Place, instance: Instance) -> Instance:
        """Bind a client's own context id before the request goes out; whoever was faster says where it goes.

        Raises `A2aError` if that was somebody else, `Overloaded` if there is no room.
        """
        if not place.new_context:
            return instance
        record = self._pins.adopt(place.agent.name, place.new_context, place.owner, instance.label)
        if record.owner != place.owner:
            raise self._refused("refused", errors.foreign_context(place.new_context))
        place.context, place.new_context = record, ""
        if label_of(record) == instance.label:
            return instance
        self._by_context(place)
        assert place.instance is not None
        return place.instance

    def _refused(self, result: str, error: A2aError) -> A2aError:
        self._meter.pinned(result)
        return error

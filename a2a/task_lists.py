"""ListTasks: one list of the caller's tasks, wherever they are (specification 3.1.4).

One instance alone would show a part and say that it is all. So every instance that holds tasks of the
caller is asked, their pages are merged (`merging.py`), and what is not the caller's is left out. If an
instance cannot be reached the list says so in a header. Above: `endpoint.py`. Below: `relay.py`.
"""

import asyncio

import msgspec

from ..core import jsonrpc
from ..core.call import JSON, Call, Reply
from ..core.errors import GatewayError, UpstreamInvalid
from ..core.rawjson import Fields, encode, fields, join, raw, text, value
from ..sessions.table import Session
from . import bridge, errors
from .agent import Agent
from .errors import BY_CODE, INTERNAL, A2aError
from .instance import Instance
from .members import Level
from .merging import Page, Spot, Tokens, merge, page, result
from .operations import LIST
from .pins import Pins, label_of
from .placing import AGAIN, Place
from .relay import Relay
from .values import Asked

PAGE, MOST = 50, 100
"""Tasks of a page, if the caller does not say; and at most (specification 3.1.4)."""
ROUNDS = 16
"""Times that instances are asked for one page of ours: what others' tasks fill must be read over."""
PARTIAL = b"x-fedgate-partial"
"""How many instances with tasks of the caller could not be asked."""

_FILTERS = ("contextId", "status", "statusTimestampAfter")
_CHANGING = {"status", "statusTimestampAfter"}
"""What the table does not know: a task goes on while nobody asks for it."""
_PARAMS = Level("params", *_FILTERS, "pageSize", "pageToken", "historyLength", "includeArtifacts", "tenant")


class _Wish(msgspec.Struct):
    """What is asked for."""

    size: int
    token: str
    filters: Fields
    params: Fields
    """What every instance is told besides size and token."""


class TaskLists:
    """For all agents."""

    def __init__(self, relay: Relay, pins: Pins) -> None:
        self._relay = relay
        self._pins = pins
        self._tokens = Tokens()

    async def answer(self, call: Call, asked: Asked, agent: Agent, owner: str) -> Reply:
        """Raises `A2aError`."""
        wish = _wish(bridge.own_params(asked))
        records = [each for each in self._held(agent, owner) if _fits(each, wish.filters)]
        question = encode([owner, agent.name, {key: bytes(part).decode() for key, part in wish.filters.items()}])
        begin = self._begin(agent, records)
        reading = _Reading(self, call, agent, owner, wish)
        taken, spots = await reading.fill(self._opened(question, wish.token) if wish.token else begin, wish.size)
        total = len(records)
        if _CHANGING & wish.filters.keys():
            total = await _Reading(self, call, agent, owner, _counting(wish)).count(begin)
        token = self._tokens.seal(question, spots) if spots else ""
        answered = bridge.from_own(asked, result(taken, token, wish.size, total))
        partial = ((PARTIAL, b"%d" % reading.missing),) if reading.missing else ()
        return Reply(answered.status, (JSON, *partial), answered.body)

    def _held(self, agent: Agent, owner: str) -> list[Session]:
        """The caller's tasks that are not lost with their instance."""
        records = self._pins.tasks_of(agent.name, owner)
        if agent.settings.state != "instance":
            return records
        labels = {label_of(each) for each in records}
        held = {label for label in labels if (at := agent.labelled(label)) is not None and at.state != "lost"}
        return [each for each in records if label_of(each) in held]

    def _begin(self, agent: Agent, records: list[Session]) -> dict[str, Spot]:
        """Where the reading begins: at each instance that holds one of the tasks."""
        if agent.settings.state != "instance":
            chosen = agent.choose()
            return {chosen.name: Spot()} if chosen is not None and records else {}
        held = [agent.labelled(label) for label in sorted({label_of(each) for each in records})]
        return {each.name: Spot() for each in held if each is not None}

    def _opened(self, question: bytes, token: str) -> dict[str, Spot]:
        try:
            return self._tokens.open(question, token)
        except ValueError as error:
            raise errors.invalid_params("pageToken is not one of this list; leave it out to begin anew") from error

    def holder(self, agent: Agent, owner: str, task: str) -> str:
        """The name of the instance that holds a task of the caller; empty for a task of anybody else."""
        record = self._pins.task(agent.name, task)
        held = None if record is None or record.owner != owner else agent.labelled(label_of(record))
        return "" if held is None else held.name

    async def page(self, call: Call, place: Place, params: Fields) -> Page:
        """One page of one instance. Raises `A2aError` for the error that it answers."""
        asked = bridge.ask(LIST, join(params), agent=place.agent.name)
        answered = await self._relay.ask(call, asked, place)
        envelope = jsonrpc.parse_one(answered.body)
        if bytes(envelope.error):
            raise _said(fields(envelope.error))
        try:
            return page(bytes(envelope.result))
        except ValueError as error:
            raise UpstreamInvalid(f"agent {place.agent.name} answered ListTasks with no list of tasks") from error


class _Reading:
    """The reading of one page of ours from as many pages of theirs as it takes."""

    def __init__(self, lists: TaskLists, call: Call, agent: Agent, owner: str, wish: _Wish) -> None:
        self._lists = lists
        self._call = call
        self._agent = agent
        self._owner = owner
        self._wish = wish
        self._pages: dict[str, tuple[str, Page]] = {}
        self._away: dict[str, Spot] = {}
        """Instances that could not be asked: the next page tries again."""

    @property
    def missing(self) -> int:
        return len(self._away)

    async def count(self, spots: dict[str, Spot]) -> int:
        """All that there is, as far as `ROUNDS` pages go; the table does not know when a task changed."""
        return len((await self.fill(spots, MOST * ROUNDS))[0]) if spots else 0

    async def fill(self, spots: dict[str, Spot], size: int) -> tuple[list[msgspec.Raw], dict[str, Spot]]:
        taken: list[msgspec.Raw] = []
        for _ in range(ROUNDS):
            await self._fetch(spots)
            pages = {name: (spot, self._pages[name][1]) for name, spot in spots.items() if name in self._pages}
            merged = merge(pages, size - len(taken), self._holder)
            taken += merged.tasks
            spots = merged.spots
            if not spots or len(taken) >= size:
                break
        return taken, spots | self._away if spots else {}

    def _holder(self, task: str) -> str:
        if self._agent.settings.state == "instance":
            return self._lists.holder(self._agent, self._owner, task)
        mine = self._lists.holder(self._agent, self._owner, task)
        return next(iter(self._pages)) if mine else ""

    async def _fetch(self, spots: dict[str, Spot]) -> None:
        """The page that each spot names, unless it is at hand; side by side."""
        wanted = [name for name, spot in spots.items() if self._pages.get(name, (None,))[0] != spot.token]
        if not wanted:
            return
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(self._one(name, spots[name])) for name in wanted}
        failures = []
        for name, task in asked.items():
            found = task.result()
            if isinstance(found, Page):
                self._pages[name] = (spots[name].token, found)
            else:
                self._pages.pop(name, None)
                self._away[name] = spots[name]
                failures.append(found)
        if failures and not self._pages:
            raise failures[0]

    async def _one(self, name: str, spot: Spot) -> Page | GatewayError:
        instance = self._agent.instance(name)
        if (instance is None or not instance.usable) and self._agent.settings.state != "instance":
            instance = self._agent.choose()
        if instance is None or not instance.usable:
            return errors.instance_unavailable(AGAIN)
        params = {**self._wish.params, "pageSize": raw(self._wish.size)}
        if spot.token:
            params["pageToken"] = raw(spot.token)
        try:
            return await self._lists.page(self._call, self._place(instance), params)
        except GatewayError as error:
            return error

    def _place(self, instance: Instance) -> Place:
        return Place(self._agent, self._owner, instance, fixed=True)


def _wish(given: Fields) -> _Wish:
    params = _PARAMS.pick(join(given), given)
    size = _whole(params.get("pageSize"), "pageSize", PAGE)
    if not 0 < size <= MOST:
        raise errors.invalid_params(f"pageSize must be from 1 to {MOST}")
    filters = {key: params[key] for key in _FILTERS if key in params}
    strange = {key: part for key, part in given.items() if not _PARAMS.knows(key)}
    passed = {key: part for key, part in params.items() if key not in ("pageSize", "pageToken", "tenant")} | strange
    return _Wish(size, text(params.get("pageToken")) or "", filters, passed)


def _counting(wish: _Wish) -> _Wish:
    """The same question, for nothing but the number of tasks: in long pages, of short tasks."""
    slim = {"historyLength": raw(0), "includeArtifacts": raw(False)}
    return _Wish(MOST, "", wish.filters, wish.params | slim)


def _whole(member: msgspec.Raw | None, name: str, default: int) -> int:
    if member is None:
        return default
    try:
        found = value(member)
    except ValueError:
        found = None
    if not isinstance(found, int) or isinstance(found, bool):
        raise errors.invalid_params(f"{name} must be a whole number")
    return found


def _fits(record: Session, filters: Fields) -> bool:
    """Whether a task may be one of those asked for: its context is known for good, its state is the agent's to know."""
    context = text(filters.get("contextId"))
    return not context or record.data.get("context", context) == context


def _said(error: Fields) -> A2aError:
    """The error of an agent as one of ours."""
    try:
        code = value(error["code"])
    except (KeyError, ValueError):
        code = INTERNAL.code
    kind = BY_CODE.get(code, INTERNAL) if isinstance(code, int) else INTERNAL
    return A2aError(kind, text(error.get("message")) or "the agent could not list its tasks")

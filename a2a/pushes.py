"""Push notifications through the gateway: no agent ever calls a client's URL, and no client sees an agent's.

What a client asks for is checked and kept; the agent is told a URL and a token of the gateway's. What
the agent calls back with must show that token and be about the client's task; then it is sent on, in
the client's version. Above: `endpoint.py`. Below: the other `push_` modules, `relay.py`, `pins.py`.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ..core.call import JSON, Call, Reply, replace
from ..core.errors import BadRequest, NotFound, Overloaded
from ..core.rawjson import Fields, Raw, fields, join, sub, text
from ..core.ssrf import Guard, RefusedUrl
from . import bridge_versions, errors, learn, push_answers, push_config, push_inbound
from .agent import Agent
from .operations import PUSH, PUSH_CREATE, PUSH_DELETE, STREAM
from .pins import Foreign, Pins, label_of
from .placing import Place
from .push_config import PushConfig
from .push_delivery import PushDelivery
from .push_table import PATH, PushTable
from .push_table import Relay as Callback
from .relay import Relay
from .values import Asked, Seen, Version

CALLBACK = PATH
_TAKEN = Reply(200, (JSON,), b"{}")
_BUSY = ((b"retry-after", b"5"),)


class Way(NamedTuple):
    """To the clients of one agent."""

    guard: Guard
    delivery: PushDelivery


class Pushes:
    """For all agents. `ways`: by the agent's name, which addresses its clients may name, and the way to them."""

    def __init__(self, relay: Relay, pins: Pins, table: PushTable, ways: Mapping[str, Way]) -> None:
        self._relay = relay
        self._pins = pins
        self._table = table
        self._ways = ways
        self._warm = False

    def __repr__(self) -> str:
        return f"<Pushes relays={len(self._table)}>"

    def check(self, agent: Agent, asked: Asked) -> PushConfig | None:
        """The configuration in a request to one of `PUSH` or `SENDS`; none if there is none.

        Raises `A2aError`: before any look-up, if the agent does not push.
        """
        advertised = agent.card is not None and agent.card.push
        if asked.operation in PUSH and not advertised:
            raise errors.push_not_supported()
        config = push_config.read(asked)
        if config is not None and not advertised:
            raise errors.push_not_supported()
        return config

    async def sent(self, call: Call, asked: Asked, place: Place, config: PushConfig) -> Reply:
        """A message, with the configuration that came with it pointed at the gateway."""
        begun, asked = await self._begin(asked, place, config)
        place.told = lambda task: self._bind(begun, task)
        kept = False
        try:
            reply = await self._relay.forward(call, asked, place)
            kept = not isinstance(reply.body, bytes) or _succeeded(asked, reply)
            return reply
        finally:
            if not kept:
                self._table.end(begun.id)

    async def answer(self, call: Call, asked: Asked, place: Place, config: PushConfig | None) -> Reply:
        """Create, get, list, delete. Raises as `Relay.forward` does, and `Conflict`, `Overloaded` at a limit."""
        if asked.operation == PUSH_CREATE and config is not None:
            return await self._created(call, asked, place, config)
        reply = await self._relay.forward(call, asked, place)
        if asked.operation == PUSH_DELETE:
            if _succeeded(asked, reply):
                self._deleted(asked)
            return reply
        return self._shown(asked, place.owner, reply)

    async def _created(self, call: Call, asked: Asked, place: Place, config: PushConfig) -> Reply:
        begun, asked = await self._begin(asked, place, config)
        kept = False
        try:
            reply = await self._relay.forward(call, asked, place)
            if kept := _succeeded(asked, reply):
                self._table.bind(begun.id, asked.ids.task, _config_id(asked, reply))
            return self._shown(asked, place.owner, reply)
        finally:
            if not kept:
                self._table.end(begun.id)

    async def _begin(self, asked: Asked, place: Place, config: PushConfig) -> tuple[Callback, Asked]:
        try:
            await self._ways[asked.agent].guard.vet(config.url)
        except RefusedUrl as error:
            raise errors.invalid_params(f"the push configuration's url is refused: {error.message}") from error
        task = asked.ids.task or config.task
        begun = self._table.begin(place.owner, asked.agent, msgspec.structs.replace(config, task=task))
        return begun, push_config.replaced(asked, self._table.url(begun), begun.token)

    def _bind(self, begun: Callback, task: str) -> None:
        if not begun.task:
            self._table.bind(begun.id, task, begun.client.id)

    def _deleted(self, asked: Asked) -> None:
        for each in list(self._table.of_task(asked.agent, asked.ids.task)):
            if each.config == (asked.ids.config or asked.ids.task):
                self._ways[asked.agent].delivery.forget(each.id)
                self._table.end(each.id)

    def _shown(self, asked: Asked, owner: str, reply: Reply) -> Reply:
        """The client's own URL and secrets in place of the gateway's."""
        assert isinstance(reply.body, bytes)
        if not _succeeded(asked, reply):
            return reply
        body = push_answers.shown(reply.body, asked.speech, asked.operation, lambda url: self._table.behind(owner, url))
        return replace(reply, body=body)

    # What agents call back with.

    async def called_back(self, call: Call, agent: Agent, rest: str) -> Reply:
        """Raises `NotFound`, `Unauthorized`, `BadRequest`, `TooLarge`, `Overloaded`."""
        relay = self._table.find(agent.name, rest.removeprefix(PATH))
        if relay is None:
            raise NotFound("nobody is waiting for this notification any more")
        push_inbound.authenticate(relay, call.request.headers)
        body = await call.request.read()
        seen = push_inbound.check(relay, body)
        shown = await self._in_version(body, relay.client.version)
        record = call.record
        record.fields["a2a.task.id"] = seen.task or relay.task
        if seen.task:
            await self._heard(agent, relay, seen)
            if not relay.task:
                self._table.bind(relay.id, seen.task)
        self._table.touch(relay.id)
        kind = call.request.header(b"content-type") or "application/json"
        if not self._ways[agent.name].delivery.accept(relay, shown, kind):
            raise Overloaded("too many notifications are waiting; send this one again later", headers=_BUSY)
        return _TAKEN

    async def _in_version(self, body: bytes, version: Version) -> bytes:
        """A notification in the client's version: 1.0 wraps what 0.3 sends bare."""
        members = fields(body)
        theirs: Version = "0.3" if "kind" in members or "id" in members or "taskId" in members else "1.0"
        if theirs == version:
            return body
        if not self._warm:  # the SDK takes a second to import: not on the event loop
            await asyncio.get_running_loop().run_in_executor(None, bridge_versions.warm)
            self._warm = True
        try:
            return bytes(bridge_versions.result(STREAM, Raw(join(members)), version))
        except ValueError as error:
            raise BadRequest(f"the notification cannot be said in its client's version: {error}") from error

    async def _heard(self, agent: Agent, relay: Callback, seen: Seen) -> None:
        """Note the task's state; a task that nobody has yet is not bound by a callback, whose instance is not known."""
        known = self._pins.task(agent.name, seen.task)
        if known is None:
            return
        try:
            await self._pins.learn(agent.name, relay.owner, label_of(known), seen, turn=False)
        except Foreign as error:
            raise NotFound("nobody is waiting for this notification any more") from error

    def sweep(self) -> None:
        """For now and then."""
        self._table.sweep()


def _succeeded(asked: Asked, reply: Reply) -> bool:
    return reply.status < 300 and isinstance(reply.body, bytes) and not learn.failed(asked.speech, reply.body)


def _config_id(asked: Asked, reply: Reply) -> str:
    """The configuration's id, as the agent has it."""
    assert isinstance(reply.body, bytes)
    found: Fields = fields(reply.body)
    if asked.speech.binding == "jsonrpc":
        found = sub(found, "result")
    if asked.speech.version == "0.3":
        found = sub(found, "pushNotificationConfig") or found
    return text(found.get("id")) or asked.ids.config

"""One request to the one instance it belongs to, and its answer: what that names is bound first.

Bytes pass as they came where client and agent speak alike, and over the bridge where they do not. A
request that found no listener goes to another instance only if nothing binds it to this one. An answer
of a process that is not the one that held the conversation is not passed on. Above: `endpoint.py`.
Below: `placing.py`, `returning.py`, `bridge.py`, the HTTP client.
"""

import asyncio
from functools import lru_cache, partial

import msgspec

from ..core.call import SSE, Call, Reply
from ..core.clock import Clock
from ..core.errors import GatewayError, UpstreamBroken, UpstreamInvalid, UpstreamRefused
from ..core.http_client import HttpClient
from ..core.http_values import Timeouts
from ..core.ports import Meter, shown
from ..core.trail import reason_of
from . import bridge, errors, heads, tracing
from .instance import Instance
from .interfaces import Interface
from .operations import SENDS, STREAMS
from .pins import Pins, label_of
from .placing import AGAIN, Place, Placing
from .returning import Returning, Sent
from .tenants import with_tenant
from .values import Answered, Asked

CONNECT = 5.0
"""Seconds to get a connection."""
_timeouts = lru_cache(256)(partial(Timeouts, CONNECT))  # they are checked when they are made


class Deps(msgspec.Struct, frozen=True):
    """What the relay stands on."""

    http: HttpClient
    clock: Clock
    meter: Meter
    pins: Pins
    placing: Placing


class Relay:
    """For all agents."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._returning = Returning(deps.pins)
        self._warm = False

    async def forward(self, call: Call, asked: Asked, place: Place) -> Reply:
        """Raises `A2aError`, `UpstreamError`, `Overloaded`."""
        sent = await self._reach(call, asked, place)
        response = sent.response
        kind = response.header(b"content-type") or b""
        if kind.startswith(heads.STREAM_KIND) and response.status < 300:
            if asked.operation not in STREAMS:
                await self._drop(sent)
                raise UpstreamInvalid(f"agent {asked.agent} answered {asked.operation} with a stream")
            head = (SSE, (b"cache-control", b"no-cache"), *heads.towards_client(response.headers, b"")[1:])
            return Reply(200, head, self._returning.streamed(call, asked, sent))
        try:
            with sent.hop:
                return await self._returning.whole(call, asked, sent, kind)
        finally:
            sent.instance.inflight -= 1

    async def ask(self, call: Call, asked: Asked, place: Place) -> Answered:
        """A request of the gateway itself (`bridge.ask`): the whole answer, in the gateway's own speech."""
        reply = await self.forward(call, asked, place)
        assert isinstance(reply.body, bytes)
        return Answered(reply.status, reply.body)

    # The way there.

    async def _reach(self, call: Call, asked: Asked, place: Place) -> Sent:
        placing = self._deps.placing
        if place.agent.credentials is not None:
            # Before anything is bound: a token may have to be waited for, or be refused.
            await place.agent.credentials.headers(call.caller)
        instance = place.instance or placing.choose(place.agent)
        tried: frozenset[str] = frozenset()
        while True:
            if place.new_context:
                instance = placing.claim(place, instance)
            try:
                return await self._send(call, asked, place, instance)
            except UpstreamRefused as error:
                if not _is_free(place):
                    raise errors.instance_unavailable(AGAIN) from error
                tried |= {instance.name}
                instance = self._elsewhere(place, instance, tried)
            except UpstreamBroken as error:
                raise errors.instance_unavailable(AGAIN) from error

    def _elsewhere(self, place: Place, instance: Instance, tried: frozenset[str]) -> Instance:
        """Another instance, for a conversation that has not begun; whoever moved it first says which."""
        record = place.context
        if record is not None and label_of(record) != instance.label:
            moved = place.agent.labelled(label_of(record))
            if moved is not None and moved.usable and moved.name not in tried:
                return moved
        other = self._deps.placing.choose(place.agent, tried)
        if record is not None:
            self._deps.pins.rebind(record, other.label)
        return other

    async def _send(self, call: Call, asked: Asked, place: Place, instance: Instance) -> Sent:
        deps, settings = self._deps, place.agent.settings
        record, way = call.record, _way(asked, instance)
        if way.speech.version != asked.speech.version:
            await self._warmed()
        out = bridge.outgoing(asked, way.speech)
        if way.tenant:
            out = with_tenant(out, way)
        manner = heads.Manner(way.speech, asked.operation in STREAMS, bool(out.body), asked.extensions)
        credentials, own = instance.credentials, instance.headers
        if credentials is not None:
            own = await shown(own, credentials, call.caller)
        hop = tracing.hop_to(instance, asked, way.speech, record)
        head = heads.towards_agent(call.request.headers, manner, (*own, *hop.headers))
        if asked.operation in SENDS and asked.ids.message:
            deps.pins.remember(asked.agent, place.owner, asked.ids.message, instance.label)
        record.endpoint = instance.target.authority
        record.fields["a2a.instance"] = instance.name
        timeouts = _timeouts(settings.timeout, settings.idle_timeout)
        label, started = instance.label, deps.clock.monotonic()
        instance.inflight += 1
        try:
            response = await deps.http.request(
                out.method, instance.target, path=way.at(out.path), headers=head, body=out.body, timeouts=timeouts
            )
        except BaseException as error:
            instance.inflight -= 1
            hop.end(reason_of(error))
            if isinstance(error, GatewayError):
                instance.failed(error)
            raise
        finally:
            seconds = deps.clock.monotonic() - started
            record.upstream_seconds += seconds
            deps.meter.upstream("a2a", asked.agent, seconds)
        if response.status == 401 and credentials is not None:
            credentials.refused(own)
        sent = Sent(place, instance, label, way.speech, response, hop)
        if settings.identity is not None or instance.label != label:
            await self._check_process(asked, sent)
        return sent

    async def _warmed(self) -> None:
        """Versions are converted by the SDK, which takes a second to import: not on the event loop."""
        if not self._warm:
            await asyncio.get_running_loop().run_in_executor(None, bridge.warm)
            self._warm = True

    async def _check_process(self, asked: Asked, sent: Sent) -> None:
        """Whoever answered must be the process that was asked; a conversation that begins is whose answers it."""
        place, label = sent.place, sent.label
        named = self._identified(sent)
        if sent.instance.label == label:
            return
        if _is_free(place):
            if named:
                sent.label = sent.instance.label
                if place.context is not None:
                    self._deps.pins.rebind(place.context, sent.label)
            return
        await self._drop(sent)
        self._deps.meter.pinned("lost")
        if asked.ids.task:
            raise errors.task_not_found(asked.ids.task)
        raise errors.context_lost(asked.ids.context)

    def _identified(self, sent: Sent) -> bool:
        """Take in which process answered; whether it said so. What was renewed meanwhile may be the old one's last."""
        identity = sent.place.agent.settings.identity
        if identity is None or identity.header is None or sent.instance.label != sent.label:
            return False
        value = sent.response.header(identity.header.lower().encode())
        sent.instance.identified((value or b"").decode("latin-1"))
        return value is not None

    async def _drop(self, sent: Sent) -> None:
        sent.hop.end(UpstreamInvalid.reason)
        sent.instance.inflight -= 1
        await sent.response.aclose()


def _is_free(place: Place) -> bool:
    """Whether another instance may answer: nothing is bound to this one, and no client has heard of it yet."""
    if place.fixed:
        return False
    if place.agent.settings.state != "instance":
        return True
    return place.task is None and (place.context is None or not place.context.turns)


def _way(asked: Asked, instance: Instance) -> Interface:
    spoken, speech = instance.speeches, asked.speech
    for each in spoken:
        if each.speech == speech:
            return each
    if not spoken:
        raise errors.instance_unavailable(AGAIN)
    chosen = bridge.choose(asked.speech, [each.speech for each in spoken])
    return next(each for each in spoken if each.speech == chosen)

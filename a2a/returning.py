"""The way back of a request: an agent's answer, whole or in a stream, as its caller gets it.

What the answer names is bound before the bytes that reveal it are passed on; with which error it ended is noted for
the access line and the trace. Bytes pass as they came where caller and agent speak alike. Above: `relay.py`. Below:
`learn.py`, `pins.py`, `bridge.py`.
"""

from collections.abc import AsyncGenerator

import msgspec

from ..core.call import Call, Reply
from ..core.errors import GatewayError, UpstreamBroken
from ..core.http_response import HttpResponse
from ..core.sse import event as sse_event
from ..core.sse_frames import Frames, read
from ..core.streams import closing
from ..core.trail import Hop
from . import answers, bridge, errors, heads, learn, tracing
from .instance import Instance
from .operations import LIST, SENDS
from .pins import Foreign, Learnt, Pins
from .placing import AGAIN, Place
from .rendering import error_event
from .values import Asked, Seen, Speech


class Sent(msgspec.Struct):
    """A request that was sent, and the head of its answer."""

    place: Place
    instance: Instance
    label: str
    """Of the process that answers, as far as that is known: the instance's when the request went out."""
    speech: Speech
    response: HttpResponse
    hop: Hop
    heard: bool = False
    """Whether something was heard of the conversation yet."""
    learnt: Learnt | None = None
    """What it taught last."""


class Returning:
    """For all agents."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins

    async def whole(self, call: Call, asked: Asked, sent: Sent, kind: bytes) -> Reply:
        response, status = sent.response, sent.response.status
        limit = sent.place.agent.settings.max_answer
        try:
            body = await response.read(limit)
        except UpstreamBroken as error:
            sent.instance.failed(error)
            raise errors.instance_unavailable(AGAIN) from error
        answers.check(asked.agent, sent.speech, status, kind, body)
        seen = []
        if status < 300 and asked.operation != LIST:  # a list names whatever the agent has: it makes nothing anybody's
            seen = learn.answer(sent.speech, asked.operation, body) or answers.nothing(sent.speech, body)
        for each in seen:
            await self._learn(asked, sent, each)
        if not seen and (status >= 300 or learn.failed(sent.speech, body)):
            self._failed(call, sent, body)
        if asked.speech == sent.speech:
            return Reply(status, heads.towards_client(response.headers, kind or heads.JSON_KIND), body)
        answered = bridge.answer(asked, sent.speech, status, body)
        return Reply(answered.status, heads.towards_client(response.headers, heads.JSON_KIND), answered.body)

    def _failed(self, call: Call, sent: Sent, body: bytes) -> None:
        """The agent has answered with an error, whole or in an event."""
        why = tracing.reason(sent.speech, sent.response.status, body)
        sent.hop.end(why)
        if sent.speech.binding == "jsonrpc":
            call.record.error = call.record.error or why

    async def _learn(self, asked: Asked, sent: Sent, seen: Seen) -> None:
        turn = asked.operation in SENDS and not sent.heard and self._begins(sent, seen)
        try:
            sent.learnt = await self._pins.learn(asked.agent, sent.place.owner, sent.label, seen, turn=turn)
        except Foreign as error:
            raise errors.invalid_agent_response(
                f"agent {asked.agent} answered with an id that is not this caller's; nothing of it was passed on"
            ) from error
        answers.note(sent.place.fields, seen)
        tracing.learnt(sent.hop, seen)
        if seen.task and sent.place.told is not None:
            sent.place.told(seen.task)

    def _begins(self, sent: Sent, seen: Seen) -> bool:
        """The first that is heard of an answer to a message: its conversation cannot move from now on."""
        record = sent.place.context
        sent.heard = bool(seen.context) or record is not None
        if record is not None and record.id != seen.context:
            self._pins.turned(record)
        return sent.heard

    async def streamed(self, call: Call, asked: Asked, sent: Sent) -> AsyncGenerator[bytes, None]:
        frames = Frames(sent.place.agent.settings.max_answer)
        ready: list[bytes] = []
        try:
            async with closing(sent.response) as chunks:
                async for chunk in chunks:
                    # One frame after the other: what came before a bad one has passed.
                    for frame, data, _name in frames.events(chunk):
                        if self._passes(asked, sent, data):
                            ready.append(frame)
                        else:
                            ready.append(await self._framed(call, asked, sent, frame))
                    if ready:
                        whole, ready = b"".join(ready), []
                        yield whole
                if rest := frames.rest():
                    yield await self._framed(call, asked, sent, rest)
        except GatewayError as error:
            if isinstance(error, UpstreamBroken):
                sent.instance.failed(error)
            call.record.error = f"{error.reason}: {error.message}"[:200]
            sent.hop.end(error.reason)
            yield b"".join([*ready, error_event(asked.speech, asked.id, _in_stream(error))])
        finally:
            sent.hop.end()
            sent.instance.inflight -= 1

    def _passes(self, asked: Asked, sent: Sent, data: bytes) -> bool:
        """Whether a frame with this data passes as it is, because it says nothing of ids that was not said before."""
        learnt = sent.learnt
        if learnt is None or sent.speech != asked.speech:
            return False
        seen = learn.event(sent.speech, data)
        return seen is not None and learnt.covers(seen)

    async def _framed(self, call: Call, asked: Asked, sent: Sent, frame: bytes) -> bytes:
        """One frame as the client gets it, after what it names is bound."""
        said = read(frame)
        if not said.data:
            return frame
        seen = learn.event(sent.speech, said.data)
        if seen is None and learn.failed(sent.speech, said.data):
            self._failed(call, sent, said.data)
        elif seen is not None or not sent.heard:
            await self._learn(asked, sent, seen or Seen())
        if sent.speech == asked.speech:
            return frame
        data = bridge.event(asked, sent.speech, said.data, said.name)
        name = bridge.event_name(asked.speech, data)
        return sse_event(data, name=b"" if name == b"message" else name)


def _in_stream(error: GatewayError) -> GatewayError:
    return errors.instance_unavailable(AGAIN) if isinstance(error, UpstreamBroken) else error

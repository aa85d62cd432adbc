"""federation/http_call.py: a call over HTTP has its events in order, and one end, of which its connection is told."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from fedgate.core.errors import GatewayError, UpstreamBroken, UpstreamInvalid, UpstreamTimeout
from fedgate.core.http_response import HttpResponse
from fedgate.core.http_values import Timeouts
from fedgate.core.jsonrpc import Message
from fedgate.core.rawjson import Raw
from fedgate.federation.http_call import HttpCall
from fedgate.federation.messages import Answer, Event, Notice, Outbound

pytestmark = pytest.mark.anyio

REQUEST = Outbound("tools/call", {}, {})
DONE = Message("2.0", Raw(b"7"), result=Raw(b"{}"))
LINE = Message("2.0", method="notifications/message")
ODD = Message("2.0", Raw(b"9"), result=Raw(b"{}"))


class Link:
    """What the answer arrives on."""

    def __init__(self) -> None:
        self.abandoned = 0

    def expect(self, seconds: float) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abandon(self) -> None:
        self.abandoned += 1


class Peer:
    """A `Speaking` whose server says these messages; an error among them is raised there."""

    def __init__(
        self,
        *said: Message | GatewayError,
        streams: bool = False,
        refusal: Answer | None = None,
        fault: GatewayError | None = None,
    ) -> None:
        self.link = Link()
        self.ends: list[bool] = []
        self.sent: list[int] = []
        self.closed = False
        self.silent = asyncio.Event()
        """Set when the server is waited for, which says nothing."""
        self._said = said
        self._streams = streams
        self._refusal = refusal
        self._fault = fault

    async def send(self, _outbound: Outbound, ident: int) -> HttpResponse | Answer:
        self.sent.append(ident)
        if self._fault is not None:
            raise self._fault
        if self._refusal is not None:
            return self._refusal
        return HttpResponse(self.link, asyncio.get_running_loop(), Timeouts(), 0.0)

    async def whole(self, _response: HttpResponse) -> list[Message] | None:
        return None if self._streams else [each for each in self._said if isinstance(each, Message)]

    async def messages(self, _response: HttpResponse, _timeout: float) -> AsyncGenerator[Message, None]:
        try:
            for each in self._said:
                if isinstance(each, GatewayError):
                    raise each
                yield each
            if not self._said:
                self.silent.set()
                await asyncio.Event().wait()
        finally:
            self.closed = True

    def event(self, message: Message, _outbound: Outbound, ident: int) -> Event | None:
        if message.is_notification:
            return Notice(message.method or "")
        return Answer(bytes(message.result)) if message.key == ident else None

    def over(self, _ident: int, *, answered: bool) -> None:
        self.ends.append(answered)


async def events(peer: Peer) -> list[Event]:
    return [event async for event in HttpCall(peer, REQUEST, 7)]


@pytest.mark.parametrize("streams", [False, True])
async def test_what_is_said_before_the_answer_comes_before_it_and_nothing_after_it(streams: bool) -> None:
    peer = Peer(LINE, ODD, DONE, LINE, streams=streams)
    assert await events(peer) == [Notice("notifications/message"), Answer(b"{}")]
    assert (peer.sent, peer.ends, peer.closed) == ([7], [True], streams)


async def test_a_refusal_is_the_answer() -> None:
    peer = Peer(refusal=Answer(error=b'{"code":1}'))
    assert await events(peer) == [Answer(error=b'{"code":1}')]
    assert (peer.ends, peer.link.abandoned) == ([True], 0)


@pytest.mark.parametrize("streams", [False, True])
async def test_an_answer_that_ends_too_early_is_broken(streams: bool) -> None:
    peer = Peer(LINE, ODD, streams=streams)
    with pytest.raises(UpstreamBroken, match="ended before it was complete"):
        await events(peer)
    assert peer.ends == [True]


@pytest.mark.parametrize(("error", "answered"), [(UpstreamTimeout("slow"), False), (UpstreamInvalid("odd"), True)])
async def test_after_a_timeout_alone_the_server_may_be_at_work_still(error: GatewayError, answered: bool) -> None:
    for peer in (Peer(fault=error), Peer(LINE, error, streams=True)):
        with pytest.raises(type(error)):
            await events(peer)
        assert peer.ends == [answered]


async def test_closed_early_it_gives_up_the_stream_and_is_over_once() -> None:
    peer = Peer(LINE, DONE, streams=True)
    call = HttpCall(peer, REQUEST, 7)
    assert await anext(call) == Notice("notifications/message")
    await call.aclose()
    await call.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(call)
    assert (peer.ends, peer.closed, peer.link.abandoned) == ([False], True, 1)


async def test_cancelled_while_the_server_is_silent_it_is_over_and_not_answered() -> None:
    peer = Peer(streams=True)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(events(peer))
        await peer.silent.wait()
        waiting.cancel()
    assert (peer.ends, peer.link.abandoned) == ([False], 1)


async def test_never_begun_nothing_was_sent_and_nothing_is_over() -> None:
    peer = Peer(DONE)
    await HttpCall(peer, REQUEST, 7).aclose()
    assert (peer.sent, peer.ends) == ([], [])

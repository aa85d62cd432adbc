"""What a legacy server says on its session's own stream while that session's only client has calls under way."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamBroken, UpstreamRefused
from fedgate.core.tasks import Tasks
from fedgate.federation.http_own import AGAIN, OwnStream
from fedgate.federation.messages import Answer, Event, Notice
from tests.e2e.caller import encode, request
from tests.e2e.gateway import in_process, manifest_of
from tests.federation.upstreams import Seen, http, notification, result, text, upstream
from tests.federation.upstreams import request as server_request

pytestmark = pytest.mark.anyio

LIMIT = 10
LINE = Notice("notifications/message", b'{"data":"working"}')
DONE = Answer(result=b"{}")
FORM: dict[str, object] = {"elicitation": {}}


class Streams:
    """Own streams as a server gives them: each `read` is one, which ends when it is told to."""

    def __init__(self) -> None:
        self.reads = 0
        self.absent = False
        self.refused = False
        self.end = asyncio.Event()
        self._begun = asyncio.Condition()

    async def read(self, begun: Callable[[], None]) -> bool:
        async with self._begun:
            self.reads += 1
            self._begun.notify_all()
        if self.refused:
            raise UpstreamRefused("nobody listens")
        if self.absent:
            return False
        begun()
        await self.end.wait()
        return True

    async def begun(self, count: int) -> None:
        async with asyncio.timeout(LIMIT), self._begun:
            await self._begun.wait_for(lambda: self.reads >= count)


class Stage:
    """An own stream over fake streams and a clock that is moved by hand."""

    def __init__(self, tasks: Tasks) -> None:
        self.clock = ManualClock()
        self.streams = Streams()
        self.own = OwnStream(self.streams.read, tasks, self.clock)

    async def slept(self) -> None:
        """Wait until it waits for the next attempt."""
        async with asyncio.timeout(LIMIT):
            while not self.clock.sleeping:
                await self.clock.sleep(0)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    tasks = Tasks("test")
    try:
        yield Stage(tasks)
    finally:
        await tasks.aclose()


class Call:
    """A call whose events the test gives one by one."""

    def __init__(self, *events: Event) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.events: asyncio.Queue[Event | UpstreamBroken] = asyncio.Queue()
        for event in events:
            self.events.put_nowait(event)

    async def run(self) -> AsyncGenerator[Event, None]:
        self.begun.set()
        try:
            while True:
                event = await self.events.get()
                if isinstance(event, UpstreamBroken):
                    raise event
                yield event
                if isinstance(event, Answer):
                    return
        finally:
            self.ended.set()


async def test_the_stream_has_begun_before_the_call_is_made() -> None:
    async with stage() as scene:
        call = Call(DONE)
        merged = scene.own.merged(call.run())
        assert scene.streams.reads == 0
        assert [event async for event in merged] == [DONE]
        assert scene.streams.reads == 1


async def test_what_the_stream_brings_stands_among_the_events_of_the_call() -> None:
    async with stage() as scene:
        call = Call()
        merged = scene.own.merged(call.run())
        async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
            first = group.create_task(anext(merged))
            await call.begun.wait()
            assert scene.own.offer(LINE)
            assert await first == LINE
            call.events.put_nowait(DONE)
            assert [event async for event in merged] == [DONE]


async def test_between_calls_the_stream_belongs_to_none() -> None:
    async with stage() as scene:
        assert not scene.own.offer(LINE)
        assert [event async for event in scene.own.merged(Call(DONE).run())] == [DONE]
        assert not scene.own.offer(LINE)


async def test_of_several_calls_the_latest_hears_it() -> None:
    async with stage() as scene:
        older, newer = Call(LINE, DONE), Call(LINE)
        first, second = scene.own.merged(older.run()), scene.own.merged(newer.run())
        async with asyncio.timeout(LIMIT):
            assert [await anext(first), await anext(second)] == [LINE, LINE]
            question = Notice("notifications/message", b'{"data":"for the second"}')
            assert scene.own.offer(question)
            newer.events.put_nowait(DONE)
            assert [event async for event in first] == [DONE]
            assert {repr(event) async for event in second} == {repr(question), repr(DONE)}


async def test_a_call_that_fails_fails_as_it_did() -> None:
    async with stage() as scene:
        call = Call()
        call.events.put_nowait(UpstreamBroken("it fell over"))
        with pytest.raises(UpstreamBroken, match="it fell over"):
            await anext(scene.own.merged(call.run()))


async def test_a_call_that_is_left_is_ended() -> None:
    async with stage() as scene:
        call = Call(LINE)
        merged = scene.own.merged(call.run())
        assert await anext(merged) == LINE
        await merged.aclose()
        async with asyncio.timeout(LIMIT):
            await call.ended.wait()


async def test_a_server_without_the_stream_is_asked_once() -> None:
    async with stage() as scene:
        scene.streams.absent = True
        for _ in range(3):
            assert [event async for event in scene.own.merged(Call(DONE).run())] == [DONE]
        assert scene.streams.reads == 1


async def test_a_stream_that_ends_during_a_call_is_opened_again() -> None:
    async with stage() as scene:
        call = Call(LINE)
        merged = scene.own.merged(call.run())
        assert await anext(merged) == LINE
        scene.streams.end.set()
        await scene.slept()
        scene.streams.end.clear()
        scene.clock.advance(AGAIN)
        await scene.streams.begun(2)
        await merged.aclose()


async def test_a_stream_that_cannot_be_opened_holds_no_call_up() -> None:
    async with stage() as scene:
        scene.streams.refused = True
        async with asyncio.timeout(LIMIT):
            assert [event async for event in scene.own.merged(Call(DONE).run())] == [DONE]


async def test_a_new_session_has_a_new_stream() -> None:
    async with stage() as scene:
        scene.streams.absent = True
        await scene.own.begin()
        scene.streams.absent = False
        await scene.own.begin(anew=True)
        assert scene.streams.reads == 2
        scene.own.close()


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_question_on_the_sessions_own_stream_reaches_the_client_whose_call_it_is(
    era: str, tmp_path: Path
) -> None:
    """As servers ask that call `server.elicitInput` of the TypeScript SDK."""

    async def asks(seen: Seen) -> bytes:
        session = seen.header("mcp-session-id")
        (own,) = [listener for listener in server.listeners if listener.header("mcp-session-id") == session]
        own.event(notification("notifications/message", {"level": "info", "data": "about to ask"}))
        own.event(server_request("ask-1", "elicitation/create", {"message": "who?"}))
        answer = await server.saw("response")
        return http(200, result(seen, text(f"{answer.message['id']}: {answer.message['result']['content']['name']}")))

    async with upstream() as server, in_process(manifest_of({"one": {"url": server.url}}), tmp_path) as gateway:
        server.on["tools/call"] = asks
        answer = {"action": "accept", "content": {"name": "Ada"}}
        if era == "modern":
            client = gateway.modern(FORM)
            asked = (await client.tool("one__echo")).message["result"]
            ((key, question),) = asked["inputRequests"].items()
            assert question == {"method": "elicitation/create", "params": {"message": "who?"}}
            again = {"inputResponses": {key: answer}, "requestState": asked["requestState"]}
            done = await client.call("tools/call", {"name": "one__echo", "arguments": {}, **again}, 2)
            assert done.message["result"]["content"] == text("ask-1: Ada")["content"]
            return
        session = await gateway.legacy(capabilities=FORM)
        async with session.stream(request(7, "tools/call", {"name": "one__echo", "arguments": {}})) as stream:
            messages = [await stream.message()]
            while messages[-1].get("method") != "elicitation/create":
                messages.append(await stream.message())
            assert messages[-2]["params"] == {"level": "info", "data": "about to ask"}
            reply = {"jsonrpc": "2.0", "id": messages[-1]["id"], "result": answer}
            assert (await session.send(encode(reply))).status == 202
            assert (await stream.message())["result"] == text("ask-1: Ada")

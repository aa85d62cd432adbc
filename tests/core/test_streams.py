"""core/streams.py: whoever stops reading has closed what it read from."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from fedgate.core.streams import Ready, closing, discard, follow

pytestmark = pytest.mark.anyio


class Plain:
    """An iterator without `aclose`."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        raise AssertionError("nobody should read this")


class Closable(Plain):
    closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_leaving_closes_the_iterator_once() -> None:
    body = Closable()
    async with closing(body) as inside:
        assert inside is body
        assert body.closed == 0
    assert body.closed == 1


async def test_leaving_by_an_error_closes_too_and_keeps_the_error() -> None:
    body = Closable()
    with pytest.raises(KeyError):
        async with closing(body):
            raise KeyError
    assert body.closed == 1


async def test_an_iterator_that_cannot_be_closed_is_left_alone() -> None:
    async with closing(Plain()):
        pass
    await discard(Plain())


class Guarded:
    """A generator whose clean-up must not be forgotten."""

    def __init__(self, *chunks: bytes, waits: bool = False) -> None:
        self.cleaned = 0
        self.sent: list[bytes] = []
        self.body = self._body(chunks, waits)

    async def _body(self, chunks: tuple[bytes, ...], waits: bool) -> AsyncGenerator[bytes, None]:
        try:
            if waits:
                await asyncio.Event().wait()
            for chunk in chunks:
                self.sent.append(chunk)
                yield chunk
        finally:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
            self.cleaned += 1


@pytest.mark.parametrize("guarded", [lambda: Guarded(b"a", b"b"), lambda: Guarded(waits=True)])
async def test_a_generator_that_was_never_begun_cleans_up_when_it_is_discarded(guarded: type[Guarded]) -> None:
    given = guarded()
    async with asyncio.timeout(5):
        await discard(given.body)
    assert given.cleaned == 1
    assert len(given.sent) <= 1
    assert [chunk async for chunk in given.body] == []


async def test_discarding_a_closable_iterator_closes_it_unread() -> None:
    body = Closable()
    await discard(body)
    assert body.closed == 1


async def test_an_error_of_the_first_step_is_not_swallowed() -> None:
    async def broken(body: dict[str, bytes]) -> AsyncGenerator[bytes, None]:
        yield body["absent"]

    with pytest.raises(KeyError):
        await discard(broken({}))


async def test_a_generator_that_ends_at_once_is_discarded_too() -> None:
    async def empty(body: list[bytes]) -> AsyncGenerator[bytes, None]:
        for chunk in body:
            yield chunk

    await discard(empty([]))


async def test_discarding_leaves_no_trace_of_cancellation_in_the_task() -> None:
    await discard(Guarded(waits=True).body)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_items_that_are_ready_come_one_after_the_other_and_then_no_more() -> None:
    items = Ready([1, 2])
    assert [item async for item in items] == [1, 2]
    assert [item async for item in items] == []
    await items.aclose()


class Script:
    """A stream made of what to say: bytes are yielded, exceptions raised."""

    def __init__(self, *script: bytes | BaseException) -> None:
        self._script = list(script)
        self.closed = 0

    def __aiter__(self) -> "Script":
        return self

    async def __anext__(self) -> bytes:
        if not self._script:
            raise StopAsyncIteration
        said = self._script.pop(0)
        if isinstance(said, bytes):
            return said
        raise said

    async def aclose(self) -> None:
        self.closed += 1


async def test_all_who_follow_hear_of_the_end_once_and_in_turn() -> None:
    heard: list[tuple[str, int, bool, BaseException | None]] = []
    body = follow(Script(b"one", b"three"), lambda it: heard.append(("first", it.sent, it.whole, it.error)))
    assert follow(body, lambda it: heard.append(("second", it.sent, it.whole, it.error))) is body
    assert [chunk async for chunk in body] == [b"one", b"three"]
    await body.aclose()
    assert heard == [("first", 8, True, None), ("second", 8, True, None)]


async def test_who_follows_hears_why_a_stream_broke() -> None:
    heard: list[tuple[int, bool, BaseException | None]] = []
    broken = OSError("gone")
    body = follow(Script(b"one", broken), lambda it: heard.append((it.sent, it.whole, it.error)))
    with pytest.raises(OSError, match="gone"):
        assert [chunk async for chunk in body] == []
    await body.aclose()
    assert heard == [(3, False, broken)]


@pytest.mark.parametrize("read", [True, False])
async def test_closing_a_followed_stream_closes_what_is_in_it_and_is_no_end(read: bool) -> None:
    heard: list[tuple[int, bool, BaseException | None]] = []
    source = Script(b"one", b"three")
    body = follow(source, lambda it: heard.append((it.sent, it.whole, it.error)))
    if read:
        assert await anext(body) == b"one"
    await body.aclose()
    await body.aclose()
    assert (source.closed >= 1, heard) == (True, [(3 if read else 0, False, None)])

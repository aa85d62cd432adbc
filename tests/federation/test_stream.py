import asyncio
from collections.abc import AsyncGenerator

import pytest
from anyio.lowlevel import checkpoint

from fedgate.federation import stream as streams
from fedgate.federation.stream import EventStream
from tests.core.http_peer import background

pytestmark = pytest.mark.anyio

LIMIT = 5.0


async def taken(frames: AsyncGenerator[bytes, None], count: int) -> list[bytes]:
    async with asyncio.timeout(LIMIT):
        return [await anext(frames) for _ in range(count)]


async def rest(frames: AsyncGenerator[bytes, None]) -> list[bytes]:
    async with asyncio.timeout(LIMIT):
        return [frame async for frame in frames]


async def fill(stream: EventStream) -> None:
    """Put as much as a reader that holds one message may be behind."""
    async with asyncio.timeout(LIMIT):
        for n in range(streams.WINDOW_EVENTS - 1):
            await stream.put(b"%d" % n)


async def settle() -> None:
    for _ in range(10):
        await checkpoint()


async def test_messages_come_in_order_and_the_last_one_ends_it() -> None:
    stream = EventStream()
    await stream.put(b"1")
    stream.put_nowait(b"2")
    stream.end(b"3")
    assert await rest(stream.frames()) == [b"event: message\ndata: %d\n\n" % n for n in (1, 2, 3)]


async def test_a_reader_that_waits_is_woken_by_a_message_and_by_the_end() -> None:
    stream = EventStream()
    frames = stream.frames()
    async with background(taken(frames, 1)) as reading:
        await settle()
        stream.put_nowait(b"1")
        assert await reading == [b"event: message\ndata: 1\n\n"]
    async with background(rest(frames)) as reading:
        await settle()
        stream.end()
        assert await reading == []


async def test_nothing_is_said_after_the_end() -> None:
    stream = EventStream()
    stream.end(b"last")
    stream.end(b"later")
    await stream.put(b"later")
    stream.put_nowait(b"later")
    assert await rest(stream.frames()) == [b"event: message\ndata: last\n\n"]


async def test_silence_is_broken_by_comments() -> None:
    stream = EventStream(keep_alive=0.001)
    frames = stream.frames()
    assert await taken(frames, 2) == [b": keep-alive\n\n"] * 2
    stream.end(b"1")
    assert (await rest(frames))[-1] == b"event: message\ndata: 1\n\n"


async def test_a_stream_that_can_be_resumed_numbers_its_events_and_says_so_first() -> None:
    stream = EventStream("7", replay=True, primed=True)
    stream.end(b"1")
    assert await rest(stream.frames()) == [
        b"id: 7.0\nretry: 1000\ndata: \n\n",
        b"event: message\nid: 7.1\ndata: 1\n\n",
    ]


async def test_who_comes_back_gets_what_came_after_the_number_he_knows() -> None:
    stream = EventStream("7", replay=True, primed=True)
    for n in (1, 2, 3):
        await stream.put(b"%d" % n)
    first = stream.frames()
    await taken(first, 3)
    await first.aclose()
    stream.end(b"4")
    assert await rest(stream.frames(1)) == [b"event: message\nid: 7.%d\ndata: %d\n\n" % (n, n) for n in (2, 3, 4)]
    assert await rest(stream.frames(1)) == [b"event: message\nid: 7.%d\ndata: %d\n\n" % (n, n) for n in (2, 3, 4)]


async def test_who_comes_back_without_a_number_gets_what_was_not_read() -> None:
    stream = EventStream("0", replay=True)
    await stream.put(b"1")
    first = stream.frames()
    await taken(first, 1)
    await first.aclose()
    stream.end(b"2")
    # The first was handed out but its reader never came back for more: it may not have arrived.
    assert [frame[-3:-2] for frame in await rest(stream.frames())] == [b"1", b"2"]


async def test_a_number_from_the_future_does_not_make_a_reader_deaf() -> None:
    stream = EventStream("0", replay=True)
    stream.put_nowait(b"1")
    frames = stream.frames(999)
    async with background(taken(frames, 1)) as reading:
        await settle()
        stream.put_nowait(b"2")
        assert await reading == [b"event: message\nid: 0.2\ndata: 2\n\n"]
    await frames.aclose()


async def test_a_writer_waits_for_a_reader_that_is_a_window_behind() -> None:
    stream = EventStream()
    frames = stream.frames()
    stream.put_nowait(b"0")
    await taken(frames, 1)
    await fill(stream)
    async with background(stream.put(b"over")) as writing:
        await settle()
        assert not writing.done()
        await taken(frames, 2)
        async with asyncio.timeout(LIMIT):
            await writing
    assert stream.dropped == 0
    await frames.aclose()


async def test_writers_are_let_go_when_the_reader_leaves_or_the_stream_ends() -> None:
    for leave in (True, False):
        stream = EventStream()
        frames = stream.frames()
        stream.put_nowait(b"0")
        await taken(frames, 1)
        await fill(stream)
        async with background(stream.put(b"over")) as writing:
            await settle()
            if leave:
                await frames.aclose()
            else:
                stream.end()
            async with asyncio.timeout(LIMIT):
                await writing
        await frames.aclose()


async def test_large_messages_are_not_lost_before_a_live_reader() -> None:
    stream = EventStream()
    frames = stream.frames()
    stream.put_nowait(b"0")
    await taken(frames, 1)
    big = b"x" * (streams.WINDOW_BYTES * 3 // 2)
    await stream.put(big + b"1")
    async with background(stream.put(big + b"2")) as writing:
        await settle()
        stream.end(big + b"3")
        await writing
    assert stream.dropped == 0
    assert [frame[-3:-2] for frame in await rest(frames)] in ([b"1", b"2", b"3"], [b"1", b"3"])


async def test_the_answer_displaces_nothing_that_was_said_before_it() -> None:
    stream = EventStream()
    stream.put_nowait(b"progress")
    stream.end(b"x" * (3 * streams.WINDOW_BYTES))
    frames = await rest(stream.frames())
    assert frames[0] == b"event: message\ndata: progress\n\n"
    assert len(frames) == 2


async def test_without_a_reader_the_newest_messages_stay_within_bounds() -> None:
    stream = EventStream("0", replay=True)
    for n in range(5000):
        await stream.put(b"%d" % n)
    assert stream.dropped == 5000 - 2 * streams.WINDOW_EVENTS
    stream.end()
    kept = await rest(stream.frames())
    assert len(kept) == 2 * streams.WINDOW_EVENTS
    assert kept[-1].endswith(b"data: 4999\n\n")


async def test_news_for_a_reader_that_does_not_read_stay_within_bounds() -> None:
    stream = EventStream()
    frames = stream.frames()
    stream.put_nowait(b"begun")
    await taken(frames, 1)
    for n in range(5000):
        stream.put_nowait(b"%d" % n)
    assert stream.dropped > 4000
    stream.end(b"last")
    assert (await rest(frames))[-1] == b"event: message\ndata: last\n\n"


async def test_it_knows_whether_somebody_reads_and_whether_something_waits() -> None:
    stream = EventStream()
    assert (stream.reading, stream.waiting) == (False, False)
    stream.put_nowait(b"1")
    assert stream.waiting
    frames = stream.frames()
    await taken(frames, 1)
    assert stream.reading
    await frames.aclose()
    assert not stream.reading

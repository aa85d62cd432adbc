import asyncio

import pytest

from fedgate.core.rawjson import Raw
from fedgate.federation.exchange import Exchange, reply_to
from fedgate.federation.messages import Answer, Ask, Client, Notice
from fedgate.federation.stream import EventStream
from tests.core.http_peer import background

pytestmark = pytest.mark.anyio

LIMIT = 5.0
NEVER = 60.0


async def nobody(_exchange: Exchange, method: str, _params: bytes) -> Answer:
    return Answer(error=b'{"code":1,"message":"%b"}' % method.encode())


def exchange(ident: bytes = b"7") -> Exchange:
    return Exchange(Raw(ident), "legacy", Client(), EventStream, nobody)


async def frames(stream: EventStream) -> list[bytes]:
    async with asyncio.timeout(LIMIT):
        return [frame.partition(b"data: ")[2].rstrip() async for frame in stream.frames()]


async def test_an_answer_without_anything_before_it_is_a_plain_response() -> None:
    one = exchange()
    one.finish(Answer(result=b'{"x":1}'))
    assert await one.first(NEVER)
    assert one.body == b'{"jsonrpc":"2.0","id":7,"result":{"x":1}}'


async def test_the_first_answer_counts() -> None:
    one = exchange(b'"a"')
    one.finish(Answer(error=b'{"code":1,"message":"no"}'))
    one.finish(Answer(result=b"{}"))
    assert one.body == b'{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":"no"}}'


async def test_a_message_before_the_answer_makes_it_a_stream_that_ends_with_the_answer() -> None:
    one = exchange()
    async with background(one.first(NEVER)) as waiting:
        await one.notify(Notice("notifications/x", b'{"a":1}'))
        assert await waiting is False
    one.finish(Answer(result=b"{}"))
    assert await frames(one.stream) == [
        b'{"jsonrpc":"2.0","method":"notifications/x","params":{"a":1}}',
        b'{"jsonrpc":"2.0","id":7,"result":{}}',
    ]


async def test_patience_over_it_becomes_a_stream_and_the_answer_follows_there() -> None:
    one = exchange()
    assert await one.first(0.001) is False
    one.finish(Answer(result=b"{}"))
    assert await frames(one.stream) == [b'{"jsonrpc":"2.0","id":7,"result":{}}']


async def test_one_who_stops_waiting_leaves_the_work_alone() -> None:
    one = exchange()
    async with background(one.first(NEVER)):
        pass
    one.finish(Answer(result=b"{}"))
    assert await one.first(NEVER)


async def test_a_parked_exchange_ends_its_round_and_goes_on_under_the_next_id() -> None:
    one = exchange()
    one.park(b'{"resultType":"input_required"}')
    assert await one.first(NEVER)
    assert one.interim == b'{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required"}}'
    one.resume(Raw(b"8"))
    one.finish(Answer(result=b"{}"))
    assert await one.first(NEVER)
    assert one.body == b'{"jsonrpc":"2.0","id":8,"result":{}}'


async def test_what_is_said_between_two_rounds_is_kept_for_the_second() -> None:
    one = exchange()
    one.park(b"{}")
    await one.notify(Notice("notifications/x", b"{}"))
    one.finish(Answer(result=b"{}"))
    one.resume(Raw(b"8"))
    assert await one.first(NEVER) is False
    assert await frames(one.stream) == [
        b'{"jsonrpc":"2.0","method":"notifications/x","params":{}}',
        b'{"jsonrpc":"2.0","id":8,"result":{}}',
    ]


async def test_a_streamed_round_is_parked_on_its_stream() -> None:
    one = exchange()
    await one.notify(Notice("notifications/x", b"{}"))
    first = one.stream
    one.park(b"{}")
    assert one.interim == b""
    assert (await frames(first))[-1] == b'{"jsonrpc":"2.0","id":7,"result":{}}'


async def test_cancelling_ends_the_work_and_nothing_else() -> None:
    one = exchange()
    one.cancel()
    async with background(asyncio.Event().wait()) as work:
        one.task = work
        one.cancel()
        await asyncio.wait([work], timeout=LIMIT)
        assert work.cancelled()


async def test_the_clients_answer_is_brought_to_the_server_that_asked() -> None:
    got: list[Answer] = []

    async def reply(answer: Answer) -> None:
        got.append(answer)

    await reply_to(Ask("sampling/createMessage", b"{}", reply), exchange())
    assert got == [Answer(error=b'{"code":1,"message":"sampling/createMessage"}')]

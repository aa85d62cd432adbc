"""bench/llm_caller.py against bench/llm_fake.py, and the vendors' SDKs as judges of what they say."""

import json

import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from bench import llm_fake
from bench.http_client import Wrong
from bench.llm_caller import complete, framer, listen
from bench.streams import Flow, Wish
from tests.bench.served import fake_upstream

pytestmark = pytest.mark.anyio


def body_of(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def request(wish: Wish, *, stream: bool = False) -> bytes:
    return framer("localhost", "key", "bench", stream=stream)(wish)


def test_sizes_are_those_that_are_promised() -> None:
    asked = request(Wish("1.1"))
    answer = llm_fake.openai(body_of(asked))
    assert isinstance(answer, bytes)
    assert (1850 <= len(body_of(asked)) <= 1950, 1150 <= len(body_of(answer)) <= 1250) == (True, True)


def test_answers_are_of_the_vendors_formats() -> None:
    asked = body_of(request(Wish("1.1")))
    answer = llm_fake.openai(asked)
    assert isinstance(answer, bytes)
    completion = ChatCompletion.model_validate_json(body_of(answer))
    assert (completion.choices[0].message.content or "").startswith("1.1: ")
    message = Message.model_validate_json(body_of(llm_fake.anthropic(asked)))
    assert message.content[0].type == "text"
    assert message.content[0].text.startswith("1.1: ")


def test_a_stream_is_of_the_vendors_format() -> None:
    flow = llm_fake.openai(body_of(request(Wish("1.1", "stream", 3, 20), stream=True)))
    assert isinstance(flow, Flow)
    pieces = [flow.piece(number) for number in range(flow.pieces)] + flow.tail.split(b"\r\n")
    data = [each.partition(b"data: ")[2].partition(b"\n")[0] for each in pieces if b"data: " in each]
    assert data.pop() == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate(json.loads(each)) for each in data]
    assert [len(each.choices) for each in chunks] == [1, 1, 1, 1, 0]
    assert (chunks[3].choices[0].finish_reason, chunks[4].usage is not None) == ("stop", True)


async def test_right_answers_count() -> None:
    async with fake_upstream() as connection:
        await complete(connection, request(Wish("1.1")), "1.1")
        wish = Wish("1.2", "stream", 5, 1)
        assert len(await listen(connection, request(wish, stream=True), wish)) == 5


async def test_the_answer_to_another_request_is_wrong() -> None:
    async with fake_upstream() as connection:
        with pytest.raises(Wrong, match=r"1\.2 was answered with"):
            await complete(connection, request(Wish("1.1")), "1.2")
        wish = Wish("1.2", "stream", 2, 0)
        with pytest.raises(Wrong, match=r"event 0 of 1\.1 came as event 0 of 1\.2"):
            await listen(connection, request(Wish("1.1", "stream", 2, 0), stream=True), wish)


async def test_a_stream_where_json_was_asked_for_is_wrong() -> None:
    async with fake_upstream() as connection:
        wish = Wish("1.1", "stream", 2, 0)
        with pytest.raises(Wrong, match="not a completion"):
            await complete(connection, request(wish, stream=True), "1.1")
        with pytest.raises(Wrong, match="events of 2 came"):
            await listen(connection, request(wish), wish)

"""The payload log's stage: bodies pass as they are, and are written down once, streams at their end."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest

from fedgate.core.call import Call, Principal, Record, Reply, Request
from fedgate.core.clock import ManualClock
from fedgate.core.errors import NotFound
from fedgate.core.streams import discard
from fedgate.gateway.payloads import PayloadLog
from fedgate.telemetry.payloads import PayloadLines, payload_lines
from fedgate.telemetry.settings import PayloadSettings

pytestmark = pytest.mark.anyio

ASKED = b'{"question":1,"token":"abc"}'


class Desk:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "payloads.log"
        self.lines: PayloadLines = payload_lines(PayloadSettings(file=str(self.path)))
        self.stage = PayloadLog(self.lines, ManualClock())

    def call(self) -> Call:
        async def read() -> bytes:
            return ASKED

        headers = {b"authorization": b"Bearer the-key-of-alice"}
        request = Request("boot-1", "POST", "/a2a/x", b"", headers, "", "", "HTTP/1.1", read)
        record = Record(request, "a2a", 0.0, operation="SendMessage")
        return Call("a2a", request, record, principal=Principal("alice", "key"))

    def written(self) -> list[dict[str, object]]:
        self.lines.close()
        return [json.loads(line) for line in self.path.read_text().splitlines()]


async def read_and_answer(call: Call) -> Reply:
    assert await call.request.read() == ASKED
    return Reply(200, (), b'{"answer":2}')


async def test_a_whole_reply_is_written_with_its_request(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert (await desk.stage(desk.call(), read_and_answer)).body == b'{"answer":2}'
    (line,) = desk.written()
    assert (line["request_id"], line["user"], line["operation"]) == ("boot-1", "alice", "SendMessage")
    assert line["request"] == '{"question":1,"token":"[redacted]"}'
    assert line["response"] == '{"answer":2}'
    assert line["request_headers"] == {"authorization": "[redacted]"}


async def test_a_stream_is_written_when_it_ends(tmp_path: Path) -> None:
    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    async def answer(call: Call) -> Reply:
        await call.request.read()
        return Reply(200, (), chunks())

    desk = Desk(tmp_path)
    reply = await desk.stage(desk.call(), answer)
    assert isinstance(reply.body, AsyncIterator)
    assert b"".join([chunk async for chunk in reply.body]) == b"data: 1\n\ndata: 2\n\n"
    await discard(reply.body)
    (line,) = desk.written()
    assert line["response"] == "data: 1\n\ndata: 2\n"


async def test_a_refusal_is_written_too(tmp_path: Path) -> None:
    async def refuse(_call: Call) -> Reply:
        raise NotFound("there is no such thing")

    desk = Desk(tmp_path)
    with pytest.raises(NotFound):
        await desk.stage(desk.call(), refuse)
    (line,) = desk.written()
    assert (line["request"], line["response"]) == ("", "")

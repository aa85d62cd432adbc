"""Every operation has its line, in the form that the descriptor asks for."""

import json
import os
from collections.abc import Iterator

import pytest

from fedgate.core.call import Record, Request
from fedgate.telemetry.access_log import AccessLog
from fedgate.telemetry.lines import Ended, Place
from fedgate.telemetry.writer import Format


async def no_body() -> bytes:
    return b""


def ended(path: str = "/mcp") -> Ended:
    request = Request("req-1", "POST", path, b"", {}, "127.0.0.1:5000", "localhost", "1.1", no_body)
    return Ended(Record(request=request, protocol="mcp", started=0.0), "other", 200, 0.0, 0.0, 0.0)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_a_pipe_gets_json_with_the_place(pipe: tuple[int, int]) -> None:
    with AccessLog(pipe[1], place=Place(gateway="gw", listener="127.0.0.1:8080")) as log:
        log.write(ended())
    line = json.loads(os.read(pipe[0], 65536))
    assert (line["gateway"], line["listener"], line["http.path"]) == ("gw", "127.0.0.1:8080", "/mcp")


def test_a_terminal_gets_logfmt() -> None:
    terminal, other = os.openpty()
    with AccessLog(other) as log:
        log.write(ended())
    assert os.read(terminal, 65536).startswith(b"request gateway=fedgate listener=http ")
    os.close(other)
    os.close(terminal)


def test_leaving_the_block_writes_what_was_queued_in_order(pipe: tuple[int, int]) -> None:
    with AccessLog(pipe[1], "logfmt") as log:
        for number in range(100):
            log.write(ended(f"/{number}"))
    taken = os.read(pipe[0], 1 << 16).decode().splitlines()
    assert [line.split("http.path=")[1].split()[0] for line in taken] == [f"/{n}" for n in range(100)]
    assert log.dropped == 0


def test_lines_beyond_what_may_wait_are_counted(pipe: tuple[int, int]) -> None:
    log = AccessLog(pipe[1], "json", capacity=0)
    log.write(ended())
    log.close()
    assert log.dropped == 1


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_path_no_encoding_takes_is_logged_all_the_same(pipe: tuple[int, int], form: Format) -> None:
    with AccessLog(pipe[1], form) as log:
        log.write(ended("/\udcff\u2028\x00"))
    assert os.read(pipe[0], 65536).count(b"\n") == 1

"""Lines reach the descriptor in order and whole, or are counted as dropped; nobody waits for a reader."""

import os
import select
import threading
from collections.abc import Iterator

import pytest

from fedgate.telemetry.writer import Writer, pick_format


class Pipe:
    """A pipe whose reading end is read in bounded waits."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def fill(self) -> int:
        """Write until the kernel takes no more; how many bytes that was."""
        os.set_blocking(self.writer, False)
        filled = 0
        try:
            while True:
                filled += os.write(self.writer, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(self.writer, True)
        return filled

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes, waiting at most 5 s for each piece."""
        taken = b""
        ready = select.poll()
        ready.register(self.reader, select.POLLIN)
        while len(taken) < size:
            assert ready.poll(5000), f"{len(taken)} of {size} bytes came"
            taken += os.read(self.reader, size - len(taken))
        return taken

    def close(self) -> None:
        os.close(self.reader)
        os.close(self.writer)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def lines(count: int) -> list[bytes]:
    return [b"line %06d\n" % number for number in range(count)]


def test_lines_arrive_in_order_without_being_flushed(pipe: Pipe) -> None:
    writer = Writer(pipe.writer)
    for line in lines(3):
        writer.put(line)
    assert pipe.read(36) == b"".join(lines(3))
    writer.put(b"later\n")
    assert pipe.read(6) == b"later\n"
    writer.close()


def test_close_writes_everything_that_waits(pipe: Pipe) -> None:
    sent = lines(20_000)
    taken: list[bytes] = []
    reading = threading.Thread(target=lambda: taken.append(pipe.read(12 * len(sent))))
    reading.start()
    writer = Writer(pipe.writer, capacity=len(sent))
    for line in sent:
        writer.put(line)
    writer.close()
    reading.join(5)
    assert taken == [b"".join(sent)]
    assert writer.dropped == 0


def test_a_stuck_reader_costs_lines_and_never_time(pipe: Pipe) -> None:
    filled = pipe.fill()
    writer = Writer(pipe.writer, capacity=100)
    for line in lines(5000):
        writer.put(line)
    kept = 5000 - writer.dropped
    # What the thread had already taken when it got stuck comes on top of the capacity.
    assert 100 <= kept < 5000
    pipe.read(filled)
    writer.close()
    assert pipe.read(12 * kept).count(b"\n") == kept
    assert writer.dropped == 5000 - kept


def test_close_gives_up_on_a_stuck_reader_and_counts_what_is_lost(pipe: Pipe) -> None:
    pipe.fill()
    writer = Writer(pipe.writer)
    for line in lines(1000):
        writer.put(line)
    writer.close(timeout=0.05)
    assert writer.dropped == 1000


def test_a_line_after_close_is_dropped_and_closing_twice_is_fine(pipe: Pipe) -> None:
    writer = Writer(pipe.writer)
    writer.close()
    writer.put(b"late\n")
    writer.close()
    assert writer.dropped == 1


def test_a_descriptor_that_fails_drops_lines_and_the_thread_lives_on() -> None:
    reader, fd = os.pipe()
    os.close(reader)
    writer = Writer(fd, linger=0.0)
    for line in lines(10):
        writer.put(line)
    writer.close()
    os.close(fd)
    assert writer.dropped == 10


def test_a_nonblocking_descriptor_is_waited_for(pipe: Pipe) -> None:
    filled = pipe.fill()
    os.set_blocking(pipe.writer, False)
    writer = Writer(pipe.writer, linger=0.0)
    sent = lines(10_000)
    for line in sent:
        writer.put(line)
    pipe.read(filled)
    assert pipe.read(12 * len(sent)) == b"".join(sent)
    writer.close()
    assert writer.dropped == 0


def test_auto_is_logfmt_on_a_terminal_and_json_elsewhere(pipe: Pipe) -> None:
    terminal, other = os.openpty()
    try:
        assert pick_format("auto", other) == "logfmt"
        assert pick_format("json", other) == "json"
    finally:
        os.close(terminal)
        os.close(other)
    assert pick_format("auto", pipe.writer) == "json"
    assert pick_format("logfmt", pipe.writer) == "logfmt"

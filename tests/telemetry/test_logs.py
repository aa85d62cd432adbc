"""The diagnostic log is readable on a terminal and parseable elsewhere, the libraries' warnings included."""

import json
import logging
import os
from collections.abc import Callable, Iterator

import pytest

from fedgate.telemetry.logs import setup_logging
from fedgate.telemetry.writer import Format

log = logging.getLogger("fedgate.federation.stdio")


class Sink:
    """One end of a pipe or terminal to log to, the other to read from."""

    def __init__(self, ends: tuple[int, int]) -> None:
        self.reader, self.fd = ends
        self._undo: Callable[[], None] | None = None

    def open(self, level: str = "info", form: Format = "auto") -> None:
        self._undo = setup_logging(level, form, self.fd)

    def text(self) -> str:
        """Everything that was logged; ends the logging."""
        self.close()
        os.write(self.fd, b"\n")  # so that reading ends even if nothing was logged
        return os.read(self.reader, 1 << 16).decode()

    def close(self) -> None:
        if self._undo is not None:
            self._undo()
            self._undo = None


@pytest.fixture
def pipe() -> Iterator[Sink]:
    sink = Sink(os.pipe())
    yield sink
    sink.close()
    os.close(sink.reader)
    os.close(sink.fd)


@pytest.fixture
def terminal() -> Iterator[Sink]:
    sink = Sink(os.openpty())
    yield sink
    sink.close()
    os.close(sink.reader)
    os.close(sink.fd)


def objects(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines() if line]


def fail() -> None:
    raise ValueError("bad\nrequest user=root \x1b[2J")


def test_a_pipe_gets_json(pipe: Sink) -> None:
    pipe.open()
    log.info("server %s: %s", "notes", "two\nlines")
    (line,) = objects(pipe.text())
    assert (line["level"], line["logger"], line["message"]) == (
        "info",
        "fedgate.federation.stdio",
        "server notes: two\nlines",
    )
    assert line["timestamp"].endswith("Z")


def test_a_traceback_is_one_key_where_no_human_reads(pipe: Sink) -> None:
    pipe.open()
    try:
        fail()
    except ValueError:
        log.exception("it broke")
    (line,) = objects(pipe.text())
    assert line["message"] == "it broke"
    assert "in fail" in line["error"]


def test_logfmt_in_a_file_is_one_line_with_its_traceback(pipe: Sink) -> None:
    pipe.open(form="logfmt")
    try:
        fail()
    except ValueError:
        log.exception("it broke")
    (line,) = pipe.text().split("\n")[:-2]
    assert ' level=error logger=fedgate.federation.stdio message="it broke" error="Traceback' in line


def test_a_terminal_gets_colour_and_a_readable_traceback(terminal: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal.open()
    try:
        fail()
    except ValueError:
        log.exception("it broke")
    text = terminal.text()
    assert "level=\x1b[31merror\x1b[0m logger=fedgate.federation.stdio" in text
    assert "\r\n  | Traceback (most recent call last):\r\n" in text
    assert "\x1b[2J" not in text
    assert all(line.startswith("  | ") for line in text.splitlines()[1:] if line)


def test_no_color_is_respected(terminal: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.open()
    log.warning("plain")
    assert "\x1b" not in terminal.text()


def test_below_the_level_nothing_is_written(pipe: Sink) -> None:
    pipe.open("warning")
    log.info("not this")
    log.warning("this")
    assert [line["message"] for line in objects(pipe.text())] == ["this"]


def test_uvicorn_is_quiet_until_it_warns_and_then_alike(pipe: Sink) -> None:
    pipe.open("debug")
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("uvicorn.error").info("Started server")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert [(line["logger"], line["message"]) for line in objects(pipe.text())] == [
        ("uvicorn.error", "Invalid HTTP request received.")
    ]


def test_messages_and_tracebacks_are_bounded_and_the_end_that_names_the_error_stays(pipe: Sink) -> None:
    pipe.open()
    try:
        raise ValueError("x" * 20_000 + "the end")
    except ValueError:
        log.exception("y" * 20_000)
    (line,) = objects(pipe.text())
    assert len(line["message"]) == len(line["error"]) == 8192
    assert line["error"].endswith("the end")


def test_undoing_leaves_the_loggers_as_they_were(pipe: Sink) -> None:
    names = ("fedgate", "uvicorn", "uvicorn.access", "asyncio")
    before = [(x.level, x.handlers[:], x.propagate) for x in map(logging.getLogger, names)]
    pipe.open("debug")
    pipe.close()
    assert [(x.level, x.handlers[:], x.propagate) for x in map(logging.getLogger, names)] == before


def test_an_unknown_level_is_refused_and_changes_nothing(pipe: Sink) -> None:
    before = logging.getLogger("fedgate").handlers[:]
    with pytest.raises(ValueError, match="LOUD"):
        pipe.open("loud")
    assert logging.getLogger("fedgate").handlers == before

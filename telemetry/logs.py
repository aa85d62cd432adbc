"""The diagnostic log: the `fedgate` logger tree, and what uvicorn and the libraries have to say.

Goes to standard error in the access log's two forms. Written by a thread (`Writer`), so
that a chatty server process or a stuck terminal cannot hold the event loop. Above: the
command line, once. Nothing else configures logging.
"""

import logging
import os
from collections.abc import Callable

from .spelling import bound, json_line, logfmt, timestamp
from .writer import Format, Writer, is_terminal, pick_format

_OTHERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "mcp", "httpx2")
_COLOURS = {"debug": 34, "info": 32, "warning": 33, "error": 31, "critical": 35}
_LONGEST_MESSAGE = 8192


def setup_logging(level: str, form: Format = "auto", fd: int = 2) -> Callable[[], None]:
    """Send `fedgate.*` from `level` on, and the others' warnings, to `fd`.

    uvicorn must be told `log_config=None`. Returns what undoes it: all that was logged is
    written, the loggers are as they were. At exit the standard library's own shutdown
    writes the rest. Raises `ValueError` for an unknown level.
    """
    handler = _Handler(_Stream(Writer(fd, linger=0.0)))
    terminal = is_terminal(fd)
    if pick_format(form, fd) == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(LogfmtFormatter(terminal, terminal and not os.environ.get("NO_COLOR")))
    wanted = {"fedgate": level.upper()} | dict.fromkeys(_OTHERS, "WARNING")
    try:
        restores = [_redirect(logging.getLogger(name), handler, level) for name, level in wanted.items()]
    except ValueError:
        handler.close()
        raise

    def undo() -> None:
        for restore in restores:
            restore()
        handler.close()

    return undo


def _redirect(logger: logging.Logger, handler: logging.Handler, level: str) -> Callable[[], None]:
    before = logger.level, logger.handlers[:], logger.propagate
    logger.setLevel(level)
    logger.handlers[:] = [handler]
    logger.propagate = False

    def restore() -> None:
        logger.setLevel(before[0])
        logger.handlers[:] = before[1]
        logger.propagate = before[2]

    return restore


class LogfmtFormatter(logging.Formatter):
    """`timestamp=... level=... logger=... message=...`.

    On a terminal a traceback follows below in lines of its own, elsewhere it is the key `error`.
    """

    def __init__(self, terminal: bool = False, colour: bool = False) -> None:
        super().__init__()
        self._terminal = terminal
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        before = logfmt([("timestamp", timestamp(record.created))])
        after = logfmt([("logger", bound(record.name)), ("message", _message(record))])
        line = f"{before} level={self._painted(level)} {after}"
        trace = _trace(self, record)
        if not trace:
            return line
        if not self._terminal:
            return f"{line} {logfmt([('error', trace)])}"
        return "\n".join([line, *(f"  | {_printable(text)}" for text in trace.splitlines())])

    def _painted(self, level: str) -> str:
        return f"\x1b[{_COLOURS.get(level, 0)}m{level}\x1b[0m" if self._colour else level


class JsonFormatter(logging.Formatter):
    """The same keys, one JSON object a line; a traceback is `error`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if trace := _trace(self, record):
            fields["error"] = trace
        return json_line(fields).decode()


def _message(record: logging.LogRecord) -> str:
    return _cut(record.getMessage())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 3] + "..."


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The end of the traceback, which names the error, survives the cut."""
    text = formatter.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
    return text if len(text) <= _LONGEST_MESSAGE else "..." + text[3 - _LONGEST_MESSAGE :]


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


class _Stream:
    """What `logging.StreamHandler` needs of a text stream, in front of a `Writer`."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def write(self, text: str) -> None:
        self.writer.put(text.encode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        """Nothing to do: the thread writes at once."""


class _Handler(logging.StreamHandler[_Stream]):
    """Inherits the standard library's care for log calls that are wrong themselves."""

    def close(self) -> None:
        self.stream.writer.close()
        super().close()

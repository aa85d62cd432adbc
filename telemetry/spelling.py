"""How values are spelled in log lines: logfmt, JSON, durations, dates. Pure.

The one promise: whatever a value holds, a line stays one line and a reader gets the
value back. It knows nothing of requests, loggers or files. Above: `lines.py` (access
lines) and `logs.py` (the diagnostic log).
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

Value = str | int | float | bool | None

LONGEST = 256
"""Characters of one value that a line keeps."""

_BARE = re.compile(r"[!#-<>-\[\]-~]+").fullmatch
_KEY = re.compile(r"[^A-Za-z0-9_.-]")


def bound(text: str) -> str:
    """`text`, or its beginning and `...` when it is longer than `LONGEST` characters."""
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def clean_key(key: str) -> str:
    """`key` with everything that would end or split a logfmt key replaced by `_`."""
    return _KEY.sub("_", key[:LONGEST]) or "_"


def logfmt(fields: Iterable[tuple[str, Value]]) -> str:
    """`a=1 b="two words" c=null`. Keys are taken as they are (see `clean_key`)."""
    return " ".join([f"{key}={_spell(value)}" for key, value in fields])


def _spell(value: Value) -> str:
    if isinstance(value, str):
        return value if _BARE(value) else _quoted(value)
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    """A JSON string: names in any script stay readable, what a terminal would obey does not stay."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def json_line(fields: Mapping[str, object]) -> bytes:
    """One JSON object in ASCII, without a newline.

    Other scripts are escaped: U+2028 splits lines for some readers, C1 controls are
    obeyed by some terminals, and lone surrogates have no UTF-8 form.
    """
    try:
        line = msgspec.json.encode(fields)
    except UnicodeEncodeError:
        line = b"\xff"
    return line if line.isascii() else json.dumps(fields, separators=(",", ":")).encode()


def milliseconds(seconds: float) -> str:
    """`4797ms`; below ten milliseconds two decimals, `0.42ms`: there the fraction is the news."""
    spent = seconds * 1000.0
    return f"{spent:.0f}ms" if spent >= 10 else f"{spent:.2f}ms"


def timestamp(epoch: float) -> str:
    """RFC 3339 in UTC with milliseconds: `2025-01-15T10:30:00.000Z`."""
    second = int(epoch // 1)
    return f"{_second(second)}.{int((epoch - second) * 1000):03d}Z"


@lru_cache(8)
def _second(epoch: int) -> str:
    """Lines come many to a second."""
    return datetime.fromtimestamp(epoch, UTC).isoformat()[:-6]

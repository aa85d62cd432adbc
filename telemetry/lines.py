"""What an access line says about one operation, and in which order. Pure.

Keys and order are the telemetry contract's (DESIGN 6a): the seed's logfmt line first,
then ours; the JSON form adds the other seed's keys. What a key looks like in bytes is
`spelling.py`'s; where the line goes is `access_log.py`'s. Knows `Record`, no protocol.
"""

import hashlib
import re
from functools import lru_cache

import msgspec

from ..core.call import Record
from .spelling import LONGEST, Value, bound, clean_key, json_line, logfmt, milliseconds, timestamp

Fields = dict[str, Value]
_WORD = re.compile("[a-z_0-9-]{1,32}").fullmatch


class Place(msgspec.Struct, frozen=True):
    """Where the line comes from, and how it is written: the same for every operation of a process."""

    gateway: str = "fedgate"
    listener: str = "http"
    plain_ids: bool = False
    """Whether ids of conversations are written as they are, and not as marks."""


class Ended(msgspec.Struct, frozen=True):
    """One operation that is over. Made by `observe`, read by the metrics and the access log."""

    record: Record
    operation: str
    """`record.operation` if it is one of the known ones, else `other`: fit for a metric label."""
    status: int
    """The HTTP status that was sent; 499 if the caller left before there was one."""
    seconds: float
    """From the request's head to the last byte of the reply."""
    overhead: float
    """Seconds of that which the gateway itself took; for streams, up to the reply's head."""
    when: float
    """Seconds since the epoch, at the end."""


def error_kind(ended: Ended) -> str:
    """What went wrong as one word of a bounded set, fit for a label; empty if nothing did."""
    error = ended.record.error
    if error:
        word = error.removeprefix("jsonrpc ").partition(":")[0]
        return word if _WORD(word) else "other"
    return str(ended.status) if ended.status >= 400 else ""


_OPERATION_KEYS = {"mcp": "mcp.method.name", "a2a": "a2a.method", "llm": "gen_ai.operation.name"}
_MODEL_KEYS = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
)
_OUR_KEYS = (
    "mcp.method.name",
    "mcp.server",
    "gen_ai.tool.name",
    "a2a.method",
    "a2a.agent",
    "a2a.instance",
    "a2a.context.id",
    "a2a.task.id",
    "cost_usd",
    "fallback",
    "reason",
)
_FIXED_KEYS = (
    *("gateway", "listener", "route", "endpoint", "src.addr", "http.method", "http.host", "http.path"),
    *("http.version", "http.status", "protocol", "duration", "request_id", "user", "session", "overhead", "error"),
    *("timestamp", "user_id", "model", "provider", "input_tokens", "output_tokens", "latency_ms", "status"),
)
"""Keys that no stage's field can take."""

_CONVERSATIONS = frozenset({"a2a.context.id", "a2a.task.id"})
"""Ids by which conversations can be followed."""

_NAMED = frozenset((*_MODEL_KEYS, *_OUR_KEYS, *_FIXED_KEYS))


def access_fields(ended: Ended, place: Place) -> Fields:
    """The line's keys and values in order; keys that do not apply are left out.

    A field that a stage set to `None` (a cost nobody knows) stays, as null. Fields outside
    the contract follow at the end. Strings are at most `spelling.LONGEST` long.
    """
    line: Fields = {}
    _head(line, ended, place)
    fields = _stages(ended.record)
    _some(line, fields, _MODEL_KEYS)
    others = [(name, key) for key in fields if key not in _NAMED and (name := clean_key(key)) not in _NAMED]
    for name, key in others:
        if key.startswith("gen_ai."):
            _put(line, name, fields[key])
    _middle(line, ended)
    _some(line, fields, _OUR_KEYS)
    if not place.plain_ids:
        for key in _CONVERSATIONS:
            if line.get(key):
                line[key] = session_mark(str(fields[key]))
    line["overhead"] = milliseconds(ended.overhead)
    if ended.record.error:
        line["error"] = bound(ended.record.error)
    for name, key in others:
        if not key.startswith("gen_ai."):
            _put(line, name, fields[key])
    return line


def _head(line: Fields, ended: Ended, place: Place) -> None:
    """Where it came in, as the seed's line has it."""
    record = ended.record
    request = record.request
    line["gateway"] = place.gateway
    line["listener"] = place.listener
    for key, value in (
        ("route", record.route),
        ("endpoint", record.endpoint),
        ("src.addr", request.source),
        ("http.method", request.method),
        ("http.host", request.host),
        ("http.path", request.path),
    ):
        if value:
            line[key] = value if len(value) <= LONGEST else bound(value)
    version = request.version
    line["http.version"] = version if version.startswith("HTTP/") else f"HTTP/{version}"
    line["http.status"] = ended.status
    line["protocol"] = record.protocol


def _middle(line: Fields, ended: Ended) -> None:
    record = ended.record
    line["duration"] = milliseconds(ended.seconds)
    if record.request.id:
        line["request_id"] = record.request.id
    if record.principal.id:
        line["user"] = bound(record.principal.id)
    if record.session:
        line["session"] = session_mark(record.session)


def _stages(record: Record) -> dict[str, Value]:
    """What the stages noted, and what was asked."""
    key = _OPERATION_KEYS.get(record.protocol)
    return record.fields if key is None or key in record.fields else {**record.fields, key: record.operation}


def _some(line: Fields, fields: dict[str, Value], keys: tuple[str, ...]) -> None:
    """Those of the keys that there are, in the contract's order."""
    for key in keys:
        if key in fields:
            _put(line, key, fields[key])


def _put(line: Fields, key: str, value: Value) -> None:
    if value != "":
        line[key] = bound(value) if isinstance(value, str) else value


@lru_cache(4096)
def session_mark(session: str) -> str:
    """Twelve hexadecimal digits that stand for a session: enough to follow it, useless to enter it."""
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()[:12] if session else ""


def logfmt_line(ended: Ended, place: Place) -> bytes:
    """`request gateway=... listener=... ... duration=4797ms ...` and a newline."""
    return f"request {logfmt(access_fields(ended, place).items())}\n".encode()


def json_access_line(ended: Ended, place: Place) -> bytes:
    """The same keys as one JSON object and the other seed's twelve, which are always there.

    `status` is `success` or `error`; `latency_ms` a number; what a call has none of
    (tokens of a tool call) is null.
    """
    record = ended.record
    fields = record.fields
    triggered = fields.get("guardrails_triggered")
    line: dict[str, object] = {"timestamp": timestamp(ended.when)}
    line.update(access_fields(ended, place))
    line["user_id"] = line.get("user")
    line["model"] = line.get("gen_ai.response.model") or line.get("gen_ai.request.model")
    line["provider"] = line.get("gen_ai.provider.name")
    line["input_tokens"] = line.get("gen_ai.usage.input_tokens")
    line["output_tokens"] = line.get("gen_ai.usage.output_tokens")
    line["latency_ms"] = round(ended.seconds * 1000.0, 2)
    line["cost_usd"] = line.get("cost_usd")
    line["cache_hit"] = bool(fields.get("cache_hit"))
    line["guardrails_triggered"] = str(triggered).split(",") if triggered else []
    line["status"] = "success" if ended.status < 400 and not record.error else "error"
    return json_line(line) + b"\n"

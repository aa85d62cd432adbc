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
from .spelling import Value, bound, clean_key, json_line, logfmt, milliseconds, timestamp

Fields = list[tuple[str, Value]]
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

_RANKS = {key: rank for rank, key in enumerate((*_MODEL_KEYS, *_OUR_KEYS))}
_OURS = frozenset(_OUR_KEYS)
_FIXED = frozenset(_FIXED_KEYS)


def access_fields(ended: Ended, place: Place) -> Fields:
    """The line's keys and values in order; keys that do not apply are left out.

    A field that a stage set to `None` (a cost nobody knows) stays, as null. Fields outside
    the contract follow at the end. Strings are at most `spelling.LONGEST` long.
    """
    record = ended.record
    request = record.request
    version = request.version
    models, ours, others = _parted(record, place.plain_ids)
    line: Fields = [
        ("gateway", place.gateway),
        ("listener", place.listener),
        ("route", record.route),
        ("endpoint", bound(record.endpoint)),
        ("src.addr", request.source),
        ("http.method", bound(request.method)),
        ("http.host", bound(request.host)),
        ("http.path", bound(request.path)),
        ("http.version", version if version.startswith("HTTP/") else f"HTTP/{version}"),
        ("http.status", ended.status),
        ("protocol", record.protocol),
        *models,
        ("duration", milliseconds(ended.seconds)),
        ("request_id", request.id),
        ("user", bound(record.principal.id)),
        ("session", session_mark(record.session)),
        *ours,
        ("overhead", milliseconds(ended.overhead)),
        ("error", bound(record.error)),
        *others,
    ]
    return [pair for pair in line if pair[1] != ""]


def _parted(record: Record, plain_ids: bool) -> tuple[Fields, Fields, Fields]:
    """The stages' fields: the model's (before the duration), ours (after it), and what the contract lacks."""
    models: Fields = []
    ours: Fields = []
    others: Fields = []
    fields = record.fields
    key = _OPERATION_KEYS.get(record.protocol)
    if key is not None and key not in fields:
        fields = {**fields, key: record.operation}
    for key, value in fields.items():
        text = bound(value) if isinstance(value, str) else value
        if key in _CONVERSATIONS and not plain_ids:
            ours.append((key, session_mark(str(value))))
        elif key in _OURS:
            ours.append((key, text))
        elif key.startswith("gen_ai."):
            models.append((clean_key(key), text))
        elif key not in _FIXED:
            others.append((clean_key(key), text))
    models.sort(key=_rank)
    ours.sort(key=_rank)
    return models, ours, others


def _rank(pair: tuple[str, Value]) -> int:
    """The contract's order; keys that it does not name come last."""
    return _RANKS.get(pair[0], len(_RANKS))


@lru_cache(4096)
def session_mark(session: str) -> str:
    """Twelve hexadecimal digits that stand for a session: enough to follow it, useless to enter it."""
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()[:12] if session else ""


def logfmt_line(ended: Ended, place: Place) -> bytes:
    """`request gateway=... listener=... ... duration=4797ms ...` and a newline."""
    return f"request {logfmt(access_fields(ended, place))}\n".encode()


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
    line["user_id"] = line["user"]
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

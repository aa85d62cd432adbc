"""Errors in the words of each client format, whole or at the end of a stream. Pure.

Statuses that only one vendor knows become what the caller's own vendor would send. Above: `endpoint`,
`same`, `translated`. Below: `formats`.
"""

import msgspec

from ..core.call import JSON, Header, Record, Reply
from ..core.errors import GatewayError, Unauthorized
from .errors import ModelError, kind_of_error
from .formats import error_writer
from .inbound import NO_KEY_IN_QUERY, has_key
from .places import likely_format
from .values import Asked, Failure, Format

OVERLOADED = 529
"""Anthropic's status; other formats' clients know 503."""


class Wire(msgspec.Struct):
    """What a reply of a call needs to know of it: `Record.wire`."""

    format: Format
    headers: tuple[Header, ...] = ()
    """`x-fedgate-...`, as far as they are known."""


def status_for(format_: Format, status: int) -> int:
    return 503 if status == OVERLOADED and format_ != "anthropic" else status


def render(record: Record, error: GatewayError) -> Reply:
    """The reply that says it to this caller."""
    request = record.request
    wire: Wire = record.wire or Wire(likely_format(request.path, request.headers))
    status = status_for(wire.format, error.status)
    headers = (JSON, *error.headers, *wire.headers)
    if isinstance(error, ModelError) and error.body:
        return Reply(status, headers, error.body)
    message = error.message
    if isinstance(error, Unauthorized) and has_key(request.query):
        message = f"{message} And {NO_KEY_IN_QUERY}."
    return Reply(status, headers, error_writer(wire.format)(status, kind_of_error(error), message))


def error_frame(asked: Asked, failure: Failure, *, first: bool) -> bytes:
    """What ends a stream that has begun. `first`: nothing of a JSON array has been sent yet."""
    status = status_for(asked.format, failure.status)
    if asked.format == "responses":
        # Flat as it is documented; with `error` as well, for which alone OpenAI's own clients raise.
        said = {"code": failure.kind, "message": failure.message, "param": None}
        event = {"type": "error", **said, "sequence_number": 0, "error": {"type": failure.kind, **said}}
        return b"event: error\ndata: %b\n\n" % msgspec.json.encode(event)
    body = error_writer(asked.format)(status, failure.kind, failure.message)
    if asked.array:
        return array_piece(body, first=first) + b"]"
    if asked.format == "anthropic":
        return b"event: error\ndata: %b\n\n" % body
    return b"data: %b\n\n" % body


def array_piece(data: bytes, *, first: bool) -> bytes:
    """One element of Gemini's JSON array of chunks."""
    return (b"[" if first else b",\r\n") + data

"""JSON-RPC 2.0 as bytes: envelopes are read once and written by splicing.

A message is a request (method and id), a notification (method, no id) or a response
(id and result or error). `params`, `result` and `error` stay raw. Batches (arrays) are
read here too; who accepts them is the caller's affair.
"""

import msgspec

from .errors import RpcError
from .rawjson import EMPTY, Raw, encode, repeats, well_formed

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_ERROR = -32000
REQUEST_TIMEOUT = -32001
LIMIT_EXCEEDED = -32005
"""Of the codes that servers may use as they like, the one that others already use for this (EIP-1474)."""
REQUEST_CANCELLED = -32800

Id = str | int


class Message(msgspec.Struct, frozen=True):
    """One envelope. Absent members are empty (`method`: `None`)."""

    jsonrpc: str = ""
    id: Raw = EMPTY
    method: str | None = None
    params: Raw = EMPTY
    result: Raw = EMPTY
    error: Raw = EMPTY

    @property
    def has_id(self) -> bool:
        return bool(self.id)

    @property
    def is_request(self) -> bool:
        return self.method is not None and bool(self.id)

    @property
    def is_notification(self) -> bool:
        return self.method is not None and not self.id

    @property
    def is_response(self) -> bool:
        return self.method is None and bool(self.id) and bool(self.result or self.error)

    @property
    def key(self) -> Id | None:
        """The id as a value that can be compared (`1` is not `"1"`), or `None` if it is not a legal id."""
        return id_key(self.id)


_message = msgspec.json.Decoder(Message)
_batch = msgspec.json.Decoder(list[Message])
_id: msgspec.json.Decoder[Id] = msgspec.json.Decoder(str | int)


def id_key(raw: Raw | bytes) -> Id | None:
    """A JSON-RPC id as a comparable value; `None` for null, fractions, booleans and structures."""
    try:
        return _id.decode(raw)
    except ValueError:  # msgspec's own errors, and bytes that are no UTF-8
        return None


def parse(body: bytes) -> Message | list[Message]:
    """Read one envelope, or a batch. `RpcError` -32700 for malformed JSON, -32600 for another shape.

    Members that stay raw are not looked into: they may hold bytes that are no UTF-8.
    """
    decoder = _batch if body.lstrip()[:1] == b"[" else _message
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_REQUEST, f"not a JSON-RPC message: {error}", status=400) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        mended = well_formed(body)
        if mended == body:
            raise RpcError(PARSE_ERROR, f"the body is not valid JSON: {error}", status=400) from error
    return parse(mended)


def parse_one(body: bytes) -> Message:
    """As `parse`, where a batch is not allowed."""
    message = parse(body)
    if isinstance(message, list):
        raise RpcError(INVALID_REQUEST, "expected a single JSON-RPC message, got a batch", status=400)
    return message


def names_twice(message: Message, body: bytes) -> bool:
    """Whether the envelope that was read from `body` has a member twice. `ValueError` if that cannot be told.

    Most are written without white space and have nothing else in them: those are not read again.
    """
    room = len(body) - 1
    if message.jsonrpc:
        room -= len(message.jsonrpc) + 13
    if message.id:
        room -= len(message.id) + 6
    if message.method is not None:
        room -= len(message.method) + 12
    if message.params:
        room -= len(message.params) + 10
    if message.result:
        room -= len(message.result) + 10
    if message.error:
        room -= len(message.error) + 9
    return room > 0 and repeats(body)


def request(id_: Raw | bytes | int, method: str, params: bytes) -> bytes:
    ident = b"%d" % id_ if isinstance(id_, int) else id_
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % (ident, encode(method), params or b"{}")


def notification(method: str, params: bytes = b"") -> bytes:
    if not params:
        return b'{"jsonrpc":"2.0","method":%b}' % encode(method)
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (encode(method), params)


def result(id_: Raw | bytes, raw: Raw | bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id_, raw)


def error(id_: Raw | bytes, raw: Raw | bytes) -> bytes:
    """An error response; an unknown id is `null` (JSON-RPC 2.0 §5)."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (id_ or b"null", raw)


def error_object(code: int, message: str, data: bytes | None = None) -> bytes:
    if data is None:
        return b'{"code":%d,"message":%b}' % (code, encode(message))
    return b'{"code":%d,"message":%b,"data":%b}' % (code, encode(message), data)

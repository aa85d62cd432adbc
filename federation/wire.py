"""How a request looks towards a server of each era, and what comes back. Pure.

Progress tokens are ours on the wire (the request's own id, unique on its connection) and
the client's again on the way back.
"""

import contextlib

from ..core import jsonrpc
from ..core.errors import UpstreamInvalid
from ..core.jsonrpc import Message
from ..core.rawjson import NULL, Fields, Raw, fields, is_object, join, raw, value
from .eras import (
    ENVELOPE,
    H_METHOD,
    H_NAME,
    H_VERSION,
    META_CAPABILITIES,
    META_CLIENT,
    META_LOG_LEVEL,
    META_VERSION,
    MODERN,
    NAME_FIELD,
    Era,
)
from .headers import encode_value
from .messages import Answer, Client, Notice, Outbound

TOKEN = "progressToken"
PROGRESS = "notifications/progress"
PING = "ping"

MODERN_HEADERS = ((H_VERSION, MODERN.encode()),)
_MODERN = raw(MODERN)


def request_body(out: Outbound, era: Era, ident: int) -> bytes:
    """The JSON-RPC request with the id `ident`, enveloped as the era wants it."""
    params = out.params
    if out.meta or era == "modern":
        meta = {key: part for key, part in out.meta.items() if key not in ENVELOPE}
        if TOKEN in meta:
            meta[TOKEN] = Raw(b"%d" % ident)
        if era == "modern":
            _envelop(meta, out.client)
        if meta:
            params = {**params, "_meta": raw(meta)}
    return jsonrpc.request(ident, out.method, join(params))


def _envelop(meta: Fields, client: Client) -> None:
    meta[META_VERSION], meta[META_CAPABILITIES] = _MODERN, client.capabilities
    if client.info:
        meta[META_CLIENT] = client.info
    if client.log_level:
        meta[META_LOG_LEVEL] = raw(client.log_level)


def request_headers(out: Outbound) -> tuple[tuple[bytes, bytes], ...]:
    """The standard and custom headers of a modern request."""
    head = (*MODERN_HEADERS, (H_METHOD, out.method.encode()), *out.trace)
    if out.method in NAME_FIELD and out.name:
        return (*head, (H_NAME, encode_value(out.name)), *out.param_headers)
    return head


def cancelled(ident: int) -> bytes:
    """Parameters of `notifications/cancelled` for our request `ident`."""
    return b'{"requestId":%d,"reason":"the caller has gone"}' % ident


def answer_of(message: Message) -> Answer:
    """The answer in a response. What is no result and no error object becomes an error that says so."""
    if message.error and not (message.error == NULL and message.result):  # some write both members, one of them null
        return Answer(error=bytes(message.error)) if is_error(message.error) else _NO_ERROR
    return Answer(bytes(message.result)) if is_object(message.result) else _NO_RESULT


def server_answer(message: Message) -> Answer:
    """A server's answer. Raises `UpstreamInvalid` for what is no result and no error object."""
    answer = answer_of(message)
    if answer is _NO_RESULT:
        raise UpstreamInvalid("the answer's result is no object")
    if answer is _NO_ERROR:
        raise UpstreamInvalid("the answer's error is no error object")
    return answer


def is_error(error: Raw) -> bool:
    """Whether it is a JSON-RPC error object: an object with an integer code."""
    try:
        return type(value(fields(error)["code"])) is int
    except (KeyError, ValueError):
        return False


_NO_RESULT = Answer(error=jsonrpc.error_object(jsonrpc.INTERNAL_ERROR, "the answer's result is no object"))
_NO_ERROR = Answer(error=jsonrpc.error_object(jsonrpc.INTERNAL_ERROR, "the answer's error is no error object"))


def notice_of(message: Message, out: Outbound) -> Notice:
    """A notification that belongs to the call `out`, with the client's own progress token."""
    params = bytes(message.params)
    if message.method == PROGRESS and TOKEN in out.meta and is_object(message.params):
        with contextlib.suppress(ValueError):  # what is not readable here passes as it is
            params = join({**fields(params), TOKEN: out.meta[TOKEN]})
    return Notice(message.method or "", params)


def token_of(message: Message) -> int | None:
    """The request a progress notification speaks of, by our token."""
    try:
        token = value(fields(message.params).get(TOKEN, Raw(b"null")))
    except ValueError:
        return None
    return token if type(token) is int else None


def refuse(method: str, why: str = "") -> Answer:
    """The answer to a server's request that nobody here can take."""
    text = f"{method} is not available{': ' + why if why else ''}"
    return Answer(error=jsonrpc.error_object(jsonrpc.METHOD_NOT_FOUND, text))


def response_body(ident: Raw, answer: Answer) -> bytes:
    if answer.error:
        return jsonrpc.error(ident, answer.error)
    return jsonrpc.result(ident, answer.result or b"{}")

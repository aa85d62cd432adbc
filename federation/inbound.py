"""Reading a client's HTTP request: era, kind, envelope. Pure; the first rule that is broken is raised.

Sources: 2025-11-25 basic/transports (legacy) and 2026-07-28 basic/transports,
basic/index `_meta` (modern). The era is decided by `MCP-Protocol-Version`; a request
without the header is legacy, unless its body says that it is modern.
"""

import re
from functools import lru_cache
from typing import Literal

import msgspec

from ..core import jsonrpc
from ..core.call import Request
from ..core.errors import BadRequest, MethodNotAllowed, NotAcceptable, RpcError, UnsupportedMediaType
from ..core.jsonrpc import Message
from ..core.rawjson import EMPTY, NULL, Fields, encode, fields, is_object, items, repeats, text
from .catalog import Catalog, Route
from .eras import (
    H_METHOD,
    H_NAME,
    H_VERSION,
    HEADER_MISMATCH,
    LEGACY_VERSIONS,
    META_CAPABILITIES,
    META_CLIENT,
    META_LOG_LEVEL,
    META_VERSION,
    MODERN_VERSIONS,
    NAME_FIELD,
    UNSUPPORTED_VERSION,
    Era,
)
from .headers import decode_value
from .messages import Client

Kind = Literal["request", "notification", "response", "batch", "stream", "end"]

MAX_BATCH = 100
"""Messages in one batch: each is a call of its own."""
_ZERO = re.compile(r"q=0(\.0{0,3})?")
_LEGACY = frozenset(version.encode() for version in LEGACY_VERSIONS)


class Inbound(msgspec.Struct, frozen=True):
    """One parsed client message. `params` is shallow and without `_meta`; `meta` without the modern envelope."""

    era: Era
    kind: Kind
    message: Message = Message()
    params: Fields = {}
    meta: Fields = {}
    client: Client = Client()
    batch: tuple[Message, ...] = ()
    route: Route | None = None
    catalog: Catalog | None = None
    """What its caller may know of: what it was routed by is what it is answered by."""


class Wire(msgspec.Struct):
    """What the error renderer must know of the message, as far as it was read.

    `accepted`: it was well formed and may be answered with 200.
    """

    era: Era
    id: bytes = b""
    accepted: bool = False


def era_of(request: Request) -> Era:
    """By the version header alone; unknown versions go to the modern path, which says what is supported."""
    version = request.headers.get(H_VERSION)
    return "legacy" if version is None or version.strip(b" \t") in _LEGACY else "modern"


def check_http(request: Request, era: Era) -> Kind | None:
    """The HTTP method and its headers. The kind of a GET or DELETE; `None` for a POST, whose body decides."""
    headers = request.headers
    if request.method == "POST":
        _check_post(headers.get(b"content-type", b""), headers.get(b"accept", b""))
        return None
    if era == "modern" or request.method not in ("GET", "DELETE"):
        allow = b"POST" if era == "modern" else b"GET, POST, DELETE"
        raise MethodNotAllowed(
            f"{request.method[:20]} is not allowed here; send MCP messages by POST", headers=((b"allow", allow),)
        )
    if request.method == "DELETE":
        return "end"
    if not _accepts(headers.get(b"accept", b""), "text/event-stream"):
        raise NotAcceptable("this is an MCP endpoint: a GET must accept text/event-stream")
    return "stream"


@lru_cache(64)
def _check_post(content: bytes, accept: bytes) -> None:
    """Clients say the same in all their requests: what was in order once is not looked at again."""
    kind = content.decode("latin-1").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType("send the message with Content-Type: application/json")
    if not (_accepts(accept, "application/json") and _accepts(accept, "text/event-stream")):
        raise NotAcceptable("send Accept: application/json, text/event-stream; the answer may be either")


def _accepts(accept: bytes, kind: str) -> bool:
    """RFC 9110 12.5.1: the most specific range decides, and a weight of 0 refuses."""
    ranges: dict[str, bool] = {}
    for part in accept.decode("latin-1").lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        ranges[name] = ranges.get(name, False) or not any(_ZERO.fullmatch(word) for word in parameters)
    for name in (kind, kind.partition("/")[0] + "/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return False


def _parse(body: bytes) -> Message | list[Message]:
    try:
        # What stays raw is not looked into, and must not reach a server in an encoding that is none.
        body.isascii() or body.decode()
    except UnicodeDecodeError as error:
        raise RpcError(jsonrpc.PARSE_ERROR, f"the body is not UTF-8: {error.reason}", status=400) from error
    parsed = jsonrpc.parse(body)
    try:
        twice = any(map(repeats, items(body))) if isinstance(parsed, list) else jsonrpc.names_twice(parsed, body)
    except ValueError:
        return parsed  # it had to be mended: what was made of it has everything once
    if twice:  # whoever looks at the first id, method or name takes the message for another one than we do
        raise RpcError(jsonrpc.INVALID_REQUEST, "a member stands twice in the message", status=400)
    return parsed


def read_legacy(body: bytes) -> Inbound:
    """A legacy body: one message, or a batch (whose legality depends on the session's version)."""
    parsed = _parse(body)
    if isinstance(parsed, list):
        return Inbound("legacy", "batch", batch=_batch(parsed))
    return read_message(parsed)


def _batch(messages: list[Message]) -> tuple[Message, ...]:
    if not messages:
        raise RpcError(jsonrpc.INVALID_REQUEST, "the batch is empty", status=400)
    if len(messages) > MAX_BATCH:
        raise RpcError(jsonrpc.INVALID_REQUEST, f"a batch may have at most {MAX_BATCH} messages", status=400)
    if any(message.method == "initialize" for message in messages):  # 2025-03-26, lifecycle
        raise RpcError(jsonrpc.INVALID_REQUEST, "initialize must not be part of a batch", status=400)
    return tuple(messages)


def read_message(message: Message) -> Inbound:
    """One legacy message."""
    _check_envelope(message)
    if message.method is None:
        return Inbound("legacy", "response", message)
    params = _params(message)
    meta = _take_meta(params) if "_meta" in params else {}
    return Inbound("legacy", "request" if message.id else "notification", message, params, meta)


def _check_envelope(message: Message) -> None:
    if message.jsonrpc != "2.0" or not (message.method is not None or message.is_response):
        raise RpcError(
            jsonrpc.INVALID_REQUEST,
            'not a JSON-RPC 2.0 message: "jsonrpc" must be "2.0" and "method" a name',
            status=400,
        )
    if message.id and jsonrpc.id_key(message.id) is None:
        if message.method is None and message.id == NULL:
            return  # an error about what could not be read
        raise RpcError(jsonrpc.INVALID_REQUEST, "the id must be a string or an integer", status=400)


def _params(message: Message) -> Fields:
    if not message.params:
        return {}
    try:
        params = fields(message.params)
        twice = message.method in NAME_FIELD and repeats(message.params, params)
    except ValueError as error:
        raise RpcError(jsonrpc.INVALID_PARAMS, "params must be an object", status=400) from error
    if twice:
        raise RpcError(jsonrpc.INVALID_PARAMS, "a member stands twice in params", status=400)
    return params


def _take_meta(params: Fields) -> Fields:
    meta = params.get("_meta")
    if meta is None or not is_object(meta):
        return {}
    del params["_meta"]
    try:
        return fields(meta)
    except ValueError as error:
        raise RpcError(jsonrpc.INVALID_PARAMS, "params._meta is not readable", status=400) from error


def read_modern(body: bytes, request: Request) -> Inbound:
    """A modern body, checked against its envelope and headers."""
    parsed = _parse(body)
    if isinstance(parsed, list) or parsed.is_response:
        raise RpcError(
            jsonrpc.INVALID_REQUEST, "the body must be a single JSON-RPC request or notification", status=400
        )
    _check_envelope(parsed)
    params = _params(parsed)
    if not parsed.id:
        _check_version(request.header(H_VERSION) or "")
        return Inbound("modern", "notification", parsed, params)
    return modern_request(parsed, params, request)


def modern_request(message: Message, params: Fields, request: Request) -> Inbound:
    """The ladder of 2026-07-28: envelope, then headers, then version."""
    meta = _take_meta(params)
    if META_VERSION not in meta or META_CAPABILITIES not in meta:
        missing = [key for key in (META_VERSION, META_CAPABILITIES) if key not in meta]
        _check_version(request.header(H_VERSION) or "")
        raise RpcError(jsonrpc.INVALID_PARAMS, f"params._meta lacks {' and '.join(missing)}", status=400)
    version = text(meta[META_VERSION])
    if version is None or not is_object(meta[META_CAPABILITIES]):
        raise RpcError(jsonrpc.INVALID_PARAMS, "params._meta has a protocol field of the wrong type", status=400)
    _check_headers(message, params, version, request)
    _check_version(version)
    del meta[META_VERSION]
    client = Client(
        capabilities=meta.pop(META_CAPABILITIES),
        info=meta.pop(META_CLIENT, EMPTY),
        log_level=text(meta.pop(META_LOG_LEVEL, None)) or "",
    )
    return Inbound("modern", "request", message, params, meta, client)


def _check_version(version: str) -> None:
    if version not in MODERN_VERSIONS:
        supported = [*LEGACY_VERSIONS, *MODERN_VERSIONS]
        data = encode({"supported": supported, "requested": version[:40]})
        raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data=data, status=400)


def _check_headers(message: Message, params: Fields, version: str, request: Request) -> None:
    headers = request.headers
    _equal("MCP-Protocol-Version", headers.get(H_VERSION), version)
    _equal("Mcp-Method", headers.get(H_METHOD), message.method)
    if message.method in NAME_FIELD:
        named = text(params.get(NAME_FIELD[message.method]))
        if named is not None:
            _equal("Mcp-Name", headers.get(H_NAME), named, encoded=True)


def _equal(header: str, sent: bytes | None, expected: str | None, *, encoded: bool = False) -> None:
    if sent is None:
        raise RpcError(HEADER_MISMATCH, f"the header {header} is missing", status=400)
    field = sent.decode("latin-1").strip(" \t")
    if (decode_value(field) if encoded else field) != expected:
        raise RpcError(HEADER_MISMATCH, f"the header {header} does not equal what the body says", status=400)


def id_of(body: bytes) -> bytes:
    """The id of a message that was refused, as far as it has a legal one: its error should carry it."""
    try:
        message = jsonrpc.parse_one(body)
    except RpcError:
        return b""
    return bytes(message.id) if message.key is not None else b""


def says_modern(inbound: Inbound) -> bool:
    """Whether a message that came without a version header has the envelope of the modern era."""
    return inbound.kind == "request" and META_VERSION in inbound.meta


def require_session_id(session_id: str | None) -> str:
    if session_id is None:
        raise BadRequest("the header Mcp-Session-Id is missing; send initialize first")
    return session_id

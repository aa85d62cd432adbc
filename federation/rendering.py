"""Errors of the data path as MCP clients expect them: a JSON-RPC error with the right HTTP status."""

from ..core import jsonrpc
from ..core.call import JSON, Record, Reply
from ..core.errors import ClientError, GatewayError, Internal, RateLimited, RpcError, UpstreamError
from ..core.rawjson import encode
from .eras import MODERN_STATUS
from .inbound import Wire


def render_error(record: Record, error: GatewayError) -> Reply:
    """A request that was well formed in its session is answered with 200 in the legacy era: clients of that era
    take any other status for a broken connection, 429 too. In the modern era the code decides."""
    wire = record.wire if isinstance(record.wire, Wire) else Wire("legacy")
    code = code_of(error)
    data = error.data if isinstance(error, RpcError) else _data(error)
    body = jsonrpc.error(wire.id, jsonrpc.error_object(code, error.message, data))
    return Reply(_status(wire, error, code), (JSON, *error.headers), body)


def code_of(error: Exception) -> int:
    """The JSON-RPC code that a client of MCP is told."""
    if isinstance(error, RpcError):
        return error.code
    if isinstance(error, Internal):
        return jsonrpc.INTERNAL_ERROR
    if isinstance(error, RateLimited):
        return jsonrpc.LIMIT_EXCEEDED
    return jsonrpc.INVALID_REQUEST if isinstance(error, ClientError) else jsonrpc.SERVER_ERROR


def _data(error: GatewayError) -> bytes | None:
    if isinstance(error, UpstreamError):
        return encode({"reason": error.reason, "retryable": error.retryable})
    if isinstance(error, RateLimited):  # clients of MCP see the body alone
        return encode({"reason": error.reason, "retryable": error.retryable, "retry_after": error.retry_after})
    return None


def _status(wire: Wire, error: GatewayError, code: int) -> int:
    if not isinstance(error, RpcError):
        passing = error.side != "client" or isinstance(error, RateLimited)
        return 200 if wire.accepted and passing else error.status
    if wire.era == "modern":
        return MODERN_STATUS.get(code, 200)
    return 200 if wire.accepted else error.status

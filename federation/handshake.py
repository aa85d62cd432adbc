"""What is said when a connection to a server is opened, in each era. Pure.

Legacy: `initialize` (2025-11-25, lifecycle). Modern: `server/discover` (2026-07-28,
versioning): anything that is no positive evidence of that era means legacy.
"""

from ..core.errors import RpcError, UpstreamInvalid
from ..core.jsonrpc import INTERNAL_ERROR
from ..core.rawjson import Fields, fields, raw, text, value
from .eras import LEGACY_LATEST, LEGACY_VERSIONS, MODERN, UNSUPPORTED_VERSION
from .listing import Greeting, greeting_of
from .messages import Answer, Client


class NotModern(UpstreamInvalid):
    """The server gave no evidence of the modern era: speak legacy to it."""


def initialize_params(client: Client) -> Fields:
    return {
        "protocolVersion": raw(LEGACY_LATEST),
        "capabilities": client.capabilities,
        "clientInfo": client.info,
    }


def initialized(answer: Answer) -> Greeting:
    """Read the answer to `initialize`. `UpstreamInvalid` if no session can follow from it."""
    if answer.error:
        raise UpstreamInvalid(f"it refused to initialize: {reason(answer.error)}")
    try:
        members = fields(answer.result)
        version = text(members.get("protocolVersion")) or "of no version"
        greeting = greeting_of(version, members)
    except ValueError as error:
        raise UpstreamInvalid("its answer to initialize is not readable") from error
    if version not in LEGACY_VERSIONS:
        raise UpstreamInvalid(f"it speaks MCP {version[:40]!r}, which this gateway does not")
    return greeting


def discovered(answer: Answer) -> Greeting:
    """Read the answer to `server/discover`, or raise `NotModern`."""
    if answer.error:
        raise NotModern("it does not know server/discover" + _supported(answer.error))
    try:
        members = fields(answer.result)
        versions = value(members["supportedVersions"])
        greeting = greeting_of(MODERN, members)
    except (KeyError, ValueError) as error:
        raise NotModern("its answer to server/discover is not of the modern era") from error
    if not isinstance(versions, list) or MODERN not in versions:
        raise NotModern(f"it does not speak MCP {MODERN}")
    return greeting


def _supported(error: bytes) -> str:
    try:
        members = fields(error)
        if value(members["code"]) != UNSUPPORTED_VERSION:
            return ""
        return f" in {MODERN}; it supports {value(fields(members['data'])['supported'])}"[:200]
    except (KeyError, ValueError):
        return ""


def rpc_error(error: bytes) -> RpcError:
    """A server's error as ours, to be raised: code, message and data stay."""
    members = fields(error)
    code = value(members.get("code", raw(INTERNAL_ERROR)))
    data = members.get("data")
    return RpcError(
        code if type(code) is int else INTERNAL_ERROR,
        text(members.get("message")) or "no reason given",
        data=bytes(data) if data is not None else None,
    )


def reason(error: bytes) -> str:
    """The message of a JSON-RPC error object, bounded."""
    try:
        return (text(fields(error).get("message")) or "no reason given")[:200]
    except ValueError:
        return "no reason given"

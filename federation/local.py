"""What the gateway answers itself: greetings, lists, ping, levels. Bytes in, bytes out; no server is asked."""

from typing import Any

from ..core import jsonrpc
from ..core.errors import RpcError
from ..core.rawjson import Fields, Raw, encode, is_object, text
from .catalog import DEFAULT_TTL, Catalog
from .eras import LEGACY_VERSIONS, LISTS, META_SERVER, MODERN_VERSIONS, Era, negotiate

EMPTY_RESULT = b"{}"


def initialize_data(params: Fields) -> dict[str, Any]:
    """What a new session must remember of `initialize`: small, plain and serialisable. Raises `RpcError`."""
    version = text(params.get("protocolVersion"))
    if version is None:
        raise RpcError(jsonrpc.INVALID_PARAMS, "params.protocolVersion must be a string")
    capabilities = params.get("capabilities")
    info = params.get("clientInfo")
    return {
        "version": negotiate(version),
        "capabilities": bytes(capabilities) if capabilities is not None and is_object(capabilities) else b"{}",
        "info": bytes(info) if info is not None and is_object(info) else b'{"name":"unknown","version":"0"}',
    }


def initialize_result(catalog: Catalog, version: str) -> bytes:
    result: dict[str, Any] = {
        "protocolVersion": version,
        "capabilities": catalog.capabilities,
        "serverInfo": catalog.info,
    }
    if catalog.instructions:
        result["instructions"] = catalog.instructions
    return encode(result)


def discover_result(catalog: Catalog) -> bytes:
    result: dict[str, Any] = {
        "resultType": "complete",
        "supportedVersions": [*MODERN_VERSIONS, *LEGACY_VERSIONS],
        "capabilities": catalog.capabilities,
        "ttlMs": DEFAULT_TTL,
        "cacheScope": "private",
        "_meta": {META_SERVER: catalog.info},
    }
    if catalog.instructions:
        result["instructions"] = catalog.instructions
    return encode(result)


def list_result(catalog: Catalog, method: str, params: Fields, era: Era) -> bytes:
    """One page with everything; so no cursor is ever ours."""
    cursor = params.get("cursor")
    if cursor is not None and bytes(cursor) != b"null":
        raise RpcError(jsonrpc.INVALID_PARAMS, "params.cursor was not given by this gateway")
    return catalog.lists[method][era == "modern"]


def is_local(method: str, era: Era) -> bool:
    if method in LISTS:
        return True
    return method in (("ping", "logging/setLevel") if era == "legacy" else ("server/discover",))


def level_of(params: Fields) -> str:
    return text(params.get("level", Raw(b'""'))) or ""

"""What the gateway answers itself: greetings, lists, ping, levels. Bytes in, bytes out; no server is asked."""

from typing import Any

from ..core import jsonrpc
from ..core.errors import RpcError
from ..core.rawjson import Fields, Raw, encode, is_object, text
from .catalog import DEFAULT_TTL, Catalog
from .eras import LEGACY_VERSIONS, LISTS, META_SERVER, MODERN_VERSIONS, Era, negotiate

EMPTY_RESULT = b"{}"
DECLARED = 16 * 1024
"""Bytes of what a client may say of itself: its session remembers that."""


def initialize_data(params: Fields) -> dict[str, Any]:
    """What a new session must remember of `initialize`: small, plain and serialisable. Raises `RpcError`."""
    version = text(params.get("protocolVersion"))
    if version is None:
        raise RpcError(jsonrpc.INVALID_PARAMS, "params.protocolVersion must be a string")
    return {
        "version": negotiate(version),
        "capabilities": _declared(params, "capabilities", b"{}"),
        "info": _declared(params, "clientInfo", b'{"name":"unknown","version":"0"}'),
    }


def _declared(params: Fields, key: str, otherwise: bytes) -> bytes:
    member = params.get(key)
    if member is None or not is_object(member):
        return otherwise
    said = bytes(member)
    if len(said) > DECLARED:
        raise RpcError(jsonrpc.INVALID_PARAMS, f"params.{key} is larger than {DECLARED} bytes")
    return said


def legacy_capabilities(catalog: Catalog) -> dict[str, Any]:
    """Tasks as an extension are of the modern era, and so is what nobody knows yet."""
    extensions = catalog.capabilities.get("extensions", {})
    kept = {name: detail for name, detail in extensions.items() if name == "io.modelcontextprotocol/ui"}
    rest = {name: detail for name, detail in catalog.capabilities.items() if name != "extensions"}
    return {**rest, "extensions": kept} if kept else rest


def initialize_result(catalog: Catalog, version: str) -> bytes:
    result: dict[str, Any] = {
        "protocolVersion": version,
        "capabilities": legacy_capabilities(catalog),
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


LOCAL: dict[Era, frozenset[str]] = {
    "legacy": frozenset({*LISTS, "ping", "logging/setLevel"}),
    "modern": frozenset({*LISTS, "server/discover"}),
}


def is_local(method: str, era: Era) -> bool:
    return method in LOCAL[era]


def level_of(params: Fields) -> str:
    return text(params.get("level", Raw(b'""'))) or ""

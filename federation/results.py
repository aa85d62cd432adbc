"""What a result must look like in the client's era. Pure; a result of the same era passes as it is."""

from ..core.rawjson import Fields, encode, fields, is_object, raw, value
from .eras import LEGACY_NOT_FOUND, Era

CACHED = frozenset({"resources/read"})
"""Relayed methods whose modern results must carry caching hints."""


def for_method(method: str, result: bytes, era: Era) -> bytes:
    """Complete it for a modern client; make `structuredContent` legal for a legacy one."""
    if era == "legacy":
        return _legacy(result) if b'"structuredContent"' in result else result
    members = fields(result)
    added: Fields = {}
    if "resultType" not in members:
        added["resultType"] = raw("complete")
    if method in CACHED and b'"input_required"' not in result:
        added |= {k: v for k, v in {"ttlMs": raw(0), "cacheScope": raw("private")}.items() if k not in members}
    return encode({**added, **members}) if added else result


def _legacy(result: bytes) -> bytes:
    members = fields(result)
    content = members.get("structuredContent")
    if content is None or is_object(content):
        return result
    # Only objects were allowed; the value is in the text content too (2025-06-18, structured content).
    return encode({key: part for key, part in members.items() if key != "structuredContent"})


def fit(error: bytes, era: Era) -> bytes:
    """Error codes that one era must not send."""
    if era == "legacy" or str(LEGACY_NOT_FOUND).encode() not in error:
        return error
    members = fields(error)
    if value(members.get("code", raw(0))) != LEGACY_NOT_FOUND:
        return error
    return encode({**members, "code": raw(-32602)})

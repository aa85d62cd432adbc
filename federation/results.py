"""What a result must look like in the client's era. Pure; a result of the same era passes as it is."""

from ..core.jsonrpc import INVALID_PARAMS
from ..core.rawjson import Fields, Raw, encode, fields, is_object, items, raw, sub, text, value
from .eras import LEGACY_NOT_FOUND, Era
from .messages import Answer

URL_ELICITATION = -32042
"""URLElicitationRequiredError: legal in 2025-11-25 alone."""
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
    if method in CACHED and text(members.get("resultType")) != "input_required":
        added |= {k: v for k, v in {"ttlMs": raw(0), "cacheScope": raw("private")}.items() if k not in members}
    return encode({**added, **members}) if added else result


def _legacy(result: bytes) -> bytes:
    members = fields(result)
    content = members.get("structuredContent")
    if content is None or is_object(content):
        return result
    # Only objects were allowed; the value is in the text content too (2025-06-18, structured content).
    return encode({key: part for key, part in members.items() if key != "structuredContent"})


def for_error(error: bytes, era: Era) -> Answer:
    """Errors that one era must not send: resource-not-found has another code, a URL to open is a question."""
    if era == "legacy":
        return Answer(error=error)
    members = fields(error)
    code = value(members.get("code", raw(0)))
    if code == LEGACY_NOT_FOUND:
        return Answer(error=encode({**members, "code": raw(INVALID_PARAMS)}))
    if code == URL_ELICITATION:
        return _url_elicitation(members, error)
    return Answer(error=error)


def _url_elicitation(error: Fields, as_it_was: bytes) -> Answer:
    """2025-11-25's -32042 as 2026-07-28's `input_required`: the client opens the URLs and calls again."""
    try:
        wanted = items(sub(error, "data").get("elicitations", Raw(b"[]")))
        requests = {
            f"url{number}": {"method": "elicitation/create", "params": part} for number, part in enumerate(wanted)
        }
    except ValueError:
        requests = {}
    if not requests:
        return Answer(error=as_it_was)
    return Answer(result=encode({"resultType": "input_required", "inputRequests": requests}))

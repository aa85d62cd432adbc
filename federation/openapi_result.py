"""An API's answer as the result of a tool call. Pure: status, headers and bytes in, raw JSON out.

Every answer is a result: a status from 300 on is one with `isError`, so that a model sees
what the API said and can act on it. JSON is passed as the bytes it came in. Redirects are
told, not followed: they would take the manifest's credentials elsewhere.
"""

import base64
from typing import Any

import msgspec

from ..core.rawjson import Raw, encode, is_object
from .openapi_answer import HttpAnswer
from .openapi_document import is_json, is_text

MAX_ERROR = 8000
"""Characters of an error's body that are passed on."""
_TOLD = (b"location", b"retry-after", b"etag", b"last-modified", b"content-length", b"content-type", b"link")
_json = msgspec.json.Decoder(Raw)


def result(answer: HttpAnswer, *, tool: str, head: bool, structured: bool) -> bytes:
    """The `tools/call` result. `structured`: an output schema is declared, so structured content must be there."""
    if answer.status >= 300:
        return failed(_failure(answer))
    if head or not answer.body:
        names = _TOLD if head else (b"location", b"retry-after")
        content: dict[str, Any] = {"type": "text", "text": answer.told(names)}
        return encode({"content": [content], **({"structuredContent": {}} if structured else {})})
    members: dict[str, Any] = {"content": [_content(answer, tool)]}
    found = _structured(answer)
    if structured and not is_object(found):
        # The document promised an object.
        found = Raw(encode({"result": answer.text if found is None else found}))
    if found is not None:
        members["structuredContent"] = found
    return encode(members)


def failed(words: str) -> bytes:
    """A tool's error, for the model to read."""
    return encode({"content": [{"type": "text", "text": words}], "isError": True})


def _failure(answer: HttpAnswer) -> str:
    told = answer.told((b"location", b"retry-after", b"www-authenticate"))
    if answer.status < 400:
        return f"{told}\nRedirects are not followed."
    readable = is_json(answer.media) or is_text(answer.media) or not answer.media
    body = answer.text.strip() if readable else f"({len(answer.body)} bytes of {answer.media})" if answer.body else ""
    shown = body if len(body) <= MAX_ERROR else f"{body[:MAX_ERROR]}… ({len(body)} characters in all)"
    return f"{told}\n\n{shown}".rstrip()


def _content(answer: HttpAnswer, tool: str) -> dict[str, Any]:
    media = answer.media
    if is_json(media) or is_text(media) or (not media and _is_utf8(answer.body)):
        return {"type": "text", "text": answer.text}
    blob = base64.b64encode(answer.body).decode()
    if media.startswith(("image/", "audio/")):
        return {"type": media.partition("/")[0], "data": blob, "mimeType": media}
    uri = f"openapi:///{tool}"
    return {"type": "resource", "resource": {"uri": uri, "mimeType": media or "application/octet-stream", "blob": blob}}


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _structured(answer: HttpAnswer) -> Raw | None:
    """The JSON that the answer is, untouched."""
    if not is_json(answer.media) and not (not answer.media and answer.body.lstrip()[:1] in (b"{", b"[")):
        return None
    body = answer.body.removeprefix(b"\xef\xbb\xbf")
    try:
        body.decode()  # strings are not looked into by what follows
        return _json.decode(body)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return None

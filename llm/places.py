"""Which paths mean which operation in which format. Pure.

    /v1/chat/completions · /v1/responses · /v1/embeddings · /v1/models[/ID]          OpenAI
    /v1/messages · /v1/messages/count_tokens · /v1/models[/ID]                      Anthropic
    /v1beta/models[/ID[:generateContent|:streamGenerateContent|:countTokens]]       Gemini
    PATH of a route and below it: the same, and PATH itself for OpenAI chat completions

Above: `inbound`. Below: `values`.
"""

from typing import NamedTuple

from ..core.errors import ClientError, MethodNotAllowed, NotFound
from .values import Format, Operation


class Place(NamedTuple):
    """What a path means. `model`: as the path names it."""

    format: Format
    operation: Operation
    model: str = ""
    stream: bool = False


_POSTED: dict[str, Place] = {
    "chat/completions": Place("openai", "chat"),
    "responses": Place("responses", "chat"),
    "embeddings": Place("openai", "embeddings"),
    "messages": Place("anthropic", "chat"),
    "messages/count_tokens": Place("anthropic", "count_tokens"),
}
_ACTIONS = {
    "generateContent": Place("gemini", "generate_content"),
    "streamGenerateContent": Place("gemini", "generate_content", stream=True),
    "countTokens": Place("gemini", "count_tokens"),
}
_SERVED = (
    "/v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages, /v1/models and /v1beta/models/MODEL:ACTION"
)


def likely_format(path: str, headers: dict[bytes, bytes]) -> Format:
    """The format of a caller whose request could not be read."""
    if "/v1beta" in path or "enerateContent" in path or _is_googles(headers):
        return "gemini"
    if b"anthropic-version" in headers or "/messages" in path:
        return "anthropic"
    return "responses" if path.endswith("/responses") else "openai"


def place_of(method: str, path: str, headers: dict[bytes, bytes], *, in_route: bool) -> Place:
    """`path` begins with a slash, or is empty: a route's own path. Raises `NotFound` or `MethodNotAllowed`."""
    rest = path.strip("/")
    if in_route and not rest and method in ("HEAD", "GET"):
        return Place("openai", "models")  # Claude Code asks its base address whether somebody is there
    if in_route and not rest:
        return _only("POST", method, Place("openai", "chat"))
    version, _, below = rest.partition("/")
    if version not in ("v1", "v1beta"):
        if not in_route:
            raise _unknown(path)
        version, below = "", rest
    if version != "v1beta" and below in _POSTED:
        return _POSTED[below] if method == "POST" else _only("POST", method, _POSTED[below])
    if below == "models" or below.startswith("models/"):
        return _of_models(version, below[7:], method, headers)
    raise _unknown(path)


def _of_models(version: str, model: str, method: str, headers: dict[bytes, bytes]) -> Place:
    name, colon, action = model.rpartition(":")
    if colon and action in _ACTIONS:
        return _only("POST", method, _ACTIONS[action]._replace(model=name))
    if version == "v1beta" or _is_googles(headers):
        return _only("GET", method, Place("gemini", "models", model))
    format_: Format = "anthropic" if b"anthropic-version" in headers else "openai"
    return _only("GET", method, Place(format_, "models", model))


def _is_googles(headers: dict[bytes, bytes]) -> bool:
    """Google's newer clients ask below /v1, where the others' lists of models are."""
    return b"x-goog-api-key" in headers or b"x-goog-api-client" in headers


def _only(allowed: str, method: str, place: Place) -> Place:
    if method == allowed or (method == "HEAD" and allowed == "GET"):
        return place
    raise MethodNotAllowed(f"use {allowed} here, not {method[:16]}", headers=((b"allow", allowed.encode()),))


def _unknown(path: str) -> ClientError:
    return NotFound(f"there is nothing at {path[:200]}: models are served at {_SERVED}")

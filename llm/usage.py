"""What a provider's answer tells besides its content: model, usage, an error. Pure, by partial decoding.

Only the members named here are decoded; a member of another type than expected counts as absent. Whole
answers are read here, events of streams in `watch`. Above: `same`. Below: `neutral`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import EMPTY, Raw, text, value, well_formed
from .neutral import Usage
from .values import Format

LONGEST_NAME = 256
"""Characters of a model's name that are believed."""
_NULL = (b"", b"null")
_NO_ERROR = (*_NULL, b"{}")
UNKNOWN = Usage()


class Told(msgspec.Struct):
    """What was learnt of one answer."""

    model: str = ""
    usage: Usage = UNKNOWN
    error: tuple[str, str] | None = None
    """Kind and message, if the answer is an error after all."""
    id: str = ""
    """Of a response that its provider may keep (OpenAI Responses)."""


class _OpenAiUsage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: "_Details | None" = None
    completion_tokens_details: "_Details | None" = None


class _Details(msgspec.Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _ResponsesUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _AnthropicUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _GeminiUsage(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None


class _Body(msgspec.Struct):
    """The outermost members of any format's answer."""

    id: Raw = EMPTY
    model: Raw = EMPTY
    usage: Raw = EMPTY
    error: Raw = EMPTY
    modelVersion: Raw = EMPTY  # noqa: N815
    usageMetadata: Raw = EMPTY  # noqa: N815


_body = msgspec.json.Decoder(_Body)
_openai = msgspec.json.Decoder(_OpenAiUsage)
_responses = msgspec.json.Decoder(_ResponsesUsage)
_anthropic = msgspec.json.Decoder(_AnthropicUsage)
_gemini = msgspec.json.Decoder(_GeminiUsage)


def openai_usage(raw: Raw | bytes) -> Usage:
    found = _openai.decode(raw)
    return Usage(
        found.prompt_tokens,
        found.completion_tokens,
        found.prompt_tokens_details.cached_tokens if found.prompt_tokens_details else None,
        None,
        found.completion_tokens_details.reasoning_tokens if found.completion_tokens_details else None,
    )


def responses_usage(raw: Raw | bytes) -> Usage:
    found = _responses.decode(raw)
    return Usage(
        found.input_tokens,
        found.output_tokens,
        found.input_tokens_details.cached_tokens if found.input_tokens_details else None,
        None,
        found.output_tokens_details.reasoning_tokens if found.output_tokens_details else None,
    )


def anthropic_usage(raw: Raw | bytes) -> Usage:
    """Anthropic counts what it read from or wrote to the cache beside `input_tokens`, not in it."""
    found = _anthropic.decode(raw)
    read = None
    if found.input_tokens is not None:
        read = found.input_tokens + (found.cache_read_input_tokens or 0) + (found.cache_creation_input_tokens or 0)
    return Usage(read, found.output_tokens, found.cache_read_input_tokens, found.cache_creation_input_tokens)


def gemini_usage(raw: Raw | bytes) -> Usage:
    found = _gemini.decode(raw)
    read = None
    if found.prompt_token_count is not None:
        read = found.prompt_token_count + (found.tool_use_prompt_token_count or 0)
    written = None
    if found.candidates_token_count is not None or found.thoughts_token_count is not None:
        written = (found.candidates_token_count or 0) + (found.thoughts_token_count or 0)
    return Usage(read, written, found.cached_content_token_count, None, found.thoughts_token_count)


_USAGE: dict[str, Callable[[Raw | bytes], Usage]] = {
    "openai": openai_usage,
    "responses": responses_usage,
    "anthropic": anthropic_usage,
    "gemini": gemini_usage,
}


def usage_of(format_: Format, raw: Raw | bytes, known: Usage) -> Usage:
    """`known`, overwritten by what `raw` says; what cannot be read says nothing."""
    if bytes(raw) in _NULL:
        return known
    try:
        new = _USAGE[format_](raw)
    except (msgspec.DecodeError, RecursionError):
        return known
    if known == UNKNOWN:
        return new
    return known if new == UNKNOWN else merged(known, new)


def merged(known: Usage, new: Usage) -> Usage:
    """Streams tell in parts: what a later one does not repeat stands."""
    if known == UNKNOWN:
        return new
    return Usage(
        *(later if later is not None else before for before, later in zip(_all(known), _all(new), strict=True))
    )


def _all(usage: Usage) -> tuple[int | None, ...]:
    return usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning


def name_of(raw: Raw) -> str:
    """A model's name; empty if it is none."""
    return (text(raw) or "")[:LONGEST_NAME] if bytes(raw) else ""


def read_answer(format_: Format, body: bytes) -> Told:
    """What a whole answer tells. Raises `UpstreamInvalid` if it is no JSON object."""
    try:
        found = _body.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if (mended := well_formed(body)) != body:
            return read_answer(format_, mended)
        raise UpstreamInvalid("it is not a JSON object") from error
    failed = None if found.error is EMPTY else error_of(found.error)
    if format_ == "gemini":
        return Told(name_of(found.modelVersion), usage_of(format_, found.usageMetadata, UNKNOWN), failed)
    id_ = name_of(found.id) if format_ == "responses" else ""
    return Told(name_of(found.model), usage_of(format_, found.usage, UNKNOWN), failed, id_)


def error_of(raw: Raw) -> tuple[str, str] | None:
    """Kind and message of an `error` member, whoever wrote it; None if there is no error."""
    if bytes(raw) in _NO_ERROR:
        return None
    try:
        error: Any = value(raw)
    except ValueError:
        return "", ""
    if not isinstance(error, dict):
        return "", error if isinstance(error, str) else ""
    kind, message = error.get("type") or error.get("code"), error.get("message")
    return kind if isinstance(kind, str) else "", message if isinstance(message, str) else ""

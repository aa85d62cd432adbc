"""Gemini's JSON on the wire: members are written in camelCase or snake_case, and both are meant.

Only objects that the format defines are read by this; schemas, arguments and results are the
caller's own, whose names stay as they are. Types only, and how they are decoded. Above: the
`gemini_*` readers.
"""

import re
from typing import Annotated, TypeVar

import msgspec

from ..core.rawjson import EMPTY, Fields, Raw, encode, fields
from .reading import decode
from .wire import Count, Tokens, Whole

T = TypeVar("T")

FORMAT = "gemini"
_SNAKE = re.compile(r"_([a-z])")
MAX_PARTS = 4096
"""Parts of one turn."""
Level = Annotated[str, msgspec.Meta(max_length=64)]


class Blob(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""
    file_uri: str = ""
    display_name: str | None = None


class FunctionCall(msgspec.Struct, rename="camel"):
    name: str = ""
    id: str | None = None
    args: Raw = EMPTY


class FunctionResponse(msgspec.Struct, rename="camel"):
    name: str = ""
    id: str | None = None
    response: Raw = EMPTY
    parts: list[Raw] | None = None


class Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Raw = EMPTY
    file_data: Raw = EMPTY
    function_call: Raw = EMPTY
    function_response: Raw = EMPTY


class Content(msgspec.Struct, rename="camel"):
    role: str | None = None
    parts: list[Raw] | None = None


class Declaration(msgspec.Struct, rename="camel"):
    name: str
    description: str | None = None
    parameters: Raw = EMPTY
    parameters_json_schema: Raw = EMPTY


class CallingConfig(msgspec.Struct, rename="camel"):
    mode: Level | None = None
    allowed_function_names: list[str] | None = None


class Thinking(msgspec.Struct, rename="camel"):
    include_thoughts: bool | None = None
    thinking_budget: Whole | None = None
    thinking_level: Level | None = None


class Config(msgspec.Struct, rename="camel"):
    """`generationConfig`."""

    max_output_tokens: Count | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    stop_sequences: list[str] | None = None
    seed: Whole | None = None
    candidate_count: Count | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: Whole | None = None
    response_mime_type: str | None = None
    response_schema: Raw = EMPTY
    response_json_schema: Raw = EMPTY
    thinking_config: Raw = EMPTY


class Body(msgspec.Struct, rename="camel"):
    contents: Raw = EMPTY
    system_instruction: Raw = EMPTY
    tools: Raw = EMPTY
    tool_config: Raw = EMPTY
    generation_config: Raw = EMPTY
    service_tier: str | None = None


class Usage(msgspec.Struct, rename="camel"):
    prompt_token_count: Tokens | None = None
    candidates_token_count: Tokens | None = None
    cached_content_token_count: Tokens | None = None
    thoughts_token_count: Tokens | None = None
    tool_use_prompt_token_count: Tokens | None = None


class Logprob(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class TopLogprobs(msgspec.Struct, rename="camel"):
    candidates: list[Logprob] | None = None


class Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[Logprob] | None = None
    top_candidates: list[TopLogprobs] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    index: Count = 0
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    logprobs_result: Logprobs | None = None


class Feedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class Answer(msgspec.Struct, rename="camel"):
    """A whole answer, or one chunk of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Usage | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Raw = EMPTY


def camel(members: Fields) -> Fields:
    """The members under their camelCase names."""
    if not any("_" in name for name in members):
        return members
    return {_SNAKE.sub(lambda found: found[1].upper(), name): raw for name, raw in members.items()}


def read(decoder: msgspec.json.Decoder[T], raw: Raw | bytes, where: str) -> T:
    """An object of the format's own, whichever way its members are spelt."""
    whole = bytes(raw)
    if b"_" not in whole and whole[:1] == b"{":  # nothing is spelt otherwise
        return decode(decoder, whole, where)
    try:
        members = fields(whole)
    except ValueError as error:
        raise ValueError(f"{where}: must be an object") from error
    spelt = camel(members)
    return decode(decoder, whole if spelt is members else encode(spelt), where)


def absent(raw: Raw) -> bool:
    return bytes(raw) in (b"", b"null")

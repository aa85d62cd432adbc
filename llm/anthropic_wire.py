"""Anthropic Messages on the wire: the members we read, typed; what is not named here is not read.

Blocks are one flat shape with the members of all types; what differs between types (`content`,
`source`) stays raw until the type is known. Types only. Above: the `anthropic_*` readers.
"""

import msgspec

from ..core.rawjson import EMPTY, Raw
from .wire import Count, Tokens, Whole

FORMAT = "anthropic"
OWN = frozenset({"", FORMAT, "bedrock"})
"""Formats whose signatures Claude takes: they are good on every platform that serves it."""


class Source(msgspec.Struct):
    """Of an image or a document."""

    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    content: Raw = EMPTY


class Block(msgspec.Struct):
    """One block of content, of whatever type."""

    type: str
    text: str | None = None
    citations: Raw = EMPTY
    cache_control: Raw = EMPTY
    source: Raw = EMPTY
    title: str | None = None
    context: Raw = EMPTY
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = EMPTY
    tool_use_id: str | None = None
    content: Raw = EMPTY
    is_error: bool | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Block] = ""


class Tool(msgspec.Struct):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Raw = EMPTY
    strict: bool | None = None
    cache_control: Raw = EMPTY
    allowed_callers: Raw = EMPTY
    defer_loading: Raw = EMPTY
    eager_input_streaming: Raw = EMPTY
    input_examples: Raw = EMPTY


class ToolChoice(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct):
    type: str
    budget_tokens: Count | None = None
    display: str | None = None


class JsonFormat(msgspec.Struct):
    type: str
    schema: Raw = EMPTY


class OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: JsonFormat | None = None


class Metadata(msgspec.Struct):
    user_id: str | None = None


class Request(msgspec.Struct):
    model: str
    messages: list[Message]
    system: str | list[Block] | None = None
    max_tokens: Count | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: JsonFormat | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None


class OutputDetails(msgspec.Struct):
    thinking_tokens: Tokens | None = None


class Usage(msgspec.Struct):
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    output_tokens_details: OutputDetails | None = None
    service_tier: str | None = None


class StopDetails(msgspec.Struct):
    explanation: str | None = None


class Response(msgspec.Struct):
    type: str = "message"
    id: str | None = None
    model: str | None = None
    content: list[Block] = []
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None
    usage: Usage | None = None
    error: Raw = EMPTY


class Delta(msgspec.Struct):
    """What a streamed event adds to a block, or to the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Event(msgspec.Struct):
    type: str
    index: Count = 0
    message: Response | None = None
    content_block: Raw = EMPTY
    delta: Delta | None = None
    usage: Usage | None = None
    error: Raw = EMPTY


requests = msgspec.json.Decoder(Request)
responses = msgspec.json.Decoder(Response)
events = msgspec.json.Decoder(Event)
blocks = msgspec.json.Decoder(Block)
block_lists = msgspec.json.Decoder(str | list[Block])
sources = msgspec.json.Decoder(Source)

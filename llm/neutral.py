"""The one form that every chat format is read into and written from, when caller and provider differ.

Requests, responses and stream events of OpenAI chat, OpenAI Responses, Anthropic Messages, Gemini and
Bedrock Converse meet here. Values only; no I/O, no format. What a format says that stands nowhere here
is named in `Request.unread`, what a format cannot say is named by its writer: nothing is lost silently.
JSON that is nobody's to interpret (schemas, arguments, cache marks) stays raw. Above: `formats/*`.
"""

from typing import Literal

import msgspec

from ..core.rawjson import EMPTY, Raw


class Text(msgspec.Struct, frozen=True):
    text: str
    cache: Raw = EMPTY
    """A cache mark (`cache_control`), as it was written."""
    citations: Raw = EMPTY
    """Annotations or citations of an answer, as the provider wrote them."""


class Media(msgspec.Struct, frozen=True):
    """An image, a document, sound: exactly one of `data`, `url`, `id` is given."""

    kind: Literal["image", "file", "audio", "video"]
    media_type: str = ""
    data: str = ""
    """Base64."""
    url: str = ""
    id: str = ""
    """Of a file that the provider keeps."""
    name: str = ""
    detail: str = ""
    cache: Raw = EMPTY


class Thinking(msgspec.Struct, frozen=True):
    """Reasoning. `signature` and `sealed` mean something to the provider that wrote them, and to no other."""

    text: str = ""
    signature: str = ""
    sealed: str = ""
    """Reasoning that only the provider can read (redacted_thinking, encrypted_content)."""
    id: str = ""
    format: str = ""
    """Of the provider that wrote `signature` or `sealed` (`anthropic`, `responses`...); empty if nobody knows."""


class ToolCall(msgspec.Struct, frozen=True):
    id: str
    name: str
    arguments: str = ""
    """JSON text of an object, as it was written; empty means none."""
    namespace: str = ""
    signature: str = ""
    """Gemini's thought signature."""
    cache: Raw = EMPTY
    custom: bool = False
    """The arguments are free text, not JSON (OpenAI's custom tools)."""


class ToolResult(msgspec.Struct, frozen=True):
    id: str
    """Of the call."""
    content: tuple["Text | Media", ...] = ()
    is_error: bool = False
    name: str = ""
    """Of the tool, where the format says so."""
    cache: Raw = EMPTY
    custom: bool = False


class Refusal(msgspec.Struct, frozen=True):
    text: str


class Foreign(msgspec.Struct, frozen=True):
    """A block that only its own format knows (server tools, code execution): `format`, and the block as it was."""

    format: str
    raw: Raw


Block = Text | Media | Thinking | ToolCall | ToolResult | Refusal | Foreign
Role = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    """One turn. Results of tools are blocks of a user's turn, in order; `system` may stand in mid-conversation."""

    role: Role
    content: tuple[Block, ...]
    name: str = ""


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call; or (`foreign`) something only its own format knows."""

    name: str
    description: str = ""
    parameters: Raw = EMPTY
    """JSON Schema of the arguments; empty if it takes none."""
    strict: bool | None = None
    namespace: str = ""
    """OpenAI Responses: the namespace the tool was nested in."""
    namespace_description: str = ""
    cache: Raw = EMPTY
    custom: Raw = EMPTY
    """OpenAI's custom tool: its `format`; free text comes as arguments."""
    foreign: Foreign | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    mode: Literal["auto", "none", "any", "named"] = "auto"
    name: str = ""
    parallel: bool | None = None


class Reasoning(msgspec.Struct, frozen=True):
    """How much to think. `mode`: `off`, `on` with a budget or an effort, or `adaptive` (the model decides)."""

    mode: Literal["off", "on", "adaptive"]
    effort: str = ""
    """`none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`."""
    budget: int | None = None
    """Tokens."""
    show: bool | None = None
    """Whether (a summary of) the thoughts is wanted in the answer."""


class Format(msgspec.Struct, frozen=True):
    """What the answer's text must be: any JSON object, or one of a schema."""

    schema: Raw = EMPTY
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Sampling(msgspec.Struct, frozen=True):
    """`None`: not said."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None


class Request(msgspec.Struct, frozen=True):
    model: str
    messages: tuple[Message, ...]
    system: tuple[Block, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning | None = None
    format: Format | None = None
    verbosity: str = ""
    stream: bool = False
    usage_wanted: bool = True
    """Whether the stream's reader wants usage (OpenAI chat: `stream_options.include_usage`)."""
    user: str = ""
    """`metadata.user_id`, `user`, `safety_identifier`."""
    cache_key: str = ""
    service_tier: str = ""
    metadata: Raw = EMPTY
    previous: str = ""
    """`previous_response_id`: the conversation lies with the provider."""
    store: bool | None = None
    unread: tuple[str, ...] = ()
    """Members of the caller's body, by name, that have no place here."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens. `input` counts everything the model read, cached or not; `output` everything it wrote, thoughts too."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


Reason = Literal["stop", "length", "tools", "filter", "refusal", "pause", "context", "error", "other"]
"""Why an answer ended; `stop` with a stop sequence names it."""


class Response(msgspec.Struct, frozen=True):
    id: str
    model: str
    content: tuple[Block, ...]
    reason: Reason = "stop"
    stop_sequence: str = ""
    usage: Usage = Usage()
    created: int = 0
    """Seconds since the epoch; 0 if the provider does not say."""
    service_tier: str = ""
    logprobs: Raw = EMPTY
    """OpenAI's list of token log probabilities."""
    others: tuple["Response", ...] = ()
    """Further candidates (`n` > 1), in order; only `content` and `reason` count in them."""


# A stream: one Started, then blocks (each begun, filled and ended, numbered from 0 in order), then the end: a Finished
# or a Failed.


class Started(msgspec.Struct, frozen=True):
    id: str
    model: str
    created: int = 0
    usage: Usage = Usage()
    """What is known already."""


class BlockStarted(msgspec.Struct, frozen=True):
    """`block` says the kind and what is known already: a `ToolCall` its id and name, with empty arguments."""

    index: int
    block: Block


class TextDelta(msgspec.Struct, frozen=True):
    """Text of a `Text`, `Refusal` or `Thinking` block; arguments of a `ToolCall`."""

    index: int
    text: str
    logprobs: Raw = EMPTY


class Signed(msgspec.Struct, frozen=True):
    """The signature (or sealed content) of a `Thinking` or `ToolCall` block, which comes after its text."""

    index: int
    signature: str = ""
    sealed: str = ""


class BlockEnded(msgspec.Struct, frozen=True):
    index: int


class Finished(msgspec.Struct, frozen=True):
    """The end. `usage` is complete, as far as the provider tells."""

    reason: Reason
    usage: Usage = Usage()
    stop_sequence: str = ""
    service_tier: str = ""


class Failed(msgspec.Struct, frozen=True):
    """The provider ended the stream with an error. `kind` is one of Anthropic's names (`overloaded_error`...)."""

    kind: str
    message: str


Event = Started | BlockStarted | TextDelta | Signed | BlockEnded | Finished | Failed

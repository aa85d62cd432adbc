"""OpenAI chat completions on the wire: the members we read, typed; what is not named here is not read.

Shapes of the official API, and of those that speak it with words of their own: thoughts as
`reasoning_content` (DeepSeek, vLLM), `reasoning` and `reasoning_details` (OpenRouter) or as parts
(Mistral), cache marks (OpenRouter), signatures of calls (Gemini). Types only. Above: the `openai_*` readers.
"""

import msgspec

from ..core.rawjson import EMPTY, Raw
from .wire import Count, Tokens, Whole

FORMAT = "openai"


class Address(msgspec.Struct):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct):
    data: str
    format: str | None = None


class File(msgspec.Struct):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Thought(msgspec.Struct):
    text: str | None = None


class Part(msgspec.Struct):
    """One part of a message's content, of whatever type."""

    type: str = "text"
    text: str | None = None
    refusal: str | None = None
    image_url: Address | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    video_url: Address | str | None = None
    thinking: list[Thought] | str | None = None
    cache_control: Raw = EMPTY
    prompt_cache_breakpoint: Raw = EMPTY


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    """A call of a tool: whole, or what a chunk adds to the one at `index`."""

    id: str | None = None
    type: str | None = None
    index: Count | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Raw = EMPTY


class Detail(msgspec.Struct):
    """A piece of reasoning as OpenRouter writes it."""

    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    id: str | None = None
    format: str | None = None
    index: Whole | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    audio: Raw = EMPTY
    function_call: Raw = EMPTY
    cache_control: Raw = EMPTY


class FunctionDefinition(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: Raw = EMPTY
    strict: bool | None = None


class CustomDefinition(msgspec.Struct):
    name: str
    description: str | None = None
    format: Raw = EMPTY


class Tool(msgspec.Struct):
    type: str = "function"
    function: FunctionDefinition | None = None
    custom: CustomDefinition | None = None
    cache_control: Raw = EMPTY


class Named(msgspec.Struct):
    name: str


class AllowedTools(msgspec.Struct):
    mode: str = "auto"


class ToolChoice(msgspec.Struct):
    type: str = ""
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct):
    name: str = ""
    description: str | None = None
    schema: Raw = EMPTY
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Effort(msgspec.Struct):
    """`reasoning` as OpenRouter takes it."""

    effort: str | None = None
    max_tokens: Count | None = None
    exclude: bool | None = None
    enabled: bool | None = None


class Thinking(msgspec.Struct):
    """`thinking` as DeepSeek takes it."""

    type: str = ""
    budget_tokens: Count | None = None


class Request(msgspec.Struct):
    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: Whole | None = None
    stop: str | list[str] | None = None
    seed: Whole | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: Count | None = None
    n: Count | None = None
    reasoning_effort: str | None = None
    reasoning: Effort | None = None
    thinking: Thinking | None = None
    response_format: ResponseFormat | None = None
    verbosity: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    metadata: Raw = EMPTY
    store: bool | None = None
    functions: Raw = EMPTY
    function_call: Raw = EMPTY


class PromptDetails(msgspec.Struct):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    cache_creation_tokens: Tokens | None = None


class CompletionDetails(msgspec.Struct):
    reasoning_tokens: Tokens | None = None


class Usage(msgspec.Struct):
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Tokens | None = None
    """As DeepSeek says it."""


class Logprobs(msgspec.Struct):
    content: Raw = EMPTY


class Audio(msgspec.Struct):
    transcript: str | None = None


class Answer(msgspec.Struct):
    """The message of an answer; what a chunk adds to it."""

    content: str | list[Part] | None = None
    refusal: str | None = None
    tool_calls: list[Call] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None
    annotations: Raw = EMPTY
    audio: Audio | None = None


class Choice(msgspec.Struct):
    index: Whole = 0
    finish_reason: str | None = None
    message: Answer | None = None
    delta: Answer | None = None
    logprobs: Logprobs | None = None


class Response(msgspec.Struct):
    """A whole answer, or one chunk of a streamed one."""

    id: str | None = None
    model: str | None = None
    created: Tokens | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    error: Raw = EMPTY


requests = msgspec.json.Decoder(Request)
responses = msgspec.json.Decoder(Response)

"""The values that travel through the LLM part: what was asked, what a route decides, how an attempt failed.

Plain data, no I/O, no wire. Above: every module of this part. Below: `core`.
"""

from typing import Literal

import msgspec

from ..core.call import Header
from ..core.rawjson import Raw

Format = Literal["openai", "responses", "anthropic", "gemini", "bedrock"]
"""A chat format: OpenAI chat completions, OpenAI Responses, Anthropic Messages, Gemini, Bedrock Converse."""

Operation = Literal["chat", "generate_content", "embeddings", "count_tokens", "models"]
"""Operation names of the GenAI conventions, as far as they have one."""

OPERATIONS: frozenset[str] = frozenset({"chat", "generate_content", "embeddings", "count_tokens", "models"})


class Asked(msgspec.Struct, frozen=True):
    """One request of a client, as it came."""

    format: Format
    operation: Operation
    model: str = ""
    """As the client wrote it; empty if it named none (below a route's path it need not)."""
    stream: bool = False
    array: bool = False
    """Gemini without `alt=sse`: the stream is a JSON array."""
    wants_usage: bool = True
    """Whether the client expects usage in its stream (OpenAI chat: `stream_options.include_usage`)."""
    max_tokens: int | None = None
    body: bytes = b""
    """Every byte as it came."""
    members: dict[str, Raw] = {}
    """The body's members, raw."""
    query: str = ""
    """The query string without a key."""


class Model(msgspec.Struct, frozen=True):
    """A model of a provider: what may be said of it in the manifest. `None`: not said."""

    context: int | None = None
    """Tokens that fit in."""
    max_output: int | None = None
    tools: bool | None = None
    images: bool | None = None
    reasoning: bool | None = None
    structured: bool | None = None
    """Whether an answer can be made to match a schema."""
    cache: bool | None = None
    """Whether its provider keeps prompts, so that a conversation is cheaper where it was before."""
    input_price: float | None = None
    """US dollars per million tokens; so are the others."""
    output_price: float | None = None
    cache_read_price: float | None = None
    cache_write_price: float | None = None


class Failure(msgspec.Struct, frozen=True):
    """Why one attempt at one target failed. `sort` is what a target's `on` is matched against."""

    sort: Literal["status", "timeout", "refused", "invalid", "client", "unfit", "busy"]
    """`status`: the provider answered an error; `timeout`, `refused` (no connection, or it broke before an answer
    began); `invalid` (no usable answer, or one that was cut); `client`: any provider would refuse this request;
    `unfit`: this one cannot be asked for it;
    `busy`: the gateway's own limit for the provider."""
    kind: str
    """As Anthropic names kinds of errors: `rate_limit_error`, `overloaded_error`, `api_error`..."""
    status: int
    """For the client."""
    message: str
    provider_status: int = 0
    retry_after: float | None = None
    """Seconds."""
    headers: tuple[Header, ...] = ()
    """Of the provider's answer, as far as clients may see them."""
    body: bytes = b""
    """The provider's error body, if clients may see it as it is; empty otherwise."""
    skipped: str = ""
    """Why it was not even asked, if so."""

    @property
    def reason(self) -> str:
        """One word for the log and metric labels."""
        return str(self.provider_status) if self.provider_status else self.sort


class Target(msgspec.Struct, frozen=True):
    """Where a request can go: a provider of the manifest by name, the model there, and when to fall to it."""

    provider: str
    model: str = ""
    """Empty: the model that the client named."""
    on: tuple[str, ...] = ()
    """`429`, `5xx`, `timeout`, `refused`, `all_failed`; empty: whenever another provider may help."""
    weight: int = 1
    first_byte_timeout: float | None = None

    @property
    def label(self) -> str:
        return f"{self.provider}/{self.model}" if self.model else self.provider


class Decision(msgspec.Struct, frozen=True):
    """Where a request is to go: the first target, then those to fall back to, in this order."""

    targets: tuple[Target, ...]
    reason: str
    """A few words for `x-fedgate-reason` and the log."""
    route: str = ""
    """The route that was decided in the end, if a rule led to another one."""
    first: str = ""
    """Why the first target is that; said as long as it is the one that answers."""
    conversation: str = ""
    """What the request is a turn of, if that is known."""

"""The `models.providers` section: who serves models, at which address, with which key.

Values only. What may hold a credential is left out of `repr`. Above: `settings`; below: `presets`.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..core.apart import Apart
from ..core.auth_settings import UpstreamAuth, auth_field
from ..core.header_settings import Headers
from ..core.values import Duration, Refusal, Section, Url, refuse_all, written
from .presets import PRESETS, Preset

Type = Literal[
    "openai", "anthropic", "gemini", "vertex", "bedrock", "azure", "ollama", "vllm", "lmstudio", "llamacpp", "groq",
    "mistral", "deepseek", "xai", "openrouter", "together", "fireworks", "cerebras", "perplexity", "deepinfra",
    "huggingface", "cohere",
]  # fmt: skip


def _credential(text: str) -> str:
    if not re.fullmatch("[!-~]*", text):
        raise refuse_all([Refusal("must be visible ASCII without spaces", "it is sent in a header")])
    return text


Credential = Annotated[str, AfterValidator(_credential)]
Price = Annotated[float, Field(ge=0, le=1_000_000)]


class Prices(Section):
    """US dollars per million tokens."""

    input: Price = Field(description="Of what the model reads.")
    output: Price = Field(description="Of what the model writes.")
    cache_read: Price | None = Field(default=None, description="Of what it reads from the provider's cache.")
    cache_write: Price | None = Field(default=None, description="Of what it puts into the provider's cache.")


class ModelSettings(Section):
    """What is known of one model; what is not said comes from the built-in catalog."""

    context: int | None = Field(default=None, ge=1, description="Tokens that fit in.")
    max_output: int | None = Field(default=None, ge=1, description="Tokens that it can write.")
    tools: bool | None = Field(default=None, description="Whether it calls tools.")
    images: bool | None = Field(default=None, description="Whether it sees images.")
    reasoning: bool | None = Field(default=None, description="Whether it can think.")
    structured_output: bool | None = Field(
        default=None, description="Whether its answers can be made to match a schema."
    )
    prompt_cache: bool | None = Field(default=None, description="Whether its provider keeps prompts in a cache.")
    prices: Prices | None = Field(default=None, description="What it costs, if the built-in prices do not apply.")


class ProviderSettings(Section):
    """One provider of models."""

    type: Type = Field(
        description="openai is anything that speaks OpenAI's API at base_url; the others know their addresses."
    )
    base_url: Url | None = Field(
        default=None, repr=False, description="Its address; with openai it ends in /v1, with anthropic and gemini not."
    )
    api_key: Credential | None = Field(default=None, repr=False, description="The key that the gateway sends.")
    access_key_id: Credential | None = Field(default=None, repr=False, description="bedrock: of AWS.")
    secret_access_key: Credential | None = Field(default=None, repr=False, description="bedrock: of AWS.")
    session_token: Credential | None = Field(default=None, repr=False, description="bedrock: of temporary credentials.")
    region: Annotated[str, Field(pattern="^[a-z0-9-]{1,64}$")] | None = Field(
        default=None, description="bedrock: such as us-east-1."
    )
    project: Annotated[str, Field(pattern="^[a-z0-9.:-]{1,64}$")] | None = Field(
        default=None, description="vertex: the project's id."
    )
    location: Annotated[str, Field(pattern="^[a-z0-9-]{1,64}$")] = Field(
        default="global", description="vertex: such as europe-west4."
    )
    api_version: Annotated[str, Field(pattern="^[A-Za-z0-9.-]{1,64}$")] | None = Field(
        default=None, description="azure: of the API by deployments; without it, the v1 API is spoken."
    )
    headers: Headers = Field(default={}, repr=False, description="Headers sent with each request.")
    auth: Apart[UpstreamAuth | None] = auth_field()
    formats: tuple[Literal["openai", "responses", "anthropic", "gemini"], ...] | None = Field(
        default=None, description="Formats that it speaks itself; what it does not speak is translated."
    )
    models: dict[Annotated[str, Field(min_length=1, max_length=256)], ModelSettings] = Field(
        default={}, description="Capabilities and prices of its models, by name."
    )
    timeout: Duration = Field(
        default=600.0,
        json_schema_extra=written("10m"),
        description="How long one request may take, with its answer.",
    )
    first_byte_timeout: Duration = Field(
        default=60.0,
        json_schema_extra=written("60s"),
        description="How long a stream may take to begin. Answers that do not stream come at once when they are "
        "complete: they have the timeout, unless this is said.",
    )
    idle_timeout: Duration = Field(
        default=60.0, json_schema_extra=written("60s"), description="How long an answer may stand still."
    )
    max_concurrent: int = Field(
        default=512, ge=1, le=100_000, description="Requests to it at a time; more go to the next target."
    )
    stream_usage: bool | None = Field(
        default=None, description="Whether it may be asked for usage in streams (stream_options)."
    )

    @property
    def preset(self) -> Preset:
        return PRESETS[self.type]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        found = list(_lacks(self))
        if found:
            raise refuse_all(found)
        return self


_ONLY = {
    "access_key_id": "bedrock",
    "secret_access_key": "bedrock",
    "session_token": "bedrock",
    "region": "bedrock",
    "project": "vertex",
    "location": "vertex",
    "api_version": "azure",
}


def _lacks(provider: ProviderSettings) -> list[Refusal]:
    """What a provider of this type needs and does not have, or has and cannot use."""
    found = [
        Refusal(f"means nothing to a provider of type {provider.type}", f"it is for type {only}", (key,))
        for key, only in _ONLY.items()
        if key in provider.model_fields_set and provider.type != only
    ]
    if provider.type == "azure" and provider.base_url is None:
        found.append(Refusal("needs base_url", "write https://NAME.openai.azure.com/openai/v1"))
    if provider.type == "vertex" and provider.project is None and provider.base_url is None:
        found.append(Refusal("needs project", "write the id of the project that is billed"))
    if provider.type == "bedrock":
        found += _lacks_aws(provider)
    if provider.base_url is not None and "?" in provider.base_url:
        found.append(Refusal("must not carry a query", "leave it out", ("base_url",)))
    return found


def _lacks_aws(provider: ProviderSettings) -> list[Refusal]:
    found = []
    if provider.region is None:
        found.append(Refusal("needs region", "write for example us-east-1"))
    if (provider.access_key_id is None) != (provider.secret_access_key is None):
        found.append(Refusal("needs both access_key_id and secret_access_key", "or api_key instead of them"))
    if provider.api_key is not None and provider.access_key_id is not None:
        found.append(Refusal("has both api_key and access_key_id", "keep one of them"))
    return found

"""What is known of providers by name: where they are, how they take a key, which formats they speak.

A table, nothing else. A manifest may override every entry. Above: `provider_settings` and `providers`.
"""

from typing import Literal

import msgspec

from .values import Format

Kind = Literal["openai", "anthropic", "gemini", "vertex", "bedrock"]
"""How a provider is spoken to; each has a module of its own."""
Dialect = Literal["openai", "compatible", "openrouter", "vllm"]
"""How an OpenAI-compatible server departs from OpenAI (`openai_dialect`)."""
Auth = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "aws"]

CHAT: tuple[Format, ...] = ("openai",)
BOTH: tuple[Format, ...] = ("openai", "responses")


class Preset(msgspec.Struct, frozen=True):
    kind: Kind
    base_url: str = ""
    """Empty: the manifest has to say it, or it follows from other keys."""
    formats: tuple[Format, ...] = CHAT
    auth: Auth = "bearer"
    name: str = ""
    """`gen_ai.provider.name` of the GenAI conventions."""
    stream_usage: bool = True
    """Whether `stream_options` may be sent to ask for usage in a stream."""
    dialect: Dialect = "compatible"


PRESETS: dict[str, Preset] = {
    "openai": Preset("openai", "https://api.openai.com/v1", BOTH, name="openai", dialect="openai"),
    "anthropic": Preset("anthropic", "https://api.anthropic.com", ("anthropic",), "x-api-key", "anthropic"),
    "gemini": Preset(
        "gemini", "https://generativelanguage.googleapis.com", ("gemini",), "x-goog-api-key", "gcp.gemini"
    ),
    "vertex": Preset("vertex", "", ("gemini",), "bearer", "gcp.vertex_ai"),
    "bedrock": Preset("bedrock", "", ("bedrock",), "aws", "aws.bedrock"),
    "azure": Preset("openai", "", BOTH, "api-key", "azure.ai.openai", dialect="openai"),
    "ollama": Preset("openai", "http://127.0.0.1:11434/v1", name="ollama"),
    "vllm": Preset("openai", "http://127.0.0.1:8000/v1", name="vllm", dialect="vllm"),
    "lmstudio": Preset("openai", "http://127.0.0.1:1234/v1", name="lmstudio"),
    "llamacpp": Preset("openai", "http://127.0.0.1:8080/v1", name="llamacpp"),
    "groq": Preset("openai", "https://api.groq.com/openai/v1", name="groq"),
    "mistral": Preset("openai", "https://api.mistral.ai/v1", name="mistral_ai", stream_usage=False),
    "deepseek": Preset("openai", "https://api.deepseek.com/v1", name="deepseek"),
    "xai": Preset("openai", "https://api.x.ai/v1", BOTH, name="x_ai"),
    "openrouter": Preset("openai", "https://openrouter.ai/api/v1", name="openrouter", dialect="openrouter"),
    "together": Preset("openai", "https://api.together.xyz/v1", name="together"),
    "fireworks": Preset("openai", "https://api.fireworks.ai/inference/v1", name="fireworks"),
    "cerebras": Preset("openai", "https://api.cerebras.ai/v1", name="cerebras"),
    "perplexity": Preset("openai", "https://api.perplexity.ai", name="perplexity", stream_usage=False),
    "deepinfra": Preset("openai", "https://api.deepinfra.com/v1/openai", name="deepinfra"),
    "huggingface": Preset("openai", "https://router.huggingface.co/v1", name="huggingface"),
    "cohere": Preset("openai", "https://api.cohere.ai/compatibility/v1", name="cohere"),
}
"""By the manifest's `type`."""

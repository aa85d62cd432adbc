"""What is known of models by the beginnings of their names: a table, nothing else. A manifest may override all of it.

Only what makers say of their models stands here, and nothing of what a provider makes of them. Where a model's
makers say nothing, or different things of different sizes, nothing is said: it is taken for able. More special names
come first. Above: `capabilities`.
"""

from .values import Model

TEXT = Model(images=False)
"""It reads text alone; the rest depends on who serves it."""


def _model(context: int, output: int, *, images: bool = True, reasoning: bool = False, cache: bool = True) -> Model:
    """A model that calls tools and keeps to schemas, as all current ones do."""
    return Model(context, output, True, images, reasoning, True, cache)


_CLAUDE_5 = _model(1_000_000, 128_000, reasoning=True)
_CLAUDE_4 = _model(200_000, 64_000, reasoning=True)
_OPUS_4 = _model(200_000, 32_000, reasoning=True)
_GPT_5 = _model(400_000, 128_000, reasoning=True)
_GPT_54 = _model(1_050_000, 128_000, reasoning=True)
_CHAT = _model(128_000, 16_384)
_O = _model(200_000, 100_000, reasoning=True)
_GEMINI = _model(1_048_576, 65_536, reasoning=True)

CATALOG: tuple[tuple[str, Model], ...] = (
    # Anthropic. Sonnet 4 and 4.5 have a million tokens with a beta header, so less must not be taken for certain.
    ("claude-fable-", _CLAUDE_5),
    ("claude-mythos-", _CLAUDE_5),
    ("claude-opus-4-0", _OPUS_4),
    ("claude-opus-4-1", _OPUS_4),
    ("claude-opus-4-20", _OPUS_4),
    ("claude-opus-4@", _OPUS_4),
    ("claude-opus-4-5", _CLAUDE_4),
    ("claude-opus-", _CLAUDE_5),
    ("claude-sonnet-4-6", _model(1_000_000, 64_000, reasoning=True)),
    ("claude-sonnet-4", _model(1_000_000, 64_000, reasoning=True)),
    ("claude-sonnet-", _CLAUDE_5),
    ("claude-haiku-4", _CLAUDE_4),
    ("claude-3-7-sonnet", _CLAUDE_4),
    ("claude-3-5-", _model(200_000, 8_192)),
    ("claude-3-", _model(200_000, 4_096)),
    # OpenAI
    ("gpt-5-chat", _CHAT),
    ("gpt-5.1-chat", _CHAT),
    ("gpt-5.2-chat", _CHAT),
    ("gpt-5.3-chat", _CHAT),
    ("gpt-5.4-mini", _GPT_5),
    ("gpt-5.4-nano", _GPT_5),
    ("gpt-5.6-luna", _GPT_5),
    ("gpt-5.4", _GPT_54),
    ("gpt-5.5", _GPT_54),
    ("gpt-5.6", _GPT_54),
    ("gpt-5", _GPT_5),
    ("gpt-4.1", _model(1_047_576, 32_768)),
    ("gpt-4.5", _CHAT),
    ("gpt-4o-audio", Model(128_000, 16_384, True, False)),
    ("gpt-4o", _CHAT),
    ("gpt-4-turbo", Model(128_000, 4_096, True, True, False, False)),
    ("gpt-4-vision", Model(128_000, 4_096, images=True)),
    ("gpt-4-32k", Model(32_768, images=False, reasoning=False, structured=False)),
    ("gpt-4-1106", Model(128_000, 4_096, True, False, False, False)),
    ("gpt-4-0125", Model(128_000, 4_096, True, False, False, False)),
    ("gpt-4", Model(8_192, 8_192, images=False, reasoning=False, structured=False)),
    ("gpt-3.5-turbo", Model(16_385, 4_096, images=False, reasoning=False, structured=False)),
    ("gpt-oss-", Model(131_072, 131_072, True, False, True)),
    ("o1-mini", Model(128_000, 65_536, False, False, True, False)),
    ("o1", _O),
    ("o3-mini", _model(200_000, 100_000, images=False, reasoning=True)),
    ("o3", _O),
    ("o4-mini", _O),
    # Google
    ("gemini-2.0-", _model(1_048_576, 8_192)),
    ("gemini-1.5-pro", _model(2_097_152, 8_192)),
    ("gemini-1.5-", _model(1_048_576, 8_192)),
    ("gemini-2.5-flash-image", Model(images=True)),
    ("gemini-2.5-", _GEMINI),
    ("gemini-3", _GEMINI),
    ("gemini-pro-latest", _GEMINI),
    ("gemini-flash-", _GEMINI),
    # Others
    ("deepseek-chat", Model(131_072, 8_192, True, False, False, cache=True)),
    ("deepseek-reasoner", Model(131_072, 65_536, images=False, reasoning=True, cache=True)),
    ("deepseek-v4", Model(1_000_000, tools=True, reasoning=True, cache=True)),
    ("deepseek-r1", Model(131_072, images=False, reasoning=True)),
    ("deepseek-v3", Model(131_072, tools=True, images=False)),
    ("deepseek-coder", TEXT),
    ("grok-4.20", _model(1_000_000, 1_000_000)),
    ("grok-4.3", _model(1_000_000, 1_000_000, reasoning=True)),
    ("grok-4.5", _model(500_000, 500_000, reasoning=True)),
    ("grok-4-fast", _model(2_000_000, 2_000_000)),
    ("grok-4", _model(256_000, 256_000, reasoning=True)),
    ("grok-code", Model(256_000, tools=True, reasoning=True)),
    ("grok-3", Model(131_072, tools=True, images=False)),
    ("mistral-large", Model(tools=True, structured=True)),
    ("mistral-7b", Model(32_768, images=False, reasoning=False)),
    ("mixtral-", Model(images=False, reasoning=False)),
    ("codestral", TEXT),
    ("devstral", Model(tools=True)),
    ("llama-3.2-11b", Model(131_072, images=True)),
    ("llama-3.2-90b", Model(131_072, images=True)),
    ("llama-3.1-nemotron-nano-vl", Model(images=True)),
    ("llama-3", TEXT),
    ("llama3.2-vision", Model(131_072, images=True)),
    ("llama3-2-11b", Model(131_072, images=True)),
    ("llama3-2-90b", Model(131_072, images=True)),
    ("llama3-llava", Model(images=True)),
    ("llama3", TEXT),
    ("llama2", Model(4_096, images=False, reasoning=False)),
    ("qwen2.5-coder", Model(images=False, reasoning=False)),
    ("qwen3-coder", Model(tools=True, images=False)),
    ("kimi-k2-", Model(tools=True, images=False)),
    ("minimax-m2", Model(tools=True, images=False, reasoning=True)),
)
"""Beginning of a name -> what is known."""

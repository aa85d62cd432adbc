"""How providers that speak OpenAI's chat format differ in what they take.

The default suits the official API; `COMPATIBLE` what servers take that imitate it. Values only.
Above: `openai_request` and whoever configures a provider.
"""

from typing import Literal

import msgspec


class Dialect(msgspec.Struct, frozen=True):
    max_tokens: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Where the limit stands: reasoning models of OpenAI refuse `max_tokens`, older servers know nothing else."""
    thoughts: Literal["", "reasoning_content", "reasoning", "reasoning_details"] = "reasoning_content"
    """Where the thoughts of earlier turns stand; empty: they are not sent. Text that nobody signed only,
    except in `reasoning_details`."""
    parts: bool = True
    """Whether a text may be an array of parts; else several texts are joined by an empty line."""
    cache_control: bool = False
    """Whether Anthropic's cache marks are taken (OpenRouter)."""
    top_k: bool = False
    custom_tools: bool = True
    """Whether tools may take free text; elsewhere they are functions with one string (`llm/custom_calls.py`)."""
    signatures: bool = False
    """Whether calls take Gemini's signature (`extra_content`)."""


OPENAI = Dialect()
COMPATIBLE = Dialect(max_tokens="max_tokens", parts=False, custom_tools=False)
OPENROUTER = Dialect(
    max_tokens="max_tokens", thoughts="reasoning_details", cache_control=True, top_k=True, custom_tools=False
)
VLLM = Dialect(max_tokens="max_tokens", top_k=True, custom_tools=False)
GEMINI_COMPATIBLE = Dialect(max_tokens="max_tokens", thoughts="", custom_tools=False, signatures=True)
"""Gemini behind its own imitation of this format."""

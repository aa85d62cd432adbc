"""Who watches a stream of which format. Above: `same`. Below: one module per format."""

from .marks import Watch
from .values import Format
from .watch_anthropic import AnthropicWatch
from .watch_gemini import GeminiWatch
from .watch_openai import OpenAiWatch
from .watch_responses import ResponsesWatch


def watch_for(format_: Format) -> Watch:
    """Bedrock has none: nobody speaks it to the gateway, so its streams are always translated."""
    if format_ == "openai":
        return OpenAiWatch()
    if format_ == "anthropic":
        return AnthropicWatch()
    return ResponsesWatch() if format_ == "responses" else GeminiWatch()

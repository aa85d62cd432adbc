"""Writes docs/translation.md from what the formats say of themselves: `FEATURES`, and the `CANNOT` of each.

    python -m tests.llm.translation_page

A test compares the page with what this would write. Above: `test_translation_page`.
"""

from pathlib import Path

from fedgate.llm import (
    anthropic_request,
    bedrock_request,
    gemini_request,
    openai_request,
    responses_request,
)
from fedgate.llm.features import FEATURES

PAGE = Path(__file__).parents[2] / "docs" / "translation.md"
FORMATS: dict[str, tuple[str, dict[str, str]]] = {
    "OpenAI chat": ("OpenAI chat completions, and what is compatible with them", openai_request.CANNOT),
    "Responses": ("OpenAI Responses", responses_request.CANNOT),
    "Anthropic": ("Anthropic Messages", anthropic_request.CANNOT),
    "Gemini": ("Gemini, and Vertex AI", gemini_request.CANNOT),
    "Bedrock": ("Bedrock Converse", bedrock_request.CANNOT),
}
"""Heading -> what it is, and feature -> why it cannot be carried whole."""

HEAD = """\
# What translation keeps

<!-- Written by `python -m tests.llm.translation_page` from the formats' own tables. Do not edit. -->

Where a client speaks the format of the provider, nothing is translated: bytes pass as they came, but for the name of
the model. [llm.md](llm.md) tells which client formats and providers there are.

Where they differ, requests, answers and streams are translated, and everything that both formats have is kept: system
prompts, turns, images and files, tools, calls (several at once, too) and their results, thoughts with their
signatures, schemas for the answer, stop sequences, reasons, usage with cached and reasoning tokens. This page lists
what a format has no place for, or only a narrower one. Nothing of that is lost in silence: what a request or an answer
could not carry is named, by the names of this page, in the header `x-fedgate-dropped`:

```
x-fedgate-dropped: seed, message.name
```

Answers that are streamed have sent their headers before the end is known; for them the header names what the request
lost. Members of a request that this gateway does not know are named as they stand in it.

Thoughts and signatures of a provider that a client's format has no place for ride in the place that it has (Anthropic's
`signature`, Gemini's `thoughtSignature`) and find their way back to the provider with the next turn.

## All in one table

`–`: not, or not whole; the reason stands in the format's own table below. Rows that every format carries are left out.
"""


def page() -> str:
    return "\n".join([HEAD, *_matrix(), *(line for name in FORMATS for line in _format(name))]) + "\n"


def _matrix() -> list[str]:
    columns = [cannot for _, cannot in FORMATS.values()]
    rows = [
        f"| `{feature}` | {what} | {' | '.join('–' if feature in cannot else '' for cannot in columns)} |"
        for feature, what in FEATURES.items()
        if any(feature in cannot for cannot in columns)
    ]
    return [
        f"| Name | What it is | {' | '.join(FORMATS)} |",
        f"|---|---|{':-:|' * len(FORMATS)}",
        *(row.replace("|  |", "| |").replace("|  |", "| |") for row in rows),
    ]


def _format(name: str) -> list[str]:
    what, cannot = FORMATS[name]
    told = [f"| `{feature}` | {cannot[feature]} |" for feature in FEATURES if feature in cannot]
    return ["", f"## {name}", "", f"{what}:", "", "| Name | Why |", "|---|---|", *told]


def main() -> None:
    PAGE.write_text(page())


if __name__ == "__main__":
    main()

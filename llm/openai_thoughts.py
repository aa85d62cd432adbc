"""Reasoning in OpenAI's chat format: three spellings that others gave it, read; and written in them.

`reasoning_content` and `reasoning` hold text alone. `reasoning_details` (OpenRouter) also holds
signatures and sealed content with the provider they belong to: it is written to callers whenever there
is such a thing to keep, so that a caller that sends it back keeps the chain unbroken. Pure.
Above: `openai_messages`, `openai_answer`, `openai_stream`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from .blocks import Losses
from .neutral import Thinking
from .openai_wire import Answer, Detail, Message, Part

_FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "responses": "openai-responses-v1",
    "gemini": "google-gemini-v1",
    "bedrock": "anthropic-claude-v1",
}
_NAMES = {"anthropic-claude-v1": "anthropic", "openai-responses-v1": "responses", "google-gemini-v1": "gemini"}


def format_of(detail: Detail) -> str:
    """The format of the provider that a piece belongs to."""
    return _NAMES.get(detail.format or "", "")


def detail_text(detail: Detail) -> str:
    return detail.text or detail.summary or ""


def part_text(part: Part) -> str:
    """The thoughts of a part of type `thinking` (Mistral)."""
    if isinstance(part.thinking, list):
        return "".join(each.text or "" for each in part.thinking)
    return part.thinking or ""


def read_thoughts(said: Message | Answer) -> list[Thinking]:
    """The thoughts of a whole message."""
    if said.reasoning_details:
        return _read_details(said.reasoning_details)
    text = said.reasoning_content or said.reasoning
    return [Thinking(text)] if text else []


def _read_details(details: list[Detail]) -> list[Thinking]:
    # Pieces of one index are one thought: its text, its signature, its sealed form.
    thoughts: list[Thinking] = []
    last: int | None = None
    for detail in details:
        if thoughts and detail.index is not None and detail.index == last:
            thoughts[-1] = _join(thoughts[-1], detail)
        else:
            thoughts.append(_join(Thinking(), detail))
        last = detail.index
    return thoughts


def _join(thought: Thinking, detail: Detail) -> Thinking:
    return Thinking(
        thought.text + detail_text(detail),
        thought.signature or detail.signature or "",
        thought.sealed or detail.data or "",
        thought.id or detail.id or "",
        thought.format or format_of(detail),
    )


def is_plain(thought: Thinking) -> bool:
    """Whether there is nothing but text."""
    return not (thought.signature or thought.sealed or thought.id)


def thought_details(thought: Thinking, index: int) -> list[dict[str, Any]]:
    """One thought as pieces of `reasoning_details`."""
    tail = detail_tail(thought, index)
    details: list[dict[str, Any]] = []
    if thought.text or thought.signature or not thought.sealed:
        detail = {"type": "reasoning.text", "text": thought.text, **tail}
        if thought.signature:
            detail["signature"] = thought.signature
        details.append(detail)
    if thought.sealed:
        details.append({"type": "reasoning.encrypted", "data": thought.sealed, **tail})
    return details


def detail_tail(thought: Thinking, index: int) -> dict[str, Any]:
    """What every piece of a thought says of it."""
    tail: dict[str, Any] = {"format": _FORMATS.get(thought.format, "unknown"), "index": index}
    return {"id": thought.id, **tail} if thought.id else tail


def write_thoughts(thoughts: Sequence[Thinking]) -> dict[str, Any]:
    """The members of an answer: text for everybody, details for those who send them back."""
    if not thoughts:
        return {}
    text = "".join(thought.text for thought in thoughts)
    members: dict[str, Any] = {"reasoning_content": text} if text else {}
    if len(thoughts) > 1 or not all(map(is_plain, thoughts)):
        members["reasoning_details"] = _write_details(thoughts)
    return members


def _write_details(thoughts: Iterable[Thinking]) -> list[dict[str, Any]]:
    return [detail for index, thought in enumerate(thoughts) for detail in thought_details(thought, index)]


def write_earlier(thoughts: Iterable[Thinking], member: str, losses: Losses) -> dict[str, Any]:
    """The members of an earlier turn, in a request: as the provider takes them (`Dialect.thoughts`)."""
    kept = list(thoughts)
    if member == "reasoning_details":
        return {member: _write_details(kept)} if kept else {}
    if member:
        # Signed and sealed thoughts are another provider's, whose model is not the one that is asked.
        own = [thought for thought in kept if is_plain(thought)]
        losses.note("blocks.merged", len(own) > 1)
        losses.note("thinking", len(own) < len(kept))
        return {member: "".join(thought.text for thought in own)} if own else {}
    losses.note("thinking", kept)
    return {}

"""Neutral turns, written as messages of Anthropic's format, which is strict about their order.

User and assistant alternate, the user begins, results of tools stand first in the turn after their
calls. Neighbours are merged, nothing else changes its place. A system prompt in mid-conversation keeps
its role where the model takes it, and is the user's text elsewhere. Pure. Above: `anthropic_request`.
"""

from collections.abc import Sequence
from typing import Any

from .anthropic_blocks import (
    Wire,
    shorten,
    write_call,
    write_image,
    write_own_thinking,
    write_result,
    write_text,
)
from .anthropic_wire import FORMAT
from .blocks import Losses
from .neutral import Block, Foreign, Media, Message, Refusal, Request, Text, Thinking, ToolCall, ToolResult

OPENING = "."
"""What the user says before a conversation that the model opens: something must stand there, and nothing says less."""


def write_system(blocks: Sequence[Block], losses: Losses) -> str | list[Any]:
    kept = [block for block in blocks if isinstance(block, Text)]
    losses.note("system.media", len(kept) < len(blocks))
    return shorten([written for block in kept if (written := write_text(block, losses)) is not None])


def write_messages(request: Request, inline_system: bool, losses: Losses) -> list[Wire]:
    turns: list[Wire] = []
    for number, message in enumerate(request.messages):
        losses.note("message.name", message.name)
        role = _role(message, turns, request.messages[number + 1 :], inline_system)
        losses.note("system.inline", message.role == "system" and role != "system")
        content = _write_blocks(message.content, role, losses)
        if not content:
            losses.note("message.empty", not message.content)
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        else:
            turns.append({"role": role, "content": content})
    if not turns or turns[0]["role"] != "user":
        losses.add("message.first")
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
    for turn in turns:
        turn["content"] = shorten(_results_first(turn["content"], losses))
    return turns


def _role(message: Message, before: list[Wire], after: Sequence[Message], inline_system: bool) -> str:
    if message.role != "system":
        return message.role
    following = next((each.role for each in after if each.role != "system"), "assistant")
    placed = before and before[-1]["role"] in ("user", "system") and following == "assistant"
    return "system" if inline_system and placed else "user"


def _results_first(content: list[Any], losses: Losses) -> list[Any]:
    results = [block for block in content if isinstance(block, dict) and block["type"] == "tool_result"]
    if not results or content[: len(results)] == results:
        return content
    losses.add("blocks.order")
    return results + [block for block in content if block not in results]


def _write_blocks(blocks: Sequence[Block], role: str, losses: Losses) -> list[Any]:
    written = (_write_block(block, role, losses) for block in blocks)
    return [each for each in written if each is not None]


def _write_block(block: Block, role: str, losses: Losses) -> Any:
    if isinstance(block, Text):
        return write_text(block, losses)
    if isinstance(block, ToolCall):
        losses.note("tool_call.signature", block.signature)
        return write_call(block, losses)
    if isinstance(block, ToolResult):
        return write_result(block, losses)
    if isinstance(block, Thinking):
        written = write_own_thinking(block)
        losses.note("thinking", written is None)
        return written
    if isinstance(block, Media):
        if role == "user":
            return write_image(block, losses)
        losses.add("system.media" if role == "system" else "assistant.media")
        return None
    if isinstance(block, Refusal):
        losses.add("refusal")
        return write_text(Text(block.text), losses)
    return _write_foreign(block, losses)


def _write_foreign(block: Foreign, losses: Losses) -> Any:
    if block.format == FORMAT:
        return block.raw
    losses.add("foreign")
    return None


def waits_for_thoughts(messages: Sequence[Message]) -> bool:
    """Whether the model is in the middle of a turn with tools that holds no thought it could take up.

    With a budget of thoughts, such a turn must begin with a thought, which another model did not sign.
    """
    for message in reversed(messages):
        if message.role == "assistant":
            thoughts = (block for block in message.content if isinstance(block, Thinking))
            return any(isinstance(block, ToolCall) for block in message.content) and not any(
                write_own_thinking(thought) for thought in thoughts
            )
        if message.role == "user" and not any(isinstance(block, ToolResult) for block in message.content):
            return False
    return False

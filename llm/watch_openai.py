"""Events of OpenAI chat completions, as far as the gateway needs them. Pure. Above: `watch`. Below: `marks`."""

import msgspec

from ..core.rawjson import EMPTY, Raw
from .marks import CONTENT, END, ERROR, NOTHING, PREAMBLE, THOUGHT, Mark, decode
from .usage import Told, error_of, name_of, usage_of


class _Delta(msgspec.Struct, gc=False):
    content: Raw = EMPTY
    refusal: Raw = EMPTY
    tool_calls: Raw = EMPTY
    function_call: Raw = EMPTY
    audio: Raw = EMPTY
    reasoning_content: Raw = EMPTY
    reasoning: Raw = EMPTY

    def mark(self) -> Mark:
        for raw in (self.content, self.tool_calls, self.refusal, self.function_call, self.audio):
            if bytes(raw) not in NOTHING:
                return CONTENT
        thought = bytes(self.reasoning_content) not in NOTHING or bytes(self.reasoning) not in NOTHING
        return THOUGHT if thought else PREAMBLE


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: int = 0


class _Chunk(msgspec.Struct, gc=False):
    choices: list[_Choice] | None = None
    model: Raw = EMPTY
    usage: Raw = EMPTY
    error: Raw = EMPTY


_chunk = msgspec.json.Decoder(_Chunk)
MAX_CHOICES = 1024
"""Choices that are told apart."""


class OpenAiWatch:
    """Chat completions. Not every server ends with `[DONE]`: a finish reason is an end as well.

    `only_usage`: the last event brought usage and nothing else, as `include_usage` asks for.
    """

    def __init__(self) -> None:
        self.told = Told()
        self.ended = False
        self.only_usage = False
        self._open: set[int] = set()
        self._finished = False

    def see(self, data: bytes, _name: bytes, /) -> Mark:
        self.only_usage = False
        if data == b"[DONE]":
            self.ended = True
            return END
        chunk = decode(_chunk, data)
        if chunk is None:
            return CONTENT
        if chunk.error is not EMPTY and bytes(chunk.error) not in NOTHING:
            self.told.error = error_of(chunk.error)
            return ERROR
        told = self.told
        if not told.model:
            told.model = name_of(chunk.model)
        if chunk.usage is not EMPTY and bytes(chunk.usage) not in NOTHING:
            told.usage = usage_of("openai", chunk.usage, told.usage)
            self.only_usage = not chunk.choices
        mark = PREAMBLE
        for choice in chunk.choices or ():
            if choice.delta is not None and (found := choice.delta.mark()) > mark:
                mark = found
            if choice.finish_reason is not None or choice.index not in self._open:
                self._note(choice)
        return max(mark, CONTENT) if self.ended else mark

    def _note(self, choice: _Choice) -> None:
        """The answer is complete when every choice that was seen has its finish reason."""
        if choice.finish_reason is not None:
            self._open.discard(choice.index)
            self._finished = True
        elif len(self._open) < MAX_CHOICES:
            self._open.add(choice.index)
        self.ended = self._finished and not self._open

"""Chunks of Gemini's streams, as far as the gateway needs them. Pure. Above: `watch`. Below: `marks`."""

import msgspec

from ..core.rawjson import EMPTY, Raw
from .marks import CONTENT, ERROR, NOTHING, PREAMBLE, THOUGHT, Mark, decode
from .usage import Told, error_of, name_of, usage_of


class _Part(msgspec.Struct, gc=False):
    text: Raw = EMPTY
    thought: bool | None = None


class _Content(msgspec.Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct, gc=False):
    content: _Content | None = None
    finishReason: str | None = None  # noqa: N815


class _GeminiChunk(msgspec.Struct, gc=False):
    candidates: list[_Candidate] | None = None
    modelVersion: Raw = EMPTY  # noqa: N815
    usageMetadata: Raw = EMPTY  # noqa: N815
    promptFeedback: Raw = EMPTY  # noqa: N815
    error: Raw = EMPTY


_gemini = msgspec.json.Decoder(_GeminiChunk)


class GeminiWatch:
    """The last chunk has a finish reason; a prompt that is refused has none, but its feedback."""

    def __init__(self) -> None:
        self.told = Told()
        self.ended = False

    def see(self, data: bytes, _name: bytes, /) -> Mark:
        chunk = decode(_gemini, data)
        if chunk is None:
            return CONTENT
        told = self.told
        if chunk.error is not EMPTY and bytes(chunk.error) not in NOTHING:
            told.error = error_of(chunk.error)
            return ERROR
        told.model = told.model or name_of(chunk.modelVersion)
        told.usage = usage_of("gemini", chunk.usageMetadata, told.usage)
        mark = PREAMBLE
        for candidate in chunk.candidates or ():
            for part in (candidate.content.parts if candidate.content else None) or ():
                if not part.thought and bytes(part.text) != b'""':
                    mark = CONTENT
                elif mark is PREAMBLE:
                    mark = THOUGHT
            self.ended = self.ended or candidate.finishReason is not None
        self.ended = self.ended or b"blockReason" in bytes(chunk.promptFeedback)
        return CONTENT if self.ended else mark

"""Events of Anthropic Messages, as far as the gateway needs them. Pure. Above: `watch`. Below: `marks`."""

import msgspec

from ..core.rawjson import EMPTY, Raw
from .marks import Mark, Typed, decode
from .usage import Told, error_of, name_of, usage_of


class _AnthropicEvent(msgspec.Struct, gc=False):
    type: str = ""
    delta: Typed | None = None
    content_block: Typed | None = None
    message: Raw = EMPTY
    usage: Raw = EMPTY
    error: Raw = EMPTY


class _AnthropicMessage(msgspec.Struct, gc=False):
    model: Raw = EMPTY
    usage: Raw = EMPTY


_anthropic = msgspec.json.Decoder(_AnthropicEvent)
_message = msgspec.json.Decoder(_AnthropicMessage)
_EMPTY_BLOCKS = {"text": Mark.PREAMBLE, "thinking": Mark.THOUGHT, "redacted_thinking": Mark.THOUGHT}
_THINKING = frozenset({"thinking_delta", "signature_delta"})
_BY_NAME = {b"content_block_delta": Mark.CONTENT, b"ping": Mark.PING, b"content_block_stop": Mark.PREAMBLE}


class AnthropicWatch:
    """Messages. Once content has come, most events need no decoding: they are named in the frame."""

    def __init__(self) -> None:
        self.told = Told()
        self.ended = False
        self._content = False

    def see(self, data: bytes, name: bytes, /) -> Mark:
        if self._content and name in _BY_NAME:
            return _BY_NAME[name]
        event = decode(_anthropic, data)
        if event is None:
            return Mark.CONTENT
        mark = self._mark(event)
        self._content = self._content or mark is Mark.CONTENT
        return mark

    def _mark(self, event: _AnthropicEvent) -> Mark:
        type_ = event.type
        if type_ == "content_block_delta":
            return Mark.THOUGHT if event.delta is not None and event.delta.type in _THINKING else Mark.CONTENT
        if type_ == "content_block_start":
            return _EMPTY_BLOCKS.get(event.content_block.type if event.content_block else "", Mark.CONTENT)
        if type_ == "message_start":
            message = decode(_message, bytes(event.message)) or _AnthropicMessage()
            self.told.model = name_of(message.model)
            self.told.usage = usage_of("anthropic", message.usage, self.told.usage)
        elif type_ == "message_delta":
            self.told.usage = usage_of("anthropic", event.usage, self.told.usage)
            return Mark.CONTENT
        elif type_ == "message_stop":
            self.ended = True
            return Mark.END
        elif type_ == "error":
            self.told.error = error_of(event.error) or ("", "")
            return Mark.ERROR
        return Mark.PING if type_ == "ping" else Mark.PREAMBLE

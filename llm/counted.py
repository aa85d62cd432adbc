"""A count of tokens that is asked of a provider in another format than the caller's. Pure.

The request is translated as if it were to be answered; what says nothing of its length is left out of what is sent.
Above: `attempt`. Below: `translated`, `gemini_count`.
"""

import msgspec

from ..core.rawjson import encode, fields
from .gemini_count import read_count, write_count, write_count_request
from .reading import answered, decode
from .translated import Translated
from .usage import Told
from .wire import Tokens, members, tokens

_COUNTED = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control"}
)
"""What Anthropic takes of a request when it counts; it refuses the rest."""


class _Count(msgspec.Struct):
    input_tokens: Tokens


_count = msgspec.json.Decoder(_Count)


class Counted(Translated):
    """Callers and providers speak Anthropic's format or Gemini's: others have no such operation."""

    def body(self) -> bytes:
        written = super().body()
        if self.format == "gemini":
            return write_count_request(written, self._model.removeprefix("models/"))
        return encode({name: value for name, value in fields(written).items() if name in _COUNTED})

    def whole(self, body: bytes) -> tuple[bytes, Told]:
        count = read_count(body) if self.format == "gemini" else answered(_read, body)
        return write_count(count) if self._asked.format == "gemini" else encode({"input_tokens": count}), Told()


def _read(body: bytes) -> int:
    members(body)
    return tokens(decode(_count, body).input_tokens) or 0

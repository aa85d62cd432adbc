"""Events of OpenAI Responses, as far as the gateway needs them. Pure. Above: `watch`. Below: `marks`."""

import msgspec

from ..core.rawjson import EMPTY, Raw
from .marks import NOTHING, Mark, Typed, decode
from .usage import Told, error_of, name_of, usage_of


class _ResponsesEvent(msgspec.Struct, gc=False):
    type: str = ""
    item: Typed | None = None
    response: Raw = EMPTY
    error: Raw = EMPTY
    code: Raw = EMPTY
    message: Raw = EMPTY


class _Response(msgspec.Struct, gc=False):
    id: Raw = EMPTY
    model: Raw = EMPTY
    usage: Raw = EMPTY
    error: Raw = EMPTY


_responses = msgspec.json.Decoder(_ResponsesEvent)
_response = msgspec.json.Decoder(_Response)
_QUIET_ITEMS = {"message": Mark.PREAMBLE, "reasoning": Mark.THOUGHT}
_RESPONSES_QUIET = frozenset({"response.queued", "response.content_part.added", "response.content_part.done"})
_RESPONSES_DELTAS = frozenset({b"response.output_text.delta", b"response.function_call_arguments.delta"})


class ResponsesWatch:
    def __init__(self) -> None:
        self.told = Told()
        self.ended = False

    def see(self, data: bytes, name: bytes, /) -> Mark:
        if name in _RESPONSES_DELTAS:
            return Mark.CONTENT
        event = decode(_responses, data)
        if event is None:
            return Mark.CONTENT
        type_ = event.type
        if type_ in ("response.created", "response.in_progress"):
            return self._of_response(event, Mark.PREAMBLE)
        if type_ in ("response.completed", "response.incomplete"):
            self.ended = True
            return self._of_response(event, Mark.END)
        if type_ == "response.failed":
            self.told.error = ("", "")
            return self._of_response(event, Mark.ERROR)
        if type_ == "error" or bytes(event.error) not in NOTHING:
            flat = msgspec.json.encode({"code": event.code or None, "message": event.message or None})
            self.told.error = error_of(event.error) or error_of(Raw(flat)) or ("", "")
            return Mark.ERROR
        if type_.startswith("response.output_item."):
            return _QUIET_ITEMS.get(event.item.type if event.item else "", Mark.CONTENT)
        if type_.startswith("response.reasoning"):
            return Mark.THOUGHT
        return Mark.PREAMBLE if type_ in _RESPONSES_QUIET or type_ == "keepalive" else Mark.CONTENT

    def _of_response(self, event: _ResponsesEvent, mark: Mark) -> Mark:
        found = decode(_response, bytes(event.response)) or _Response()
        self.told.id = name_of(found.id) or self.told.id
        self.told.model = name_of(found.model) or self.told.model
        self.told.usage = usage_of("responses", found.usage, self.told.usage)
        if mark is Mark.ERROR:
            self.told.error = error_of(found.error) or ("", "")
        return mark

"""Custom tools, which take free text, where a provider knows only functions: sent as a function with one string.

Writers send `TEXT_SCHEMA` and `arguments_of`; of the provider's answer `Customs` makes calls of
custom tools again. In a stream a call's arguments are held until they are complete, for the text
stands inside a JSON string. Pure. Above: writers of requests, and the relay. Below: `neutral`.
"""

from collections.abc import Iterable

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import Raw, encode
from .neutral import Block, BlockEnded, BlockStarted, Event, Response, TextDelta, Tool, ToolCall

TEXT_SCHEMA = Raw(
    b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}'
)
"""What stands for a custom tool's free text where there are only functions."""
MAX_TEXT = 16 * 1024 * 1024
"""Characters of one call that are held."""


def arguments_of(text: str) -> str:
    """Free text as the arguments of such a function."""
    return encode({"input": text}).decode()


def text_of(arguments: str) -> str:
    """The free text in the arguments; what they are as a whole, if they are anything else than one string."""
    try:
        members = msgspec.json.decode(arguments, type=dict[str, str])
    except (ValueError, RecursionError):
        return arguments
    return next(iter(members.values())) if len(members) == 1 else arguments


class Customs:
    """One answer to a request with `tools`: `response` for a whole one, `event` for each event of a stream."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._names = {(tool.namespace, tool.name) for tool in tools if bytes(tool.custom)}
        self._held: dict[int, list[str]] = {}
        self._size = 0

    def __bool__(self) -> bool:
        """Whether there is anything to change."""
        return bool(self._names)

    def response(self, response: Response) -> Response:
        if not self._names:
            return response
        others = tuple(self.response(each) for each in response.others)
        return msgspec.structs.replace(response, content=tuple(map(self._block, response.content)), others=others)

    def _block(self, block: Block) -> Block:
        if not isinstance(block, ToolCall) or not self._is_ours(block):
            return block
        return msgspec.structs.replace(block, arguments=text_of(block.arguments), custom=True)

    def event(self, event: Event) -> list[Event]:
        if isinstance(event, BlockStarted) and isinstance(event.block, ToolCall) and self._is_ours(event.block):
            self._held[event.index] = []
            return [BlockStarted(event.index, msgspec.structs.replace(event.block, custom=True))]
        if isinstance(event, TextDelta) and event.index in self._held:
            self._size += len(event.text)
            if self._size > MAX_TEXT:
                raise UpstreamInvalid(f"a call of a custom tool is longer than {MAX_TEXT} characters")
            self._held[event.index].append(event.text)
            return []
        if isinstance(event, BlockEnded) and event.index in self._held:
            text = text_of("".join(self._held.pop(event.index)))
            return [TextDelta(event.index, text), event]
        return [event]

    def _is_ours(self, call: ToolCall) -> bool:
        return not call.custom and (call.namespace, call.name) in self._names

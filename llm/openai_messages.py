"""The messages of OpenAI's chat format, read into neutral turns.

Leading system and developer messages are the system prompt, later ones stay where they stand.
Results of tools, one message each, become blocks of one user's turn. Pure.
Above: `openai_request` and `openai_answer`. Below: `openai_parts`, `openai_thoughts`.
"""

from collections.abc import Iterable
from functools import cached_property

import msgspec

from ..core.rawjson import Raw, fields, items
from .neutral import Block, Media, Message, Refusal, Text, ToolCall, ToolResult
from .openai_parts import RawPart, read_content
from .openai_thoughts import read_thoughts
from .openai_wire import Call
from .openai_wire import Message as WireMessage
from .wire import said, says


class _Google(msgspec.Struct, frozen=True):
    thought_signature: str = ""


class _Extra(msgspec.Struct, frozen=True):
    google: _Google = _Google()


_extras = msgspec.json.Decoder(_Extra)


class Conversation:
    """Reads the messages in order. `body` is what they were read from: parts that nobody knows are cut out of it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._results: list[Block] = []
        self.system: list[Block] = []
        self.messages: list[Message] = []
        self.unread: list[str] = []

    def read(self, messages: list[WireMessage]) -> None:
        """`ValueError` names the message that is wrong."""
        for number, message in enumerate(messages):
            where = f"messages[{number}]"
            content = read_content(message.content, f"{where}.content", self._raw(number))
            if message.role == "tool":
                self._results.append(self._result(message, content, where))
            else:
                self._end_results()
                self._add(message, content, where)
        self._end_results()

    def _add(self, message: WireMessage, content: tuple[Block, ...], where: str) -> None:
        name = message.name or ""
        if message.role == "user":
            self.messages.append(Message("user", content, name))
        elif message.role == "assistant":
            self._note("messages.audio", says(message.audio))
            self.messages.append(Message("assistant", _assistant(message, content, where), name))
        elif message.role not in ("system", "developer"):
            raise ValueError(f"{where}.role: must be system, developer, user, assistant or tool")
        elif self.messages:
            self.messages.append(Message("system", content, name))
        else:
            self.system += content
            self._note("message.name", name)

    def _result(self, message: WireMessage, content: tuple[Block, ...], where: str) -> ToolResult:
        if not message.tool_call_id:
            raise ValueError(f"{where}.tool_call_id: the id of the call that is answered is missing")
        kept = tuple(block for block in content if isinstance(block, Text | Media))
        self._note("foreign", len(kept) < len(content))
        return ToolResult(message.tool_call_id, kept, name=message.name or "", cache=said(message.cache_control))

    def _end_results(self) -> None:
        if self._results:
            self.messages.append(Message("user", tuple(self._results)))
            self._results = []

    def _note(self, name: str, there: object) -> None:
        if there:
            self.unread.append(name)

    @cached_property
    def _raws(self) -> list[Raw]:
        return items(fields(self._body)["messages"])

    def _raw(self, number: int) -> RawPart:
        return lambda part: items(fields(self._raws[number])["content"])[part]


def _assistant(message: WireMessage, content: tuple[Block, ...], where: str) -> tuple[Block, ...]:
    if says(message.function_call):
        raise ValueError(f"{where}.function_call: is no longer spoken, use tool_calls")
    blocks: list[Block] = [*read_thoughts(message), *content]
    if message.refusal:
        blocks.append(Refusal(message.refusal))
    for number, call in enumerate(message.tool_calls or ()):
        if not call.id:
            raise ValueError(f"{where}.tool_calls[{number}].id: the id of the call is missing")
        blocks.append(read_call(call, call.id, f"{where}.tool_calls[{number}]"))
    return tuple(blocks)


def read_call(call: Call, id_: str, where: str) -> ToolCall:
    """A whole call of a tool. `ValueError` if it names none."""
    if call.custom is not None:
        name, arguments = call.custom.name, call.custom.input
    elif call.function is not None:
        name, arguments = call.function.name, call.function.arguments
    else:
        raise ValueError(f"{where}.function: the function that is called is missing")
    if not name:
        raise ValueError(f"{where}.function.name: the name of the tool is missing")
    signature = call_signature(call)
    return ToolCall(id_, name, arguments or "", signature=signature, custom=call.custom is not None)


def call_signature(call: Call) -> str:
    """Gemini's thought signature, where its imitation of this format puts it."""
    if not says(call.extra_content):
        return ""
    try:
        return _extras.decode(call.extra_content).google.thought_signature
    except msgspec.ValidationError:
        return ""  # somebody else's extras


def in_order(blocks: Iterable[Block], ranks: dict[type, int]) -> bool:
    """Whether blocks stand in the order of `ranks`; those without a rank stand with the texts (1)."""
    order = [ranks.get(type(block), 1) for block in blocks]
    return order == sorted(order)

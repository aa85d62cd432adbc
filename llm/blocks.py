"""What the writers and readers of all formats share: what was lost, media, names of tools, turns.

Pure. Knows the neutral form and no format. Above: every format. Below: `llm/neutral.py`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from ..core.rawjson import value
from .neutral import BlockStarted, Event, Media, Message, Request, Response, Tool, ToolCall
from .reading import data_url as split_data_url

JOINT = "\n\n"
"""Between texts that had to become one."""
MAX_TOOL_NAME = 64
"""Characters that every provider allows a tool's name."""
_KEEP = 55
_TOOL_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_TOOL_NAME}}}")
_ODD_NAME = re.compile(r"[^A-Za-z0-9_-]")
_ODD = re.compile(r"[^A-Za-z0-9_.\-]")
MAX_LOST = 64
"""Lost features that are named; a caller can invent any number of members."""
MAX_LOST_NAME = 48
"""Characters of each."""
_MAGIC = {"iVBORw0KGgo": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
_MAGIC_FILES = {"JVBERi": "application/pdf"}
_SYNONYMS = {"image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav"}


class Written(msgspec.Struct, frozen=True):
    """What a writer made of a neutral value."""

    body: bytes
    dropped: tuple[str, ...] = ()
    """Features (`llm/features.py`) that could not be carried, and members of the caller that nobody read."""
    renamed: dict[str, Tool] = {}
    """Tools whose name had to change: the name that was sent -> the tool. `restore` takes it back."""


class Losses:
    """Collects what is lost, each name once, in the order of its first loss."""

    def __init__(self, unread: Iterable[str] = ()) -> None:
        # These are a caller's words, and shall stand in a header.
        self._names: dict[str, None] = dict.fromkeys(_ODD.sub("_", name[:MAX_LOST_NAME]) for name in unread)

    def add(self, name: str) -> None:
        self._names[name] = None

    def note(self, name: str, lost: object) -> None:
        """`name` is lost if there is anything to lose."""
        if lost:
            self._names[name] = None

    def names(self) -> tuple[str, ...]:
        return tuple(self._names)[:MAX_LOST]


# Media


Kind = Literal["image", "file", "audio", "video"]


def media_of_url(kind: Kind, url: str, *, name: str = "", detail: str = "") -> Media:
    """Media by an address, or sent along in a `data:` URL (RFC 2397, base64)."""
    said, data = split_data_url(url)
    if not data:
        return Media(kind, url=url, name=name, detail=detail)
    return Media(kind, media_type(said, data), data, name=name, detail=detail)


def data_url(media: Media) -> str:
    """Media sent along, as a `data:` URL."""
    return f"data:{media_type(media.media_type, media.data) or 'application/octet-stream'};base64,{media.data}"


def media_type(said: str, data: str) -> str:
    """The media type in its usual spelling; where none is said, what the first bytes tell."""
    said = said.lower()
    if said and said != "application/octet-stream":
        return _SYNONYMS.get(said, said)
    return next((known for magic, known in (_MAGIC | _MAGIC_FILES).items() if data.startswith(magic)), said)


def text_of_data(data: str) -> str | None:
    """The text that base64 holds, if it is UTF-8."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def data_of_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# Tools


def tool_name(tool: Tool | ToolCall) -> str:
    """The name under which formats without namespaces know a tool: as every provider takes names.

    Others are changed so that two of them never become one.
    """
    name = f"{tool.namespace}__{tool.name}" if tool.namespace else tool.name
    if _TOOL_NAME.fullmatch(name):
        return name
    return f"{_ODD_NAME.sub('_', name)[:_KEEP]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def renamed_tools(tools: Iterable[Tool]) -> dict[str, Tool]:
    """Those tools whose name `tool_name` changes: for `Written.renamed`."""
    return {sent: tool for tool in tools if (sent := tool_name(tool)) != tool.name}


def restore_call(call: ToolCall, renamed: Mapping[str, Tool]) -> ToolCall:
    """The call under the name that its caller gave the tool."""
    tool = renamed.get(call.name)
    if tool is None:
        return call
    return msgspec.structs.replace(call, name=tool.name, namespace=tool.namespace)


def restore(response: Response, renamed: Mapping[str, Tool]) -> Response:
    """A provider's answer with the caller's names of tools."""
    if not renamed:
        return response
    content = tuple(restore_call(each, renamed) if isinstance(each, ToolCall) else each for each in response.content)
    others = tuple(restore(each, renamed) for each in response.others)
    return msgspec.structs.replace(response, content=content, others=others)


def restore_event(event: Event, renamed: Mapping[str, Tool]) -> Event:
    """The same for an event of a stream."""
    if renamed and isinstance(event, BlockStarted) and isinstance(event.block, ToolCall):
        return BlockStarted(event.index, restore_call(event.block, renamed))
    return event


def made_id(*parts: object) -> str:
    """An id for a call that its provider gave none: the same for the same answer and place."""
    return "call_" + hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def short_id(id_: str, limit: int) -> str:
    """An id at most `limit` characters long; the same one for the same id."""
    return id_ if len(id_) <= limit else made_id(id_)


def is_object(text: str) -> bool:
    """Whether a text is a JSON object, whole and well formed."""
    try:
        return isinstance(value(text.encode()), dict)
    except ValueError:
        return False


# Turns


def merge_turns(messages: Iterable[Message]) -> list[Message]:
    """Neighbours of one role (and name) as one turn; nothing changes its place."""
    turns: list[Message] = []
    for message in messages:
        if turns and turns[-1].role == message.role and turns[-1].name == message.name:
            turns[-1] = Message(message.role, turns[-1].content + message.content, message.name)
        else:
            turns.append(message)
    return turns


def called_tools(request: Request) -> list[Tool]:
    """Tools that the conversation used, for a request that no longer declares any."""
    calls = (block for message in request.messages for block in message.content if isinstance(block, ToolCall))
    names = dict.fromkeys((call.namespace, call.name) for call in calls)
    return [Tool(name, namespace=namespace) for namespace, name in names]

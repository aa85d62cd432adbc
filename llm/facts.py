"""What a request is, as far as a route may want to know: read from its raw members when first asked for. Pure.

Every format says the same things in other places. What cannot be read is not there: whoever is asked will refuse it.
Above: conditions, strategies, affinity. Below: `values`, `estimate`.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec

from ..core.call import Call
from ..core.rawjson import EMPTY, Fields, Raw, fields, items, sub, text, value
from .estimate import Size, measure, tokens
from .routes import Route
from .values import Asked

MAX_TEXT = 8192
"""Characters of a text that are looked at: its beginning and its end."""
MAX_BACK = 64
"""Messages that are gone through backwards for one of the user's."""
_TURNS = ("messages", "input", "contents")
_SYSTEM = ("system", "instructions", "systemInstruction", "system_instruction")
_NOTHING = (b"", b"null", b"[]", b"{}", b'""')
_SHOWN = (
    b'"image',
    b'"input_image"',
    b'"computer_screenshot"',
    b'"inlineData"',
    b'"inline_data"',
    b'"fileData"',
    b'"file_data"',
    b"\\u00",
)
"""Without one of these there is no image in a request."""
_IMAGES = frozenset({"image", "image_url", "input_image", "computer_screenshot"})
_OTHERS = frozenset({"input", "args", "arguments", "response"})
"""Members of calls and results that hold what tools understand, whatever that looks like."""
_INLINE = ("inlineData", "inline_data", "fileData", "file_data")
_TEXTS = frozenset({"text", "input_text"})
_NO_EFFORT = frozenset({"", "none"})

_USER = (b'"user"', b'""')

Intent = Callable[[str], str | None]
"""Which class of the manifest's `intents` a text belongs to."""


def no_intent(_text: str) -> str | None:
    return None


class _Message(msgspec.Struct, gc=False):
    """What is looked at of one message. Gemini's has `parts`."""

    role: Raw = EMPTY
    content: Raw = EMPTY
    parts: Raw = EMPTY


_messages = msgspec.json.Decoder(_Message)


class Facts:
    """One request to `route`, which is what the caller's model name (or path) led to."""

    def __init__(self, call: Call, asked: Asked, route: Route, intent: Intent = no_intent) -> None:
        self.call = call
        self.asked = asked
        self.route = route
        self.owner = call.principal.owner
        """Of what the request leads to in the session table."""
        self._intent = intent

    def __repr__(self) -> str:
        return f"<Facts of {self.call!r}>"

    @cached_property
    def max_tokens(self) -> int | None:
        if self.asked.format != "gemini":
            return self.asked.max_tokens
        digits = bytes(self._generation.get("maxOutputTokens", b""))
        return int(digits) if digits.isdigit() and len(digits) <= 15 else None

    @cached_property
    def has_tools(self) -> bool:
        return any(self._says(key) for key in ("tools", "functions"))

    @cached_property
    def has_images(self) -> bool:
        for key in _TURNS:
            member = bytes(self.asked.members.get(key, b""))
            if any(mark in member for mark in _SHOWN) and _shows_images(member):
                return True
        return False

    @cached_property
    def wants_reasoning(self) -> bool:
        """Whether the caller asks the model to think; not whether it may."""
        members = self.asked.members
        match self.asked.format:
            case "anthropic":
                return text(sub(members, "thinking").get("type")) in ("enabled", "adaptive")
            case "gemini":
                thinking = sub(self._generation, "thinkingConfig")
                return bool(thinking) and bytes(thinking.get("thinkingBudget", b"")) != b"0"
            case "responses":
                return (text(sub(members, "reasoning").get("effort")) or "") not in _NO_EFFORT
            case _:
                return (text(members.get("reasoning_effort")) or "") not in _NO_EFFORT

    @cached_property
    def wants_schema(self) -> bool:
        """Whether the answer has to match a schema."""
        members = self.asked.members
        match self.asked.format:
            case "anthropic":
                return bool(sub(members, "output_format") or sub(sub(members, "output_config"), "format"))
            case "gemini":
                return any(key in self._generation for key in ("responseSchema", "responseJsonSchema"))
            case "responses":
                return text(sub(sub(members, "text"), "format").get("type")) == "json_schema"
            case _:
                return text(sub(members, "response_format").get("type")) == "json_schema"

    @cached_property
    def size(self) -> Size:
        return measure(self.asked)

    @cached_property
    def estimated_tokens(self) -> int:
        """By the name that the caller uses; a target may count otherwise."""
        return tokens(self.size, self.asked.model)

    @cached_property
    def intent(self) -> str | None:
        return self._intent(self.last_text)

    @cached_property
    def last_text(self) -> str:
        """What the user said last, shortened in the middle."""
        for turn in self._turns()[: -MAX_BACK - 1 : -1]:
            message = _message(turn)
            if _is_users(message) and (said := _said(message)):
                return shortened(said)
        return ""

    @property
    def opening(self) -> tuple[bytes, ...]:
        """What a conversation begins with and keeps: its system prompt and the user's first message.

        Of that the words alone: marks for the provider's cache move on from turn to turn.
        """
        members = self.asked.members
        begun = [_ends(bytes(members[key])) for key in _SYSTEM if key in members and self._says(key)]
        for turn in self._turns()[:MAX_BACK]:
            message = _message(turn)
            if _is_users(message):
                begun.append(_ends(_words(message) or bytes(turn)))
                break
            begun.append(_ends(bytes(turn)))
        return tuple(begun)

    @cached_property
    def _generation(self) -> Fields:
        return sub(self.asked.members, "generationConfig")

    def _turns(self) -> list[Raw]:
        members = self.asked.members
        for key in _TURNS:
            if key not in members:
                continue
            try:
                return items(members[key])
            except ValueError:
                return [members[key]] if bytes(members[key])[:1] == b'"' else []
        return []

    def _says(self, key: str) -> bool:
        return bytes(self.asked.members.get(key, b"")) not in _NOTHING


def shortened(said: str) -> str:
    half = MAX_TEXT // 2
    return said if len(said) <= MAX_TEXT else f"{said[:half]}\n{said[-half:]}"


def _ends(piece: bytes) -> bytes:
    return piece if len(piece) <= 2 * MAX_TEXT else piece[:MAX_TEXT] + piece[-MAX_TEXT:]


def _message(turn: Raw) -> _Message:
    """Responses: the whole input may be the user's text alone."""
    try:
        return _messages.decode(turn)
    except (ValueError, RecursionError):
        return _Message(content=turn) if bytes(turn)[:1] == b'"' else _Message()


def _is_users(message: _Message) -> bool:
    """Nobody's is the user's."""
    role = bytes(message.role)
    return role[:1] != b'"' or role in _USER or (b"\\" in role and text(message.role) == "user")


def _members(raw: Raw) -> Fields:
    try:
        return fields(raw)
    except ValueError:
        return {}


def _words(message: _Message) -> bytes:
    """The same as `_said`; a plain text is not even decoded."""
    plain = bytes(message.content)
    return plain[1:-1] if plain[:1] == b'"' and b"\\" not in plain else _said(message).encode("utf-8", "replace")


def _said(message: _Message) -> str:
    """The text of a user's message; results of tools are none."""
    content = message.content if bytes(message.content) else message.parts
    if (whole := text(content)) is not None:
        return whole
    try:
        parts = [_members(part) for part in items(content)[-MAX_BACK:]]
    except ValueError:
        return ""
    # Gemini's parts have no type.
    texts = [text(part.get("text")) for part in parts if "type" not in part or text(part["type"]) in _TEXTS]
    return "\n".join(each for each in texts if each)


def _shows_images(member: bytes) -> bool:
    """What cannot be read may show anything."""
    try:
        return _shows(value(member))
    except (ValueError, RecursionError):
        return True


def _shows(said: Any) -> bool:
    if isinstance(said, list):
        return any(map(_shows, said))
    if not isinstance(said, dict):
        return False
    kind = said.get("type")
    if isinstance(kind, str) and kind in _IMAGES:
        return True
    if any(_is_image(said.get(key)) for key in _INLINE):
        return True
    return any(_shows(each) for key, each in said.items() if key not in _OTHERS and isinstance(each, dict | list))


def _is_image(inline: Any) -> bool:
    if not isinstance(inline, dict):
        return False
    kind = inline.get("mimeType", inline.get("mime_type"))
    return isinstance(kind, str) and kind.startswith("image/")

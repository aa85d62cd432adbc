"""What a tool costs a model before anything is asked: an estimate in tokens. Pure.

Clients give the model each tool's name, description and input schema, in every request;
the rest (output schema, annotations, `_meta`, icons) stays with the client and costs
nothing here. Counted is compact JSON: prose at 4 bytes a token, identifiers and JSON at
3.5 (quotes, braces and short keys are tokens of their own), and what is not ASCII at 2,
because such scripts take 1 to 1.5 tokens a character of 2 or 3 bytes. `FRAME` stands for
the keys around the three. No tokenizer is asked: they differ by model and are megabytes
of tables. Measured against nothing but published rules of thumb: take it for ±25 %, good
enough to compare tools and to see that a catalog is too large.
"""

import math

import msgspec

from ..core.rawjson import Raw, fields

PROSE = 4.0
"""Bytes per token of description."""
JSON = 3.5
"""Bytes per token of names and schemas."""
FOREIGN = 2.0
"""Bytes per token beyond ASCII."""
FRAME = 8
"""Tokens around each tool."""

_ABSENT = Raw(b"")
_ASCII = bytes(range(128))


def tool_tokens(tool: bytes) -> int:
    """The cost of one item of `tools/list`; of one that cannot be read, by its size."""
    try:
        members = fields(tool)
    except ValueError:  # nested too deeply for the stack as it is now
        return FRAME + math.ceil(_weight(tool, JSON))
    prose = _weight(bytes(members.get("description", _ABSENT)), PROSE)
    form = _weight(bytes(members.get("name", _ABSENT)), JSON) + _weight(_compact(members.get("inputSchema")), JSON)
    return FRAME + math.ceil(prose + form)


def _compact(member: Raw | None) -> bytes:
    """Without the white space that no client passes on."""
    if member is None:
        return b""
    try:
        return msgspec.json.format(bytes(member), indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return bytes(member)


def _weight(text: bytes, per_token: float) -> float:
    if text.isascii():
        return len(text) / per_token
    foreign = len(text.translate(None, _ASCII))
    return (len(text) - foreign) / per_token + foreign / FOREIGN

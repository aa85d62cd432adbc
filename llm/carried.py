"""Carries what a format has no member for through its callers: packed into an opaque string they send back.

Callers of Anthropic's format keep the signature of a thought and return it unread with the next turn.
When the thought came from a provider of another format, its id, its sealed content or the signature of a
call ride there, so that the provider finds them again. What is unpacked is the caller's word, no secret
and no proof: it goes to the provider that could have been told anything by the same caller. Pure.
"""

import base64
import binascii

import msgspec

from .neutral import Thinking

PREFIX = "fedgate1."
"""How packed strings begin; providers' own signatures are base64 and have no dot."""


class Carried(msgspec.Struct, frozen=True, omit_defaults=True, array_like=False):
    """What rides. With `call`, the signature is that of the tool call with this id."""

    format: str = ""
    signature: str = ""
    sealed: str = ""
    id: str = ""
    call: str = ""


_decoder = msgspec.json.Decoder(Carried)
_encoder = msgspec.json.Encoder()


def pack(carried: Carried) -> str:
    return PREFIX + base64.urlsafe_b64encode(_encoder.encode(carried)).decode()


def unpack(text: str) -> Carried | None:
    """`None` if the string is somebody else's."""
    if not text.startswith(PREFIX):
        return None
    try:
        return _decoder.decode(base64.urlsafe_b64decode(text[len(PREFIX) :]))
    except (binascii.Error, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None


def pack_thinking(thinking: Thinking) -> str:
    return pack(Carried(thinking.format, thinking.signature, thinking.sealed, thinking.id))


def unpack_thinking(text: str, carried: Carried) -> Thinking:
    return Thinking(text, carried.signature, carried.sealed, carried.id, carried.format)

"""What the events of a provider's stream mean for the gateway: nothing yet, content, the end, an error. Pure.

A stream may be given up for another provider as long as it has brought neither text nor a tool call;
thoughts, usage and preambles do not count. Events are decoded as far as that needs and no further: they
are passed on as they came. Above: the `watch_` modules, one per format. Below: `usage`.
"""

from enum import IntEnum
from typing import Protocol, TypeVar

import msgspec

from ..core.rawjson import well_formed
from .usage import Told

T = TypeVar("T")
NOTHING = (b"", b"null", b'""', b"[]")
"""Members that say nothing."""


class Mark(IntEnum):
    """What a piece of a stream is. From `CONTENT` on there is no way back."""

    PING = 0
    PREAMBLE = 1
    THOUGHT = 2
    CONTENT = 3
    END = 4
    ERROR = 5


# Each has a name of its own, for looking up a member of an enumeration costs more than all that is done with it.
PING, PREAMBLE, THOUGHT, CONTENT, END, ERROR = Mark


class Watch(Protocol):
    """Sees the data of every event of one stream. `told` is what it knows; `ended`: the last event has come."""

    told: Told
    ended: bool

    def see(self, data: bytes, name: bytes, /) -> Mark:
        """Raises `ValueError` for data that is no JSON."""
        ...


class Typed(msgspec.Struct, gc=False):
    """An object of which only the type counts."""

    type: str = ""


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T | None:
    """None for an event of another shape than expected: it is passed on. Raises `ValueError` for what is no JSON."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if (mended := well_formed(data)) != data:
            return decode(decoder, mended)
        raise ValueError("an event is not JSON") from error

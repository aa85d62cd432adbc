"""Types and small checks for what stands on the wire in every format: numbers, absent members, whole bodies.

Numbers are bounded to what every JSON library holds, so that what is read can be written. Knows no
format. Above: the formats' readers. Below: `llm/reading.py`, which makes errors of what is wrong.
"""

from typing import Annotated

import msgspec

from ..core.rawjson import EMPTY, Fields, Raw, fields

Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Tokens = Annotated[float, msgspec.Meta(ge=0, le=2**53)]
"""A number of tokens: some providers write 12.0."""

MAX_BLOCKS = 4096
"""Blocks that a streamed answer may have."""


def members(body: bytes) -> Fields:
    """The members of a whole body. `ValueError` if it is no JSON object, or not UTF-8 where values stay untouched."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"the body is not UTF-8 (byte {error.start})") from error
    return fields(body)


def said(raw: Raw) -> Raw:
    """An optional untouched value: empty if it is absent or null."""
    return EMPTY if bytes(raw) == b"null" else raw


def says(raw: Raw) -> bool:
    """Whether an untouched value is there, and not null."""
    return bytes(raw) not in (b"", b"null")


def tokens(number: float | None) -> int | None:
    return None if number is None else int(number)

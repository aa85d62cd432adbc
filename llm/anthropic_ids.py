"""Ids of tool calls as Anthropic takes them: letters, digits, `_` and `-` only.

An id with anything else in it, as other providers give them, is written as base64 behind a prefix and
read back from it. Pure. Above: the `anthropic_*` modules.
"""

import base64
import binascii
import re

PREFIX = "fgid-"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def write_id(id_: str) -> str:
    if _PLAIN.fullmatch(id_) and not id_.startswith(PREFIX):
        return id_
    return PREFIX + base64.urlsafe_b64encode(id_.encode()).decode().rstrip("=")


def read_id(id_: str) -> str:
    if not id_.startswith(PREFIX):
        return id_
    packed = id_[len(PREFIX) :]
    try:
        plain = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except (binascii.Error, ValueError):
        return id_
    return plain if write_id(plain) == id_ else id_

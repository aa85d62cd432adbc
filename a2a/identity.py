"""Which process answered: the identity that an instance reports, and the epoch that it stands for. Pure.

Above: `health.py` (reads it off probes) and `instance.py`. Below: the settings that say where it stands.
"""

import hashlib
from collections.abc import Sequence

from ..core.rawjson import EMPTY, Raw, fields, text
from .agent_settings import Identity

MAX_IDENTITY = 256
"""Characters of an identity; a longer one is none."""


def read(where: Identity, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> str:
    """The reported identity; empty if there is none that can be used."""
    found = _header(where.header, headers) if where.header else _field(where.field or "", body)
    return found if len(found) <= MAX_IDENTITY else ""


def epoch_of(identity: str) -> str:
    """The epoch of a process, the same in every gateway that sees it. Does not tell the identity."""
    return "i" + hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def missing(where: Identity) -> str:
    """What is to be said of an answer without an identity."""
    place = f"header {where.header}" if where.header else f"field {where.field}"
    return f"its answer to the probe does not say which process it is: it has no {place}"


def _header(name: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
    wanted = name.lower().encode()
    return next((value.decode("latin-1").strip(" \t") for key, value in headers if key == wanted), "")


def _field(path: str, body: bytes) -> str:
    member: Raw = Raw(body)
    for key in path.split("."):
        try:
            member = fields(member).get(key, EMPTY)
        except ValueError:
            return ""
    return text(member) or _number(bytes(member))


def _number(member: bytes) -> str:
    """A number is as good as a name: it is compared as it was written."""
    written = member.decode("latin-1").strip()
    return written if written[:1] in set("-0123456789") else ""

"""What a tool's definition is, in few bytes; what of it changed; and what in it cannot be seen. Pure.

A model reads definitions as instructions, and a server may change them after people
have agreed to it. A fingerprint has one SHA-256 (its first 128 bits) per part, over the
part's canonical JSON (keys sorted, no white space), so that a server may write the same
definition otherwise, and a change can be named. The tool's name is the key that
fingerprints are kept under. Above: `pins.py`. Below: JSON.
"""

import hashlib
import re

import msgspec

from ..core.rawjson import Fields, Raw, fields, value

PARTS = ("title", "description", "inputSchema", "outputSchema", "annotations")

Fingerprint = dict[str, str]
"""Part → digest, for the parts that there are."""

_canonical = msgspec.json.Encoder(order="sorted").encode

# Zero-width characters, directional controls, fillers, variation selectors beyond those of emoji, and tags:
# text that a model reads and a person does not see. Joiners and directional marks are left out; scripts need them.
_INVISIBLE = re.compile(
    "[\u00ad\u115f\u1160\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
MAX_NAMED = 8


def fingerprint(tool: bytes) -> Fingerprint:
    """Of one item of `tools/list`; of one that cannot be read, as if it were a schema and nothing else."""
    try:
        members: Fields = fields(tool)
    except ValueError:  # nested too deeply for the stack as it is now
        return {"inputSchema": hashlib.sha256(tool).hexdigest()[:32]}
    return {part: _digest(members[part]) for part in PARTS if part in members}


def _digest(part: Raw) -> str:
    try:
        canonical = _canonical(value(part))
    except (ValueError, RecursionError):
        canonical = bytes(part)
    return hashlib.sha256(canonical).hexdigest()[:32]


def differences(old: Fingerprint, new: Fingerprint) -> tuple[str, ...]:
    """The parts that are others now, have come or have gone."""
    return tuple(part for part in PARTS if old.get(part) != new.get(part))


def invisible(tool: bytes) -> tuple[str, ...]:
    """Characters in a definition that people cannot see, as `U+200B`, each once; at most a few."""
    if tool.isascii() and b"\\u" not in tool:
        return ()
    try:
        strings = _strings(value(tool))
    except ValueError:
        return ()
    found = dict.fromkeys(char for text in strings for char in _INVISIBLE.findall(text))
    return tuple(f"U+{ord(char):04X}" for char in list(found)[:MAX_NAMED])


def _strings(node: object) -> list[str]:
    found: list[str] = []
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict):
            found.extend(each)
            stack.extend(each.values())
        elif isinstance(each, list):
            stack.extend(each)
    return found

"""What a view says of itself: capabilities, instructions, name; and of a server in one line. Pure.

Above: `catalog.py`. Below: listings.
"""

import re
from collections.abc import Mapping
from typing import Any

from . import task_ids
from .eras import CHANGED
from .listing import Listing
from .views import View

ROUTED = frozenset({"io.modelcontextprotocol/ui", task_ids.EXTENSION})
"""Extensions whose names, URIs and ids the gateway maps."""
INSTRUCTIONS = 4000
"""Characters of merged instructions; Claude Code cuts at 4096."""
MAX_LINE = 120
"""Characters that one server may say of itself among others."""


def capabilities(known: Mapping[str, Listing], *, complete: bool, searching: bool = False) -> dict[str, Any]:
    """The union of what the servers have. What a server not reached yet may have is offered too: it may come."""
    have: dict[str, Any] = {}
    for listing in known.values():
        for name, detail in listing.greeting.capabilities.items():
            if name in ("completions", "logging", "tools", "prompts", "resources") and isinstance(detail, dict):
                have.setdefault(name, {}).update({"subscribe": True} if detail.get("subscribe") is True else {})
    if not complete:
        for kind in CHANGED:
            have.setdefault(kind, {})
    if searching:
        have.setdefault("tools", {})
    for kind in CHANGED:
        if kind in have:
            have[kind]["listChanged"] = True
    if offered := extensions(known):
        have["extensions"] = offered
    return have


def passed_on(listing: Listing) -> dict[str, Any]:
    """What a pass-through view says for its server: all that the server said. Its changes are announced by us.

    Tasks of 2025-11-25 are the exception: they were an experiment, and the gateway does not route them.
    """
    have = {name: detail for name, detail in listing.greeting.capabilities.items() if name != "tasks"}
    return have | {kind: {**have[kind], "listChanged": True} for kind in CHANGED if isinstance(have.get(kind), dict)}


def extensions(known: Mapping[str, Listing]) -> dict[str, Any]:
    """Extensions that work through the gateway: those it routes, and unknown ones that a single server owns."""
    owners: dict[str, list[Any]] = {}
    for listing in known.values():
        offered = listing.greeting.capabilities.get("extensions")
        for name, detail in offered.items() if isinstance(offered, dict) else ():
            owners.setdefault(name, []).append(detail)
    return {name: details[0] for name, details in owners.items() if name in ROUTED or len(details) == 1}


def instructions(known: Mapping[str, Listing], single: str) -> str:
    """One server's as they are; of several, each under its name, shared room fairly when it is scarce."""
    if single:
        return known[single].greeting.instructions if single in known else ""
    texts = {name: listing.greeting.instructions.strip() for name, listing in known.items()}
    texts = {name: text for name, text in texts.items() if text}
    if not texts:
        return ""
    room = max(INSTRUCTIONS // len(texts) - 40, 80)
    parts = [f"## {name}\n{text if len(text) <= room else text[: room - 1] + '…'}" for name, text in texts.items()]
    whole = "\n\n".join(f"## {name}\n{text}" for name, text in texts.items())
    return whole if len(whole) <= INSTRUCTIONS else "\n\n".join(parts)[:INSTRUCTIONS]


def info(known: Mapping[str, Listing], view: View) -> dict[str, Any]:
    """The server's own name in a pass-through view, else the gateway's."""
    if view.single and view.single in known:
        return known[view.single].greeting.info or view.info
    return view.info


def line(listing: Listing | None) -> str:
    """What a server says of itself, in one line."""
    if listing is None:
        return ""
    greeting = listing.greeting
    said = [greeting.info.get("description"), greeting.instructions, greeting.info.get("title")]
    return next((first for text in said if isinstance(text, str) and (first := one_line(text))), "")


def one_line(said: str) -> str:
    """The first sentence or line of a text, short enough. Servers write it: no control characters get through."""
    first = next((line for line in said.splitlines() if line.strip()), "")
    plain = " ".join("".join(c if c.isprintable() else " " for c in first).split())
    sentence = re.split(r"(?<=[.!?]) ", plain, maxsplit=1)[0]
    return sentence if len(sentence) <= MAX_LINE else sentence[: MAX_LINE - 1] + "…"

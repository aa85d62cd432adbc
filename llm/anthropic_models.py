"""What the generations of Claude take in a request, told by the model's name.

Each generation refuses with a 400 what the last one needed: budgets of thoughts gave way to `adaptive`
and `effort` (4.6), sampling went (4.7), system prompts in mid-conversation came (Opus 4.8). A name that
is no Claude's belongs to a server that imitates the API as it was. Pure. Above: `anthropic_request`.
"""

import re

import msgspec

_NAME = re.compile(
    r"claude-(?:(?P<major>\d)(?:[.-](?P<minor>\d))?-)?(?P<family>opus|sonnet|haiku|fable|mythos|instant)"
    r"(?:-(?P<after>\d)(?:[.-](?P<after_minor>\d))?(?!\d))?"
)
_ADAPTIVE_ONLY = ("fable", "mythos")
_NEWEST = (99, 0)


class Abilities(msgspec.Struct, frozen=True):
    adaptive: bool = False
    """`thinking: {"type": "adaptive"}`."""
    budget: bool = True
    """`thinking: {"type": "enabled", "budget_tokens": ...}`."""
    off: bool = True
    """`thinking: {"type": "disabled"}`."""
    effort: bool = False
    """`output_config.effort`."""
    sampling: bool = True
    """`temperature`, `top_p`, `top_k`."""
    both: bool = True
    """`temperature` and `top_p` in one request."""
    inline_system: bool = False
    """Messages of the role `system`, after a user's turn."""


IMITATION = Abilities()


def abilities_of(model: str) -> Abilities:
    """Of the model with this name, whichever platform spells it (`us.anthropic.claude-...`, `claude-...@date`)."""
    found = _NAME.search(model.lower())
    if found is None:
        return IMITATION
    family, version = found["family"], _version(found)
    if version < (4, 6):
        return Abilities(effort=family == "opus" and version == (4, 5), both=version < (4, 1))
    if version == (4, 6):
        return Abilities(adaptive=True, effort=True, both=False)
    return Abilities(
        adaptive=True,
        budget=False,
        off=family not in _ADAPTIVE_ONLY and version != (4, 7),
        effort=True,
        sampling=False,
        both=False,
        inline_system=family not in ("sonnet", "haiku") and version >= (4, 8),
    )


def _version(found: re.Match[str]) -> tuple[int, int]:
    major = found["major"] or found["after"]
    if major is None:
        return (1, 0) if found["family"] == "instant" else _NEWEST
    return int(major), int(found["minor"] or found["after_minor"] or 0)

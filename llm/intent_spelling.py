"""How a manifest spells a class of requests: keywords, and regular expressions between slashes. Values only.

Above: `settings.py`, `intents.py`.
"""

import re

_EXPRESSION = re.compile(r"/(.+)/([a-z]*)", re.DOTALL)


def expression(pattern: str) -> tuple[str, bool] | None:
    """The regular expression of `/.../` or `/.../i`, and whether case does not count; None for a keyword."""
    found = _EXPRESSION.fullmatch(pattern)
    return (found[1], "i" in found[2]) if found else None

"""How a command ends early: one sentence, an exit code, and the command to try next.

Raised anywhere below `main.py`, printed there alone. The codes are part of the contract
of the command line: scripts rely on them.
"""

from collections.abc import Iterable

OK = 0
BAD_MANIFEST = 1
"""The manifest (or its address) cannot be used."""
USAGE = 2
NOTHING_LISTED = 3
"""No server could be listed."""
UNREACHABLE = 4
"""The gateway, or the server that owns the tool, did not answer as it should."""
TOOL_FAILED = 5
"""The tool was called and reported an error."""


class Stop(Exception):
    """`str(error)` says what is wrong, in one or more lines; `hint` is a command to try."""

    def __init__(self, message: str, code: int, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known words that look most like `word`, best first."""
    from difflib import get_close_matches

    return get_close_matches(word, list(known), count, cutoff=0.5)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?`, or nothing if no known word is near."""
    found = nearest(word, known, 1)
    return f'; did you mean "{found[0]}"?' if found else ""

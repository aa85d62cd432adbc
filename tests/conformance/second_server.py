"""A small server that shares no name and no URI with `everything_server`.

It stands beside it where the aggregate of several servers is under test. Same options.
"""

import sys
from pathlib import Path
from typing import Any

if not __package__:  # started as a script: make the `tests` namespace importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mcp.server import MCPServer, Server

from tests.conformance import serving

NAME = "second"

second = MCPServer(NAME, version="1.0.0", instructions="Counts letters and greets.", log_level="WARNING")


@second.tool()
def count_letters(text: str) -> int:
    """Count the letters of a text."""
    return sum(character.isalpha() for character in text)


@second.tool()
def reverse_text(text: str) -> str:
    """Turn a text around."""
    return text[::-1]


@second.resource("second://about", mime_type="text/plain")
def about() -> str:
    """What this server is for."""
    return "A second server beside the first."


@second.resource("second://letters/{letter}", mime_type="text/plain")
def letter(letter: str) -> str:
    """The place of a letter in the alphabet."""
    return str(ord(letter[:1].lower() or "`") - ord("`"))


@second.prompt()
def greet(name: str) -> str:
    """Ask for a greeting."""
    return f"Greet {name} in one sentence."


def build() -> Server[Any]:
    """The low-level server behind the tools above."""
    return second._lowlevel_server


if __name__ == "__main__":
    serving.main(build())

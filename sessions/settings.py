"""The `sessions` section: where session records are kept, how long, and how many.

Values only: the file is opened by `sqlite.py`, when the gateway starts.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from ..core.values import Duration, Section, refuse, written

MEMORY = "memory"
SQLITE = "sqlite:"
STORE_PATTERN = "^(memory|sqlite:.+)$"


def _store(text: str) -> str:
    if text == MEMORY:
        return text
    if not text.startswith(SQLITE):
        near = get_close_matches(text.lower()[:20], [MEMORY], 1)
        why = "PATH is a file, relative to the manifest's folder"
        raise refuse('must be "memory" or "sqlite:PATH"', why, nearest=near[0] if near else None)
    name = Path(text.removeprefix(SQLITE)).name.strip()
    if name == ":memory:":
        raise refuse("names no file", 'write "memory" to keep sessions in the process')
    if not name or "\0" in text:
        raise refuse("names no file", 'write for example "sqlite:sessions.db"')
    return text


class SessionSettings(Section):
    """The session table."""

    store: Annotated[str, AfterValidator(_store), WithJsonSchema({"type": "string", "pattern": STORE_PATTERN})] = Field(
        default=MEMORY,
        description="Where records are kept. memory: in the process; a restart forgets them. "
        "sqlite:PATH: in a file too, so that sessions survive a restart; PATH is relative to the manifest's folder.",
    )
    idle: Duration = Field(
        default=1800.0,
        json_schema_extra=written("30m"),
        description="A session that was not used for so long is closed.",
    )
    max: int = Field(
        default=10_000,
        ge=1,
        le=10_000_000,
        description="Sessions kept at a time; beyond, the longest idle one is closed.",
    )

    @property
    def file(self) -> Path | None:
        """The SQLite file, if there is one."""
        return Path(self.store.removeprefix(SQLITE)) if self.store.startswith(SQLITE) else None

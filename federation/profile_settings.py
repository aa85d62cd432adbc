"""The sections `mcp.profiles.NAME`: what a named view of the catalog shows, and what it calls things.

Values only; `settings.py` holds them against the servers, `profiles.py` makes views of them.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ..core.values import Name, Refusal, Section, refuse, refuse_all
from .names import LIMIT, collapsed
from .pin_file import BadPinFile, load
from .pins import Mode
from .search import RESERVED

TOOL_PATTERN = f"^[A-Za-z0-9_-]{{1,{LIMIT}}}$"
MAX_GLOB = 300


def _switch(value: object) -> object:
    """Many read on and off as booleans, JSON among them."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _pin_file(path: Path) -> Path:
    try:
        load(path)
    except BadPinFile as error:
        raise refuse(str(error), "name another file, or delete it to accept what the servers offer then") from None
    if not path.parent.is_dir():
        raise refuse("is in a folder that does not exist", "make the folder, or name another file")
    return path


def _glob(text: str) -> str:
    if not text or len(text) > MAX_GLOB:
        raise refuse("is not a glob", f"write 1 to {MAX_GLOB} characters, such as notes__* or notes+file:///docs/*")
    return text


def _tool_name(text: str) -> str:
    if not re.fullmatch(TOOL_PATTERN[1:-1], text):
        raise refuse("is not a tool name that all clients take", f"write 1 to {LIMIT} of A-Z, a-z, 0-9, _ and -")
    if collapsed(text) in RESERVED:
        raise refuse("is the name of a tool of the gateway itself", "choose another one")
    return text


Search = Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)]
PinMode = Annotated[Mode, BeforeValidator(_switch)]
PinFile = Annotated[Path, AfterValidator(_pin_file)]
Glob = Annotated[str, AfterValidator(_glob), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_GLOB})]
Groups = tuple[Annotated[str, Field(min_length=1, max_length=200)], ...]
ToolName = Annotated[str, AfterValidator(_tool_name), WithJsonSchema({"type": "string", "pattern": TOOL_PATTERN})]


class Picked(Section):
    """Globs over exposed names or URIs: `*` is any text, `?` any character, `[abc]` one of these."""

    include: tuple[Glob, ...] = Field(default=(), description="Only what matches one of these; empty: everything.")
    exclude: tuple[Glob, ...] = Field(default=(), description="Not what matches one of these, included or not.")


class Override(Section):
    """What a tool is said to be in this profile; what is left out stays as its server says."""

    name: ToolName | None = Field(default=None, description="Its name in this profile.")
    title: str | None = Field(default=None, max_length=200, description="Its title for people.")
    description: str | None = Field(default=None, max_length=4096, description="What the model is told of it.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.name is None and self.title is None and self.description is None:
            raise refuse("changes nothing", "give a name, a title or a description")
        return self


class PickedTools(Picked):
    """The tools of a profile."""

    override: dict[str, Override] = Field(
        default={}, description="Tools that are called or described otherwise, each under its exposed name."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        first: dict[str, str] = {}
        found: list[Refusal] = []
        for tool, override in self.override.items():
            if override.name is None:
                continue
            rival = first.setdefault(collapsed(override.name), tool)
            if rival != tool:
                places = (("override", tool, "name"), ("override", rival, "name"))
                found.append(Refusal("is the name of two tools", "give them different ones", *places))
        if found:
            raise refuse_all(found)
        return self


class Profile(Section):
    """A named view of the catalog, served at /mcp/NAME."""

    servers: tuple[Name, ...] = Field(default=(), description="The servers in it, in this order; empty: all.")
    tools: PickedTools = Field(default_factory=PickedTools.absent, description="Which tools, and what they are called.")
    prompts: Picked = Field(default_factory=Picked.absent, description="Which prompts, by exposed name.")
    resources: Picked = Field(
        default_factory=Picked.absent, description="Which resources and templates, by exposed URI."
    )
    search: Search | None = Field(default=None, description="As mcp.search, for this profile alone.")
    groups: Groups = Field(
        default=(), description="Groups whose members may use it; what it shows needs the rights of its servers, too."
    )
    description: str | None = Field(default=None, max_length=1000, description="A note for people.")


def profile_problems(profiles: Mapping[str, Profile], servers: Collection[str]) -> Iterator[Refusal]:
    """What profiles must not say, given the servers there are. Paths are from the `mcp` section."""
    for name, profile in profiles.items():
        if name in servers:
            why = "both would be served at one address; rename one of them"
            yield Refusal("is the name of a server too", why, ("profiles", name), ("servers", name))
        for index, server in enumerate(profile.servers):
            if server not in servers:
                near = get_close_matches(server, servers, 1)
                why = f"there are: {', '.join(servers)}" if servers else "there are none"
                at = ("profiles", name, "servers", index)
                yield Refusal("is no server", "" if near else why, at, nearest=near[0] if near else None)

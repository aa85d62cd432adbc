"""What a manifest is written in: the base of every section, and the values with a spelling of their own.

Every part's `settings.py` stands on this; `manifest/` composes them. It knows pydantic and
nothing of any part. A validator here or in a `settings.py` refuses with `refuse(...)`: a
predicate that reads well after the dotted path of the value ("mcp.servers.x.timeout" +
"must be a duration") and never repeats the value, which may be a secret.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

MANIFEST = {"manifest": True}
"""The validation context of a manifest's text. Without it (settings built in Python) a bare number is seconds."""

NAME_PATTERN = "^[a-z0-9-]{1,32}$"
DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h)$"
SIZE_PATTERN = "^[0-9]{1,15}(B|KiB|MiB|GiB)?$"
URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]+([/?][^\s#]*)?$"
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10, "B": 1, "": 1}
_MAX_URL = 2048
_VISIBLE_ASCII = re.compile("[!-~]+")

Where = tuple[str | int, ...]
"""The path of a value: keys and list indexes from the root."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing a validator will not have.

    `at` is the path below the validated value, `other` (below it too) the place that it
    collides with, `nearest` a valid spelling close to what was written, `offset` the
    character of a text at which it is wrong.
    """

    what: str
    why: str = ""
    at: Where = ()
    other: Where | None = None
    nearest: str | None = None
    offset: int | None = None


REFUSED = "refused"


def refuse(what: str, why: str = "", *, nearest: str | None = None) -> PydanticCustomError:
    """The error to raise from a validator: `what` is a predicate, `why` says what to do instead."""
    return refuse_all([Refusal(what, why, nearest=nearest)])


def refuse_all(refusals: Iterable[Refusal]) -> PydanticCustomError:
    """Several refusals in one error, so that a validator need not stop at its first."""
    found = list(refusals)
    return PydanticCustomError(REFUSED, "{what}", {"what": found[0].what, "refusals": found})


def written(default: str) -> dict[str, Any]:
    """`json_schema_extra` of a field whose default has a spelling of its own in the manifest."""
    return {"default": default}


class Section(BaseModel):
    """A part of the manifest: frozen, unknown keys are errors, a key without a value counts as absent."""

    # Deferred: validators are built for what a manifest has, once each, instead of for all that it might have.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, data: Any) -> Any:
        # `access:` with everything below commented out is how people switch a section off.
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}
        return data

    @classmethod
    def absent(cls) -> Self:
        """What counts where the manifest says nothing: the defaults, which need no validator."""
        return cls.model_construct()


def parse_duration(text: str) -> float:
    """Seconds of "500ms", "30s", "1.5m", "24h". Raises `ValueError` for anything else."""
    if not re.fullmatch(DURATION_PATTERN[1:-1], text):
        raise ValueError("not a duration")
    number = text.rstrip("hms")
    return float(number) * _SECONDS[text[len(number) :]]


def parse_size(text: str) -> int:
    """Bytes of "64KiB", "16MiB", "1GiB", "512". Raises `ValueError` for anything else."""
    if not re.fullmatch(SIZE_PATTERN[1:-1], text):
        raise ValueError("not a size")
    number = text.rstrip("BGKMi")
    return int(number) * _BYTES[text[len(number) :]]


def _duration(value: object, info: ValidationInfo) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and not info.context:
        seconds = float(value)
    else:
        try:
            seconds = parse_duration(value) if isinstance(value, str) else parse_duration("")
        except ValueError:
            raise refuse(
                "must be a duration",
                'write a number with its unit, such as "500ms", "30s", "10m" or "24h"',
            ) from None
    if not seconds > 0:
        raise refuse("must be longer than zero", 'write for example "30s"')
    return seconds


def _size(value: object) -> int:
    try:
        size = value if isinstance(value, int) and not isinstance(value, bool) else parse_size(str(value))
    except ValueError:
        raise refuse(
            "must be a size", 'write bytes, or a number with KiB, MiB or GiB, such as "64KiB" or "16MiB"'
        ) from None
    if size <= 0:
        raise refuse("must be more than zero", 'write for example "16MiB"')
    return size


def suggest_name(text: str) -> str | None:
    """The valid name nearest to `text`, if there is one: "My Server" becomes "my-server"."""
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:32].strip("-") or None


def _name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN[1:-1], text):
        raise refuse("is not a valid name", "names have 1 to 32 of a-z, 0-9 and -", nearest=suggest_name(text))
    return text


def _url(text: str) -> str:
    why = "write http://HOST[:PORT][/PATH] or https://..."
    try:
        parts = urlsplit(text)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete or len(text) > _MAX_URL:
        raise refuse("must be an http or https URL", why)
    if not _VISIBLE_ASCII.fullmatch(text):
        raise refuse(
            "must be visible ASCII", "percent-encode other characters; write xn--... for an international host"
        )
    if "@" in parts.netloc:
        raise refuse("must not carry a user or password", "send them by headers, such as Authorization")
    if parts.fragment:
        raise refuse("must not carry a #fragment", why)
    return text


def _plain(text: str) -> str:
    if "\0" in text:
        raise refuse("must not contain a NUL character", "no program can be given one")
    return text


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["500ms", "30s", "10m", "24h"]}),
]
"""Seconds; written "500ms", "30s", "10m", "24h"."""

Size = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": SIZE_PATTERN}, {"type": "integer", "minimum": 1}],
            "examples": ["64KiB", "16MiB"],
        }
    ),
]
"""Bytes; written "64KiB", "16MiB" or as a plain number."""

Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME_PATTERN})]
"""What servers (and later agents, routes, profiles) are called."""

Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "pattern": URL_PATTERN})]
"""An absolute http(s) URL without user, password and fragment, as it was written."""

Plain = Annotated[str, AfterValidator(_plain)]
"""Text that the operating system takes: without NUL."""

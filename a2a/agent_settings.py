"""The sections below `agents.NAME`: instances, health, identity, card, push, pins. Values only.

What may hold a credential (addresses, headers) is left out of `repr`. Above: `settings.py`, which
composes them and holds one against the other.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import CoreSchema

from ..core.header_settings import Headers
from ..core.http_values import Target
from ..core.values import URL_PATTERN, Duration, Name, Section, Url, refuse, written
from .card_keys import BadKeySet, load

HEADER_PATTERN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$"
FIELD_PATTERN = r"^[^.\s]{1,64}(\.[^.\s]{1,64}){0,7}$"
PATH_PATTERN = r"^/[!\"$-~]{0,1023}$"
ALLOW_PATTERN = r"^(\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?|[0-9A-Fa-f:.]+/[0-9]{1,3}|[A-Za-z0-9_.:-]+(:[0-9]{1,5})?)$"
MAX_WEIGHT = 100
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*", re.I)


def _address(url: str) -> str:
    try:
        Target.parse(url)
    except ValueError as error:
        raise refuse("must be an http or https URL", str(error)) from None
    return url


def _matching(pattern: str, what: str, why: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern[1:-1], text):
            raise refuse(what, why)
        return text

    return check


class Instance(Section):
    """One process of an agent: its address, and what it may be called and sent."""

    name: Name | None = Field(
        default=None, description="What it is called; default: its place in the list, from 1 on. Keep it for ever."
    )
    url: Annotated[Url, AfterValidator(_address)] = Field(
        repr=False,
        description="Where it is: its base URL, or the URL of its card (.../.well-known/agent-card.json).",
    )
    weight: int = Field(
        default=1, ge=1, le=MAX_WEIGHT, description="Its share of new conversations, relative to the others."
    )
    headers: Headers = Field(
        default={}, repr=False, description="Headers sent to this instance, besides or in place of the agent's."
    )


class _OrUrl:
    """Accepts a plain URL where an instance is expected, and says so in the schema."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Callable[[CoreSchema], Any]) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": URL_PATTERN}, handler(schema)]}


def _from_text(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


AnyInstance = Annotated[Instance, BeforeValidator(_from_text), _OrUrl()]


class Health(Section):
    """How an instance is watched."""

    interval: Duration = Field(default=5.0, json_schema_extra=written("5s"), description="Time between two probes.")
    lost_after: Duration = Field(
        default=20.0,
        json_schema_extra=written("20s"),
        description="An instance that could not be reached for so long is given up, and its conversations with it.",
    )
    path: (
        Annotated[
            str,
            AfterValidator(
                _matching(PATH_PATTERN, "must be a path", 'write for example "/healthz", in visible ASCII without #')
            ),
            WithJsonSchema({"type": "string", "pattern": PATH_PATTERN}),
        ]
        | None
    ) = Field(
        default=None,
        description="What is asked (GET) on the instance's address, and must answer with 2xx; default: its card.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lost_after < self.interval:
            raise refuse("has lost_after shorter than interval", "one missed probe must not end conversations")
        return self


class Identity(Section):
    """Where the answer to a probe says which process gave it: a pod UID, a boot id, a start time."""

    header: (
        Annotated[
            str,
            AfterValidator(_matching(HEADER_PATTERN, "is not a header name", "use letters, digits and -")),
            WithJsonSchema({"type": "string", "pattern": HEADER_PATTERN}),
        ]
        | None
    ) = Field(default=None, description="A header of the answer.")
    field: (
        Annotated[
            str,
            AfterValidator(
                _matching(FIELD_PATTERN, "must be keys joined by dots", 'write for example "build.boot_id"')
            ),
            WithJsonSchema({"type": "string", "pattern": FIELD_PATTERN}),
        ]
        | None
    ) = Field(default=None, description="A member of the answer's JSON body: keys joined by dots.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.header is None) is (self.field is None):
            raise refuse('needs either "header" or "field"', "the identity stands in one place")
        return self


def _key_set(path: Path) -> Path:
    try:
        load(path)
    except BadKeySet as error:
        raise refuse(str(error), "name a file with the agent's public keys as a JWK set") from None
    return path


class CardPolicy(Section):
    """What is done with the agent's card."""

    signature: Literal["resign", "strip"] = Field(
        default="resign",
        description="The card is changed on its way, so its signature is void: sign it anew, or serve it without.",
    )
    public: bool = Field(default=True, description="Whether the card can be read without a key.")
    verify: Annotated[Path, AfterValidator(_key_set)] | None = Field(
        default=None,
        description="A file with public keys (a JWK set), relative to the manifest's folder. "
        "An agent whose card none of them has signed is not served.",
    )
    refresh: Duration = Field(
        default=300.0, json_schema_extra=written("5m"), description="How often the card is asked for again."
    )


def _allowed(text: str) -> str:
    if not (_is_network(text) or _is_host(text)):
        raise refuse(
            "must be a network, a host or HOST:PORT", 'write for example "10.0.0.0/8", "hooks.internal" or "[::1]:8080"'
        )
    return text.lower()


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:/\[\]]+))(?::([0-9]{1,5}))?", text)
    if found is None or not 0 < int(found[3] or 1) < 65536:
        return False
    host = found[1] or found[2]
    if found[1] or re.fullmatch("[0-9.]+", host):
        try:
            return (ip_address(host).version == 6) is bool(found[1])
        except ValueError:
            return False
    return _HOST.fullmatch(host) is not None


class Push(Section):
    """Where push notifications may be sent."""

    allow: tuple[
        Annotated[str, AfterValidator(_allowed), WithJsonSchema({"type": "string", "pattern": ALLOW_PATTERN})],
        ...,
    ] = Field(
        default=(), description="Callback networks, hosts or HOST:PORT that are allowed besides public https addresses."
    )


class Pins(Section):
    """How long, and how many, conversations stay bound to their instance."""

    context_idle: Duration = Field(
        default=86_400.0,
        json_schema_extra=written("24h"),
        description="A context without use for so long is forgotten.",
    )
    task_idle: Duration = Field(
        default=604_800.0,
        json_schema_extra=written("168h"),
        description="A task that is not finished, and not asked for, for so long is forgotten.",
    )
    finished: Duration = Field(
        default=86_400.0, json_schema_extra=written("24h"), description="How long a finished task can be asked for."
    )
    max: int = Field(
        default=100_000, ge=1, le=10_000_000, description="Pins of this agent; at the limit, new ones are refused."
    )
    per_owner: int = Field(default=10_000, ge=1, le=10_000_000, description="Pins of one caller.")

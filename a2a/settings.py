"""The `agents` section: the A2A agents behind the gateway, the instances of each, and how they are pinned to.

Values only, compared by `==` when a manifest is loaded again. `manifest/model.py` composes `Agents`,
which brings its own rules across agents. Above: everything in this part that is configured.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..core.apart import Apart
from ..core.auth_settings import UpstreamAuth, auth_field
from ..core.header_settings import Headers
from ..core.http_values import Target
from ..core.values import Duration, Name, Refusal, Section, Size, refuse, refuse_all, written
from .agent_settings import AnyInstance, CardPolicy, Health, Identity, Instance, Pins, Push
from .values import Speech

Spoken = Literal["1.0/jsonrpc", "1.0/rest", "0.3/jsonrpc", "0.3/rest"]

MAX_INSTANCES = 64
"""Instances of one agent."""

_SPEECHES: dict[Spoken, Speech] = {
    "1.0/jsonrpc": Speech("1.0", "jsonrpc"),
    "1.0/rest": Speech("1.0", "rest"),
    "0.3/jsonrpc": Speech("0.3", "jsonrpc"),
    "0.3/rest": Speech("0.3", "rest"),
}


def _some(instances: tuple[Instance, ...]) -> tuple[Instance, ...]:
    if not instances:
        raise refuse("is empty", "list the URL of each process of the agent")
    if len(instances) > MAX_INSTANCES:
        raise refuse(f"has more than {MAX_INSTANCES} instances", "split the agent into several")
    found = list(_repeated(instances))
    if found:
        raise refuse_all(found)
    return instances


def _repeated(instances: tuple[Instance, ...]) -> Iterator[Refusal]:
    first: dict[str, int] = {}
    for place, (name, instance) in enumerate(named(instances)):
        other = first.setdefault(name, place)
        if other != place:
            key = ("name",) if instance.name else ()
            yield Refusal("has the name of another instance", "names are unique in an agent", (place, *key), (other,))


def named(instances: tuple[Instance, ...]) -> Iterator[tuple[str, Instance]]:
    """Each instance with its name: the one it was given, or its place in the list, from 1 on."""
    for place, instance in enumerate(instances, 1):
        yield instance.name or str(place), instance


def _spoken(speaks: tuple[Spoken, ...]) -> tuple[Spoken, ...]:
    if not speaks:
        raise refuse("is empty", "leave it out, and the agent's card says how it speaks")
    if len(set(speaks)) != len(speaks):
        raise refuse("names something twice", "name each once, the preferred one first")
    return speaks


class Agent(Section):
    """One agent: its instances, where its state lives, and what is done when an instance is gone."""

    instances: Annotated[tuple[AnyInstance, ...], AfterValidator(_some)] = Field(
        repr=False, description="Its processes: the URL of each, or {name, url, weight, headers}."
    )
    resolve: Literal["none", "dns"] = Field(
        default="none",
        description="dns: the one URL has a host name with several addresses, each of which is an instance.",
    )
    state: Literal["instance", "shared", "none"] = Field(
        default="instance",
        description="Where conversations live: in one instance, in a store that all share, or nowhere.",
    )
    on_lost: Literal["reject", "repin"] = Field(
        default="reject",
        description="When the instance of a conversation is gone: say so, or begin anew on another one.",
    )
    client_context: Literal["adopt", "reject"] = Field(
        default="adopt", description="Whether clients may begin a conversation under an id of their own."
    )
    unknown_task: Literal["reject"] = Field(
        default="reject", description="A task that the gateway does not know is not found."
    )
    headers: Headers = Field(
        default={}, repr=False, description="Headers sent with each request, such as Authorization."
    )
    auth: Apart[UpstreamAuth | None] = auth_field()
    timeout: Duration = Field(
        default=600.0,
        json_schema_extra=written("10m"),
        description="Until an answer begins; agents may answer only when the work is done.",
    )
    idle_timeout: Duration = Field(
        default=900.0,
        json_schema_extra=written("15m"),
        description="A stream on which nothing came for so long, not even a ping, is ended.",
    )
    max_answer: Size = Field(
        default=32 << 20, json_schema_extra=written("32MiB"), description="Longest answer, and longest event."
    )
    default: bool = Field(default=False, description="Its card is the gateway's own. At most one agent.")
    speaks: Annotated[tuple[Spoken, ...], AfterValidator(_spoken)] | None = Field(
        default=None, description="How it is spoken to, preferred first, whatever its card says."
    )
    groups: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(), description="Groups whose members may use it; default: everybody who may use the gateway."
    )
    description: str | None = Field(default=None, max_length=1000, description="What it is for, in the agent list.")
    fill_context: bool = Field(
        default=False,
        description="Add the context id to messages that name a task alone; some agents lose the context otherwise.",
    )
    health: Health = Field(default_factory=Health.absent, description="How its instances are watched.")
    identity: Identity | None = Field(
        default=None,
        description="Where an instance says which process it is. "
        "Without it, a restart that is faster than health.interval may go unseen.",
    )
    card: CardPolicy = Field(default_factory=CardPolicy.absent, description="What is done with its card.")
    push: Push = Field(default_factory=Push.absent, description="Push notifications.")
    pins: Pins = Field(default_factory=Pins.absent, description="How long conversations are remembered, and how many.")

    @model_validator(mode="after")
    def _can_be_looked_up(self) -> Self:
        if self.resolve == "dns":
            found = list(_no_name(self.instances))
            if found:
                raise refuse_all(found)
        return self

    @property
    def named(self) -> dict[str, Instance]:
        """The instances by name, in order."""
        return dict(named(self.instances))

    @property
    def speeches(self) -> tuple[Speech, ...]:
        """What `speaks` says; empty if it is left to the card."""
        return tuple(_SPEECHES[each] for each in self.speaks or ())


def _no_name(instances: tuple[Instance, ...]) -> Iterator[Refusal]:
    """Why the instances cannot be found by DNS."""
    first = instances[0]
    target = Target.parse(first.url)
    if len(instances) > 1:
        yield Refusal("must be one URL with resolve: dns", "its name stands for all instances", ("instances",))
    if first.name is not None:
        yield Refusal(
            "must not stand beside resolve: dns", "instances are called by their addresses", ("instances", 0, "name")
        )
    if target.scheme == "https":
        yield Refusal(
            "must be http with resolve: dns",
            "a certificate is for the name, not for each address: list the instances",
            ("instances", 0, "url"),
        )
    if _is_address(target.host):
        yield Refusal("must have a host name with resolve: dns", "leave resolve out", ("instances", 0, "url"))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _agents(agents: dict[str, Agent]) -> dict[str, Agent]:
    defaults = [name for name, agent in agents.items() if agent.default]
    if len(defaults) > 1:
        raise refuse_all(
            Refusal(
                "is true for a second agent",
                "one card is the gateway's own",
                (name, "default"),
                (defaults[0], "default"),
            )
            for name in defaults[1:]
        )
    return agents


Agents = Annotated[dict[Name, Agent], AfterValidator(_agents)]
"""The whole section: agents by name."""

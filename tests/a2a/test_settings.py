"""a2a/settings.py: agents as a manifest writes them."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fedgate.a2a.settings import MAX_INSTANCES, Agent, Agents
from fedgate.a2a.values import Speech
from fedgate.core.values import MANIFEST

ADAPTER: TypeAdapter[dict[str, Agent]] = TypeAdapter(Agents)
URL = "http://127.0.0.1:9101"


def agents(value: Any) -> dict[str, Agent]:
    return ADAPTER.validate_python(value, context=MANIFEST)


def agent(**entry: Any) -> Agent:
    return agents({"scout": {"instances": [URL], **entry}})["scout"]


def refused(value: Any) -> list[tuple[str, str]]:
    """Path and what is said of it; the place it collides with, if any, behind an @."""
    with pytest.raises(ValidationError) as caught:
        agents(value)
    found = []
    for error in caught.value.errors():
        for each in error.get("ctx", {}).get("refusals") or [None]:
            where = ".".join(map(str, (*error["loc"], *(each.at if each else ()))))
            other = "@" + ".".join(map(str, (*error["loc"], *each.other))) if each and each.other else ""
            found.append((where + other, each.what if each else error["msg"]))
    return found


def refused_agent(**entry: Any) -> list[tuple[str, str]]:
    return refused({"scout": {"instances": [URL], **entry}})


def test_a_url_is_enough() -> None:
    made = agent()
    assert [(name, each.url, each.weight) for name, each in made.named.items()] == [("1", URL, 1)]
    assert (made.state, made.on_lost, made.client_context, made.unknown_task) == (
        "instance",
        "reject",
        "adopt",
        "reject",
    )
    assert (made.timeout, made.idle_timeout, made.max_answer) == (600.0, 900.0, 32 << 20)
    assert (made.health.interval, made.health.lost_after, made.health.path) == (5.0, 20.0, None)
    assert (made.card.signature, made.card.public, made.card.verify, made.card.refresh) == ("resign", True, None, 300.0)
    assert (made.pins.context_idle, made.pins.task_idle, made.pins.finished) == (86_400.0, 604_800.0, 86_400.0)
    assert (made.pins.max, made.pins.per_owner) == (100_000, 10_000)
    assert (made.default, made.resolve, made.fill_context, made.speeches, made.groups) == (False, "none", False, (), ())
    assert (made.push.allow, made.identity, made.description) == ((), None, None)


def test_everything_can_be_said() -> None:
    made = agent(
        instances=[URL, {"name": "s2", "url": "https://h/a/", "weight": 2, "headers": {"X-K": "v"}}],
        state="shared",
        on_lost="repin",
        client_context="reject",
        headers={"Authorization": "Bearer t"},
        timeout="30s",
        idle_timeout="1m",
        default=True,
        health={"interval": "1s", "lost_after": "3s", "path": "/healthz?full=1"},
        identity={"header": "X-Pod-Uid"},
        card={"signature": "strip", "public": False, "refresh": "1m"},
        push={
            "allow": [
                "127.0.0.0/8",
                "Hooks.internal",
                "hooks.internal:8443",
                "[::1]:9",
                "[::1]",
                "10.0.0.1",
                "fd00::/8",
            ]
        },
        speaks=["0.3/rest", "1.0/jsonrpc"],
        groups=["engineering"],
        description="Finds things.",
        pins={"context_idle": "1h", "task_idle": "2h", "finished": "3h", "max": 5, "per_owner": 4},
        fill_context=True,
        max_answer="1MiB",
    )
    assert [(name, each.weight, each.headers) for name, each in made.named.items()] == [
        ("1", 1, {}),
        ("s2", 2, {"X-K": "v"}),
    ]
    assert made.speeches == (Speech("0.3", "rest"), Speech("1.0", "jsonrpc"))
    assert made.push.allow[1] == "hooks.internal"
    assert made.health.path == "/healthz?full=1"


def test_unnamed_instances_are_called_by_their_place() -> None:
    made = agent(instances=[URL, {"url": URL, "name": "second"}, {"url": URL}])
    assert list(made.named) == ["1", "second", "3"]


def test_a_plain_url_and_a_mapping_with_it_alone_are_equal() -> None:
    assert agent(instances=[URL]) == agent(instances=[{"url": URL}])


def test_credentials_are_not_in_the_repr() -> None:
    made = agent(instances=[{"url": URL + "/?key=hush", "headers": {"X": "hush"}}], headers={"Authorization": "hush"})
    assert "hush" not in repr(made)


@pytest.mark.parametrize(
    ("entry", "where", "what"),
    [
        ({"instances": []}, "instances", "is empty"),
        ({"instances": [URL] * (MAX_INSTANCES + 1)}, "instances", "has more than 64 instances"),
        ({"instances": ["ftp://h"]}, "instances.0.url", "must be an http or https URL"),
        ({"instances": ["http://u:p@h"]}, "instances.0.url", "must not carry a user or password"),
        ({"instances": ["http://h!x/"]}, "instances.0.url", "must be an http or https URL"),
        ({"instances": [{"url": URL, "name": "A b"}]}, "instances.0.name", "is not a valid name"),
        ({"instances": [{"url": URL, "weight": 0}]}, "instances.0.weight", None),
        ({"instances": [{"url": URL, "wieght": 1}]}, "instances.0.wieght", None),
        (
            {"instances": [{"url": URL, "headers": {"Host": "h"}}]},
            "instances.0.headers.Host",
            "is set by the gateway itself",
        ),
        ({"instances": [{"name": "x"}]}, "instances.0.url", None),
        ({"instances": [7]}, "instances.0", None),
        ({"state": "process"}, "state", None),
        ({"health": {"interval": "30s"}}, "health", "has lost_after shorter than interval"),
        ({"health": {"path": "healthz"}}, "health.path", "must be a path"),
        ({"health": {"path": "/a b"}}, "health.path", "must be a path"),
        ({"identity": {}}, "identity", 'needs either "header" or "field"'),
        ({"identity": {"header": "X", "field": "a"}}, "identity", 'needs either "header" or "field"'),
        ({"identity": {"header": "X Y"}}, "identity.header", "is not a header name"),
        ({"identity": {"field": "a..b"}}, "identity.field", "must be keys joined by dots"),
        ({"card": {"verify": "no-such-file"}}, "card.verify", "cannot be read"),
        ({"push": {"allow": ["http://h"]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"push": {"allow": ["10.0.0.1/8"]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"push": {"allow": ["h:70000"]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"push": {"allow": ["*.internal"]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"push": {"allow": ["1.2.3:80"]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"push": {"allow": ["[1.2.3.4]:80"]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"push": {"allow": [""]}}, "push.allow.0", "must be a network, a host or HOST:PORT"),
        ({"speaks": []}, "speaks", "is empty"),
        ({"speaks": ["1.0/rest", "1.0/rest"]}, "speaks", "names something twice"),
        ({"speaks": ["1.0/grpc"]}, "speaks.0", None),
        ({"unknown_task": "probe"}, "unknown_task", None),
        ({"timeout": "0s"}, "timeout", "must be longer than zero"),
        ({"pins": {"max": 0}}, "pins.max", None),
        ({"replicas": 2}, "replicas", None),
    ],
)
def test_what_makes_no_sense_is_refused(entry: dict[str, Any], where: str, what: str | None) -> None:
    ((found, said),) = refused_agent(**entry)
    assert found == f"scout.{where}"
    assert what is None or said == what


@pytest.mark.parametrize(
    ("second", "where"),
    [
        ({"name": "1", "url": URL}, "scout.instances.1.name@scout.instances.0"),
    ],
)
def test_two_instances_of_one_name_are_refused(second: Any, where: str) -> None:
    assert refused_agent(instances=[URL, second]) == [(where, "has the name of another instance")]


def test_a_given_name_may_not_be_the_place_of_another() -> None:
    assert refused_agent(instances=[{"name": "2", "url": URL}, URL]) == [
        ("scout.instances.1@scout.instances.0", "has the name of another instance")
    ]


def test_dns_wants_one_plain_http_url_with_a_name() -> None:
    assert agent(instances=["http://agents.internal:9000/a"], resolve="dns").resolve == "dns"
    assert refused_agent(instances=[{"url": "https://10.0.0.1", "name": "x"}, URL], resolve="dns") == [
        ("scout.instances", "must be one URL with resolve: dns"),
        ("scout.instances.0.name", "must not stand beside resolve: dns"),
        ("scout.instances.0.url", "must be http with resolve: dns"),
        ("scout.instances.0.url", "must have a host name with resolve: dns"),
    ]


def test_one_agent_at_most_is_the_default() -> None:
    one = {"instances": [URL], "default": True}
    assert [each.default for each in agents({"a": one, "b": {"instances": [URL]}}).values()] == [True, False]
    assert refused({"a": one, "b": one, "c": one}) == [
        ("b.default@a.default", "is true for a second agent"),
        ("c.default@a.default", "is true for a second agent"),
    ]


def test_agent_names_are_names() -> None:
    ((_, what),) = refused({"My Agent": {"instances": [URL]}})
    assert what == "is not a valid name"


def test_the_schema_takes_an_instance_as_text_or_mapping() -> None:
    schema = ADAPTER.json_schema()
    instances = schema["$defs"]["Agent"]["properties"]["instances"]["items"]
    assert [each.get("type", each.get("$ref")) for each in instances["anyOf"]] == ["string", "#/$defs/Instance"]

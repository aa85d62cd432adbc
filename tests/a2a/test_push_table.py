"""Relays are found by their callback URL, belong to one owner and task, and are bounded in number and time."""

import itertools
from collections.abc import Callable

import msgspec
import pytest

from fedgate.a2a.push_config import PushConfig
from fedgate.a2a.push_table import Limits, PushTable
from fedgate.core.clock import ManualClock
from fedgate.core.errors import Conflict, Overloaded

PUBLIC = "https://gw.example.com"
CLIENT = PushConfig("https://hooks.example.com/in", id="c", token="client-token", authorization="Bearer secret")


def numbered() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"n{next(numbers)}"


def table(clock: ManualClock | None = None, **limits: float) -> PushTable:
    return PushTable(PUBLIC, clock or ManualClock(), msgspec.convert(limits, Limits), numbered())


def of(task: str = "", config: str = "") -> PushConfig:
    return msgspec.structs.replace(CLIENT, task=task, id=config)


def test_a_relay_is_found_by_the_url_that_the_agent_was_given() -> None:
    relays = table()
    relay = relays.begin("alice", "weather", CLIENT)
    assert relays.url(relay) == "https://gw.example.com/a2a/weather/push/n1"
    assert (relay.token, relay.config, relay.task) == ("n2", "c", "")
    assert relays.find("weather", "n1") == relay
    assert relays.find("maths", "n1") is None
    assert relays.find("weather", "n2") is None


def test_ids_and_tokens_are_256_random_bits() -> None:
    relays = PushTable(PUBLIC, ManualClock())
    one, other = (relays.begin("alice", "weather", CLIENT) for _ in range(2))
    assert len({one.id, one.token, other.id, other.token}) == 4
    assert {len(each) for each in (one.id, one.token, other.id, other.token)} == {43}


@pytest.mark.parametrize(
    ("owner", "url", "known"),
    [
        ("alice", "https://gw.example.com/a2a/weather/push/n1", True),
        ("bob", "https://gw.example.com/a2a/weather/push/n1", False),
        ("alice", "https://gw.example.com/a2a/maths/push/n1", False),
        ("alice", "https://gw.example.com/a2a/weather/push/n9", False),
        ("alice", "https://elsewhere.example.com/a2a/weather/push/n1", False),
        ("alice", "weather/push/n1", False),
        ("alice", "", False),
    ],
)
def test_only_its_owner_learns_what_stands_behind_a_url(owner: str, url: str, known: bool) -> None:
    relays = table()
    relays.begin("alice", "weather", CLIENT)
    assert relays.behind(owner, url) == (CLIENT if known else None)


def test_the_first_task_that_is_told_is_the_relays() -> None:
    relays = table()
    relay = relays.begin("alice", "weather", of())
    bound = relays.bind(relay.id, "t-1", "c-9")
    assert bound is not None
    assert (bound.task, bound.config) == ("t-1", "c-9")
    again = relays.bind(relay.id, "t-2")
    assert again is not None
    assert (again.task, again.config) == ("t-1", "c-9")
    assert list(relays.of_task("weather", "t-1")) == [bound]
    assert list(relays.of_task("weather", "t-2")) == []
    assert relays.bind("n9", "t-1") is None


def test_a_configuration_that_the_agent_has_replaced_ends_once_the_new_one_is_accepted() -> None:
    relays = table()
    old = relays.begin("alice", "weather", of("t-1", "c"))
    relays.bind(old.id, "t-1", "c")
    other = relays.begin("alice", "weather", of("t-1", "d"))
    new = relays.begin("alice", "weather", of("t-1", "c"))
    assert len(relays) == 3
    relays.bind(new.id, "t-1")
    assert [each.id for each in relays.of_task("weather", "t-1")] == [other.id, new.id]
    assert relays.find("weather", old.id) is None


def test_a_deleted_configuration_ends_its_relay_alone() -> None:
    relays = table()
    kept = relays.begin("alice", "weather", of("t-1", "d"))
    relays.begin("alice", "weather", of("t-1", "c"))
    assert relays.delete("weather", "t-1", "c") == 1
    assert relays.delete("weather", "t-1", "c") == 0
    assert list(relays.of_task("weather", "t-1")) == [kept]
    relays.end(kept.id)
    relays.end(kept.id)
    assert repr(relays) == "<PushTable relays=0 owners=0>"


def test_a_relay_is_over_after_its_life_and_a_callback_prolongs_it() -> None:
    clock = ManualClock()
    relays = table(clock, life=100.0, unbound_life=10.0)
    bound = relays.begin("alice", "weather", of("t-1"))
    unbound = relays.begin("alice", "weather", of())
    clock.advance(11)
    assert relays.find("weather", unbound.id) is None
    relays.touch(bound.id)
    relays.touch(unbound.id)
    clock.advance(100)
    assert relays.find("weather", bound.id) is not None
    clock.advance(1)
    assert relays.sweep() == 1
    assert len(relays) == 0


def test_an_owner_has_a_limit_and_others_are_not_held_up_by_it() -> None:
    clock = ManualClock()
    relays = table(clock, per_owner=2, life=100.0)
    for number in range(2):
        relays.begin("alice", "weather", of(f"t-{number}"))
    with pytest.raises(Conflict, match="you have 2 push configurations, which is the limit: delete some"):
        relays.begin("alice", "weather", of("t-3"))
    relays.begin("bob", "weather", of("t-4"))
    clock.advance(101)
    relays.begin("alice", "weather", of("t-3"))
    assert len(relays) == 1


def test_a_task_has_a_limit() -> None:
    relays = table(per_task=1)
    relays.begin("alice", "weather", of("t-1"))
    with pytest.raises(Conflict, match="the task has 1 push configurations"):
        relays.begin("alice", "weather", of("t-1"))
    relays.begin("alice", "maths", of("t-1"))


def test_the_gateway_has_a_limit() -> None:
    relays = table(total=1)
    relays.begin("alice", "weather", of("t-1"))
    with pytest.raises(Overloaded):
        relays.begin("bob", "weather", of("t-2"))


def test_records_are_taken_up_again_as_they_were() -> None:
    clock = ManualClock()
    relays = table(clock, life=100.0)
    relay = relays.begin("alice", "weather", of("t-1", "c"))
    records = list(relays.records())
    fresh = table(clock, life=100.0, total=1)
    fresh.load([*records, *records])
    assert fresh.find("weather", relay.id) == relay
    assert fresh.behind("alice", fresh.url(relay)) == relay.client
    clock.advance(101)
    late = table(clock, life=100.0)
    late.load(records)
    assert len(late) == 0
    with pytest.raises(ValueError, match=r".*"):
        fresh.load([b"{}"])


def test_no_repr_shows_a_secret() -> None:
    relays = table()
    relay = relays.begin("alice", "weather", of("t-1", "c"))
    text = repr((relays, relay, relay.client))
    assert text == "(<PushTable relays=1 owners=1>, <Relay weather task='t-1' config='c'>, <PushConfig 'c'>)"

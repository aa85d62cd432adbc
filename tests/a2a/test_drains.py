"""a2a/drains.py: which instances are drained is in the session table, and taken up when the gateway starts again."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from fedgate.a2a.drains import SHELF, Drains
from fedgate.core.clock import ManualClock
from fedgate.sessions.keeper import Keeper
from fedgate.sessions.sqlite import SqliteStore
from fedgate.sessions.table import SessionTable
from tests.a2a.agent_kit import world

pytestmark = pytest.mark.anyio

ONE, TWO = "scout/s1@http://127.0.0.1:1", "scout/s2@http://127.0.0.1:2"
ENTRY = {
    "scout": {"instances": [{"name": "s1", "url": "http://127.0.0.1:1"}, {"name": "s2", "url": "http://127.0.0.1:2"}]}
}


def table() -> SessionTable:
    return SessionTable(ManualClock(), idle=1800.0, limit=100)


def test_an_instance_is_drained_from_when_it_is_said_until_it_is_unsaid() -> None:
    sessions = table()
    drains = Drains(sessions)
    drains.put(ONE, False)
    assert (ONE in drains, drains.all(), sessions.count(SHELF)) == (False, [], 0)
    drains.put(ONE, True)
    assert (ONE in drains, TWO in drains, drains.all()) == (True, False, [ONE])
    drains.put(ONE, False)
    assert (ONE in drains, drains.all()) == (False, [])
    drains.put(ONE, True)
    assert ONE in Drains(sessions)


def test_what_is_never_looked_at_is_forgotten_after_a_year() -> None:
    clock = ManualClock()
    drains = Drains(SessionTable(clock, idle=1800.0, limit=100))
    drains.put(ONE, True)
    clock.advance(364 * 86_400.0)
    assert ONE in drains
    clock.advance(366 * 86_400.0)
    assert ONE not in drains


def test_where_nothing_can_be_kept_this_is_said_and_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    sessions = table()
    drains = Drains(sessions)
    sessions.close()
    with caplog.at_level(logging.WARNING, "fedgate.a2a.agent"):
        drains.put("scout/s1@http://127.0.0.1:1/secret", True)
    (said,) = caplog.messages
    assert said.startswith("that scout/s1 is drained is not kept across a restart: ")


async def test_a_file_keeps_it_and_an_agent_takes_it_up_at_its_start(tmp_path: Path) -> None:
    for drained in (False, True):
        sessions = table()
        drains = Drains(sessions)
        keeper = Keeper(sessions, SqliteStore(tmp_path / "sessions.db"))
        keeper.start()
        async with world(ENTRY, drains=drains) as made:
            (agent,) = made.agents.all()
            assert [each.draining for each in agent.instances.values()] == [drained, False]
            assert agent.drain("s1", True)
        await keeper.aclose()


async def test_an_instance_that_has_left_the_manifest_is_not_drained_when_it_comes_back() -> None:
    drains = Drains(table())
    async with world(ENTRY, drains=drains) as made:
        (agent,) = made.agents.all()
        for name in ("s1", "s2"):
            agent.drain(name, True)
        keys = drains.all()
        only = agent.settings.model_copy(update={"instances": agent.settings.instances[:1]})
        made.agents.apply({"scout": only})
        assert drains.all() == keys[:1]
        assert made.agents.all()[0].instances["s1"].draining
        made.agents.apply({})
        assert drains.all() == []
    drains.put(keys[0], True)
    async with world({"other": ENTRY["scout"]}, drains=drains):
        assert drains.all() == []


async def test_an_address_by_dns_is_drained_until_it_is_lost() -> None:
    drains, addresses = Drains(table()), ["127.0.0.2", "127.0.0.3"]

    async def lookup(_host: str, _port: int) -> Sequence[str]:
        return addresses

    entry = {"scout": {"instances": ["http://agents.internal:1"], "resolve": "dns"}}
    async with world(entry, drains=drains, lookup=lookup) as made:
        (agent,) = made.agents.all()
        await made.pass_time(lambda: len(agent.instances) == 2)
        agent.drain("127.0.0.2", True)
        (key,) = drains.all()
    async with world(entry, drains=drains, lookup=lookup) as made:
        (agent,) = made.agents.all()
        await made.pass_time(lambda: len(agent.instances) == 2)
        assert [each.draining for each in agent.instances.values()] == [True, False]
        addresses.remove("127.0.0.2")
        await made.pass_time(lambda: "127.0.0.2" not in agent.instances)
        assert key not in drains

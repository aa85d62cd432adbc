"""Draining outlives the gateway where sessions do: an instance that is being emptied gets nothing new after that."""

from pathlib import Path

import pytest

from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_world import served

pytestmark = pytest.mark.anyio

STORE = {"store": "sqlite:sessions.db"}


@pytest.mark.parametrize(("sessions", "kept"), [(STORE, True), ({}, False)])
async def test_an_instance_that_was_drained_is_so_after_a_restart_if_there_is_a_store(
    sessions: dict[str, str], kept: bool, tmp_path: Path
) -> None:
    agents = (Agent(), Agent())
    async with running(*agents):
        async with served(tmp_path, agents, sessions=sessions) as found:
            begun = (await found.client().send("a")).context
            name = found.name(found.holder(begun))
            found.drain(name)
        async with served(tmp_path, agents, sessions=sessions) as found:
            assert found.instance(name).draining is kept
            if not kept:
                return
            assert (await found.client().send("b", contextId=begun)).text == "a|b"  # what it holds goes on
            new = [(await found.client().send("c")).context for _ in range(4)]
            assert {found.name(found.holder(context)) for context in new}.isdisjoint({name})
            found.drain(name, False)
        async with served(tmp_path, agents, sessions=sessions) as found:
            assert not found.instance(name).draining

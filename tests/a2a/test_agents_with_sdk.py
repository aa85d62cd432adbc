"""Agents whose card is served by the official SDK's own routes, over uvicorn: 1.0, hybrid, signed, under a prefix."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from a2a.server.routes import create_agent_card_routes
from a2a.types import AgentCard
from starlette.applications import Starlette

from fedgate.a2a.interfaces import Interface
from fedgate.a2a.values import Speech
from tests.a2a.agent_kit import BOTH, CARD_PATH, MODERN, Interfaces, sdk_card, world
from tests.a2a.signed_cards import OURS, THEIRS, key_set, public, signed

pytestmark = pytest.mark.anyio

J1, J3 = Interface(Speech("1.0", "jsonrpc"), "/"), Interface(Speech("0.3", "jsonrpc"), "/")


@asynccontextmanager
async def serving(card: AgentCard, path: str = CARD_PATH) -> AsyncIterator[str]:
    """The SDK's card route on a port of its own. Yields the origin."""
    app = Starlette(routes=create_agent_card_routes(card, card_url=path))
    config = uvicorn.Config(app, loop="none", ws="none", lifespan="off", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    async with asyncio.timeout(10):
        await server.startup()
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            await server.shutdown()


@pytest.mark.parametrize(("interfaces", "ways"), [(MODERN, (J1,)), (BOTH, (J1, J3))])
async def test_a_card_of_the_sdk_tells_how_to_speak_and_stays_by_its_etag(
    interfaces: Interfaces, ways: tuple[Interface, ...]
) -> None:
    async with serving(sdk_card(interfaces)) as origin, world({"scout": {"instances": [origin]}}) as it:
        await it.agents.settled.wait()
        (agent,) = it.agents.all()
        (instance,) = agent.instances.values()
        assert (instance.state, instance.speeches) == ("ready", ways)
        card, later = agent.card, it.clock.monotonic() + 12.0
        await it.pass_time(lambda: it.clock.monotonic() > later)
        assert (instance.state, agent.card is card) == ("ready", True)


async def test_a_card_below_a_prefix_is_found_by_its_own_url() -> None:
    inner = (("http://inner:80/agents/x", "JSONRPC", "1.0"),)
    path = "/agents/x" + CARD_PATH
    async with serving(sdk_card(inner), path) as origin, world({"scout": {"instances": [origin + path]}}) as it:
        await it.agents.settled.wait()
        (instance,) = it.agents.all()[0].instances.values()
        assert instance.speeches == (Interface(Speech("1.0", "jsonrpc"), "/agents/x"),)


async def test_only_an_agent_whose_card_is_signed_by_a_trusted_key_is_served(tmp_path: Path) -> None:
    keys = tmp_path.joinpath("keys.json")
    keys.write_bytes(key_set(public(OURS, "one")))
    good, bad = signed(sdk_card(BOTH)), signed(sdk_card(BOTH), THEIRS)
    async with serving(good) as first, serving(bad) as second:
        settings = {
            name: {"instances": [origin], "card": {"verify": str(keys)}}
            for name, origin in (("good", first), ("bad", second))
        }
        async with world(settings) as it:
            await it.agents.settled.wait()
            assert [(each.state, each.reason) for each in it.agents.status] == [
                ("ready", ""),
                ("unreachable", "its card is not signed by a key of card.verify"),
            ]
            assert [agent.choose() is None for agent in it.agents.all()] == [False, True]

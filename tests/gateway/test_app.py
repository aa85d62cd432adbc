"""gateway/app.py: sides that the manifest says nothing of answer as ever, and are there once it speaks of them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from fedgate.core.clock import ManualClock
from fedgate.gateway.app import Gateway
from fedgate.gateway.pages import OF_AGENTS
from fedgate.manifest.model import Manifest

pytestmark = pytest.mark.anyio

NOWHERE = "http://127.0.0.1:9"
AGENTS = {"support": {"instances": [NOWHERE], "description": "Helps."}}
MODELS = {
    "providers": {"near": {"type": "openai", "base_url": f"{NOWHERE}/v1"}},
    "routes": {"smart": {"path": "/smart", "targets": [{"provider": "near", "model": "x"}]}},
}


class Asked:
    """A gateway that runs in this process, asked without a socket."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    async def __call__(self, path: str, method: str = "GET", body: Any = None) -> httpx2.Response:
        transport = httpx2.ASGITransport(self.gateway.asgi, client=("127.0.0.1", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, json=body, headers={"a2a-version": "1.0"})

    def serve(self, **sections: Any) -> None:
        """Another manifest."""
        self.gateway.apply(Manifest.model_validate(sections))


@asynccontextmanager
async def running(**sections: Any) -> AsyncIterator[Asked]:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    gateway = Gateway(Manifest.model_validate(sections), clock=ManualClock(), log_fd=nowhere)
    try:
        gateway.start()
        yield Asked(gateway)
    finally:
        await gateway.aclose()
        gateway.telling.close()
        os.close(nowhere)


async def test_without_agents_and_models_their_addresses_answer_as_ever() -> None:
    async with running() as ask:
        assert (await ask("/a2a")).json()["agents"] == []
        assert (await ask("/a2a/support", "POST", {})).status_code == 404
        assert (await ask("/v1/models")).json()["data"] == []
        refused = await ask("/v1/chat/completions", "POST", {"model": "smart", "messages": []})
        assert (refused.status_code, refused.json()["error"]["type"]) == (404, "invalid_request_error")
        statuses = [(await ask(path)).status_code for path in OF_AGENTS]
        assert statuses == [404, 404, 200, 200, 200]
        assert (await ask("/.well-known/jwks.json", "POST")).status_code == 405
        assert (await ask("/healthz", "POST")).status_code == 405


async def test_every_page_that_agents_publish_is_served_where_there_are_none() -> None:
    async with running(agents=AGENTS) as ask:
        visitors = ask.gateway.access.visitors(ask.gateway.hosts)
        published = ask.gateway.a2a.published(visitors)
        assert {getattr(route, "path", "") for route in published} == set(OF_AGENTS)


async def test_agents_and_models_of_a_later_manifest_are_served() -> None:
    servers = {"desk": {"agent": "support"}}
    async with running() as ask:
        assert (await ask("/smart/v1/models")).status_code == 404
        ask.serve(agents=AGENTS, models=MODELS, mcp={"servers": servers})
        assert [each["name"] for each in (await ask("/a2a")).json()["agents"]] == ["support"]
        assert [each["id"] for each in (await ask("/v1/models")).json()["data"]] == ["smart"]
        assert (await ask("/smart/v1/models")).status_code == 200
        ready = (await ask("/readyz")).json()
        assert (list(ready["servers"]), list(ready["agents"])) == (["desk"], ["support"])
        assert [each.name for each in ask.gateway.agents.views()] == ["support"]
        assert ask.gateway.a2a.door.shown("support").settled is False


async def test_a_side_that_was_made_for_one_request_takes_the_agents_of_a_later_manifest() -> None:
    async with running() as ask:
        assert (await ask("/a2a")).json()["agents"] == []
        ask.serve(agents=AGENTS)
        assert [each["name"] for each in (await ask("/a2a")).json()["agents"]] == ["support"]


async def test_agents_and_models_that_a_later_manifest_leaves_out_are_gone() -> None:
    async with running(agents=AGENTS, models=MODELS) as ask:
        ask.serve()
        assert (await ask("/a2a")).json()["agents"] == []
        assert (await ask("/v1/models")).json()["data"] == []
        assert (await ask("/readyz")).json()["agents"] == {}


async def test_why_is_answered_where_there_are_no_agents_and_models() -> None:
    async with running() as ask:
        for kind in ("agent", "model"):
            answer = (await ask("/admin/why", "POST", {kind: "support"})).json()
            assert (answer["known"], answer["told"]) == (False, f"there is no {kind} 'support' here")

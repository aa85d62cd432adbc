"""What agents are shown: the gateway's own token, or one in the caller's name, and a refusal that binds nothing."""

from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.access.issuer import SERVICE, Issuer, running
from tests.e2e.a2a_agent import Agent
from tests.e2e.a2a_speech import RPC, SPEECHES, Speech
from tests.e2e.a2a_world import ALICE, KEYS, world

pytestmark = pytest.mark.anyio


def auth(issuer: Issuer, kind: str, secret: str = SERVICE[1]) -> dict[str, Any]:
    client = {"issuer": issuer.url, "client_id": SERVICE[0], "client_secret": secret}
    return {"type": kind, "audience": "support", **client}


def access(issuer: Issuer) -> dict[str, Any]:
    return {**KEYS, "jwt": [{"issuer": issuer.url, "audiences": ["gateway"]}]}


def who(agent: Agent) -> list[str]:
    """The subjects of the tokens that requests came with."""
    tokens = [heard.headers["authorization"].removeprefix("Bearer ") for heard in agent.heard]
    return [str(jwt.decode(token, options={"verify_signature": False})["sub"]) for token in tokens]


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_agent_is_shown_the_gateways_own_token(speech: Speech, tmp_path: Path) -> None:
    async with (
        running() as issuer,
        world(tmp_path, auth=auth(issuer, "client_credentials"), headers={"Authorization": "fixed"}) as at,
    ):
        assert (await at.client(speech).send("a")).text == "a"
        assert who(at.agents[0]) == ["service"]
        assert issuer.asked["client_credentials"] == 1  # the probes' too


async def test_an_agent_is_asked_in_its_callers_name(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        world(tmp_path, auth=auth(issuer, "token_exchange"), access=access(issuer)) as at,
    ):
        alice, bob = (issuer.token(name) for name in ("alice", "bob"))
        begun = await at.client(RPC, alice).send("a")
        assert (await at.client(RPC, alice).send("b", contextId=begun.context)).text == "a|b"
        await at.client(RPC, bob).send("c")
        assert who(at.agents[0]) == ["alice", "alice", "bob"]
        assert all(alice not in heard.headers["authorization"] for heard in at.agents[0].heard)


async def test_a_caller_without_a_token_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        world(tmp_path, auth=auth(issuer, "token_exchange"), access=access(issuer)) as at,
    ):
        refused = await at.client(RPC, ALICE).send("a")
        assert "call with an access token (JWT)" in refused.tree["error"]["message"]
        at.quiet()
        assert await at.pinned("made") == 0


async def test_an_agent_for_which_there_is_no_token_is_unreachable_and_says_why(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        world(tmp_path, auth=auth(issuer, "client_credentials", secret="wrong")) as at,
    ):
        await at.sees("one", "unreachable")
        assert at.instance("one").reason.endswith("refuses it (invalid_client)")
        assert (await at.client().send("a")).tree["error"]
        at.quiet()


async def test_headers_of_the_caller_are_sent_on_by_name_alone(tmp_path: Path) -> None:
    forward = {"type": "forward", "headers": ["X-User-Token"]}
    async with world(tmp_path, auth=forward, headers={"x-user-token": "gateways-own"}) as at:
        client = at.client()
        await client.send("a")
        assert "x-user-token" not in at.agents[0].heard[-1].headers
        assert "authorization" not in at.agents[0].heard[-1].headers

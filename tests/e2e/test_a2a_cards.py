"""Cards and addresses through a whole gateway: where traffic goes, who may see what, and what caches may ask."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.a2a_agent import Agent
from tests.e2e.a2a_client import Answer
from tests.e2e.a2a_errors import NO_AGENT, NO_KEY, NO_PUSH, NOT_HERE, refused
from tests.e2e.a2a_speech import OLD_REST, OLD_RPC, REST, RPC, SPEECHES, Speech
from tests.e2e.a2a_world import BOB, served, settings_of, world
from tests.e2e.caller import Caller

pytestmark = pytest.mark.anyio

CARD = "/.well-known/agent-card.json"
ELSEWHERE = "http://192.0.2.7:9000"
"""An address for documentation: nobody answers there."""


def urls(tree: Any) -> set[str]:
    """Every URL in a card that says where to go."""
    found = {each["url"] for each in [*tree["supportedInterfaces"], *tree["additionalInterfaces"]]}
    return {tree["url"], *found}


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_card_that_names_another_host_changes_nothing_about_where_traffic_goes(
    speech: Speech, tmp_path: Path
) -> None:
    agent = Agent()
    agent.card = agent.own_card(ELSEWHERE)
    async with world(tmp_path, agent) as found:
        assert (await found.client(speech).send("a")).text == "a"
        card = await found.client(speech).raw("GET", CARD)
        assert urls(card.tree) == {f"http://127.0.0.1:{found.gateway.port}/a2a/support"}
        assert b"192.0.2.7" not in card.body


async def test_a_card_gives_paths_and_no_hosts(tmp_path: Path) -> None:
    """One interface is elsewhere: it is not used. The other's path is."""
    agent = Agent()
    await agent.start()
    try:
        card = agent.own_card()
        card["supportedInterfaces"] = [
            {"url": f"{ELSEWHERE}/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
            {"url": agent.url, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
        ]
        agent.card = card
        async with served(tmp_path, (agent,)) as found:
            assert (await found.client(RPC).send("a")).text == "a"
            assert [heard.speech for heard in agent.heard] == [REST]
    finally:
        await agent.stop()


@pytest.mark.parametrize("spoken", ["1.0/jsonrpc", "0.3/rest"])
@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_agent_without_a_card_is_spoken_to_as_the_manifest_says(
    speech: Speech, spoken: str, tmp_path: Path
) -> None:
    agent = Agent(has_card=False)
    async with world(tmp_path, agent, speaks=[spoken]) as found:
        first = await found.client(speech).send("a")
        assert (await found.client(speech).send("b", contextId=first.context)).text == "a|b"
        assert {"/".join(heard.speech) for heard in agent.heard} == {spoken}
        answer = await found.client(REST).raw("GET", CARD)
        refused(answer, NO_AGENT, "agent support has shown no card; the gateway's manifest says how it speaks")
        refused(await found.client(speech).push("List", first.task), NO_PUSH, "Push Notification is not supported")


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_hybrid_card_is_rewritten_in_all_its_shapes(speech: Speech, tmp_path: Path) -> None:
    agent = Agent(RPC, OLD_RPC)
    await agent.start()
    try:
        agent.card = {
            **agent.own_card(),
            "url": f"{agent.url}/",
            "preferredTransport": "JSONRPC",
            "protocolVersion": "0.3.0",
            "additionalInterfaces": [{"url": f"{ELSEWHERE}/grpc", "transport": "GRPC"}],
            "securitySchemes": {"inner": {"type": "http", "scheme": "basic"}},
            "signatures": [{"protected": "e30", "signature": "AAAA"}],
        }
        async with served(tmp_path, (agent,)) as found:
            card = (await found.client(speech).raw("GET", CARD)).tree
            assert urls(card) == {f"http://127.0.0.1:{found.gateway.port}/a2a/support"}
            assert set(card["securitySchemes"]) == {"bearer", "apiKey"}
            assert {each.get("transport", each.get("protocolBinding")) for each in card["additionalInterfaces"]} == {
                "JSONRPC",
                "HTTP+JSON",
            }
            assert all(each["signature"] != "AAAA" for each in card["signatures"])
            assert str(agent.port) not in json.dumps(card)
            old = await found.client(speech).raw("GET", "/.well-known/agent.json")
            assert old.tree == card
            assert (await found.client(speech).send("a")).text == "a"
            assert agent.heard[-1].speech.version == speech.version
    finally:
        await agent.stop()


@pytest.mark.parametrize("speech", SPEECHES)
async def test_the_extended_card_is_rewritten_too(speech: Speech, tmp_path: Path) -> None:
    agent = Agent()
    agent.card = {**agent.own_card(ELSEWHERE), "x-more": 1}
    async with world(tmp_path, agent) as found:
        answer = await found.client(speech).ask("GetExtendedAgentCard", {})
        if speech == OLD_REST:
            answer = await found.client(speech).raw("GET", "/v1/card")
        assert answer.result["x-more"] == 1
        assert b"192.0.2.7" not in answer.body
        assert f"http://127.0.0.1:{found.gateway.port}/a2a/support".encode() in answer.body


# Who may see what.


async def card_of(port: int, key: str = "", agent: str = "support", method: str = "GET", **headers: str) -> Answer:
    sent = {"authorization": f"Bearer {key}"} if key else {}
    return Answer(REST, await Caller(port, f"/a2a/{agent}{CARD}").send(method, {**sent, **headers}))


async def test_a_public_card_is_read_without_a_key_and_a_private_one_with_one(tmp_path: Path) -> None:
    agent = Agent()
    await agent.start()
    others = {"quiet": settings_of(agent, card={"public": False})}
    try:
        async with served(tmp_path, (agent,), others) as found:
            port = found.gateway.port
            assert (await card_of(port)).tree["name"] == "Scripted"
            assert (await card_of(port, "wrong")).status == 200  # what it carries is not meant for us
            refused(await card_of(port, agent="quiet"), NO_KEY, ident=None)
            refused(await card_of(port, "wrong", "quiet"), NO_KEY, ident=None)
            shown = await card_of(port, BOB, "quiet")
            assert (shown.status, shown.headers["cache-control"][:7]) == (200, "private")
    finally:
        await agent.stop()


async def test_an_agent_that_a_caller_may_not_use_looks_like_an_unknown_one(tmp_path: Path) -> None:
    agent = Agent()
    await agent.start()
    others = {
        "staff": settings_of(agent, groups=["staff"], card={"public": False}),
        "shown": settings_of(agent, groups=["staff"]),
    }
    try:
        async with served(tmp_path, (agent,), others) as found:
            for speech in SPEECHES:
                mine, theirs = found.client(speech, agent="staff"), found.client(speech, BOB, agent="staff")
                task = (await mine.send("a")).task
                unknown = found.client(speech, BOB, agent="stuff")
                heard = len(agent.heard)
                for client, name in ((theirs, "staff"), (unknown, "stuff")):
                    ident = None
                    sentence = f"there is no agent {name} here; GET /a2a lists them"
                    refused(await client.send("a"), NO_AGENT, sentence, ident=ident)
                    refused(await client.get(task), NO_AGENT, sentence, ident=ident)
                    for path in (CARD, "/.well-known/agent.json"):
                        answer = await client.raw("GET", path)
                        answer.speech = REST
                        refused(answer, NO_AGENT, sentence)
                assert len(agent.heard) == heard
                assert (await found.client(speech, BOB, agent="shown").send("a")).status == 404
            assert (await card_of(found.gateway.port, agent="shown")).status == 200  # its card is public all the same
            listed = [each["name"] for each in (await _listed(found.gateway.port, BOB))]
            assert listed == ["support"]
            assert len(await _listed(found.gateway.port, "key-of-alice-0001")) == 3
    finally:
        await agent.stop()


async def _listed(port: int, key: str) -> Any:
    tree = json.loads((await Caller(port, "/a2a", {"authorization": f"Bearer {key}"}).send("GET", {})).body)
    return tree["agents"]


# Caches.


async def test_a_card_is_asked_for_by_head_and_by_its_tag(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        port = found.gateway.port
        whole = await card_of(port)
        head = await card_of(port, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        for name in ("etag", "cache-control", "content-type", "content-length"):
            assert head.headers[name] == whole.headers[name]
        tag = whole.headers["etag"]
        for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            for method in ("GET", "HEAD"):
                known = await card_of(port, method=method, **{"if-none-match": condition})
                assert (known.status, known.body, known.headers["etag"]) == (304, b"", tag)
        assert (await card_of(port, **{"if-none-match": '"other"'})).body == whole.body
        for method in ("POST", "PUT", "DELETE"):
            answer = await card_of(port, BOB, method=method)
            refused(answer, NOT_HERE, "this address is read with GET")
            assert answer.headers["allow"] == "GET, HEAD"

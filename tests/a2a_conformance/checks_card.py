"""Checks of cards: discovery, required members, caching, and that every address they name works."""

from typing import Any

import msgspec

from bench.a2a_client import Agent
from bench.a2a_speech import Said, extended_card, send
from fedgate.a2a.values import Speech
from tests.a2a_conformance.kit import ALL, COMPLETE, DONE, ONCE, Peer, check, equal, expect, fetched

CARD = "/.well-known/agent-card.json"


async def card_of(peer: Peer) -> dict[str, Any]:
    answer = await fetched(peer.agent.http, peer.url + CARD)
    equal(answer.status, 200, "HTTP status")
    card = msgspec.json.decode(answer.body)
    expect(isinstance(card, dict), "the card is no object")
    assert isinstance(card, dict)
    return card


@check("CARD-01", "the card is found at the well-known path, as JSON", ONCE)
async def _found(peer: Peer) -> None:
    answer = await fetched(peer.agent.http, peer.url + CARD)
    equal(answer.status, 200, "HTTP status")
    expect(answer.headers["content-type"].startswith("application/json"), answer.headers)


@check("CARD-02", "the card has every required member", ONCE)
async def _members(peer: Peer) -> None:
    card = await card_of(peer)
    for member in ("name", "description", "version", "capabilities", "supportedInterfaces", "skills"):
        expect(card.get(member), f"{member} is missing")
    for member in ("defaultInputModes", "defaultOutputModes"):
        expect(isinstance(card.get(member), list) and card[member], f"{member} is missing")
    for skill in card["skills"]:
        expect(all(skill.get(member) for member in ("id", "name", "description", "tags")), skill)


@check("CARD-03", "interfaces name URL, binding and version; 1.0 comes first", ONCE)
async def _interfaces(peer: Peer) -> None:
    interfaces = (await card_of(peer))["supportedInterfaces"]
    for each in interfaces:
        expect(all(each.get(member) for member in ("url", "protocolBinding", "protocolVersion")), each)
    equal(interfaces[0]["protocolVersion"], "1.0", "version of the preferred interface")
    spoken = {(each["protocolBinding"], each["protocolVersion"]) for each in interfaces}
    expect({("JSONRPC", "1.0"), ("HTTP+JSON", "1.0")} <= spoken, spoken)


@check("CARD-04", "the card names no other address than the one it was fetched from", ONCE)
async def _addresses(peer: Peer) -> None:
    card = await card_of(peer)
    named = [each["url"] for each in card["supportedInterfaces"]]
    named += [each["url"] for each in card.get("additionalInterfaces", ())] + [card.get("url", peer.url)]
    equal([url for url in named if url.rstrip("/") != peer.url], [], "other addresses")


@check("CARD-05", "the card can be read by clients of 0.3 too", ONCE)
async def _hybrid(peer: Peer) -> None:
    card = await card_of(peer)
    equal(str(card.get("url", "")).rstrip("/"), peer.url, "url")
    expect(str(card.get("protocolVersion", "")).startswith("0.3"), card.get("protocolVersion"))
    expect(card.get("preferredTransport") in ("JSONRPC", "HTTP+JSON"), card.get("preferredTransport"))


@check("CARD-06", "a card that is known already is not sent again", ONCE)
async def _etag(peer: Peer) -> None:
    etag = (await fetched(peer.agent.http, peer.url + CARD)).headers.get("etag", "")
    expect(etag, "no ETag")
    again = await fetched(peer.agent.http, peer.url + CARD, ((b"if-none-match", etag.encode()),))
    equal((again.status, again.body), (304, b""), "answer to the known ETag")
    other = await fetched(peer.agent.http, peer.url + CARD, ((b"if-none-match", b'"other"'),))
    equal(other.status, 200, "answer to another ETag")


@check("CARD-07", "the card may be kept for a while", ONCE)
async def _cache(peer: Peer) -> None:
    control = (await fetched(peer.agent.http, peer.url + CARD)).headers.get("cache-control", "")
    expect("max-age=" in control, f"Cache-Control: {control}")


@check("CARD-08", "streaming, push notifications and an extended card are offered", ONCE)
async def _capabilities(peer: Peer) -> None:
    capabilities = (await card_of(peer))["capabilities"]
    wanted = ("streaming", "pushNotifications", "extendedAgentCard")
    equal({each: capabilities.get(each) for each in wanted}, dict.fromkeys(wanted, True), "capabilities")


@check("CARD-09", "the SDK reads the card, and finds what a client needs", ONCE)
async def _sdk(peer: Peer) -> None:
    from a2a.client.card_resolver import parse_agent_card

    card = parse_agent_card(await card_of(peer))
    equal({each.url.rstrip("/") for each in card.supported_interfaces}, {peer.url}, "addresses")


@check("CARD-10", "every interface that the card names answers in its binding and version", ONCE)
async def _works(peer: Peer) -> None:
    bindings = {"JSONRPC": "jsonrpc", "HTTP+JSON": "rest"}
    for each in (await card_of(peer))["supportedInterfaces"]:
        speech = Speech(each["protocolVersion"], bindings[each["protocolBinding"]])  # type: ignore[arg-type]
        wire = send(speech, Said("hello", peer.new(COMPLETE)))
        answer = await Agent(peer.agent.http, each["url"]).ask(speech, wire)
        equal(answer.one.state, DONE, f"{each}: {answer.body[:200]!r}")


@check("CARD-11", "another well-known path is not found", ONCE)
async def _unknown(peer: Peer) -> None:
    equal((await fetched(peer.agent.http, f"{peer.url}/.well-known/other.json")).status, 404, "HTTP status")


@check("CARD-12", "the extended card says more, under the same address", ALL)
async def _extended(peer: Peer) -> None:
    card = peer.result(await peer.hears(extended_card(peer.speech)))
    expect("extended" in [skill["id"] for skill in card["skills"]], card)
    if peer.is_v1:
        equal(
            [each for each in ("url", "protocolVersion", "additionalInterfaces") if each in card], [], "0.3's members"
        )
    named = [each["url"].rstrip("/") for each in card.get("supportedInterfaces", ())]
    named += [card["url"].rstrip("/")] if "url" in card else []
    equal(set(named), {peer.url}, "addresses")

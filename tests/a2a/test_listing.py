"""The three documents that say what there is."""

import json
from urllib.parse import urlsplit

import pytest

from fedgate.a2a.listing import AI_CATALOG, API_CATALOG, Listed, Other, agents, ai_catalog, api_catalog, listed

PUBLIC = "https://gw.example.com"
FOUND = [
    Listed("weather", "ready", "Weather", "Tells the weather.", "2.1.0"),
    Listed("maths", "down"),
]
MCP = Other(f"{PUBLIC}/mcp", "text/html", f"{PUBLIC}/docs", "Tools")


def test_the_list_names_each_agent_with_its_address_card_and_state() -> None:
    assert json.loads(agents(FOUND, PUBLIC)) == {
        "agents": [
            {
                "name": "maths",
                "title": "maths",
                "description": "",
                "version": "",
                "url": "https://gw.example.com/a2a/maths",
                "card": "https://gw.example.com/a2a/maths/.well-known/agent-card.json",
                "state": "down",
            },
            {
                "name": "weather",
                "title": "Weather",
                "description": "Tells the weather.",
                "version": "2.1.0",
                "url": "https://gw.example.com/a2a/weather",
                "card": "https://gw.example.com/a2a/weather/.well-known/agent-card.json",
                "state": "ready",
            },
        ]
    }
    assert agents(FOUND, PUBLIC) == agents(reversed(FOUND), PUBLIC)


def test_the_list_of_a_gateway_without_agents_is_empty() -> None:
    assert agents([], PUBLIC) == b'{"agents":[]}'


def test_the_ai_catalog_refers_to_cards_and_does_not_repeat_what_they_say() -> None:
    found = json.loads(ai_catalog(FOUND, PUBLIC, [MCP]))
    assert found == {
        "specVersion": "0.9",
        "host": {"displayName": "fedgate"},
        "entries": [
            {
                "identifier": "https://gw.example.com/a2a/maths",
                "type": "application/a2a-agent-card+json",
                "url": "https://gw.example.com/a2a/maths/.well-known/agent-card.json",
            },
            {
                "identifier": "https://gw.example.com/a2a/weather",
                "type": "application/a2a-agent-card+json",
                "url": "https://gw.example.com/a2a/weather/.well-known/agent-card.json",
            },
            {
                "identifier": "https://gw.example.com/mcp",
                "type": "text/html",
                "url": "https://gw.example.com/docs",
                "displayName": "Tools",
            },
        ],
    }
    assert AI_CATALOG[1] == b"application/ai-catalog+json"


def test_the_api_catalog_is_a_linkset_whose_first_context_lists_the_others() -> None:
    first, *others = json.loads(api_catalog(FOUND, PUBLIC, [MCP]))["linkset"]
    assert first == {
        "anchor": "https://gw.example.com/.well-known/api-catalog",
        "item": [{"href": each["anchor"]} for each in others],
    }
    assert others[0] == {
        "anchor": "https://gw.example.com/a2a/maths",
        "service-desc": [
            {"href": "https://gw.example.com/a2a/maths/.well-known/agent-card.json", "type": "application/json"}
        ],
    }
    assert others[2]["service-desc"] == [{"href": "https://gw.example.com/docs", "type": "text/html"}]
    assert all(urlsplit(each["anchor"]).netloc == "gw.example.com" for each in others)
    assert b"application/linkset+json" in API_CATALOG[1]


@pytest.mark.parametrize("card", [None, b"", b"[]", b"{", b'{"name":7,"version":null,"description":{}}'])
def test_an_agent_without_a_readable_card_is_listed_all_the_same(card: bytes | None) -> None:
    assert listed("maths", "down", card) == Listed("maths", "down")


def test_the_operators_description_counts_more_than_the_cards() -> None:
    card = b'{"name":"Weather","description":"Tells.","version":"1"}'
    assert listed("w", "ready", card) == Listed("w", "ready", "Weather", "Tells.", "1")
    assert listed("w", "ready", card, "Ours.").description == "Ours."

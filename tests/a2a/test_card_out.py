"""The served card has the agent's words and the gateway's addresses, for clients of either version."""

import json
from typing import Any

import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.client.card_resolver import parse_agent_card
from a2a.client.transports.jsonrpc import JsonRpcTransport
from a2a.client.transports.rest import RestTransport
from a2a.compat.v0_3.types import AgentCard as LegacyCard
from a2a.types import AgentCard
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.card_out import MAX_CARD, OPEN, Security, Terms, rewrite
from fedgate.core.errors import UpstreamInvalid
from tests.a2a.cards import BASE, LEGACY, hybrid

TERMS = Terms("weather", BASE)


def served(card: object, terms: Terms = TERMS) -> dict[str, Any]:
    body = card if isinstance(card, bytes) else json.dumps(card).encode()
    found: dict[str, Any] = json.loads(rewrite(body, terms))
    return found


MODERN = {key: part for key, part in json.loads(hybrid()).items() if key not in ("url", "preferredTransport")}
CARDS = [LEGACY, MODERN, json.loads(hybrid()), {}]

ADDRESSES = {
    "supportedInterfaces": [
        {"url": BASE, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
        {"url": BASE, "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
        {"url": BASE, "protocolBinding": "JSONRPC", "protocolVersion": "0.3"},
        {"url": BASE, "protocolBinding": "HTTP+JSON", "protocolVersion": "0.3"},
    ],
    "url": BASE,
    "preferredTransport": "JSONRPC",
    "additionalInterfaces": [{"url": BASE, "transport": "JSONRPC"}, {"url": BASE, "transport": "HTTP+JSON"}],
    "protocolVersion": "0.3.0",
}


@pytest.mark.parametrize("card", CARDS)
def test_every_address_is_the_gateways_whatever_version_the_agent_speaks(card: dict[str, Any]) -> None:
    found = served(card)
    assert {key: found[key] for key in ADDRESSES} == ADDRESSES
    assert "10.0.0." not in json.dumps(found)
    assert "inner" not in json.dumps(found)
    assert "GRPC" not in json.dumps(found)
    assert "signatures" not in found


def test_what_the_gateway_does_not_answer_for_stays_as_it_was_written() -> None:
    body = json.dumps(LEGACY).encode()
    out = rewrite(body, TERMS)
    for kept in (b'"x-vendor":[1.0, 2000.0]', b'"x-vendor":{"rank": 1.5}', b'"provider":{"organization": "Example"'):
        assert kept in out
    assert out.index(b'"name"') < out.index(b'"description"') < out.index(b'"provider"') < out.index(b'"version"')
    assert rewrite(body, TERMS) == out


def test_the_security_of_the_gateway_takes_the_place_of_the_agents_in_the_shapes_of_both_versions() -> None:
    found = served(LEGACY)
    assert found["securitySchemes"] == {
        "bearer": {"httpAuthSecurityScheme": {"scheme": "Bearer"}, "type": "http", "scheme": "Bearer"},
        "apiKey": {
            "apiKeySecurityScheme": {"location": "header", "name": "x-api-key"},
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
        },
    }
    assert found["securityRequirements"] == [
        {"schemes": {"bearer": {"list": []}}},
        {"schemes": {"apiKey": {"list": []}}},
    ]
    assert found["security"] == [{"bearer": []}, {"apiKey": []}]
    assert "security" not in found["skills"][0]
    assert "securityRequirements" not in served(hybrid())["skills"][0]


def test_a_gateway_that_asks_nobody_says_so_by_having_no_security() -> None:
    assert not {"security", "securitySchemes", "securityRequirements"} & served(LEGACY, Terms("w", BASE, OPEN)).keys()
    assert list(served(LEGACY, Terms("w", BASE, Security(api_key=False)))["securitySchemes"]) == ["bearer"]


@pytest.mark.parametrize(("relayed", "able", "said"), [(True, True, True), (True, False, False), (False, True, False)])
def test_push_notifications_are_announced_if_the_gateway_relays_them_and_the_agent_sends_them(
    relayed: bool, able: bool, said: bool
) -> None:
    card = {"capabilities": {"pushNotifications": able, "x": 1}}
    assert served(card, Terms("w", BASE, push=relayed))["capabilities"] == {"pushNotifications": said, "x": 1}


def test_streaming_and_the_extended_card_are_the_agents_unless_told_otherwise() -> None:
    found = served(LEGACY)
    assert (found["capabilities"]["streaming"], found["capabilities"]["extendedAgentCard"]) == (True, True)
    assert found["supportsAuthenticatedExtendedCard"] is True
    found = served(LEGACY, Terms("w", BASE, streaming=False, extended=False))
    assert (found["capabilities"]["streaming"], found["capabilities"]["extendedAgentCard"]) == (False, False)
    assert "supportsAuthenticatedExtendedCard" not in found
    assert served({"capabilities": {"extendedAgentCard": True}})["supportsAuthenticatedExtendedCard"] is True
    assert "extendedAgentCard" not in served({})["capabilities"]


@pytest.mark.parametrize(
    "spelling",
    [
        {"supported_interfaces": [{"url": "http://10.0.0.5/"}]},
        {"supported_interfaces": [{"url": "http://10.0.0.5/"}], "supportedInterfaces": [{"url": "http://10.0.0.5/"}]},
        {"URL": "http://10.0.0.5/", "Additional_Interfaces": [{"url": "http://10.0.0.5/"}]},
        {"skills": [{"id": "1", "Security": ["10.0.0.1"], "security_requirements": ["10.0.0.1"]}]},
    ],
)
def test_no_address_stays_behind_in_another_spelling(spelling: dict[str, Any]) -> None:
    assert "10.0.0." not in json.dumps(served(spelling))


def test_a_member_named_twice_is_served_once() -> None:
    out = rewrite(b'{"url":"http://10.0.0.5/","name":"a","name":"b","url":"http://10.0.0.5/"}', TERMS)
    assert b"10.0.0." not in out
    assert out.count(b'"name":"b"') == 1


def test_snake_case_members_are_served_under_the_names_that_json_has() -> None:
    found = served({"default_input_modes": ["a"], "icon_url": "u", "capabilities": {"push_notifications": True}})
    assert (found["defaultInputModes"], found["iconUrl"], found["capabilities"]) == (
        ["a"],
        "u",
        {"pushNotifications": False},
    )


def test_what_0_3_clients_need_is_added_where_it_is_missing() -> None:
    found = served({"skills": [{"id": "1"}, 7, None], "capabilities": None})
    assert (found["name"], found["description"], found["version"]) == ("weather", "", "")
    assert (found["defaultInputModes"], found["defaultOutputModes"]) == ([], [])
    assert found["skills"] == [{"id": "1", "name": "", "description": "", "tags": []}]
    assert served({"skills": "none"})["skills"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"name":"\xff"}',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"capabilities":{"\\ud800":1}}',
    ],
)
def test_what_is_no_card_is_an_upstream_error(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="is not a JSON object"):
        rewrite(body, TERMS)


def test_a_card_that_is_too_long_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamInvalid, match="longer than"):
        rewrite(b'{"x":"' + b"x" * MAX_CARD + b'"}', TERMS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*LEGACY, "supported_interfaces", "id", "streaming"]) | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=50) | json_values.map(lambda each: json.dumps(each).encode()))
def test_any_bytes_give_a_card_or_an_upstream_error(body: bytes) -> None:
    try:
        found = json.loads(rewrite(body, TERMS))
    except UpstreamInvalid:
        return
    assert {key: found[key] for key in ADDRESSES} == ADDRESSES


# The SDK as the judge.


def core(card: dict[str, Any]) -> AgentCard:
    parsed = parse_agent_card(json.loads(json.dumps(card)))
    assert isinstance(parsed, AgentCard)
    return parsed


@pytest.mark.parametrize("card", CARDS)
def test_clients_of_1_0_read_it_and_prefer_1_0(card: dict[str, Any]) -> None:
    parsed = core(served(card))
    assert [(each.url, each.tenant) for each in parsed.supported_interfaces] == [(BASE, "")] * 4
    assert parsed.security_schemes["bearer"].http_auth_security_scheme.scheme == "Bearer"
    assert parsed.security_schemes["apiKey"].api_key_security_scheme.location == "header"
    assert parsed.security_schemes["apiKey"].api_key_security_scheme.name == "x-api-key"
    assert [list(each.schemes) for each in parsed.security_requirements] == [["bearer"], ["apiKey"]]
    for binding, transport in (("JSONRPC", JsonRpcTransport), ("HTTP+JSON", RestTransport)):
        client = ClientFactory(ClientConfig(supported_protocol_bindings=[binding])).create(parsed)
        assert type(client._transport) is transport  # type: ignore[attr-defined]
        assert client._transport.url == BASE  # type: ignore[attr-defined]


@pytest.mark.parametrize("card", CARDS)
def test_clients_of_0_3_read_it_as_a_card_of_0_3(card: dict[str, Any]) -> None:
    parsed = LegacyCard.model_validate(served(card))
    assert (parsed.url, parsed.preferred_transport, parsed.protocol_version) == (BASE, "JSONRPC", "0.3.0")
    assert [(each.transport, each.url) for each in parsed.additional_interfaces or []] == [
        ("JSONRPC", BASE),
        ("HTTP+JSON", BASE),
    ]
    assert parsed.security == [{"bearer": []}, {"apiKey": []}]
    schemes = {name: type(each.root).__name__ for name, each in (parsed.security_schemes or {}).items()}
    assert schemes == {"bearer": "HTTPAuthSecurityScheme", "apiKey": "APIKeySecurityScheme"}

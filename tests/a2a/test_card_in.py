"""a2a/card_in.py: cards of the official SDK, of old agents, and of nobody."""

import json
from contextlib import suppress
from typing import Any

import pytest
from a2a.client.card_resolver import parse_agent_card
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.card_in import MAX_CARD, MAX_INTERFACES, Card, Listed, parse
from fedgate.a2a.values import Speech
from fedgate.core.errors import UpstreamInvalid
from tests.a2a.agent_kit import Interfaces, sdk_card, served

J1, R1 = Speech("1.0", "jsonrpc"), Speech("1.0", "rest")
J3, R3 = Speech("0.3", "jsonrpc"), Speech("0.3", "rest")

OLD: dict[str, Any] = {
    "protocolVersion": "0.3.0",
    "name": "Old",
    "description": "An agent of 2025.",
    "version": "7",
    "url": "http://h:1/rpc",
    "preferredTransport": "JSONRPC",
    "additionalInterfaces": [
        {"url": "http://h:1/rpc", "transport": "JSONRPC"},
        {"url": "http://h:1/rest", "transport": "HTTP+JSON"},
        {"url": "h:2", "transport": "GRPC"},
    ],
    "capabilities": {"streaming": True, "pushNotifications": True},
    "supportsAuthenticatedExtendedCard": True,
    "skills": [],
}


def read(card: Any, *, signed: bool = False) -> Card:
    return parse(json.dumps(card).encode(), signed=signed)


def test_a_card_of_the_sdk_is_read() -> None:
    body = served(sdk_card())
    card = parse(body)
    assert (card.raw, card.name, card.description, card.version) == (body, "Scout", "Finds things.", "1.2.3")
    assert card.listed == (Listed("http://127.0.0.1/", J1),)
    assert (card.streaming, card.push, card.extended) == (True, False, True)


def test_a_hybrid_card_lists_each_interface_once_in_its_order() -> None:
    interfaces: Interfaces = (
        ("http://h:1/rpc", "JSONRPC", "1.0"),
        ("http://h:1/rpc", "JSONRPC", "0.3"),
        ("h:9", "GRPC", "1.0"),
        ("http://h:1/rest", "HTTP+JSON", "0.3.0"),
        ("http://h:1/rest", "HTTP+JSON", "1.0"),
    )
    body = served(sdk_card(interfaces))
    assert {"supportedInterfaces", "url", "additionalInterfaces"} <= json.loads(body).keys()
    assert parse(body).listed == (
        Listed("http://h:1/rpc", J1),
        Listed("http://h:1/rpc", J3),
        Listed("http://h:1/rest", R3),
        Listed("http://h:1/rest", R1),
    )


def test_a_card_of_0_3_is_read() -> None:
    card = read(OLD)
    assert card.listed == (Listed("http://h:1/rpc", J3), Listed("http://h:1/rest", R3))
    assert (card.streaming, card.push, card.extended) == (True, True, True)


@pytest.mark.parametrize("version", [None, "0.2", "0.2.6", "0.3"])
def test_what_came_before_0_3_is_spoken_like_it(version: str | None) -> None:
    card = {"name": "n", "url": "http://h/"} | ({"protocolVersion": version} if version else {})
    assert read(card).listed == (Listed("http://h/", J3),)


@pytest.mark.parametrize(
    ("version", "speech"), [("1.0", J1), ("1", J1), ("1.0.1", J1), ("1.4", J1), ("0.3", J3), ("0.3.7", J3)]
)
def test_patch_numbers_do_not_count(version: str, speech: Speech) -> None:
    entry = {"url": "http://h/", "protocolBinding": "jsonrpc", "protocolVersion": version}
    assert read({"name": "n", "supportedInterfaces": [entry]}).listed == (Listed("http://h/", speech),)


@pytest.mark.parametrize("version", ["2.0", "0.1", "0.30", "", "x", "10.0"])
def test_other_versions_are_not_spoken(version: str) -> None:
    entry = {"url": "http://h/", "protocolBinding": "JSONRPC", "protocolVersion": version}
    assert read({"name": "n", "supportedInterfaces": [entry]}).listed == ()


@pytest.mark.parametrize(
    "entry",
    [
        {"url": "http://h/", "protocolBinding": "GRPC", "protocolVersion": "1.0"},
        {"url": "http://h/", "protocolBinding": "https://example.com/own", "protocolVersion": "1.0"},
        {"url": "http://h/", "protocolBinding": 7, "protocolVersion": "1.0"},
        {"url": "", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
        {"url": None, "protocolBinding": "JSONRPC"},
        {"protocolBinding": "JSONRPC"},
        "JSONRPC",
        None,
    ],
)
def test_interfaces_that_mean_nothing_to_us_are_passed_over(entry: Any) -> None:
    good = {"url": "http://h/rest", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"}
    assert read({"name": "n", "supportedInterfaces": [entry, good]}).listed == (Listed("http://h/rest", R1),)


def test_names_with_underscores_are_read_as_the_sdk_reads_them() -> None:
    entry = {"url": "http://h/", "protocol_binding": "JSONRPC", "protocol_version": "1.0"}
    card = {"name": "n", "supported_interfaces": [entry], "capabilities": {"push_notifications": True}}
    read_by_sdk = parse_agent_card(json.loads(json.dumps(card)))
    assert read_by_sdk.supported_interfaces[0].protocol_binding == "JSONRPC"
    assert (read(card).listed, read(card).push) == ((Listed("http://h/", J1),), True)


def test_a_tenant_belongs_to_1_0_alone() -> None:
    card = sdk_card((("http://h/", "JSONRPC", "1.0"), ("http://h/", "JSONRPC", "0.3")))
    for interface in card.supported_interfaces:
        interface.tenant = "inner"
    assert parse(served(card)).listed == (Listed("http://h/", J1, "inner"), Listed("http://h/", J3))


def test_what_no_signature_covers_does_not_count_where_signatures_do() -> None:
    forged = {**json.loads(served(sdk_card())), "url": "http://h/evil", "protocolVersion": "0.3"}
    assert read(forged, signed=True).listed == (Listed("http://127.0.0.1/", J1),)
    assert read(forged).listed == (Listed("http://127.0.0.1/", J1), Listed("http://h/evil", J3))
    assert read(OLD, signed=True).listed == read(OLD).listed


def test_only_so_many_interfaces_are_looked_at() -> None:
    entries = [{"url": f"http://h/{number}", "protocolBinding": "JSONRPC"} for number in range(MAX_INTERFACES + 5)]
    assert len(read({"name": "n", "supportedInterfaces": entries}).listed) == MAX_INTERFACES


def test_unknown_members_stay_in_the_bytes() -> None:
    body = b'{ "name":"n", "x-vendor": 1.50, "url":"http://h/" }'
    assert parse(body).raw == body


def test_the_revision_follows_the_bytes() -> None:
    assert read(OLD).revision == read(OLD).revision
    assert read(OLD).revision != read({**OLD, "version": "8"}).revision


def test_long_texts_are_cut_beside_the_card_not_in_it() -> None:
    card = read({**OLD, "description": "x" * 5000})
    assert (len(card.description), len(card.raw) > 5000) == (1000, True)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "its card is no JSON object"),
        (b"<html>", "its card is no JSON object"),
        (b"[]", "its card is no JSON object"),
        (b'{"name":"\xff","url":"http://h/"}', "its card is no JSON object"),
        (b'{"a":' * 100_000, "its card is no JSON object"),
        (b'{"detail":"Not Found"}', None),
        (b'{"name":"n"}', None),
        (b'{"url":"http://h/"}', None),
        (b'{"name":1,"url":"http://h/"}', None),
        (b'{"name":"n","url":"http://h/","url":"http://h/2"}', "its card has a member twice"),
        (
            b'{"name":"n","supportedInterfaces":[],"supported_interfaces":[]}',
            "its card has both supportedInterfaces and supported_interfaces",
        ),
        (b" " * (MAX_CARD + 1), "its card is longer than 1048576 bytes"),
    ],
)
def test_what_is_no_card_is_refused(body: bytes, why: str | None) -> None:
    with pytest.raises(UpstreamInvalid) as caught:
        parse(body)
    assert why is None or str(caught.value) == why


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
MEMBERS = [
    "name", "url", "version", "description", "protocolVersion", "preferredTransport", "additionalInterfaces",
    "supportedInterfaces", "supported_interfaces", "capabilities",
]  # fmt: skip
ENTRIES = st.lists(
    st.dictionaries(st.sampled_from(["url", "transport", "protocolBinding", "protocol_binding", "tenant"]), JSON),
    max_size=3,
)


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise_anything_else(body: bytes, signed: bool) -> None:
    with suppress(UpstreamInvalid):
        parse(body, signed=signed)


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON | ENTRIES | st.just("http://h/")), st.booleans())
def test_no_card_however_odd_raises_anything_else(card: dict[str, Any], signed: bool) -> None:
    try:
        found = read({"name": "n", "url": "http://h/", **card}, signed=signed)
    except UpstreamInvalid:
        return
    assert all(url and speech in (J1, R1, J3, R3) for url, speech, _ in found.listed)

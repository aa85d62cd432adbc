"""a2a/interfaces.py: where traffic goes, whatever a card says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.card_in import Card, Listed
from fedgate.a2a.interfaces import Interface, Ways, place, ways
from fedgate.a2a.values import Speech
from fedgate.core.http_values import Target

J1, R1 = Speech("1.0", "jsonrpc"), Speech("1.0", "rest")
J3, R3 = Speech("0.3", "jsonrpc"), Speech("0.3", "rest")


def card(*listed: tuple[str, Speech]) -> Card:
    return Card(b"{}", "n", "", "", tuple(Listed(url, speech) for url, speech in listed))


def path_of(manifest: str, listed: str) -> str:
    (found,) = ways(place(manifest), card((listed, J1))).interfaces
    return found.path


# Places.


@pytest.mark.parametrize(
    ("url", "base", "cards"),
    [
        ("http://h:1", "/", ("/.well-known/agent-card.json", "/.well-known/agent.json")),
        ("http://h:1/", "/", ("/.well-known/agent-card.json", "/.well-known/agent.json")),
        ("http://h:1/a/b", "/a/b", ("/a/b/.well-known/agent-card.json", "/a/b/.well-known/agent.json")),
        ("http://h:1/a/", "/a/", ("/a/.well-known/agent-card.json", "/a/.well-known/agent.json")),
        ("http://h:1/.well-known/agent-card.json", "/", ("/.well-known/agent-card.json", "/.well-known/agent.json")),
        ("http://h:1/a/.well-known/agent.json", "/a", ("/a/.well-known/agent.json", "/a/.well-known/agent-card.json")),
        (
            "http://h:1/cards/x/agent.json",
            "/cards/x",
            ("/cards/x/agent.json", "/cards/x/.well-known/agent-card.json", "/cards/x/.well-known/agent.json"),
        ),
    ],
)
def test_a_url_says_where_the_agent_and_its_card_are(url: str, base: str, cards: tuple[str, ...]) -> None:
    found = place(url)
    assert (found.target, found.base, found.cards) == (Target("http", "h", 1, base), base, cards)


def test_a_query_goes_with_everything() -> None:
    found = place("https://h/a?key=k")
    assert found.cards == ("/a/.well-known/agent-card.json?key=k", "/a/.well-known/agent.json?key=k")
    assert found.target.path == "/a?key=k"
    (interface,) = ways(found, card(("https://h/rpc?v=1", J1))).interfaces
    assert interface.path == "/rpc?v=1&key=k"
    assert interface.at("/message:send?x=2") == "/rpc/message:send?x=2&v=1&key=k"


# Paths.


@pytest.mark.parametrize(
    ("manifest", "listed", "path"),
    [
        ("http://h:1", "http://h:1/rpc", "/rpc"),  # same origin: the card knows better
        ("http://h:1/a", "http://h:1/rpc", "/rpc"),
        ("http://h:1/a", "http://h:1", "/"),
        ("http://h:1", "http://localhost:1/rpc", "/rpc"),  # no path in the manifest: the card's on our host
        ("http://h:1", "http://0.0.0.0:1/", "/"),
        ("http://h:1/.well-known/agent-card.json", "https://public.example.com/rpc", "/rpc"),
        ("http://h:1/a", "http://10.0.0.9/rpc", "/a"),  # a path in the manifest and another origin: ours as it is
        ("http://h:1/a/", "http://10.0.0.9/rpc", "/a/"),
        ("http://h:1/a/.well-known/agent-card.json", "http://10.0.0.9/rpc", "/a"),
        ("https://h/a?k=1", "http://h/rpc", "/a?k=1"),  # another scheme is another origin
        ("http://h:1", "/rpc", "/rpc"),  # not allowed by the protocol, and clear all the same
        ("http://h:1", "http://h:1/rpc#top", "/rpc"),
    ],
)
def test_the_manifest_gives_the_host_and_the_card_a_path(manifest: str, listed: str, path: str) -> None:
    assert path_of(manifest, listed) == path


def test_what_is_below_is_put_below() -> None:
    assert Interface(R1, "/rest/").at("/tasks/1") == "/rest/tasks/1"
    assert Interface(R1, "/").at("/tasks?pageSize=1") == "/tasks?pageSize=1"
    assert Interface(J1, "/rpc/").at("") == "/rpc/"


def test_all_interfaces_of_one_origin_are_kept_in_order() -> None:
    found = ways(place("http://h:1"), card(("http://h:1/rest", R1), ("http://h:1/rpc", J1), ("http://h:1/rpc", J3)))
    assert found == Ways((Interface(R1, "/rest"), Interface(J1, "/rpc"), Interface(J3, "/rpc")))


def test_an_interface_on_another_port_is_not_looked_for_on_ours() -> None:
    found = ways(place("http://h:1"), card(("http://h:2/rest", R1), ("http://h:1/rpc", J1)))
    assert found.interfaces == (Interface(J1, "/rpc"),)
    assert found.remarks == ("its card has an interface on http://h:2, which is not used",)


def test_a_card_from_another_point_of_view_means_its_first_origin_by_itself() -> None:
    found = ways(place("http://h:1"), card(("http://inner:80/rpc", J1), ("http://inner:81/rest", R1)))
    assert found.interfaces == (Interface(J1, "/rpc"),)
    assert found.remarks == (
        "its card has an interface on http://inner:81, which is not used",
        "its card names http://inner; http://h:1 of the manifest is used",
    )


def test_equal_ways_are_one() -> None:
    found = ways(place("http://h:1/a"), card(("http://x/1", J1), ("http://x/2", J1)))
    assert found.interfaces == (Interface(J1, "/a"),)


@pytest.mark.parametrize(
    "url", ["h:9000", "ftp://h/", "http://", "http://h:1/a b", "http://u:p@h:1/", "rpc", "//h/x y"]
)
def test_a_url_that_cannot_be_read_is_passed_over_with_a_word(url: str) -> None:
    found = ways(place("http://h:1"), card((url, R1), ("http://h:1/rpc", J1)))
    assert found.interfaces == (Interface(J1, "/rpc"),)
    assert found.remarks == ("its card has an interface whose URL cannot be read; it is not used",)


# What the manifest says of speech.


def test_speaks_overrides_the_cards_speech_and_uses_its_paths() -> None:
    known = card(("http://h:1/rpc", J1), ("http://h:1/rest", R1), ("http://h:1/rpc3", J3))
    found = ways(place("http://h:1"), known, (J3, R3, J1))
    assert found.interfaces == (Interface(J3, "/rpc3"), Interface(R3, "/rest"), Interface(J1, "/rpc"))


def test_speaks_without_a_card_uses_the_manifests_path() -> None:
    assert ways(place("http://h:1/a?k=1"), None, (J3,)).interfaces == (Interface(J3, "/a?k=1"),)


def test_without_card_and_speaks_there_is_no_way() -> None:
    assert ways(place("http://h:1/a"), None) == Ways(())


@given(
    st.lists(
        st.tuples(st.text(max_size=30) | st.from_regex(r"https?://[a-z.:0-9/?#@%]{0,20}"), st.sampled_from([J1, R3]))
    )
)
def test_no_card_leads_off_the_manifests_origin_or_out_of_a_path(listed: list[tuple[str, Speech]]) -> None:
    where = place("http://h:1/base?k=1")
    for interface in ways(where, card(*listed)).interfaces:
        assert interface.path.startswith("/")
        assert interface.path.isascii()
        assert interface.path.isprintable()
        assert not {" ", "#"} & set(interface.path)
        assert interface.path.endswith("k=1")

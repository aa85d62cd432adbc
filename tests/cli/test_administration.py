"""Questions to a running gateway: every way to fail is a sentence with the command to try."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

import pytest

from fedgate.cli.administration import administration, base_of
from fedgate.cli.stop import Stop
from tests.cli.desk import Desk
from tests.cli.desk import desk as desk_

SECRET = "the-key-of-root"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_() as made:
        yield made


def ask(url: str, *, key: str | None = None, **params: str) -> dict[str, Any]:
    async def asked() -> dict[str, Any]:
        async with (
            asyncio.timeout(10),
            administration(Namespace(url=url, key=key, timeout=5.0), "agents") as there,
        ):
            return await there.ask("GET", "/agents", params)

    return asyncio.run(asked())


def stopped(url: str, *, key: str | None = None) -> Stop:
    with pytest.raises(Stop) as stop:
        ask(url, key=key)
    return stop.value


def refusal(message: str) -> dict[str, Any]:
    return {"error": {"reason": "x", "message": message}}


def test_an_answer_is_given_and_the_key_and_parameters_are_sent(desk: Desk) -> None:
    desk.answer("GET /admin/agents", {"agents": []})
    assert ask(desk.url, key=SECRET, state="ready") == {"agents": []}
    assert ask(f"{desk.url}/mcp/") == {"agents": []}
    assert desk.asked == [
        ("GET /admin/agents", {"state": "ready"}, f"Bearer {SECRET}"),
        ("GET /admin/agents", {}, None),
    ]


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_ask_is_told_how_to_give_a_key_and_it_is_not_repeated(desk: Desk, status: int) -> None:
    desk.answer("GET /admin/agents", refusal("administration needs a key"), status)
    stop = stopped(desk.url, key=SECRET)
    assert str(stop) == f"{desk.url} refuses the caller (HTTP {status}): administration needs a key"
    assert (stop.code, stop.hint) == (4, f"fedgate agents --url {desk.url} --key KEY  (or set FEDGATE_KEY)")
    assert SECRET not in str(stop) + stop.hint


@pytest.mark.parametrize(("status", "code"), [(400, 2), (404, 2), (503, 4)])
def test_what_the_gateway_says_is_said(desk: Desk, status: int, code: int) -> None:
    desk.answer("GET /admin/agents", refusal("there is no agent\x1b[2J"), status)
    stop = stopped(desk.url)
    assert (str(stop), stop.code) == ("there is no agent\N{REPLACEMENT CHARACTER}[2J", code)
    assert stop.hint == f"fedgate agents --url {desk.url}"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, []), (404, b"nothing here"), (500, {"error": "x"}), (500, {"error": {"message": 5}})],
)
def test_what_is_no_gateway_is_said_to_be_none(desk: Desk, status: int, body: Any) -> None:
    desk.answer("GET /admin/agents", body, status)
    stop = stopped(desk.url)
    said = f"{desk.url} is no fedgate gateway: it has no administration that can be used (HTTP {status})"
    assert (str(stop), stop.code) == (said, 4)


def test_a_gateway_that_is_not_there_cannot_be_reached() -> None:
    stop = stopped("http://127.0.0.1:1")
    assert str(stop).startswith("cannot reach http://127.0.0.1:1: ")
    assert (stop.code, stop.hint) == (4, "fedgate serve")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://h:1", "http://h:1"),
        ("http://h:1/", "http://h:1"),
        ("https://h/mcp", "https://h"),
        ("https://h/prefix/mcp/", "https://h/prefix"),
    ],
)
def test_the_address_of_the_catalog_means_the_gateway(url: str, base: str) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize("url", ["gateway", "ftp://127.0.0.1", "http://", "127.0.0.1:8080"])
def test_a_url_must_be_one(url: str) -> None:
    with pytest.raises(Stop) as stop:
        base_of(url)
    assert str(stop.value) == f'--url "{url}" is no URL: write for example http://127.0.0.1:8080'
    assert stop.value.code == 2

"""federation/local.py: what is answered without asking any server, in the form of each era."""

import json
from typing import Any

import pytest

from fedgate.core.errors import RpcError
from fedgate.federation import local
from fedgate.federation.catalog import Catalog, build
from fedgate.federation.eras import LISTS
from fedgate.federation.views import View

from .fakes import META, MODERN, raws, tools

INFO = {"name": "fedgate", "version": "1"}


def catalog(instructions: str = "") -> Catalog:
    return build({"notes": tools("add", instructions=instructions)}, View(info=INFO))


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_version_that_is_known_is_agreed_to(version: str) -> None:
    assert local.initialize_data(raws({"protocolVersion": version}))["version"] == version


@pytest.mark.parametrize("version", ["2020-01-01", MODERN, "", "x" * 10_000])
def test_any_other_version_is_answered_with_the_latest_of_the_era(version: str) -> None:
    assert local.initialize_data(raws({"protocolVersion": version}))["version"] == "2025-11-25"


@pytest.mark.parametrize("params", [{}, {"protocolVersion": 7}, {"protocolVersion": None}])
def test_initialize_without_a_version_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(RpcError, match=r"params\.protocolVersion must be a string") as caught:
        local.initialize_data(raws(params))
    assert caught.value.code == -32602


def test_what_a_client_says_of_itself_is_remembered_as_it_wrote_it() -> None:
    params = raws({"protocolVersion": "2025-11-25", "capabilities": {"x": [1.5]}, "clientInfo": {"name": "n"}})
    assert local.initialize_data(params) == {
        "version": "2025-11-25",
        "capabilities": b'{"x": [1.5]}',
        "info": b'{"name": "n"}',
    }


@pytest.mark.parametrize(
    "params", [{}, {"capabilities": 7, "clientInfo": "n"}, {"capabilities": None, "clientInfo": []}]
)
def test_a_client_that_says_nothing_of_itself_is_unknown(params: dict[str, Any]) -> None:
    data = local.initialize_data(raws({"protocolVersion": "2025-11-25", **params}))
    assert (data["capabilities"], json.loads(data["info"])) == (b"{}", {"name": "unknown", "version": "0"})


@pytest.mark.parametrize("key", ["capabilities", "clientInfo"])
def test_a_client_that_says_too_much_of_itself_is_refused(key: str) -> None:
    def said(size: int) -> dict[str, Any]:
        return local.initialize_data(raws({"protocolVersion": "2025-11-25", key: {"x": "y" * (size - 9)}}))

    assert max(len(part) for part in said(local.DECLARED).values()) == local.DECLARED
    with pytest.raises(RpcError, match=f"params.{key} is larger than {local.DECLARED} bytes") as caught:
        said(local.DECLARED + 1)
    assert caught.value.code == -32602


def test_the_greeting_of_a_legacy_client_says_version_capabilities_and_name() -> None:
    result = json.loads(local.initialize_result(catalog(), "2025-06-18"))
    assert result == {
        "protocolVersion": "2025-06-18",
        "capabilities": {
            "tools": {"listChanged": True},
            "prompts": {"listChanged": True},
            "resources": {"listChanged": True},
        },
        "serverInfo": INFO,
    }


def test_the_greeting_of_a_modern_client_lists_versions_and_how_long_it_holds() -> None:
    result = json.loads(local.discover_result(catalog()))
    assert set(result) == {"resultType", "supportedVersions", "capabilities", "ttlMs", "cacheScope", "_meta"}
    assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
    assert MODERN in result["supportedVersions"]
    assert result["_meta"] == {META + "serverInfo": INFO}
    assert result["ttlMs"] >= 0


def test_instructions_are_there_if_there_are_any() -> None:
    spoken = catalog("Use add.")
    for greeting in (local.initialize_result(spoken, "2025-11-25"), local.discover_result(spoken)):
        assert "Use add." in json.loads(greeting)["instructions"]


@pytest.mark.parametrize("method", list(LISTS))
def test_a_list_is_one_page_in_the_form_of_the_era(method: str) -> None:
    given = catalog()
    legacy = json.loads(local.list_result(given, method, {}, "legacy"))
    modern = json.loads(local.list_result(given, method, raws({"cursor": None}), "modern"))
    assert list(legacy) == [LISTS[method]]
    assert modern["resultType"] == "complete"
    assert "nextCursor" not in modern
    assert modern[LISTS[method]] == legacy[LISTS[method]]


@pytest.mark.parametrize("cursor", ["x", "", 7, {}])
def test_a_cursor_cannot_be_ours(cursor: Any) -> None:
    with pytest.raises(RpcError, match=r"params\.cursor was not given by this gateway") as caught:
        local.list_result(catalog(), "tools/list", raws({"cursor": cursor}), "legacy")
    assert caught.value.code == -32602


@pytest.mark.parametrize(
    ("method", "legacy", "modern"),
    [
        ("tools/list", True, True),
        ("resources/templates/list", True, True),
        ("ping", True, False),
        ("logging/setLevel", True, False),
        ("server/discover", False, True),
        ("tools/call", False, False),
        ("initialize", False, False),
        ("subscriptions/listen", False, False),
    ],
)
def test_each_era_has_its_local_methods(method: str, legacy: bool, modern: bool) -> None:
    assert (local.is_local(method, "legacy"), local.is_local(method, "modern")) == (legacy, modern)


@pytest.mark.parametrize(("params", "level"), [({"level": "debug"}, "debug"), ({}, ""), ({"level": 7}, "")])
def test_a_level_is_read_as_text(params: dict[str, Any], level: str) -> None:
    assert local.level_of(raws(params)) == level


def test_an_empty_result_is_an_empty_object() -> None:
    assert local.EMPTY_RESULT == b"{}"

"""access/variables.py: rules see what they mention and nothing else, and no credential."""

from typing import Any

import pytest

from fedgate.access.names import is_secret
from fedgate.access.variables import Needs, Shown, address_of, common, show
from fedgate.core.call import ANONYMOUS, Call, Principal
from fedgate.core.ports import OneOf
from fedgate.core.rawjson import Raw
from tests.access.rules_kit import ALICE, BOB, a_call, tool


def shown(call: Call, *paths: str, own: dict[str, Any] | None = None) -> Shown:
    needs = Needs.of(tuple(path.split(".")) for path in paths).tree
    return show(needs, {**common(needs, call), **(own or {})})


def value(call: Call, path: str, own: dict[str, Any] | None = None) -> Any:
    found: Any = shown(call, path, own=own).values
    for part in path.split("."):
        found = found[part]
    return found


@pytest.mark.parametrize(
    ("path", "principal", "expected"),
    [
        ("protocol", ANONYMOUS, "mcp"),
        ("principal.id", ALICE, "alice"),
        ("principal.kind", ALICE, "key"),
        ("principal.groups", ALICE, ["engineering"]),
        ("principal.metadata.team", ALICE, "core"),
        ("principal.issuer", BOB, "https://idp.example.com"),
        ("principal.scopes", BOB, ["mcp"]),
        ("principal.claims.sub", BOB, "bob"),
        ("jwt.user.role", BOB, "admin"),
        ("apiKey.team", ALICE, "core"),
        ("source.address", ANONYMOUS, "10.1.2.3"),
        ("request.method", ANONYMOUS, "POST"),
        ("request.path", ANONYMOUS, "/mcp"),
        ("request.headers.x-team", ANONYMOUS, "core"),
        ("session.id", ANONYMOUS, "s-1"),
        ("session.protocol", ANONYMOUS, "mcp"),
    ],
)
def test_every_call_has_these(path: str, principal: Principal, expected: Any) -> None:
    call = a_call(principal=principal, headers={"x-team": "core"}, session="s-1")
    assert value(call, path) == expected


@pytest.mark.parametrize(
    ("path", "principal"),
    [("jwt.sub", ALICE), ("jwt.sub", ANONYMOUS), ("apiKey.team", BOB), ("session.id", ANONYMOUS), ("jwt.gone", BOB)],
)
def test_what_there_is_not_is_left_out(path: str, principal: Principal) -> None:
    with pytest.raises(KeyError):
        value(a_call(principal=principal), path)


def test_only_what_is_mentioned_is_shown() -> None:
    assert shown(a_call(principal=BOB), "principal.id", "jwt.sub").values == {
        "principal": {"id": BOB.id},
        "jwt": {"sub": "bob"},
    }
    whole = shown(a_call(principal=ALICE), "principal", "principal.id").values["principal"]
    assert whole["metadata"] == {"team": "core"}


@pytest.mark.parametrize("name", ["authorization", "cookie", "x-api-key", "x-goog-api-key", "x-auth-token", "x-secret"])
def test_headers_with_credentials_are_never_shown(name: str) -> None:
    call = a_call(headers={name: "hush", "x-team": "core"})
    assert is_secret(name)
    assert shown(call, "request.headers").values == {"request": {"headers": {"x-team": "core"}}}
    assert shown(call, f"request.headers.{name}").values == {"request": {"headers": {}}}


def test_arguments_are_read_as_far_as_they_are_mentioned() -> None:
    own = tool(arguments={"path": "/a", "content": "x" * 1_000_000, "deep": {"a": {"b": [1]}}})
    found = shown(a_call(), "mcp.tool.arguments.path", "mcp.tool.arguments.deep.a.b", own=own)
    assert found.values == {"mcp": {"tool": {"arguments": {"path": "/a", "deep": {"a": {"b": [1]}}}}}}
    assert found.hidden == ()


@pytest.mark.parametrize(
    ("arguments", "path", "hidden"),
    [
        (b'{"path":"/a","path":"/b"}', "mcp.tool.arguments.path", ("mcp", "tool", "arguments")),
        (b'{"a":{"b":1,"b":2}}', "mcp.tool.arguments.a", ("mcp", "tool", "arguments", "a")),
        (b'{"path":"%b"}' % (b"x" * 5000), "mcp.tool.arguments.path", ("mcp", "tool", "arguments", "path")),
        (b'{"a":"%b"}' % (b"x" * 20_000), "mcp.tool.arguments", ("mcp", "tool", "arguments")),
    ],
)
def test_what_cannot_be_shown_is_told_apart_from_what_is_not_there(
    arguments: bytes, path: str, hidden: tuple[str, ...]
) -> None:
    own = {"mcp": {"tool": {"arguments": Raw(arguments)}}}
    assert shown(a_call(), path, own=own).hidden == (hidden,)


def test_arguments_that_are_no_object_are_shown_whole() -> None:
    assert value(a_call(), "mcp.tool.arguments", own=tool(arguments=[1])) == [1]
    assert shown(a_call(), "mcp.tool.arguments.x", own=tool(arguments=[1])).values["mcp"]["tool"]["arguments"] == [1]


def test_what_costs_something_is_asked_for_only_if_it_is_mentioned() -> None:
    asked: list[str] = []

    def costly(name: str, result: Any) -> Any:
        def found() -> Any:
            asked.append(name)
            return result

        return found

    own = {"llm": {"has_images": costly("images", True), "intent": costly("intent", None)}}
    assert shown(a_call("llm"), "llm.route", own=own).values == {"llm": {}}
    assert asked == []
    assert shown(a_call("llm"), "llm.has_images", "llm.intent", own=own).values == {"llm": {"has_images": True}}
    assert asked == ["images", "intent"]


def test_what_is_not_decided_is_shown_by_its_first_choice() -> None:
    assert value(a_call("llm"), "llm.provider", own={"llm": {"provider": OneOf(("a", "b"))}}) == "a"
    assert shown(a_call("llm"), "llm.provider", own={"llm": {"provider": OneOf()}}).values == {"llm": {}}


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("10.1.2.3:80", "10.1.2.3"),
        ("::1:80", "::1"),
        ("[::1]:80", "::1"),
        ("::ffff:10.1.2.3:80", "10.1.2.3"),
        ("fe80::1%eth0:80", "fe80::1"),
        ("", ""),
        ("unix:0", "unix"),
    ],
)
def test_an_address_is_in_its_own_form(source: str, address: str) -> None:
    assert address_of(source) == address

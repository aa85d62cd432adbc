from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fedgate.core.values import MANIFEST
from fedgate.federation.settings import HttpServer, McpSettings, StdioServer


def server(value: object) -> StdioServer | HttpServer:
    settings = McpSettings.model_validate({"servers": {"x": value}}, context=MANIFEST)
    found = settings.servers["x"]
    assert isinstance(found, (StdioServer, HttpServer))
    return found


def refused(value: object) -> list[tuple[str, str]]:
    """Field (below the server) and what is said of it."""
    with pytest.raises(ValidationError) as caught:
        server(value)
    return [(".".join(map(str, _below(error))), error["msg"]) for error in caught.value.errors()]


def _below(error: Any) -> tuple[str | int, ...]:
    refusals = error.get("ctx", {}).get("refusals")
    return (*error["loc"][3:], *(refusals[0].at if refusals else ()))


def test_a_command_makes_a_stdio_server() -> None:
    entry = {"command": "uvx", "args": ["mcp-server-time"], "env": {"TZ": "UTC"}, "cwd": "/srv", "process": "shared"}
    found = server(entry)
    assert isinstance(found, StdioServer)
    assert (found.command, found.args, found.env) == ("uvx", ("mcp-server-time",), {"TZ": "UTC"})
    assert (found.cwd, found.process, found.timeout, found.era) == (Path("/srv"), "shared", 60.0, "auto")
    assert found.endpoint == "uvx"


def test_a_url_makes_an_http_server() -> None:
    found = server({"url": "http://h:9001/mcp", "headers": {"Authorization": "Bearer t"}, "timeout": "30s"})
    assert isinstance(found, HttpServer)
    assert (found.transport, found.timeout, found.endpoint) == ("auto", 30.0, "h:9001")


@pytest.mark.parametrize(
    ("url", "endpoint"), [("http://h/x", "h:80"), ("https://h/x", "h:443"), ("http://[::1]:1/", "[::1]:1")]
)
def test_the_endpoint_is_host_and_port(url: str, endpoint: str) -> None:
    assert HttpServer(url=url).endpoint == endpoint


@pytest.mark.parametrize(
    ("kind", "transport"),
    [("http", "http"), ("streamable-http", "http"), ("streamableHttp", "http"), ("sse", "sse")],
)
def test_type_is_another_spelling_of_transport(kind: str, transport: str) -> None:
    found = server({"type": kind, "url": "http://h/"})
    assert found == server({"transport": transport, "url": "http://h/"})
    assert isinstance(found, HttpServer)
    assert found.transport == transport


def test_type_and_transport_must_agree() -> None:
    assert server({"type": "sse", "transport": "sse", "url": "http://h/"}) == server(
        {"type": "sse", "url": "http://h/"}
    )
    assert refused({"type": "sse", "transport": "http", "url": "http://h/"}) == [
        ("type", 'says something else than "transport"')
    ]


def test_a_stdio_type_may_be_written() -> None:
    assert server({"type": "stdio", "command": "x"}) == server({"command": "x"})


def test_settings_compare_so_that_a_reload_can_tell_what_changed() -> None:
    assert server({"command": "x", "env": {"A": "1"}}) == server({"command": "x", "env": {"A": "1"}})
    assert server({"command": "x", "env": {"A": "1"}}) != server({"command": "x", "env": {"A": "2"}})


def test_what_may_hold_a_credential_is_not_shown() -> None:
    settings = McpSettings(
        servers={
            "a": StdioServer(command="x", args=("--token=hunter2",), env={"T": "hunter2"}),
            "b": HttpServer(url="http://h/?key=hunter2", headers={"Authorization": "hunter2"}),
        }
    )
    assert "hunter2" not in repr(settings) + str(settings)


@pytest.mark.parametrize("value", [None, {}, [], "uvx", {"args": []}, {"command": None}, {"type": "ws"}])
def test_a_server_needs_a_command_or_a_url(value: object) -> None:
    assert refused(value) == [("", 'needs "command", "url", "openapi" or "agent"')]


def test_a_type_alone_says_what_is_missing() -> None:
    assert refused({"type": "stdio"}) == [("command", "Field required")]
    assert refused({"type": "http"}) == [("url", "Field required")]


def test_a_server_is_started_or_reached_not_both() -> None:
    assert refused({"command": "x", "url": "http://h/"}) == [("", 'has both "command" and "url"')]


@pytest.mark.parametrize(
    ("extra", "where", "what"),
    [
        ({"command": " "}, "command", "must not be empty"),
        ({"command": "a\0"}, "command", "must not contain a NUL character"),
        ({"args": ["a\0"]}, "args.0", "must not contain a NUL character"),
        ({"args": [1]}, "args.0", "Input should be a valid string"),
        ({"env": {"A": 1}}, "env.A", "Input should be a valid string"),
        ({"env": {"A=B": "1"}}, "env.A=B", "is not a variable name"),
        ({"env": {"": "1"}}, "env.", "is not a variable name"),
        ({"cwd": "a\0"}, "cwd", "must not contain a NUL character"),
        ({"process": "own"}, "process", "Input should be 'shared' or 'per_session'"),
        ({"timeout": 30}, "timeout", "must be a duration"),
        ({"era": "old"}, "era", "Input should be 'auto', 'legacy' or 'modern'"),
        ({"headers": {}}, "headers", "Extra inputs are not permitted"),
        ({"transport": "sse"}, "transport", "Extra inputs are not permitted"),
    ],
)
def test_a_bad_stdio_server_is_refused(extra: dict[str, object], where: str, what: str) -> None:
    assert refused({"command": "x", **extra}) == [(where, what)]


@pytest.mark.parametrize(
    ("extra", "where", "what"),
    [
        ({"url": "h"}, "url", "must be an http or https URL"),
        ({"headers": {"a b": "1"}}, "headers.a b", "is not a header name"),
        ({"headers": {"Content-Length": "1"}}, "headers.Content-Length", "is set by the gateway itself"),
        ({"headers": {"A": "1", "a": "2"}}, "headers.a", "is given twice"),
        ({"headers": {"A": "1\r\nB: 2"}}, "headers.A", "cannot be sent in a header"),
        ({"headers": {"A": "€"}}, "headers.A", "cannot be sent in a header"),
        ({"headers": {"A": 1}}, "headers.A", "Input should be a valid string"),
        ({"args": []}, "args", "Extra inputs are not permitted"),
    ],
)
def test_a_bad_http_server_is_refused(extra: dict[str, object], where: str, what: str) -> None:
    assert refused({"url": "http://h/", **extra}) == [(where, what)]


def test_all_bad_headers_are_named_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        server({"url": "http://h/", "headers": {"a b": "1", "Te": "x", "C": "\n"}})
    (error,) = caught.value.errors()
    assert [refusal.at for refusal in error["ctx"]["refusals"]] == [("a b",), ("Te",), ("C",)]


def test_an_unknown_naming_is_refused() -> None:
    with pytest.raises(ValidationError, match="on_collision"):
        McpSettings.model_validate({"naming": "sometimes"})

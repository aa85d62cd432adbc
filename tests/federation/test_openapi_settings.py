from typing import Any

import pytest
from pydantic import ValidationError

from fedgate.core.values import MANIFEST
from fedgate.federation.openapi_settings import OpenApiServer
from fedgate.federation.settings import McpSettings


def server(value: object) -> OpenApiServer:
    found = McpSettings.model_validate({"servers": {"x": value}}, context=MANIFEST).servers["x"]
    assert isinstance(found, OpenApiServer)
    return found


def refused(value: object) -> list[tuple[str, str]]:
    """Field and what is said of it."""
    with pytest.raises(ValidationError) as caught:
        server(value)
    return [(".".join(map(str, _below(error))), error["msg"]) for error in caught.value.errors()]


def _below(error: Any) -> tuple[str | int, ...]:
    refusals = error.get("ctx", {}).get("refusals")
    return (*error["loc"][3:], *(refusals[0].at if refusals else ()))


def test_a_document_makes_an_openapi_server() -> None:
    entry = {
        "openapi": "./crm.yaml", "base_url": "https://crm.example.com/v1", "include": ["get*"], "exclude": ["*All"],
        "headers": {"Authorization": "Bearer t"}, "timeout": "5s", "description": "The CRM.", "disabled": True,
    }  # fmt: skip
    found = server(entry)
    assert (found.openapi, found.base_url, found.include, found.exclude) == (
        "./crm.yaml", "https://crm.example.com/v1", ("get*",), ("*All",),
    )  # fmt: skip
    assert (found.headers, found.timeout, found.disabled) == ({"Authorization": "Bearer t"}, 5.0, True)
    assert found == server(entry)


@pytest.mark.parametrize(
    ("entry", "endpoint"),
    [
        ({"openapi": "/srv/secret/crm.yaml"}, "crm.yaml"),
        ({"openapi": "crm.yaml", "base_url": "https://h/v1?key=hunter2"}, "h:443"),
        ({"openapi": "https://docs.example.com/x.json?token=hunter2"}, "docs.example.com:443"),
        ({"openapi": "https://docs.example.com/x.json", "base_url": "http://[::1]:8080"}, "[::1]:8080"),
    ],
)
def test_logs_call_it_by_its_host_or_its_file(entry: dict[str, str], endpoint: str) -> None:
    found = server(entry)
    assert found.endpoint == endpoint
    assert "hunter2" not in repr(found)


def test_it_has_credentials_of_the_same_kinds_as_a_server_with_a_url() -> None:
    asked = {"type": "client_credentials", "token_url": "http://i/t", "client_id": "a", "client_secret": "hunter2"}
    for auth in (asked, {**asked, "type": "token_exchange"}, {"type": "forward", "headers": ["X-User"]}):
        found = server({"openapi": "x", "auth": auth})
        as_url = McpSettings.model_validate({"servers": {"x": {"url": "http://h/mcp", "auth": auth}}}, context=MANIFEST)
        assert found.auth is not None
        assert found.auth == getattr(as_url.servers["x"], "auth", None)
        assert "hunter2" not in repr(found)
    assert refused({"openapi": "x", "auth": {"type": "basic"}}) == [("auth", 'needs "type"')]


def test_headers_are_not_shown() -> None:
    assert "hunter2" not in repr(server({"openapi": "x", "headers": {"A": "hunter2"}}))


@pytest.mark.parametrize(
    ("extra", "where", "what"),
    [
        ({"openapi": " "}, "openapi", "must not be empty"),
        ({"openapi": "a\0"}, "openapi", "must not contain a NUL character"),
        ({"openapi": "ftp://h/x"}, "openapi", "must be a file or an http or https URL"),
        ({"openapi": "https://u:p@h/x"}, "openapi", "must be a file or an http or https URL"),
        ({"openapi": 5}, "openapi", "Input should be a valid string"),
        ({"base_url": "/v1"}, "base_url", "must be an http or https URL"),
        ({"base_url": "https://u:p@h"}, "base_url", "must not carry a user or password"),
        ({"include": "get*"}, "include", "Input should be a valid tuple"),
        ({"exclude": [""]}, "exclude.0", "String should have at least 1 character"),
        ({"headers": {"Content-Length": "1"}}, "headers.Content-Length", "is set by the gateway itself"),
        ({"headers": {"Host": "h"}}, "headers.Host", "is set by the gateway itself"),
        ({"url": "http://h/"}, "", 'has "openapi" beside "url" or "command"'),
        ({"command": "x"}, "", 'has "openapi" beside "url" or "command"'),
        ({"era": "modern"}, "era", "Extra inputs are not permitted"),
        ({"transport": "http"}, "transport", "Extra inputs are not permitted"),
    ],
)
def test_a_bad_openapi_server_is_refused(extra: dict[str, object], where: str, what: str) -> None:
    assert refused({"openapi": "x", **extra}) == [(where, what)]

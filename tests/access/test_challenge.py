"""What a refused caller reads in `WWW-Authenticate`, as clients parse it."""

import httpx2
import pytest
from mcp.client.auth.utils import (
    extract_field_from_www_auth,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
)

from fedgate.access.challenge import Challenge
from fedgate.access.jwt_settings import JwtIssuer
from fedgate.access.oauth_metadata import OAuth
from fedgate.core.call import Request
from fedgate.core.errors import GatewayError
from tests.access.test_identify import no_body


def request(path: str, host: bytes = b"gw.example.com") -> Request:
    return Request("r", "POST", path, b"", {b"host": host}, "127.0.0.1:1", "gw", "1.1", no_body)


def issuer(**more: object) -> JwtIssuer:
    return JwtIssuer.model_validate({"issuer": "https://idp", "audiences": ["g"], **more})


def response(error: GatewayError) -> httpx2.Response:
    """As the SDK's client sees it."""
    return httpx2.Response(error.status, headers=[(name, value) for name, value in error.headers])


CHALLENGE = Challenge(OAuth([issuer(required_scopes=["a", "b"])], ""))


@pytest.mark.parametrize("path", ["/mcp", "/mcp/notes", "/a2a/support", "/mcp/", "/v1/messages"])
def test_the_sdk_reads_where_the_metadata_is_and_what_to_ask_for(path: str) -> None:
    seen = response(CHALLENGE.nobody(request(path)))
    url = f"http://gw.example.com/.well-known/oauth-protected-resource{path}"
    assert (seen.status_code, extract_resource_metadata_from_www_auth(seen)) == (401, url)
    assert extract_scope_from_www_auth(seen) == "a b"
    assert extract_field_from_www_auth(seen, "error") is None


def test_the_resource_of_the_old_transport_is_the_address_that_its_client_typed() -> None:
    for path in ("/sse", "/messages"):
        seen = response(CHALLENGE.nobody(request(path)))
        url = "http://gw.example.com/.well-known/oauth-protected-resource/sse"
        assert extract_resource_metadata_from_www_auth(seen) == url


def test_a_step_up_asks_for_scopes_as_they_are_offered() -> None:
    """Entra's tokens say `mcp.tools` where one has to ask for it under the name of the application."""
    offered = ["api://gw/mcp.tools", "api://gw/mcp.admin", "offline_access"]
    told = issuer(required_scopes=["mcp.tools", "tools", "offline_access"], scopes_supported=offered)
    error = Challenge(OAuth([told], "")).insufficient(request("/mcp"), told.required_scopes)
    assert extract_scope_from_www_auth(response(error)) == "api://gw/mcp.tools tools offline_access"
    assert error.message == "The token lacks a scope: this needs mcp.tools, tools, offline_access."


def test_the_sdk_reads_a_step_up() -> None:
    seen = response(CHALLENGE.insufficient(request("/mcp"), ["c", "d"]))
    assert seen.status_code == 403
    assert extract_field_from_www_auth(seen, "error") == "insufficient_scope"
    assert extract_scope_from_www_auth(seen) == "c d"


@pytest.mark.parametrize("path", ['/mcp/"x', "/mcp/\\", "/mcp/\u00e9\u4e2d", "/mcp/\r\nset-cookie: x", "/mcp/ ,"])
def test_a_path_cannot_break_out_of_the_header(path: str) -> None:
    ((name, value),) = CHALLENGE.refused(request(path, b'h", x="y'), 'a "sentence"\\').headers
    assert name == b"www-authenticate"
    assert value.isascii()
    assert not {b"\r", b"\n", b"\\"} & {value[at : at + 1] for at in range(len(value))}
    assert value.count(b'"') == 10


def test_with_keys_alone_nothing_is_said_of_tokens() -> None:
    for error in (Challenge().nobody(request("/mcp")), Challenge().stranger(request("/mcp"), "x")):
        assert error.headers == ((b"www-authenticate", b'Bearer realm="fedgate"'),)


def test_with_tokens_alone_nothing_is_said_of_keys() -> None:
    said = Challenge(OAuth([issuer()], ""), keys=False).nobody(request("/mcp")).message
    assert said == "This gateway needs an access token: send `Authorization: Bearer TOKEN`."

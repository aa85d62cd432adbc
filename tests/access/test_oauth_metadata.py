"""What OAuth clients are told, judged by the SDK's own models, and what is changed on the way to an issuer."""

import json
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

from fedgate.access.discovery import read
from fedgate.access.jwt_settings import JwtIssuer
from fedgate.access.oauth_metadata import MAX_FORM, OAuth, passed_on, registered

IDP = "https://idp.example.com"
DOCUMENT = {
    "issuer": IDP,
    "authorization_endpoint": f"{IDP}/authorize?p=1",
    "token_endpoint": f"{IDP}/token",
    "registration_endpoint": f"{IDP}/register",
    "response_types_supported": ["code"],
    "authorization_response_iss_parameter_supported": True,
    "x": 1.0,
}


def issuer(**more: object) -> JwtIssuer:
    return JwtIssuer.model_validate({"issuer": IDP, "audiences": ["gateway", "other"], **more})


@pytest.mark.parametrize("path", ["/mcp", "/mcp/notes", "/mcp/", "/a2a/support"])
def test_the_resource_is_what_the_client_wrote(path: str) -> None:
    oauth = OAuth([issuer(scopes_supported=["s"]), issuer(issuer="https://two")], "https://gw.example.com/base")
    document = oauth.resource("ignored", path)
    found = ProtectedResourceMetadata.model_validate_json(document)
    assert str(found.resource) == f"https://gw.example.com/base{path}"
    assert json.loads(document)["authorization_servers"] == [IDP, "https://two"]
    assert found.scopes_supported == ["s"]
    assert found.bearer_methods_supported == ["header"]


def test_an_issuer_that_needs_no_help_is_described_in_its_own_words() -> None:
    body = json.dumps(DOCUMENT, separators=(",", ":")).encode()
    assert OAuth([issuer()], "https://gw").server("gw", read(body, IDP)) == body


def test_before_an_issuer_that_needs_help_the_gateway_names_its_own_addresses() -> None:
    oauth = OAuth([issuer(issuer="https://plain"), issuer(provider="entra", client_id="c")], "")
    document = oauth.server("gw:8080", read(json.dumps(DOCUMENT).encode(), IDP))
    found = OAuthMetadata.model_validate_json(document)
    base = "http://gw:8080"
    assert json.loads(document)["issuer"] == base
    assert str(found.authorization_endpoint) == f"{base}/oauth/authorize"
    assert str(found.token_endpoint) == f"{base}/oauth/token"
    assert str(found.registration_endpoint) == f"{base}/oauth/register"
    assert found.code_challenge_methods_supported == ["S256"]
    assert "authorization_response_iss_parameter_supported" not in json.loads(document)
    assert json.loads(oauth.resource("gw:8080", "/mcp"))["authorization_servers"] == ["https://plain", base]


PLAIN = [("client_id", "c"), ("resource", "https://gw/mcp"), ("state", "a b&c"), ("x", "")]
FORM = urlencode(PLAIN).encode()


@pytest.mark.parametrize(
    ("provider", "given"),
    [
        ("entra", [("client_id", "c"), ("state", "a b&c"), ("x", "")]),
        ("auth0", [*PLAIN, ("audience", "gateway")]),
        ("generic", PLAIN),
    ],
)
def test_only_what_the_product_cannot_take_is_changed(provider: str, given: list[tuple[str, str]]) -> None:
    assert parse_qsl(passed_on(issuer(provider=provider), FORM).decode(), keep_blank_values=True) == given


def test_an_audience_that_the_client_names_stays() -> None:
    assert passed_on(issuer(provider="auth0"), b"audience=mine") == b"audience=mine"


@pytest.mark.parametrize("form", [b"a" * (MAX_FORM + 1), b"\xff=1", b"&".join([b"a=1"] * 65), b"a"])
def test_what_is_no_form_is_refused(form: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        passed_on(issuer(provider="entra"), form)


def test_a_client_that_registers_is_given_the_one_that_exists() -> None:
    asked = {"redirect_uris": ["http://127.0.0.1:1/cb"], "client_name": "x", "client_secret": "s", "scope": "a"}
    assert json.loads(registered("by-hand", json.dumps(asked).encode())) == {
        "redirect_uris": ["http://127.0.0.1:1/cb"],
        "client_name": "x",
        "scope": "a",
        "client_id": "by-hand",
        "token_endpoint_auth_method": "none",
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"redirect_uris":[]}', b'{"redirect_uris":[7]}', b"\xff"])
def test_what_is_no_registration_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        registered("c", body)


@given(st.binary(max_size=80), st.sampled_from(["entra", "auth0"]))
def test_no_bytes_bring_it_down(body: bytes, provider: str) -> None:
    with suppress(ValueError):
        passed_on(issuer(provider=provider), body)
    with suppress(ValueError):
        registered("c", body)


def test_scopes_of_all_issuers_are_offered_once() -> None:
    issuers = [issuer(required_scopes=["a", "b"]), issuer(scopes_supported=["b", "c"], issuer="https://x")]
    assert OAuth(issuers, "").scopes == ("a", "b", "c")

"""The section of an issuer: what is written wins over the product's defaults, and mistakes are told at once."""

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from fedgate.access.jwt_settings import JwtIssuer, TrustedProxies
from fedgate.access.settings import AccessSettings
from fedgate.core.values import Refusal
from fedgate.manifest.load import load
from tests.access.issuer import public
from tests.access.test_settings import refusals

GOOD = {"issuer": "https://idp/realms/x", "audiences": ["gateway"]}
KEYS = {"keys": [public("ES256", kid="k")]}


def issuer(**more: Any) -> JwtIssuer:
    return JwtIssuer.model_validate({**GOOD, **more})


@pytest.mark.parametrize(
    ("provider", "groups", "subject", "scopes", "keys", "adapted"),
    [
        ("generic", "groups", "sub", ("scope", "scp"), None, False),
        (
            "keycloak",
            "realm_access.roles",
            "sub",
            ("scope", "scp"),
            "https://idp/realms/x/protocol/openid-connect/certs",
            False,
        ),
        ("auth0", "permissions", "sub", ("scope", "scp"), "https://idp/realms/x/.well-known/jwks.json", True),
        ("okta", "groups", "sub", ("scp", "scope"), "https://idp/realms/x/v1/keys", False),
        ("entra", "roles", "oid", ("scp",), None, True),
    ],
)
def test_a_product_sets_the_defaults(
    provider: str, groups: str, subject: str, scopes: tuple[str, ...], keys: str | None, adapted: bool
) -> None:
    found = issuer(provider=provider)
    assert (found.groups_at, found.subject_at, found.scopes_at) == (groups, subject, scopes)
    assert (found.keys_at, found.adapted) == (keys, adapted)
    own = issuer(provider=provider, groups_claim="g", subject_claim="s", scopes_claim="c", jwks_url="https://k")
    assert (own.groups_at, own.subject_at, own.scopes_at, own.keys_at) == ("g", "s", ("c",), "https://k")
    assert issuer(provider=provider, discovery="https://d").keys_at is None


def test_a_client_made_by_hand_needs_the_gateway_before_its_issuer() -> None:
    assert issuer(client_id="c").adapted
    assert issuer(required_scopes=["a"]).offered_scopes == ("a",)
    assert issuer(required_scopes=["a"], scopes_supported=["a", "b"]).offered_scopes == ("a", "b")


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"issuer": "https://idp?x=1"}, "must not carry a query"),
        ({"issuer": "https://idp#x"}, "must not carry a #fragment"),
        ({"issuer": "idp"}, "must be an http or https URL"),
        ({"jwks_url": "https://a", "jwks_file": "b", "jwks": KEYS}, "cannot be read"),
        ({"jwks_url": "https://a", "discovery": "https://b"}, 'has "jwks_url" and "discovery"'),
        ({"jwks": {"keys": []}}, "holds no public key that can verify a signature"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "holds no public key that can verify a signature"),
        ({"jwks": {"x": 1}}, 'is no JWK set: a JSON object with a list of "keys"'),
        ({"groups_claim": "a b"}, "is not the name of a claim"),
        ({"required_scopes": ["a b"]}, "is not a scope"),
        ({"required_scopes": ['a"']}, "is not a scope"),
        ({"leeway": 301.0}, "is longer than 5m"),
        ({"audiences": ["\n"]}, "must be visible ASCII"),
    ],
)
def test_a_mistake_is_told(changed: dict[str, Any], what: str) -> None:
    assert refusals(JwtIssuer, {**GOOD, **changed})[0].what == what


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "RS1", "ES256K"])
def test_only_signatures_that_the_issuer_alone_can_make_may_be_named(algorithm: str) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        issuer(algorithms=[algorithm])


def test_an_audience_must_be_named() -> None:
    nobody: list[Any] = [[], None]
    for audiences in nobody:
        with pytest.raises(ValueError, match="audiences"):
            issuer(audiences=audiences)


def test_one_issuer_has_one_entry() -> None:
    (found,) = refusals(AccessSettings, {"jwt": [GOOD, {**GOOD, "audiences": ["other"]}]})
    assert found == Refusal("is used twice", "give each issuer one entry", (1, "issuer"), (0, "issuer"))


def test_a_file_of_keys_is_relative_to_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    path = tmp_path / "fedgate.yaml"
    path.write_text("access: {jwt: [{issuer: https://idp, audiences: [g], jwks_file: keys.json, max_age: 24h}]}")
    manifest = load([path], {})
    assert manifest.access.jwt[0].jwks_file == tmp_path / "keys.json"
    assert manifest.access.jwt[0].max_age == 86_400
    assert manifest.anonymous is False


def test_an_issuer_is_identity_enough_for_an_open_address(tmp_path: Path) -> None:
    path = tmp_path / "fedgate.yaml"
    path.write_text("gateway: {listen: ':8080'}\naccess: {jwt: [{issuer: https://idp, audiences: [g]}]}")
    assert load([path], {}).anonymous is False


def test_proxies_are_named_by_their_addresses() -> None:
    found = TrustedProxies.model_validate({"header": "X-Subject", "from": ["10.0.0.0/8", "127.0.0.1"]})
    assert (found.header, found.networks) == ("x-subject", (ip_network("10.0.0.0/8"), ip_network("127.0.0.1/32")))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"from": ["0.0.0.0/0"]}, "is every address there is"),
        ({"from": ["::/0"]}, "is every address there is"),
        ({"from": ["10.0.0.1/8"]}, "must be a network or an address"),
        ({"from": [7]}, "must be a network or an address"),
        ({"header": "a b"}, "is not a header name"),
        ({"header": "Authorization"}, "means something else"),
    ],
)
def test_a_proxy_that_would_be_anybody_is_refused(changed: dict[str, Any], what: str) -> None:
    assert refusals(TrustedProxies, {"header": "x-subject", "from": ["10.0.0.0/8"], **changed})[0].what == what

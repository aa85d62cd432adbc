"""How a manifest says what upstreams are shown."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from fedgate.core.auth_settings import ClientCredentials, Forward, TokenExchange, UpstreamAuth
from fedgate.core.call import Principal
from fedgate.core.ports import NO_CREDENTIALING
from fedgate.manifest.load import load
from fedgate.manifest.problems import ManifestError

AUTH: TypeAdapter[UpstreamAuth] = TypeAdapter(UpstreamAuth)
CLIENT = {"client_id": "gw", "client_secret": "very-secret", "token_url": "https://idp/token"}


def told(value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        AUTH.validate_python(value)
    assert "very-secret" not in str(caught.value)
    return str(caught.value.errors()[0]["msg"])


def test_the_kinds_are_told_apart_by_type() -> None:
    assert isinstance(AUTH.validate_python({"type": "client_credentials", **CLIENT}), ClientCredentials)
    assert isinstance(AUTH.validate_python({"type": "token_exchange", **CLIENT}), TokenExchange)
    assert AUTH.validate_python({"type": "forward", "headers": ["X-A", "x-a", "x-b"]}) == Forward(
        type="forward", headers=("x-a", "x-b")
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({}, 'needs "type"'),
        ({"type": "basic"}, 'needs "type"'),
        ({"type": ["forward"]}, 'needs "type"'),
        ("forward", 'needs "type"'),
        ({"type": "client_credentials", **CLIENT, "token_url": None}, 'needs either "issuer" or "token_url"'),
        ({"type": "client_credentials", **CLIENT, "issuer": "https://idp"}, 'needs either "issuer" or "token_url"'),
        ({"type": "client_credentials", **CLIENT, "client_secret": ""}, "is empty"),
        ({"type": "client_credentials", **CLIENT, "scopes": ["a b"]}, "is not a scope"),
        ({"type": "forward", "headers": []}, "must name 1 to 32 headers"),
        ({"type": "forward", "headers": ["host"]}, "cannot be forwarded"),
        ({"type": "forward", "headers": ["a b"]}, "cannot be forwarded"),
        ({"type": "forward", "headers": ["Transfer-Encoding"]}, "cannot be forwarded"),
    ],
)
def test_a_mistake_is_told(value: object, what: str) -> None:
    assert told(value) == what


def test_a_secret_is_in_no_repr() -> None:
    auth = AUTH.validate_python({"type": "token_exchange", **CLIENT})
    assert "very-secret" not in repr(auth) + str(auth.model_dump())


def manifest(folder: Path, auth: str) -> Any:
    path = folder / "fedgate.yaml"
    path.write_text(
        f"mcp: {{servers: {{notes: {{url: 'http://127.0.0.1:1/mcp', auth: {auth}}}}}}}\n"
        f"agents: {{support: {{instances: ['http://127.0.0.1:2'], auth: {auth}}}}}"
    )
    return load([path], {})


def test_servers_and_agents_take_it(tmp_path: Path) -> None:
    found = manifest(tmp_path, "{type: forward, headers: [x-user]}")
    assert (
        found.mcp.servers["notes"].auth == found.agents["support"].auth == Forward(type="forward", headers=("x-user",))
    )


def test_a_key_that_is_not_known_is_found_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest(tmp_path, "{type: forward, header: [x-user]}")
    assert 'unknown key "header" in mcp.servers.notes.auth' in str(caught.value)
    assert 'did you mean "headers"' in str(caught.value)


def test_without_anybody_who_makes_credentials_there_are_none() -> None:
    auth = AUTH.validate_python({"type": "forward", "headers": ["x-user"]})
    with pytest.raises(ValueError, match="nothing here can make credentials"):
        NO_CREDENTIALING.of("mcp.servers.notes", auth)
    assert Principal("a").scopes == ()

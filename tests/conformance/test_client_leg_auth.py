"""What the operator of a scenario writes into the manifest, and how the issuer of its server is found."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fedgate.core.auth_settings import ClientCredentials
from tests.conformance.client_leg_auth import credentials, issuer_of, upstream
from tests.conformance.processes import RunnerError
from tests.listening import Quiet, listening

ISSUER = "http://issuer.example"


@contextmanager
def server(challenge: str) -> Iterator[str]:
    """A server that lets nobody in; `{url}` in the challenge is its own address. Gives the address of its endpoint."""

    class Handler(Quiet):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(401)
            self.send_header("www-authenticate", challenge.format(url=f"http://127.0.0.1:{self.server.server_port}"))
            self.send_header("content-length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            body = json.dumps({"resource": self.path, "authorization_servers": [ISSUER, "http://second"]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as url:
        yield f"{url}/mcp"


def test_a_server_without_authorization_is_its_address() -> None:
    assert upstream("http://x/mcp", "tools_call", {"client_id": "a"}) == {"url": "http://x/mcp"}


def test_the_issuer_is_the_first_that_the_servers_metadata_names() -> None:
    with server('Bearer resource_metadata="{url}/metadata"') as url:
        assert issuer_of(url) == ISSUER
        entry = upstream(url, "auth/pre-registration", {"client_id": "me", "client_secret": "mine"})
    auth = {"type": "client_credentials", "issuer": ISSUER, "client_id": "me", "client_secret": "mine"}
    assert entry == {"url": url, "auth": {**auth, "resource": url}}


def test_a_server_that_does_not_say_where_its_metadata_is_cannot_be_played() -> None:
    with server('Bearer realm="x"') as url, pytest.raises(RunnerError, match="does not say where its metadata is"):
        issuer_of(url)


@pytest.mark.parametrize("given", [{}, {"client_id": "me", "client_secret": "mine"}])
def test_what_is_written_is_what_the_manifest_takes(given: dict[str, str]) -> None:
    read = ClientCredentials.model_validate(credentials("http://x/mcp", ISSUER, given))
    assert (read.issuer, read.resource, read.client_auth) == (ISSUER, "http://x/mcp", "basic")

"""The gateway's upstream in a client scenario: an entry of the manifest, as an operator writes it.

Where the scenario is about authorization, the operator looks up who the server's issuer is (the
gateway is told, and asks no server for it) and writes down the client that the scenario has
registered beforehand. Above it: `client_leg.py`.
"""

import http.client
import json
import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from tests.conformance.processes import RunnerError

AUTH = "auth/"
SECONDS = 10.0
MAX_ANSWER = 64 * 1024
METADATA = re.compile(r'resource_metadata="(?P<url>[^"]+)"')


def upstream(url: str, scenario: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of the scenario's server. `given`: what the scenario told the client."""
    if not scenario.startswith(AUTH):
        return {"url": url}
    return {"url": url, "auth": credentials(url, issuer_of(url), given)}


def credentials(url: str, issuer: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The gateway's own token, got with the client that was registered, for this very server.

    A scenario that says nothing of a client has none to find out about: any will do.
    """
    secret = given.get("client_secret", "nothing")
    client = {"client_id": given.get("client_id", "nobody"), "client_secret": given.get("private_key_pem", secret)}
    signed = {"client_auth": "private_key_jwt"} if "private_key_pem" in given else {}
    return {"type": "client_credentials", "issuer": issuer, **client, **signed, "resource": url}


def issuer_of(url: str) -> str:
    """The first issuer that the server's metadata names (RFC 9728). Raises `RunnerError`."""
    challenge = _asked("POST", url)[1]
    found = METADATA.search(challenge)
    if found is None:
        raise RunnerError(f"{url} does not say where its metadata is: {challenge or 'no challenge'}")
    document = json.loads(_asked("GET", found["url"])[0])
    return str(document["authorization_servers"][0])


def _asked(method: str, url: str) -> tuple[bytes, str]:
    """The body and the challenge of an answer."""
    where = urlsplit(url)
    with closing(http.client.HTTPConnection(where.hostname or "", where.port, timeout=SECONDS)) as connection:
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        connection.request(method, where.path, b"{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        return answer.read(MAX_ANSWER), answer.headers.get("www-authenticate", "")

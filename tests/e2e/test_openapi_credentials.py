"""What an HTTP API is shown, end to end: an issuer, an API as a process that checks tokens, a whole gateway."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.access.issuer import SERVICE, Issuer, running
from tests.e2e.caller import Caller, Modern
from tests.e2e.gateway import LIMIT, ROOT, InProcess, ended, environment, in_process, manifest_of

pytestmark = pytest.mark.anyio


class Api:
    """The process, from outside."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def log(self) -> list[str]:
        """`METHOD PATH WHO` of each request."""
        async with httpx2.AsyncClient(trust_env=False) as http:
            log: list[str] = (await http.get(f"{self.url}/log")).json()
        return log

    async def calls(self) -> list[str]:
        return [each for each in await self.log() if "/openapi.json" not in each]

    async def revoke(self) -> None:
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.post(f"{self.url}/revoked")).status_code == 200


@asynccontextmanager
async def api(issuer: Issuer) -> AsyncIterator[Api]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.e2e.token_api", f"{issuer.url}/jwks", "crm"),
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
        cwd=ROOT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT):
            said = (await process.stdout.readline()).decode().split()
        assert said[:1] == ["listening"]
        yield Api(said[1])
    finally:
        await ended(process)


def auth(issuer: Issuer, kind: str, secret: str = SERVICE[1], **more: Any) -> dict[str, Any]:
    client = {"issuer": issuer.url, "client_id": SERVICE[0], "client_secret": secret}
    return {"type": kind, "audience": "crm", **client, **more}


@asynccontextmanager
async def gateway(
    issuer: Issuer, there: Api, folder: Path, auth: dict[str, Any], **more: Any
) -> AsyncIterator[InProcess]:
    server = {"openapi": f"{there.url}/openapi.json", "auth": auth, "headers": {"x-fixed": "1"}, **more}
    access = {
        "jwt": [{"issuer": issuer.url, "audiences": ["gateway"]}],
        "keys": [{"id": "robot", "key": "robots-own-key"}],
    }
    async with in_process(manifest_of({"crm": server}, access=access), folder) as at:
        yield at


def by(at: InProcess, credential: str, **headers: str) -> Modern:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Modern(Caller(at.port, "/mcp", {"authorization": f"Bearer {credential}", **named}))


async def you(client: Modern, tool: str = "crm__me", /, **arguments: Any) -> Any:
    """Whom the API takes the caller for; else the error."""
    message = (await client.tool(tool, arguments)).message
    return message["result"]["structuredContent"]["you"] if "result" in message else message["error"]


async def test_an_api_is_shown_the_gateways_own_token_for_its_document_and_for_calls(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        api(issuer) as there,
        gateway(issuer, there, tmp_path, auth(issuer, "client_credentials")) as at,
    ):
        client = by(at, "robots-own-key")
        assert await client.tools() == ["crm__me", "crm__add"]
        assert await you(client) == "service"
        assert await you(client, "crm__add", text="a") == "service"
        assert await there.log() == ["GET /openapi.json service", "GET /v1/me service", "POST /v1/notes service"]
        assert issuer.asked["client_credentials"] == 1


async def test_an_api_is_asked_in_its_callers_names_and_nobody_gets_anothers_token(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        api(issuer) as there,
        gateway(issuer, there, tmp_path, auth(issuer, "token_exchange")) as at,
    ):
        names = ["alice", "bob"] * 4
        clients = {name: by(at, issuer.token(name)) for name in ("alice", "bob")}
        assert await asyncio.gather(*[you(clients[name]) for name in names]) == names
        assert sorted(await there.calls()) == ["GET /v1/me alice"] * 4 + ["GET /v1/me bob"] * 4
        assert issuer.asked["urn:ietf:params:oauth:grant-type:token-exchange"] == 2
        assert len(at.gateway.hub.servers["crm"].pool) == 0  # the document is read once, not for each client


async def test_a_caller_without_a_token_is_not_taken_for_the_gateway(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        api(issuer) as there,
        gateway(issuer, there, tmp_path, auth(issuer, "token_exchange")) as at,
    ):
        error = await you(by(at, "robots-own-key"))
        assert "call with an access token (JWT)" in error["message"]
        assert error["data"]["reason"] == "forbidden"
        assert await there.calls() == []


async def test_headers_of_the_caller_are_sent_on_by_name_alone_and_no_argument_sets_them(tmp_path: Path) -> None:
    forward = {"type": "forward", "headers": ["X-User-Token"]}
    document = tmp_path / "who.json"
    async with running() as issuer, api(issuer) as there:
        token = issuer.token("service", "crm")
        async with httpx2.AsyncClient(trust_env=False) as http:
            got = await http.get(f"{there.url}/openapi.json", headers={"authorization": f"Bearer {token}"})
        document.write_bytes(got.content)
        more = {"openapi": str(document), "base_url": f"{there.url}/v1", "headers": {"x-user-token": "gateways"}}
        async with gateway(issuer, there, tmp_path, forward, **more) as at:
            assert await you(by(at, "robots-own-key", x_user_token="ann")) == "user ann"
            result = (
                await by(at, "robots-own-key", x_user_token="ann").tool("crm__me", {"x-user-token": "eve"})
            ).message
            assert result["result"]["isError"]
            assert "there is no argument 'x-user-token'" in result["result"]["content"][0]["text"]
            error = await you(by(at, "robots-own-key"))
            assert error["message"] == (
                "server crm: it refuses the caller's credentials (HTTP 401); see its auth in the manifest"
            )
        assert await there.calls() == ["GET /v1/me user ann", "GET /v1/me nobody"]


async def test_where_the_issuer_gives_no_token_the_list_is_an_error_and_not_empty(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        api(issuer) as there,
        gateway(issuer, there, tmp_path, auth(issuer, "client_credentials", secret="wrong")) as at,
    ):
        status = at.gateway.hub.servers["crm"].status
        assert (status.state, status.reason.endswith("refuses it (invalid_client)")) == ("down", True)
        caller = Caller(at.port, "/mcp/crm", {"authorization": "Bearer robots-own-key"})
        got = await Modern(caller).call("tools/list")
        assert "invalid_client" in got.message["error"]["message"]
        assert await there.log() == []


async def test_a_document_that_is_not_given_to_the_gateway_is_an_error_and_no_empty_list(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        api(issuer) as there,
        gateway(issuer, there, tmp_path, auth(issuer, "token_exchange", own="headers")) as at,
    ):
        caller = Caller(at.port, "/mcp/crm", {"authorization": "Bearer robots-own-key"})
        error = (await Modern(caller).call("tools/list")).message["error"]
        assert "it refuses the gateway's credentials (HTTP 401)" in error["message"]
        assert (await there.log())[:1] == ["GET /openapi.json nobody"]


async def test_a_token_that_is_refused_is_an_error_that_does_not_show_it(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        api(issuer) as there,
        gateway(issuer, there, tmp_path, auth(issuer, "token_exchange")) as at,
    ):
        client = by(at, issuer.token("alice"))
        assert await you(client) == "alice"
        await there.revoke()
        error = await you(client)  # the token is too young to be worth another one
        assert error["data"] == {"server": "crm", "reason": "upstream_denied", "retryable": False}
        assert await there.calls() == ["GET /v1/me alice", "GET /v1/me nobody"]
        assert json.dumps(error).count("ey") == 0

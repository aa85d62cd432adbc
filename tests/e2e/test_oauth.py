"""Tokens end to end: an issuer, a whole gateway, upstreams that know their callers, and the official SDK's client."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.types import TextContent
from pydantic import AnyUrl

from tests.access.issuer import SERVICE, Issuer, running
from tests.e2e.caller import Caller, Legacy, Modern
from tests.e2e.gateway import LIMIT, ROOT, InProcess, as_process, ended, in_process, manifest_of
from tests.federation.upstreams import Seen, Upstream, http, result, text, upstream

pytestmark = pytest.mark.anyio

RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"


@asynccontextmanager
async def gateway(
    issuer: Issuer, one: Upstream, folder: Path, auth: dict[str, Any] | None = None, **jwt_: Any
) -> AsyncIterator[InProcess]:
    keys = [{"id": "robot", "key": "robots-own-key"}]
    access = {
        "jwt": [{"issuer": issuer.url, "audiences": ["gateway"], **jwt_}],
        "keys": keys,
        "admins": ["engineering"],
    }
    server = {"url": one.url, **({"auth": auth} if auth else {})}
    async with in_process(manifest_of({"notes": server}, access=access), folder) as at:
        yield at


def by(at: InProcess, token: str, path: str = "/mcp") -> Caller:
    return Caller(at.port, path, {"authorization": f"Bearer {token}"})


def who(seen: Seen) -> str:
    """The subject of the token that a request came with."""
    header = seen.header("authorization") or ""
    if not header.startswith("Bearer ey"):
        return header
    claims = jwt.decode(header.removeprefix("Bearer "), options={"verify_signature": False})
    return f"{claims['sub']} for {claims['aud']}"


def callers(one: Upstream) -> list[tuple[str, str]]:
    return [(each.method, who(each)) for each in one.seen]


# Towards clients.


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_token_is_good_for_calls_and_its_bearer_stands_in_the_access_line(tmp_path: Path, era: str) -> None:
    async with running() as issuer, upstream("modern") as one, gateway(issuer, one, tmp_path) as at:
        caller = by(at, issuer.token())
        one.on["tools/call"] = echo
        client = await Legacy.open(caller) if era == "legacy" else Modern(caller)
        got = await client.tool("notes__echo")
        assert got.status == 200
        line = await at.line(got.headers["x-fedgate-request-id"])
        assert line["user"] == f"{issuer.url}#alice"
        assert all(each.header("authorization") is None for each in one.seen)


async def echo(seen: Seen) -> bytes:
    return http(200, result(seen, text("hello")))


async def test_nobody_gets_in_and_everybody_is_told_how_to(tmp_path: Path) -> None:
    async with running() as issuer, upstream("modern") as one, gateway(issuer, one, tmp_path) as at:
        for path in ("/mcp", "/mcp/notes", "/a2a"):
            got = await Modern(Caller(at.port, path)).call("tools/list")
            assert got.status == 401
            url = f"http://127.0.0.1:{at.port}{RESOURCE}{path}"
            assert got.headers["www-authenticate"] == f'Bearer realm="fedgate", resource_metadata="{url}"'
            document = json.loads((await at.caller.get(RESOURCE + path)).body)
            assert document["resource"] == f"http://127.0.0.1:{at.port}{path}"
            assert document["authorization_servers"] == [issuer.url]
        assert one.seen == [] or "tools/call" not in [each.method for each in one.seen]


async def test_a_session_is_its_openers_whatever_token_another_one_has(tmp_path: Path) -> None:
    async with running() as issuer, upstream("modern") as one, gateway(issuer, one, tmp_path) as at:
        mine = await Legacy.open(by(at, issuer.token()))
        assert (await mine.call("tools/list")).status == 200
        mine.caller = by(at, issuer.token())  # the same person, a newer token
        assert (await mine.call("tools/list")).status == 200
        mine.caller = by(at, issuer.token("bob"))
        assert (await mine.call("tools/list")).status == 404


async def test_while_the_issuer_is_away_at_the_start_nobody_is_let_in(tmp_path: Path) -> None:
    async with running() as issuer, upstream("modern") as one:
        issuer.away = True
        async with gateway(issuer, one, tmp_path) as at:
            got = await Modern(by(at, issuer.token())).call("tools/list")
            assert (got.status, got.headers["retry-after"]) == (503, "10")
            assert (await Modern(at.by("robots-own-key")).call("tools/list")).status == 200


async def test_a_bearer_of_the_admins_group_may_look_at_metrics_and_administration(tmp_path: Path) -> None:
    async with running() as issuer, upstream("modern") as one, gateway(issuer, one, tmp_path) as at:
        good, other = by(at, issuer.token()), by(at, issuer.token("bob", groups=["sales"]))
        assert (await good.get("/admin/sessions")).status == 200
        assert (await other.get("/admin/sessions")).status == 403
        assert (await at.caller.get("/admin/sessions")).status == 401


# Towards upstreams.


EXCHANGE = {
    "type": "token_exchange",
    "client_id": SERVICE[0],
    "client_secret": SERVICE[1],
    "audience": "notes",
}


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("client", ["legacy", "modern"])
async def test_each_caller_is_itself_to_an_upstream_that_knows_them(tmp_path: Path, era: Any, client: str) -> None:
    async with (
        running() as issuer,
        upstream(era) as one,
        gateway(issuer, one, tmp_path, {**EXCHANGE, "issuer": issuer.url}) as at,
    ):
        one.on["tools/call"] = told
        assert {who for _, who in callers(one)} == {"service for notes"}  # lists are what the gateway itself may see
        one.seen.clear()
        for name in ("alice", "bob", "alice"):
            caller = by(at, issuer.token(name))
            speaking = await Legacy.open(caller) if client == "legacy" else Modern(caller)
            got = await speaking.tool("notes__echo")
            assert got.message["result"]["content"][0]["text"] == f"{name} for notes"
        calls = [each for each in one.seen if each.method == "tools/call"]
        sessions = [each.header("mcp-session-id") for each in calls]
        assert sessions[0] != sessions[1] or era == "modern"
        got = await Modern(at.by("robots-own-key")).tool("notes__echo")
        assert "call with an access token" in got.message["error"]["message"]
        assert len([each for each in one.seen if each.method == "tools/call"]) == 3
        assert all(issuer.token("alice")[:20] not in (each.header("cookie") or "") for each in one.seen)


async def told(seen: Seen) -> bytes:
    return http(200, result(seen, text(who(seen))))


async def test_a_newer_token_of_a_session_is_what_its_calls_are_exchanged_for(tmp_path: Path) -> None:
    async with (
        running() as issuer,
        upstream("legacy") as one,
        gateway(issuer, one, tmp_path, {**EXCHANGE, "issuer": issuer.url}) as at,
    ):
        one.on["tools/call"] = told
        speaking = await Legacy.open(by(at, issuer.token()))
        await speaking.tool("notes__echo")
        newer = issuer.token()
        speaking.caller = by(at, newer)
        await speaking.tool("notes__echo")
        assert issuer.forms[-1]["subject_token"] == newer
        first, second = [each for each in one.seen if each.method == "tools/call"]
        assert first.header("mcp-session-id") == second.header("mcp-session-id")
        assert first.header("authorization") != second.header("authorization")


async def test_what_an_upstream_refuses_is_an_error_and_never_an_empty_list(tmp_path: Path) -> None:
    auth = {"type": "client_credentials", "client_id": SERVICE[0], "client_secret": "wrong"}
    async with (
        running() as issuer,
        upstream("modern") as one,
        gateway(issuer, one, tmp_path, {**auth, "issuer": issuer.url}) as at,
    ):
        assert (await at.ready())["counts"]["servers"] == {"down": 1}
        state = (await at.ready(issuer.token()))["servers"]["notes"]
        assert state["state"] == "down"
        assert state["reason"].endswith("refuses it (invalid_client)")
        assert "wrong" not in state["reason"]
        assert one.seen == []
        got = await Modern(by(at, issuer.token())).tool("notes__echo")
        assert "error" in got.message
        got = await Modern(by(at, issuer.token(), "/mcp/notes")).call("tools/list")
        assert got.message["error"]["message"] == f"server notes cannot be listed: {state['reason']}"
        assert (await Modern(by(at, issuer.token())).call("tools/list")).message["result"]["tools"] == []


async def test_headers_are_forwarded_by_name_and_no_others(tmp_path: Path) -> None:
    auth = {"type": "forward", "headers": ["X-User-Token"]}
    async with (
        running() as issuer,
        upstream("modern") as one,
        gateway(issuer, one, tmp_path, auth) as at,
    ):
        one.on["tools/call"] = echo
        caller = by(at, issuer.token())
        caller.headers["x-user-token"] = "users"
        await Modern(caller).tool("notes__echo")
        seen = one.seen[-1]
        assert (seen.method, seen.header("x-user-token"), seen.header("authorization")) == ("tools/call", "users", None)


# The official SDK's client, from the first 401 to a call.


class Memory:
    """Where the client keeps what it was given."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Person:
    """Opens the page that a client asks for, agrees, and brings back where it leads."""

    def __init__(self) -> None:
        self.asked = ""
        self._back: asyncio.Future[AuthorizationCodeResult] = asyncio.get_running_loop().create_future()

    async def open(self, url: str) -> None:
        self.asked = url
        async with httpx2.AsyncClient(trust_env=False) as browser:
            answer = await browser.get(url)
            while answer.status_code == 302 and "127.0.0.1:1/" not in answer.headers["location"]:
                answer = await browser.get(answer.headers["location"])
        found = parse_qs(urlsplit(answer.headers["location"]).query)
        self._back.set_result(AuthorizationCodeResult(code=found["code"][0], state=found["state"][0], iss=None))

    async def back(self) -> AuthorizationCodeResult:
        return await self._back


def provider(url: str, memory: Memory, person: Person) -> OAuthClientProvider:
    metadata = OAuthClientMetadata(
        client_name="test", redirect_uris=[AnyUrl("http://127.0.0.1:1/back")], token_endpoint_auth_method="none"
    )
    return OAuthClientProvider(url, metadata, memory, person.open, person.back)


async def calls(url: str, memory: Memory, person: Person, mode: str) -> str:
    async with httpx2.AsyncClient(auth=provider(url, memory, person), trust_env=False, timeout=10) as http_client:
        transport = streamable_http_client(url, http_client=http_client)
        async with Client(transport, mode=mode) as client:
            answer = await client.call_tool("notes__echo", {})
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])
async def test_the_sdks_client_finds_its_way_from_a_401_to_a_call(tmp_path: Path, mode: str) -> None:
    async with running() as issuer, upstream("modern") as one:
        one.on["tools/call"] = echo
        issuer.audience = "gateway"
        async with gateway(issuer, one, tmp_path, required_scopes=["mcp:tools"]) as at:
            memory, person = Memory(), Person()
            assert await calls(at.url, memory, person, mode) == "hello"
            asked = parse_qs(urlsplit(person.asked).query)
            assert asked["resource"] == [at.url]
            assert asked["scope"] == ["mcp:tools"]
            assert asked["code_challenge_method"] == ["S256"]
            assert memory.tokens is not None
            assert await calls(at.url, memory, Person(), mode) == "hello"  # with what it has, and no page
            assert issuer.asked["register"] == 1


async def test_it_finds_its_way_through_processes_that_share_nothing(tmp_path: Path) -> None:
    issuer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.access.issuer", "gateway"), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        assert issuer.stdout is not None
        async with asyncio.timeout(LIMIT):
            url = (await issuer.stdout.readline()).decode().split()[1]
        access = {"jwt": [{"issuer": url, "audiences": ["gateway"], "required_scopes": ["mcp:tools"]}]}
        async with upstream("modern") as one:
            one.on["tools/call"] = echo
            text_ = manifest_of({"notes": {"url": one.url}}, access=access)
            async with as_process(text_, tmp_path) as at:
                assert await calls(at.url, Memory(), Person(), "auto") == "hello"
    finally:
        await ended(issuer)


async def test_it_finds_its_way_to_an_issuer_that_takes_no_resource(tmp_path: Path) -> None:
    """Entra: no `resource`, no word of PKCE, no registration; the client was made by hand."""
    async with running() as issuer, upstream("modern") as one:
        one.on["tools/call"] = echo
        issuer.audience = "gateway"
        issuer.refuses = frozenset({"resource"})
        issuer.metadata = {"code_challenge_methods_supported": None, "registration_endpoint": None}
        client = OAuthClientInformationFull(
            client_id="by-hand",
            redirect_uris=[AnyUrl("http://127.0.0.1:1/back")],
            token_endpoint_auth_method="none",
            scope="mcp:tools",
        )
        await issuer.register_client(client)
        told: dict[str, Any] = {"provider": "entra", "subject_claim": "sub", "client_id": "by-hand"}
        told["scopes_supported"] = ["mcp:tools"]
        async with gateway(issuer, one, tmp_path, **told) as at:
            memory = Memory()
            assert await calls(at.url, memory, Person(), "auto") == "hello"
            assert memory.client is not None
            assert memory.client.client_id == "by-hand"
            assert issuer.queries[-1]["client_id"] == "by-hand"
            assert "resource" not in issuer.queries[-1]
            assert issuer.asked["register"] == 1  # by hand, before


async def test_it_finds_its_way_to_an_issuer_that_wants_an_audience(tmp_path: Path) -> None:
    """Auth0: without `audience` its tokens are for nobody who could verify them."""
    async with running() as issuer, upstream("modern") as one:
        one.on["tools/call"] = echo
        issuer.audience = "gateway"
        told: dict[str, Any] = {"provider": "auth0", "jwks_url": f"{issuer.url}/jwks"}
        async with gateway(issuer, one, tmp_path, **told) as at:
            assert await calls(at.url, Memory(), Person(), "auto") == "hello"
            assert issuer.queries[-1]["audience"] == "gateway"
            assert issuer.asked["register"] == 1


async def test_clients_that_look_for_the_server_here_find_the_issuers_own_words(tmp_path: Path) -> None:
    async with running() as issuer, upstream("modern") as one, gateway(issuer, one, tmp_path) as at:
        async with httpx2.AsyncClient(trust_env=False) as client:
            own = (await client.get(issuer.url + SERVER)).json()
        for path in (SERVER, SERVER + "/mcp", "/.well-known/openid-configuration"):
            got = await at.caller.get(path)
            assert (got.status, json.loads(got.body)) == (200, own)
        issuer.away = True
        assert (await at.caller.get("/oauth/authorize")).status == 404

"""OAuth's public addresses: for whom they are there, and what passes through them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from fedgate.access.fetch import Fetched
from fedgate.core.errors import BadRequest, GatewayError, Overloaded, RequestTimeout, UpstreamInvalid, UpstreamRefused
from fedgate.gateway.oauth import body_of, passed_back, refused
from tests.access.issuer import Issuer, running
from tests.e2e.caller import Caller, Got
from tests.e2e.gateway import InProcess, in_process, manifest_of

pytestmark = pytest.mark.anyio

RESOURCE = "/.well-known/oauth-protected-resource"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def gateway(folder: Path, **more: Any) -> AsyncIterator[tuple[Issuer, InProcess]]:
    async with running() as issuer:
        trusted = {"issuer": issuer.url, "audiences": ["gateway"], **more}
        async with in_process(manifest_of({}, access={"jwt": [trusted]}), folder) as at:
            yield issuer, at


async def post(at: InProcess, path: str, body: bytes, headers: dict[str, str]) -> Got:
    return await Caller(at.port, path, headers).send("POST", {}, body)


async def test_without_an_issuer_there_is_nothing_to_mislead_clients_with_keys(tmp_path: Path) -> None:
    keys = [{"id": "a", "key": "one-good-key"}]
    async with in_process(manifest_of({}, access={"keys": keys}), tmp_path) as at:
        for path in (RESOURCE, RESOURCE + "/mcp", "/.well-known/oauth-authorization-server", "/oauth/token"):
            assert (await at.caller.get(path)).status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("", 200),
        ("/", 200),
        ("/mcp", 200),
        ("/mcp/", 200),
        ("/mcp/a/b", 200),
        ("/sse", 200),
        ("/a2a/support", 200),
        ("/elsewhere", 404),
        ("/metrics", 404),
        ("/mcp/" + "x" * 2000, 404),
    ],
)
async def test_the_metadata_is_there_for_what_is_a_resource(tmp_path: Path, path: str, status: int) -> None:
    async with gateway(tmp_path) as (_, at):
        got = await at.caller.get(RESOURCE + path)
        assert got.status == status
        if status == 200:
            assert json.loads(got.body)["resource"] == f"http://127.0.0.1:{at.port}{path or '/'}"
            assert got.headers["access-control-allow-origin"] == "*"


async def test_a_host_that_is_not_ours_is_told_nothing(tmp_path: Path) -> None:
    async with gateway(tmp_path, client_id="c") as (_, at):
        for path in (RESOURCE + "/mcp", "/.well-known/oauth-authorization-server", "/oauth/authorize?a=1"):
            got = await Caller(at.port, path, {"host": "evil.example.com"}).send("GET", {})
            assert got.status == 421


async def test_an_issuer_that_is_away_is_an_error_of_the_upstream(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (issuer, at):
        issuer.away = True
        assert (await at.caller.get("/.well-known/oauth-authorization-server")).status in (200, 502)


async def test_a_form_that_cannot_be_read_goes_nowhere(tmp_path: Path) -> None:
    async with gateway(tmp_path, client_id="c") as (issuer, at):
        assert (await post(at, "/oauth/token", b"\xff\xfe", FORM)).status == 400
        assert (await post(at, "/oauth/token", b"a=" + b"x" * 70_000, FORM)).status == 413
        assert (await post(at, "/oauth/register", b"[]", {})).status == 400
        assert (await at.caller.get("/oauth/authorize?" + "&".join(["a=1"] * 70))).status == 400
        assert issuer.forms == []
        assert issuer.queries == []


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/oauth/token", b"\xff\xfe", 400, "invalid_request"),
        ("/oauth/token", b"a=" + b"x" * 70_000, 413, "invalid_request"),
        ("/oauth/register", b"[]", 400, "invalid_client_metadata"),
    ],
)
async def test_what_the_gateway_refuses_is_refused_in_the_words_of_oauth(
    tmp_path: Path, path: str, body: bytes, status: int, code: str
) -> None:
    async with gateway(tmp_path, client_id="c") as (_, at):
        got = await post(at, path, body, FORM)
        told = json.loads(got.body)
        assert (got.status, got.headers["content-type"], told["error"]) == (status, "application/json", code)
        assert re.fullmatch(r"[ !#-\[\]-~]+", told["error_description"])
        assert got.headers["cache-control"] == "no-store"


async def test_an_issuer_that_redirects_what_is_posted_answers_nothing() -> None:
    with pytest.raises(UpstreamInvalid):
        passed_back(Fetched(302, ((b"location", b"https://elsewhere"),), b""))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UpstreamRefused("no connection"), 502, "temporarily_unavailable"),
        (Overloaded("full", headers=((b"retry-after", b"1"),)), 503, "temporarily_unavailable"),
        (UpstreamInvalid('it "redirects"'), 502, "server_error"),
    ],
)
async def test_what_is_not_the_clients_doing_is_told_as_that(error: GatewayError, status: int, code: str) -> None:
    told = refused(error, "invalid_request")
    assert (told.status_code, json.loads(bytes(told.body))["error"]) == (status, code)
    assert '\\"' not in bytes(told.body).decode()
    assert [told.headers[name.decode()].encode() for name, _ in error.headers] == [value for _, value in error.headers]


async def test_a_body_that_does_not_come_is_not_waited_for_for_ever() -> None:
    async def nothing() -> Any:
        await asyncio.Event().wait()

    with pytest.raises(RequestTimeout):
        await body_of(Request({"type": "http", "method": "POST", "headers": []}, nothing), 0.01)


async def test_a_body_that_is_cut_short_goes_nowhere() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(BadRequest):
        await body_of(Request({"type": "http", "method": "POST", "headers": []}, gone))


async def test_the_issuers_challenge_and_its_wish_to_be_left_alone_come_back_too() -> None:
    kept = ((b"www-authenticate", b'Basic realm="x"'), (b"retry-after", b"7"))
    got = passed_back(Fetched(429, (*kept, (b"set-cookie", b"a=b"), (b"content-type", b"application/json")), b"{}"))
    told = {name: value for name, value in got.headers.items() if name not in ("content-length", "content-type")}
    assert told == {
        "access-control-allow-origin": "*",
        "cache-control": "no-store",
        "www-authenticate": 'Basic realm="x"',
        "retry-after": "7",
    }


async def test_the_issuers_refusal_comes_back_as_it_is(tmp_path: Path) -> None:
    async with gateway(tmp_path, client_id="c") as (issuer, at):
        got = await post(at, "/oauth/token", b"grant_type=client_credentials", {**FORM, "authorization": "Bearer mine"})
        assert (got.status, json.loads(got.body)) == (401, {"error": "invalid_client"})
        assert got.headers["cache-control"] == "no-store"
        assert issuer.forms == [{"grant_type": "client_credentials"}]


async def test_a_client_that_registers_gets_the_client_made_by_hand(tmp_path: Path) -> None:
    async with gateway(tmp_path, client_id="by-hand") as (issuer, at):
        got = await post(at, "/oauth/register", b'{"redirect_uris":["http://127.0.0.1:1/cb"]}', {})
        assert (got.status, json.loads(got.body)["client_id"]) == (201, "by-hand")
        assert issuer.asked["register"] == 0

"""An HTTP API behind a whole gateway, called by clients of both eras."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway import in_process, manifest_of
from tests.federation.openapi_api import http, http_api
from tests.federation.openapi_kit import PETSTORE, TRACKS

pytestmark = pytest.mark.anyio


def crm(base_url: str, **more: Any) -> dict[str, Any]:
    return {"openapi": str(PETSTORE), "base_url": base_url, "include": ["get*", "addPet"], **more}


async def test_clients_of_both_eras_call_the_api(tmp_path: Path) -> None:
    async with (
        http_api() as api,
        in_process(manifest_of({"crm": crm(api.base_url, headers={"X-Key": "k"})}), tmp_path) as gateway,
    ):
        api.on["GET /v1/pets/7"] = http(200, b'{\n "id": 7, "n": 1.10\n}')
        api.on["GET /v1/owners/a%20b/pets"] = http(200, b"[1, 2]")
        legacy, modern = await gateway.legacy(), gateway.modern()
        for client in (legacy, modern):
            assert await client.tools() == [
                "crm__addPet", "crm__getPet", "crm__getPhoto", "crm__get_owners_name_pets",
            ]  # fmt: skip
            got = await client.tool("crm__getPet", {"petId": 7})
            assert b'"n": 1.10' in got.body
            assert got.message["result"]["structuredContent"] == {"id": 7, "n": 1.1}
        listed = [await client.tool("crm__get_owners_name_pets", {"name": "a b"}) for client in (legacy, modern)]
        # Only objects were structured content in the legacy era.
        assert [each.message["result"].get("structuredContent") for each in listed] == [None, [1, 2]]
        assert [each.message["result"]["content"][0]["text"] for each in listed] == ["[1, 2]"] * 2
        assert {each.header(b"x-key") for each in api.seen} == {b"k"}
        await gateway.server("crm", lambda entry: entry["state"] == "ready")


async def test_an_error_of_the_api_is_a_result_and_a_dead_api_an_error(tmp_path: Path) -> None:
    async with http_api() as api, in_process(manifest_of({"crm": crm(api.base_url)}), tmp_path) as gateway:
        api.on["GET /v1/pets/8"] = http(500, b"boom", "text/plain")
        session = await gateway.legacy()
        result = (await session.tool("crm__getPet", {"petId": 8})).message["result"]
        assert result["isError"]
        assert result["content"][0]["text"] == "HTTP 500 Internal Server Error\n\nboom"
        result = (await session.tool("crm__addPet", {"name": "x"})).message["result"]
        assert result["content"][0]["text"] == "missing: X-Tenant"
    async with in_process(manifest_of({"crm": crm(api.base_url)}), tmp_path) as gateway:
        modern = gateway.modern()
        error = (await modern.tool("crm__getPet", {"petId": 8})).message["error"]
        assert error["data"] == {"server": "crm", "reason": "upstream_refused", "retryable": True}


async def test_a_changed_document_is_a_changed_catalog(tmp_path: Path) -> None:
    file = tmp_path / "api.yaml"
    file.write_bytes(PETSTORE.read_bytes())
    section = {"openapi": "api.yaml", "base_url": "http://127.0.0.1:1"}
    async with in_process(manifest_of({"crm": section}), tmp_path) as gateway:
        session = await gateway.legacy()
        assert len(await session.tools()) == 10
        async with session.listen() as stream:
            file.write_bytes(TRACKS.read_bytes())
            gateway.gateway.hub.servers["crm"].suspect()
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
        assert await session.tools() == [
            "crm__tracks_get", "crm__tracks_patch", "crm__tracks_head", "crm__lyrics_set",
        ]  # fmt: skip


async def test_a_broken_document_makes_its_server_down_and_harms_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"swagger": "2.0"}')
    servers = {"crm": crm("http://127.0.0.1:1"), "bad": {"openapi": "bad.json"}}
    async with in_process(manifest_of(servers), tmp_path) as gateway:
        entry = await gateway.server("bad", lambda entry: entry["state"] == "down")
        assert "Swagger 2.0; convert it to OpenAPI 3.0 or 3.1" in json.dumps(entry)
        assert len(await gateway.modern().tools()) == 4

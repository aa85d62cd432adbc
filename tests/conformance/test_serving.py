"""How a fixture server of one era refuses the other one over HTTP."""

from typing import Any

import httpx2
import pytest

from tests.conformance import everything_server
from tests.conformance.serving import http_app

pytestmark = pytest.mark.anyio

INITIALIZE = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
DISCOVER = {"jsonrpc": "2.0", "id": 8, "method": "server/discover", "params": {"_meta": {}}}
ENVELOPED = {
    "jsonrpc": "2.0",
    "id": 9,
    "method": "tools/list",
    "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}},
}


async def _request(era: str, method: str, body: Any = None, version: str | None = None) -> httpx2.Response:
    transport = httpx2.ASGITransport(http_app(everything_server.build(), era))
    headers = {"mcp-protocol-version": version} if version else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        return await client.request(method, "/mcp", json=body, headers=headers)


async def test_a_legacy_server_answers_a_newer_version_with_400_and_no_modern_code() -> None:
    answer = await _request("legacy", "POST", DISCOVER, "2026-07-28")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32600)


async def test_a_modern_server_names_its_versions_to_a_handshake() -> None:
    answer = await _request("modern", "POST", INITIALIZE)
    error = answer.json()["error"]
    assert (answer.status_code, answer.json()["id"], error["code"]) == (400, 7, -32022)
    assert error["data"] == {"supported": ["2026-07-28"], "requested": "2025-11-25"}


async def test_a_modern_server_finds_a_missing_version_header_mismatched() -> None:
    answer = await _request("modern", "POST", ENVELOPED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_modern_server_takes_posts_only(method: str) -> None:
    answer = await _request("modern", method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

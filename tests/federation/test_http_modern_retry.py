"""A server that refuses the version it supports is asked again, once; one that supports others is of the legacy era."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway import in_process, manifest_of
from tests.federation.upstreams import MODERN, Seen, Upstream, encode, http, upstream

pytestmark = pytest.mark.anyio


def refusal(seen: Seen, supported: Any) -> bytes:
    data = {"supported": supported, "requested": MODERN}
    error = {"code": -32022, "message": "Unsupported protocol version", "data": data}
    return http(400, encode({"jsonrpc": "2.0", "id": seen.id, "error": error}))


def refuses(server: Upstream, times: int, supported: Any) -> None:
    """`server/discover` is refused so many times."""

    async def discover(seen: Seen) -> bytes | None:
        if len(server.all("server/discover")) <= times:
            return refusal(seen, supported)
        return await server.usual(seen)

    server.on["server/discover"] = discover


async def test_a_server_that_supports_the_version_it_refused_is_asked_again(tmp_path: Path) -> None:
    async with upstream("modern") as server:
        refuses(server, 1, [MODERN])
        async with in_process(manifest_of({"one": {"url": server.url}}), tmp_path) as gateway:
            (status,) = gateway.gateway.hub.status
    assert (status.state, status.era) == ("ready", "modern")
    assert all(seen.header("mcp-protocol-version") == MODERN for seen in server.seen)
    assert len(server.all("server/discover")) == 2


@pytest.mark.parametrize("supported", [["2025-11-25"], [], None, "2026-07-28x", 7])
async def test_a_server_that_supports_other_versions_is_of_the_legacy_era(supported: Any, tmp_path: Path) -> None:
    async with upstream("legacy") as server:

        async def discover(seen: Seen) -> bytes:
            return refusal(seen, supported)

        server.on["server/discover"] = discover
        async with in_process(manifest_of({"one": {"url": server.url}}), tmp_path) as gateway:
            (status,) = gateway.gateway.hub.status
    assert (status.state, status.era) == ("ready", "legacy")


async def test_a_server_that_never_agrees_is_asked_twice_and_not_for_ever(tmp_path: Path) -> None:
    async with upstream("modern") as server:
        refuses(server, 2, [MODERN])
        async with in_process(manifest_of({"one": {"url": server.url, "era": "modern"}}), tmp_path) as gateway:
            body = json.dumps((await gateway.ready())["servers"]["one"])
            (status,) = gateway.gateway.hub.status
    assert status.state == "down"
    assert "supports" in body

"""Whoever connects is who connects: headers that proxies write count only where the manifest names the proxy."""

from pathlib import Path

import pytest

from tests.e2e.caller import Caller
from tests.e2e.gateway import as_process, manifest_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},'
    b'"clientInfo":{"name":"test","version":"1"}}}'
)


@pytest.mark.parametrize(("trusted", "status"), [("10.0.0.0/8", 401), ("127.0.0.0/8", 200)])
async def test_nobody_borrows_the_address_of_a_trusted_proxy(tmp_path: Path, trusted: str, status: int) -> None:
    """uvicorn believes `x-forwarded-for` of everybody on the same machine: that would have made anybody anyone."""
    access = {"trusted_proxies": {"header": "x-client-subject", "from": [trusted], "groups": ["machines"]}}
    async with as_process(manifest_of({}, access=access), tmp_path) as gateway:
        headers = {"x-forwarded-for": "10.1.2.3", "x-client-subject": "CN=root"}
        got = await Caller(gateway.port, "/mcp", headers).post(INITIALIZE)
        assert got.status == status
        line = await gateway.line(got.headers["x-fedgate-request-id"])
        assert line["src.addr"].startswith("127.0.0.1:")
        assert line["user"] == ("CN=root" if status == 200 else "anonymous")

"""What a gateway says once it listens."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedgate import __version__
from fedgate.cli.announce import announcement, as_json, base_url, connect_lines
from fedgate.gateway.app import Gateway
from fedgate.gateway.settings import Listen
from fedgate.manifest.load import load
from fedgate.manifest.model import Manifest

pytestmark = pytest.mark.anyio

HERE = Listen("127.0.0.1", 8080)


@asynccontextmanager
async def made(**sections: Any) -> AsyncIterator[Gateway]:
    """A gateway that was assembled and never started."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    gateway = Gateway(Manifest.model_validate(sections), log_fd=nowhere)
    try:
        yield gateway
    finally:
        await gateway.aclose()
        gateway.access_log.close()
        os.close(nowhere)


async def test_it_shows_servers_address_and_lines_to_paste() -> None:
    async with made(mcp={"servers": {"time": {"command": "uvx"}}}) as gateway:
        assert announcement(gateway, HERE) == (
            f"fedgate {__version__}\n\n"
            "SERVER  STATE     ERA  VERSION  TOOLS  TOKENS  PROMPTS  RESOURCES  REASON\n"
            "time    starting  -    -            0       0        0          0  not reached yet\n\n"
            "Listening on 127.0.0.1:8080\n\n"
            "  Claude Code  claude mcp add --transport http fedgate http://127.0.0.1:8080/mcp\n"
            "  Codex        codex mcp add fedgate --url http://127.0.0.1:8080/mcp\n"
            "  Metrics      http://127.0.0.1:8080/metrics\n\n"
            "Sessions are kept in memory: a restart ends them, and clients have to open new ones.\n"
        )


async def test_without_servers_it_says_where_to_add_some() -> None:
    async with made() as gateway:
        assert "\nno servers: add some under mcp.servers\n" in announcement(gateway, HERE)


async def test_a_key_is_asked_for_by_its_id_and_never_shown() -> None:
    keys = [{"id": "alice", "key": "secret-of-alice"}, {"id": "bob", "key": "secret-of-bob"}]
    async with made(access={"keys": keys}) as gateway:
        said = announcement(gateway, HERE)
    assert '/mcp --header "Authorization: Bearer <key of alice>"\n' in said
    assert "/mcp --bearer-token-env-var FEDGATE_KEY\n" in said
    assert "secret-of" not in said


async def test_agents_are_told_with_their_instances_and_addresses() -> None:
    instances = [{"name": "s1", "url": "http://127.0.0.1:9101"}, {"name": "s2", "url": "http://127.0.0.1:9102"}]
    async with made(agents={"support": {"instances": instances}}) as gateway:
        said = announcement(gateway, HERE)
        data = json.loads(as_json(gateway, HERE))
    assert said.startswith(
        f"fedgate {__version__}\n\n"
        "AGENT    INSTANCE  STATE     VERSION  SPEAKS  REASON\n"
        "support  s1        starting  -        -       not reached yet\n"
        "support  s2        starting  -        -       not reached yet\n\n"
        "Listening on 127.0.0.1:8080\n\n"
    )
    assert "/metrics\n  Agent        http://127.0.0.1:8080/a2a/support\n\n" in said
    assert data["a2a"] == ["http://127.0.0.1:8080/a2a/support"]
    assert [each["name"] for each in data["agents"][0]["instances"]] == ["s1", "s2"]


async def test_servers_stand_before_agents() -> None:
    agents = {"support": {"instances": ["http://127.0.0.1:9101"]}}
    async with made(mcp={"servers": {"time": {"command": "uvx"}}}, agents=agents) as gateway:
        heads = [
            line.split()[0] for line in announcement(gateway, HERE).splitlines() if line.isupper() or "STATE" in line
        ]
    assert heads == ["SERVER", "AGENT"]


async def test_profiles_are_told_with_their_addresses() -> None:
    async with made(mcp={"profiles": {"coding": {}, "small": {"search": "off"}}}) as gateway:
        said = announcement(gateway, HERE)
        data = json.loads(as_json(gateway, HERE))
    urls = ["http://127.0.0.1:8080/mcp/coding", "http://127.0.0.1:8080/mcp/small"]
    assert f"/metrics\n  Profile      {urls[0]}\n  Profile      {urls[1]}\n\n" in said
    assert data["profiles"] == urls


async def test_servers_whose_tools_changed_say_how_many_and_what_all_cost(sums: str, tmp_path: Path) -> None:
    pins = tmp_path / "pins.json"
    pins.write_text('{"version": 1, "servers": {"sums": {"add": {"description": "another"}}}}')
    servers = load([Path(sums)], {}).mcp.servers
    async with made(mcp={"servers": servers, "fingerprints": str(pins)}) as gateway:
        gateway.start()
        async with asyncio.timeout(10):
            await gateway.hub.settled.wait()
        said = announcement(gateway, HERE)
        data = json.loads(as_json(gateway, HERE))["servers"][0]
    assert "TOOLS  TOKENS  PROMPTS  RESOURCES  REASON\n" in said
    assert "    6     149        0          0  1 changed\n" in said
    assert (data["tokens"], data["changed"]) == (149, 1)


async def test_it_is_data_with_json() -> None:
    async with made(mcp={"servers": {"time": {"command": "uvx"}}}) as gateway:
        line = as_json(gateway, HERE)
    assert "\n" not in line
    said = json.loads(line)
    assert said["url"] == "http://127.0.0.1:8080"
    assert said["mcp"] == "http://127.0.0.1:8080/mcp"
    assert said["servers"][0]["state"] == "starting"


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Listen("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        (Listen("0.0.0.0", 8080), "http://127.0.0.1:8080"),
        (Listen("::", 8080), "http://[::1]:8080"),
        (Listen("10.0.0.5", 80), "http://10.0.0.5:80"),
        (Listen("localhost", 8080), "http://localhost:8080"),
    ],
)
async def test_clients_are_given_an_address_that_they_can_connect_to(listen: Listen, url: str) -> None:
    async with made() as gateway:
        assert base_url(gateway, listen) == url


async def test_a_public_url_goes_before_the_address() -> None:
    async with made(gateway={"public_url": "https://gw.example.com/"}) as gateway:
        assert base_url(gateway, HERE) == "https://gw.example.com"


async def test_lines_to_paste_need_no_key_where_none_is_configured() -> None:
    assert connect_lines("http://h:1", [])[0] == "Claude Code  claude mcp add --transport http fedgate http://h:1/mcp"


async def test_models_are_shown_with_the_lines_that_point_clients_at_them() -> None:
    models = {
        "providers": {"o": {"type": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "key-0123456789"}},
        "routes": {"small": {"targets": [{"provider": "o", "model": "m"}]}},
    }
    async with made(models=models, access={"keys": [{"id": "alice", "key": "secret-of-alice"}]}) as gateway:
        said = announcement(gateway, HERE)
        assert "MODEL  STRATEGY  TARGETS  PATH  ALIASES\nsmall  fallback  o/m\n\nListening" in said
        assert (
            "  Models       export ANTHROPIC_BASE_URL=http://127.0.0.1:8080 ANTHROPIC_AUTH_TOKEN=<key of alice>\n"
            in said
        )
        assert "               export OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=<key of alice>\n" in said
        assert json.loads(as_json(gateway, HERE))["models"][0]["targets"] == ["o/m"]

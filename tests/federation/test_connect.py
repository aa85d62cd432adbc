"""How a server's era and transport are found out, for each kind of server."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedgate.core.errors import UpstreamError, UpstreamInvalid, UpstreamRefused, UpstreamTimeout
from fedgate.core.ports import NoMeter
from fedgate.core.rawjson import Raw
from fedgate.federation.connect import Deps, Opened, ServerOpener
from fedgate.federation.duplex import Duplex
from fedgate.federation.http_legacy import LegacyHttp
from fedgate.federation.http_modern import ModernHttp
from fedgate.federation.http_wire import Denied
from fedgate.federation.messages import Client
from fedgate.federation.process import ProcessTable
from fedgate.federation.settings import HttpServer, StdioServer
from tests.federation.connections import ASKABLE, World, answer, call, world
from tests.federation.upstreams import Seen, Upstream, always, http, never, old_upstream, upstream

pytestmark = pytest.mark.anyio

SCRIPT = str(Path(__file__).parents[1] / "e2e" / "stdio_server.py")


@asynccontextmanager
async def place() -> AsyncIterator[tuple[World, Deps]]:
    async with world() as made:
        processes = ProcessTable(made.clock)
        try:
            yield made, Deps(made.http, made.clock, processes, NoMeter(), "1.2.3")
        finally:
            await processes.aclose()


def http_opener(deps: Deps, one: Upstream, **settings: Any) -> ServerOpener:
    return ServerOpener("one", HttpServer(url=one.url, **settings), deps)


def stdio_opener(deps: Deps, kind: str, **settings: Any) -> ServerOpener:
    server = StdioServer(command=sys.executable, args=("-S", "-E", SCRIPT, kind), **settings)
    return ServerOpener("one", server, deps)


def methods(one: Upstream) -> list[str]:
    return [seen.method for seen in one.seen]


async def works(connection: Opened) -> None:
    assert b'"text"' in (await answer(connection, call())).result


# HTTP.


async def test_a_modern_server_is_spoken_to_in_its_era() -> None:
    async with upstream("modern") as one, place() as (made, deps):
        connection = await http_opener(deps, one).open(made.tasks, made.inbox.append)
        assert isinstance(connection, ModernHttp)
        assert methods(one) == ["server/discover"]
        await works(connection)
        discover = one.seen[0].params["_meta"]["io.modelcontextprotocol/clientInfo"]
        assert discover == {"name": "fedgate", "version": "1.2.3"}


async def test_a_legacy_server_is_asked_once_and_remembered() -> None:
    async with upstream() as one, place() as (made, deps):
        opener = http_opener(deps, one)
        for _ in range(2):
            connection = await opener.open(made.tasks, made.inbox.append)
            assert isinstance(connection, LegacyHttp)
            await connection.aclose()
        again = ["initialize", "notifications/initialized", "DELETE"]
        assert methods(one) == ["server/discover", *again, *again]


async def test_a_private_session_is_initialized_as_its_client_and_the_shared_one_as_the_gateway() -> None:
    async with upstream() as one, place() as (made, deps):
        opener = http_opener(deps, one, era="legacy")
        for client in (None, ASKABLE, Client(key="nameless", capabilities=Raw(b'{"sampling":{}}'))):
            connection = await opener.open(made.tasks, made.inbox.append, client)
            assert connection.shared is (client is None)
            await connection.aclose()
        said = [(seen.params["clientInfo"]["name"], seen.params["capabilities"]) for seen in one.all("initialize")]
        assert said == [("fedgate", {}), ("a", {"elicitation": {}}), ("fedgate", {"sampling": {}})]


async def test_headers_of_the_manifest_go_with_everything() -> None:
    async with upstream() as one, place() as (made, deps):
        opener = http_opener(deps, one, headers={"Authorization": "Bearer ü"})
        connection = await opener.open(made.tasks, made.inbox.append)
        await connection.aclose()
        assert [seen.received.header(b"authorization") for seen in one.seen] == [b"Bearer \xfc"] * 4


async def test_era_legacy_does_not_probe_and_era_modern_does_not_fall_back() -> None:
    async with upstream() as one, place() as (made, deps):
        await (await http_opener(deps, one, era="legacy").open(made.tasks, made.inbox.append)).aclose()
        assert methods(one)[0] == "initialize"
        with pytest.raises(UpstreamInvalid, match="era: modern is set for it, but"):
            await http_opener(deps, one, era="modern").open(made.tasks, made.inbox.append)
        assert len(one.all("initialize")) == 1


async def test_an_old_event_stream_server_is_found_at_last_or_named() -> None:
    async with old_upstream() as one, place() as (made, deps):
        for settings in ({}, {"transport": "sse"}):
            connection = await http_opener(deps, one, **settings).open(made.tasks, made.inbox.append)
            assert isinstance(connection, Duplex)
            assert connection.greeting.version == "2024-11-05"
            await works(connection)
            await connection.aclose()
        with pytest.raises(UpstreamInvalid, match="HTTP 405"):
            await http_opener(deps, one, transport="http").open(made.tasks, made.inbox.append)


@pytest.mark.parametrize("status", [404, 500])
async def test_what_is_no_mcp_server_says_what_initialize_got(status: int) -> None:
    async def nothing(_seen: Seen) -> bytes:
        return http(status, b"nothing here", "text/plain")

    async with upstream() as one, place() as (made, deps):
        for method in ("server/discover", "initialize", "GET"):
            one.on[method] = nothing
        with pytest.raises(UpstreamInvalid, match=f"it answered HTTP {status}"):
            await http_opener(deps, one).open(made.tasks, made.inbox.append)


async def test_refused_credentials_end_the_probing_at_once() -> None:
    async with upstream() as one, place() as (made, deps):
        one.on["server/discover"] = always(http(401))
        with pytest.raises(Denied):
            await http_opener(deps, one).open(made.tasks, made.inbox.append)
        assert methods(one) == ["server/discover"]


async def test_a_server_that_is_silent_or_away_says_so() -> None:
    async with upstream() as one, place() as (made, deps):
        one.on["server/discover"] = never
        with pytest.raises(UpstreamTimeout):
            await http_opener(deps, one, timeout="100ms").open(made.tasks, made.inbox.append)
        await one.stop()
        with pytest.raises(UpstreamError):
            await http_opener(deps, one).open(made.tasks, made.inbox.append)


# Processes.


@pytest.mark.parametrize(("kind", "era"), [("modern", "modern"), ("legacy", "legacy"), ("strict", "legacy")], ids=str)
async def test_a_process_is_spoken_to_in_its_era_even_if_it_ends_itself_over_the_question(kind: str, era: str) -> None:
    async with place() as (made, deps):
        opener = stdio_opener(deps, kind)
        for _ in range(2):
            connection = await opener.open(made.tasks, made.inbox.append)
            assert connection.era == era
            await works(connection)
            await connection.aclose()
        assert deps.processes.live == 0


async def test_a_process_that_is_silent_is_ended_and_a_timeout() -> None:
    async with place() as (made, deps):
        with pytest.raises(UpstreamTimeout):
            await stdio_opener(deps, "mute", timeout="100ms").open(made.tasks, made.inbox.append)
        assert deps.processes.live == 0


async def test_a_command_that_does_not_exist_is_refused() -> None:
    async with place() as (made, deps):
        opener = ServerOpener("one", StdioServer(command="no-such-command-anywhere"), deps)
        with pytest.raises(UpstreamRefused, match="no-such-command-anywhere"):
            await opener.open(made.tasks, made.inbox.append)


async def test_a_legacy_process_in_era_modern_is_refused() -> None:
    async with place() as (made, deps):
        with pytest.raises(UpstreamError):
            await stdio_opener(deps, "legacy", era="modern").open(made.tasks, made.inbox.append)
        assert deps.processes.live == 0

"""Sessions over a restart of the gateway, with real processes: asked to end or killed, the next one knows them."""

import asyncio
import json
import resource
import signal
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, types
from mcp.shared.exceptions import MCPDeprecationWarning

from fedgate.core.clock import SystemClock
from fedgate.gateway.serve import bind
from fedgate.gateway.settings import Listen
from tests.e2e.caller import Caller, Got, Legacy, request
from tests.e2e.gateway import environment
from tests.federation.upstreams import Seen, Upstream, http, result, text, upstream

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
LIMIT = 30.0
URI = "note://one"
SIGNALS = [signal.SIGTERM, signal.SIGKILL]


def with_notes(server: Upstream) -> None:
    """Give the upstream one resource that can be watched."""

    async def accept(seen: Seen) -> bytes:
        return http(200, result(seen, {}))

    server.capabilities |= {"resources": {"subscribe": True, "listChanged": True}, "logging": {}}
    server.lists |= {"resources": [{"uri": URI, "name": "one"}], "resourceTemplates": []}
    server.on |= dict.fromkeys(("resources/subscribe", "resources/unsubscribe", "logging/setLevel"), accept)


async def touch(server: Upstream) -> None:
    await server.listening()
    server.announce("notifications/resources/updated", {"uri": URI})


class House:
    """A port that stays, and the gateways that serve it one after another."""

    def __init__(self, folder: Path, server: Upstream, **sections: Any) -> None:
        self.server = server
        self.sock = bind(Listen("127.0.0.1", 0))
        self.sock.set_inheritable(True)
        self.port = int(self.sock.getsockname()[1])
        self.manifest = folder / "m.json"
        self.database = folder / "sessions.db"
        sections = {"sessions": {"store": "sqlite:sessions.db"}, **sections}
        servers = {"notes": {"url": server.url}}
        gateway = {"listen": f"127.0.0.1:{self.port}"}
        self.manifest.write_text(json.dumps({"gateway": gateway, "mcp": {"servers": servers}, **sections}))
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def caller(self) -> Caller:
        return Caller(self.port)

    async def start(self) -> None:
        child = Path(__file__).with_name("gateway_child.py")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(child), str(self.manifest), str(self.sock.fileno())),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
            pass_fds=[self.sock.fileno()],
        )
        assert self.process.stderr is not None
        said = b""
        async with asyncio.timeout(LIMIT):
            while not said.endswith(b"ready\n"):
                line = await self.process.stderr.readline()
                assert line, said.decode()
                said += line

    async def stop(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        assert process is not None
        with suppress(ProcessLookupError):
            process.send_signal(how)
        async with asyncio.timeout(LIMIT):
            await process.communicate()

    async def restart(self, how: signal.Signals) -> None:
        await self.stop(how)
        await self.start()

    async def aclose(self) -> None:
        if self.process is not None:
            await self.stop(signal.SIGKILL)
        self.sock.close()


@asynccontextmanager
async def house(folder: Path, **sections: Any) -> AsyncIterator[House]:
    async with upstream() as server:
        with_notes(server)
        home = House(folder, server, **sections)
        try:
            await home.start()
            yield home
        finally:
            await home.aclose()


async def met(home: House, session: Legacy, count: int = 1) -> None:
    """The session's calls work; `count` sessions are known."""
    got = await session.tool("notes__echo", {"text": "hello"})
    assert got.message.get("result") == text("hello"), got
    metrics = (await home.caller.get("/metrics")).body.decode()
    assert f'fedgate_sessions{{protocol="mcp"}} {count:.1f}' in metrics


@pytest.mark.parametrize("how", SIGNALS)
async def test_a_session_goes_on_after_a_restart(how: signal.Signals, tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        await met(home, session)
        for _ in range(2):
            await home.restart(how)
            await met(home, session)
        assert session.session not in str(home.database.read_bytes())


async def test_a_session_is_stored_by_the_time_its_client_hears_of_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        opened = []
        for _ in range(5):
            params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            got = await home.caller.post(request(1, "initialize", params))
            await home.restart(signal.SIGKILL)
            opened.append(Legacy(home.caller, got.headers["mcp-session-id"], "2025-06-18", got.message))
        for session in opened:
            await met(home, session, count=5)


async def test_a_session_that_was_ended_stays_ended(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session, other = await Legacy.open(home.caller), await Legacy.open(home.caller)
        assert (await home.caller.send("DELETE", session.head)).status == 204
        await home.restart(signal.SIGTERM)
        assert (await session.call("ping")).status == 404
        await met(home, other)


async def test_a_session_is_nobody_elses_after_a_restart_either(tmp_path: Path) -> None:
    keys = [{"id": name, "key": f"key-of-{name}-0001"} for name in ("alice", "bobby")]
    async with house(tmp_path, access={"keys": keys}) as home:
        alice, bobby = (
            Caller(home.port, "/mcp", {"authorization": f"Bearer key-of-{name}-0001"}) for name in ("alice", "bobby")
        )
        session = await Legacy.open(alice)
        await home.restart(signal.SIGKILL)
        stolen = Legacy(bobby, session.session, session.version, None)
        unknown = Legacy(bobby, "x" * 43, session.version, None)
        refusals = [await each.call("ping", ident=1) for each in (stolen, unknown)]
        assert [got.status for got in refusals] == [404, 404]
        assert refusals[0].body == refusals[1].body
        assert (await session.call("ping")).status == 200


@pytest.mark.parametrize("how", SIGNALS)
async def test_subscriptions_and_the_level_are_made_again_and_news_arrive(how: signal.Signals, tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        exposed = (await session.call("resources/list")).message["result"]["resources"][0]["uri"]
        assert "result" in (await session.call("resources/subscribe", {"uri": exposed})).message
        assert "result" in (await session.call("logging/setLevel", {"level": "warning"})).message
        upstream_saw = home.server.saw
        await upstream_saw("resources/subscribe", 1)
        await home.restart(how)
        async with session.listen() as stream:
            assert (await upstream_saw("resources/subscribe", 2)).params == {"uri": URI}
            assert (await upstream_saw("logging/setLevel", 2)).params == {"level": "warning"}
            changed = [await stream.message() for _ in range(3)]
            lists = {"tools", "prompts", "resources"}
            assert {each["method"] for each in changed} <= {f"notifications/{kind}/list_changed" for kind in lists} | {
                "notifications/resources/updated"
            }
            await touch(home.server)
            async with asyncio.timeout(LIMIT):
                while (message := await stream.message())["method"] != "notifications/resources/updated":
                    pass
            assert message["params"] == {"uri": exposed}


async def test_a_subscription_that_was_given_up_is_not_made_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        exposed = (await session.call("resources/list")).message["result"]["resources"][0]["uri"]
        await session.call("resources/subscribe", {"uri": exposed})
        assert "result" in (await session.call("resources/unsubscribe", {"uri": exposed})).message
        await home.restart(signal.SIGKILL)
        async with session.listen() as stream:
            await stream.message()
            await met(home, session)
        assert len(home.server.all("resources/subscribe")) == 1


async def resumed(session: Legacy, last: str) -> Got:
    """The answer to a GET that resumes, its body only if it is no stream."""
    async with session.listen(last) as exchange:
        stream = exchange.headers["content-type"] == "text/event-stream"
        return Got(exchange.status, exchange.headers, b"" if stream else await exchange.rest())


async def test_resuming_a_stream_of_before_does_not_cost_the_session(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        await home.restart(signal.SIGKILL)
        assert (await resumed(session, "0.7")).status == 200
        lost = await resumed(session, "3.1")
        said = "there is no stream with this Last-Event-ID any more"
        assert (lost.status, lost.message["error"]["message"]) == (400, said)
        await met(home, session)


async def test_a_stream_that_is_resumed_misses_nothing_that_comes_after_the_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        await home.restart(signal.SIGKILL)
        await met(home, session)
        async with session.listen("0.7") as stream:
            assert (await stream.message())["method"] == "notifications/tools/list_changed"


async def test_sessions_in_memory_end_with_the_gateway(tmp_path: Path) -> None:
    async with house(tmp_path, sessions={"store": "memory"}) as home:
        session = await Legacy.open(home.caller)
        await home.restart(signal.SIGTERM)
        assert (await session.call("ping")).status == 404
        assert not home.database.exists()


async def test_a_call_right_after_a_restart_waits_for_its_server(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        await home.stop(signal.SIGKILL)
        calling = asyncio.create_task(session.tool("notes__echo", {"text": "early"}))
        await home.start()
        assert (await calling).message["result"]["content"][0]["text"] == "early"


@pytest.mark.parametrize("how", SIGNALS)
async def test_a_client_of_the_sdk_goes_on_and_hears_news_after_a_restart(how: signal.Signals, tmp_path: Path) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: object) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            heard.put_nowait(str(message.params.uri))

    async with house(tmp_path) as home, Client(home.url, mode="legacy", message_handler=hear) as client:
        uri = (await client.list_resources()).resources[0].uri
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)
            await client.subscribe_resource(uri)
        await home.restart(how)
        answer = await client.call_tool("notes__echo", {"text": "again"})
        assert answer.content == [types.TextContent(text="again")]
        async with asyncio.timeout(LIMIT):
            assert await heard.get() == str(uri)  # what may have happened meanwhile
            await touch(home.server)
            assert await heard.get() == str(uri)


async def test_on_a_full_disk_those_who_are_in_go_on_and_new_ones_are_told_to_come_later(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        session = await Legacy.open(home.caller)
        assert home.process is not None
        before = resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        for said in ("the session could not be stored; try again later", "sessions cannot be stored at the moment"):
            got = await home.caller.post(request(1, "initialize", params))
            assert (got.status, got.headers.get("mcp-session-id")) == (503, None)
            assert got.message["error"]["message"].startswith(said)
            await met(home, session)
        resource.prlimit(home.process.pid, resource.RLIMIT_FSIZE, before)
        async with asyncio.timeout(LIMIT):
            while (got := await home.caller.post(request(1, "initialize", params))).status == 503:
                await CLOCK.sleep(0.1)
        await home.restart(signal.SIGKILL)
        await met(home, session, count=2)
        await met(home, Legacy(home.caller, got.headers["mcp-session-id"], "2025-06-18", None), count=2)


async def test_two_gateways_do_not_share_a_file(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(Path(__file__).with_name("gateway_child.py"))),
            *(str(home.manifest), str(home.sock.fileno())),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
            pass_fds=[home.sock.fileno()],
        )
        async with asyncio.timeout(LIMIT):
            _, said = await process.communicate()
        assert process.returncode == 1
        assert "CannotOpenStore" in said.decode()
        assert "is in use by another gateway" in said.decode()
        await met(home, await Legacy.open(home.caller))

"""The sample agent, in two replicas with memories of their own, as tools of a whole gateway in both eras."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from fedgate.cli.main import main
from fedgate.cli.sample_child import listening
from fedgate.manifest.model import Manifest
from tests.a2a.agent_kit import Process, sdk_card, served
from tests.e2e.caller import Caller, Got, Legacy, Modern, encode
from tests.e2e.gateway import CLOCK, LIMIT, PAUSE, InProcess, environment, in_process, manifest_of

pytestmark = pytest.mark.anyio

KEYS = {"keys": [{"id": "alice", "key": "key-of-alice-0001"}, {"id": "bob", "key": "key-of-bob-000001"}]}
FORM: dict[str, Any] = {"elicitation": {"form": {}}}
every_mode = pytest.mark.parametrize("mode", ["legacy", "auto"])
TOOLS = ["desk__remember", "desk__count", "desk__book"]


@pytest.fixture(scope="module")
def urls() -> Iterator[list[str]]:
    with ExitStack() as stack:
        names = ("one", "two")
        yield [stack.enter_context(listening("fedgate.samples.memory_agent", "--name", name)) for name in names]


def manifest(urls: list[str], desk: dict[str, Any] | None = None, **sections: Any) -> str:
    servers = {"desk": {"agent": "support", **(desk or {})}}
    return manifest_of(servers, **{"agents": {"support": {"instances": urls}}, **sections})


def said(result: Any) -> str:
    text: str = result.structured_content["text"]
    return text


def answered(got: Got) -> dict[str, Any]:
    found: dict[str, Any] = got.message["result"]
    return found


async def a2a(gateway: InProcess, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """What an A2A client of the gateway is answered: the same owner, as long as nobody has a key."""
    caller = Caller(gateway.port, "/a2a/support", {"a2a-version": "1.0"})
    got = await caller.post(encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    found: dict[str, Any] = json.loads(got.body)["result"]
    return found


async def states(gateway: InProcess) -> list[str]:
    return [each["status"]["state"] for each in (await a2a(gateway, "ListTasks", {})).get("tasks", [])]


async def becomes(gateway: InProcess, state: str) -> None:
    """Wait until the one task of everybody is in this state at its agent."""
    async with asyncio.timeout(LIMIT):
        while await states(gateway) != [state]:
            await CLOCK.sleep(PAUSE)


async def test_the_skills_of_an_agent_are_tools_in_both_eras_and_on_the_command_line(
    urls: list[str], tmp_path: Path
) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway:
        legacy, modern = await gateway.legacy(), gateway.modern()
        assert await legacy.tools() == await modern.tools() == TOOLS
        tools = answered(await modern.call("tools/list"))["tools"]
        assert tools[0]["description"] == (
            "Keeps facts for as long as the conversation lasts, and tells them when asked.\n\n"
            "Examples:\n- remember tea is green\n- what is tea?\n- what do you know?\n\nAsks the agent Memory."
        )
        assert await Modern(gateway.at("desk")).tools() == ["remember", "count", "book"]
    path = tmp_path / "one.yaml"
    path.write_text(manifest(urls, {"tools": "send"}))
    command = (sys.executable, "-m", "fedgate", "tools", str(path), "--json")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment()
    )
    out, errors = await asyncio.wait_for(process.communicate(), LIMIT)
    assert process.returncode == 0, errors.decode()
    assert b"desk__send" in out


@pytest.mark.parametrize("named", ["support", "suport"])
def test_check_says_what_a_server_is_and_whether_there_is_such_an_agent(
    named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.json"
    path.write_text(manifest(["http://127.0.0.1:9"], {"agent": named}))
    refused = main(["check", str(path), "--json"]) != 0
    found = json.loads(capsys.readouterr().out)
    assert refused is (named == "suport")
    if refused:
        (problem,) = found["problems"]
        assert (problem["what"], problem["nearest"]) == ("mcp.servers.desk.agent is no agent", "support")
        return
    (server,) = found["servers"]
    assert (server["kind"], server["endpoint"], server["timeout"]) == ("agent", "a2a/support", 600.0)


async def test_calls_of_one_session_are_one_conversation(urls: list[str], tmp_path: Path) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway, Client(gateway.url, mode="legacy") as client:
        first = await client.call_tool("desk__remember", {"message": "remember tea is green"})
        second = await client.call_tool("desk__remember", {"message": "what is tea?"})
        name = said(first).removeprefix("I will remember that tea is green. (turn 1, ").removesuffix(")")
        assert name in ("one", "two")
        assert said(second) == f"tea is green. (turn 2, {name})"
        third = await client.call_tool("desk__count", {"message": "who are you?"})
        assert said(third) == f"I am {name}. (turn 3, {name})"
        contexts = {each.structured_content["contextId"] for each in (first, second, third) if each.structured_content}
        assert len(contexts) == 1
        assert first.meta == {
            "fedgate.a2a/contextId": contexts.pop(), "fedgate.a2a/taskId": (first.structured_content or {})["taskId"],
        }  # fmt: skip
        async with Client(gateway.url, mode="legacy") as other:
            nothing = await other.call_tool("desk__remember", {"message": "what is tea?"})
            assert said(nothing).startswith("You have not told me what tea is. (turn 1, ")


async def test_first_calls_of_one_session_at_the_same_time_are_one_conversation(
    urls: list[str], tmp_path: Path
) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway:
        session = await gateway.legacy()
        calls = [session.tool("desk__remember", {"message": f"remember x{n} is y"}, f"c{n}") for n in range(6)]
        found = [answered(got)["structuredContent"] for got in await asyncio.gather(*calls)]
        assert len({each["contextId"] for each in found}) == 1
        assert sorted(each["text"].partition("(turn ")[2][0] for each in found) == list("123456")


async def test_calls_of_a_modern_client_are_conversations_of_their_own_unless_it_goes_on(
    urls: list[str], tmp_path: Path
) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway, Client(gateway.url, mode="auto") as client:
        for number in range(4):
            first = await client.call_tool("desk__remember", {"message": f"remember tea is {number}"})
            assert "(turn 1, " in said(first)
            context = (first.structured_content or {})["contextId"]
            again = {"message": "what is tea?", "context_id": context}
            assert said(await client.call_tool("desk__remember", again)).startswith(f"tea is {number}. (turn 2, ")
            nothing = await client.call_tool("desk__remember", {"message": "what is tea?"})
            assert said(nothing).startswith("You have not told me")


@every_mode
async def test_a_question_of_the_agent_is_put_to_the_client(mode: str, urls: list[str], tmp_path: Path) -> None:
    asked: list[str] = []

    async def elicited(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message.partition(" (")[0])
        return ElicitResult(action="accept", content={"answer": ["4", "at 19:30"][len(asked) - 1]})

    async with (
        in_process(manifest(urls), tmp_path) as gateway,
        Client(gateway.url, mode=mode, elicitation_callback=elicited) as client,
    ):
        result = await client.call_tool("desk__book", {"message": "book a table"})
        assert said(result).startswith("A table for 4 at 19:30 is booked. (turn 3, ")
        assert asked == ["For how many people?", "At what time?"]
        assert await states(gateway) == ["TASK_STATE_COMPLETED"]


@every_mode
async def test_a_declined_question_cancels_the_task_at_the_agent(mode: str, urls: list[str], tmp_path: Path) -> None:
    async def elicited(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="decline")

    async with (
        in_process(manifest(urls), tmp_path) as gateway,
        Client(gateway.url, mode=mode, elicitation_callback=elicited) as client,
    ):
        result = await client.call_tool("desk__book", {"message": "book a table"})
        assert result.is_error
        assert said(result).endswith("This was not answered, and its task was cancelled.")
        assert (result.structured_content or {})["state"] == "canceled"
        assert await states(gateway) == ["TASK_STATE_CANCELED"]


@every_mode
async def test_a_client_that_cannot_be_asked_is_told_how_to_go_on(mode: str, urls: list[str], tmp_path: Path) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway, Client(gateway.url, mode=mode) as client:
        result = await client.call_tool("desk__book", {"message": "book a table for 4"})
        found = result.structured_content or {}
        assert (result.is_error, found["state"]) == (False, "input-required")
        assert found["text"].startswith("At what time?")
        again = {"message": "19:30", "context_id": found["contextId"], "task_id": found["taskId"]}
        done = await client.call_tool("desk__book", again)
        assert said(done).startswith("A table for 4 at 19:30 is booked.")
        assert (done.structured_content or {})["taskId"] == found["taskId"]


@every_mode
async def test_what_the_agent_streams_is_progress(mode: str, urls: list[str], tmp_path: Path) -> None:
    heard: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async with in_process(manifest(urls), tmp_path) as gateway, Client(gateway.url, mode=mode) as client:
        result = await client.call_tool("desk__count", {"message": "count to 3"}, progress_callback=on_progress)
        assert said(result).startswith("1 2 3 (turn 1, ")
    assert [number for number, _ in heard] == list(range(1, len(heard) + 1))
    assert [message for _, message in heard if message][:2] == ["1 ", "2 "]


async def test_a_cancelled_call_of_a_legacy_client_is_cancelled_at_the_agent(urls: list[str], tmp_path: Path) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway:
        session = await gateway.legacy()
        calling = asyncio.create_task(session.tool("desk__count", {"message": "count to 900"}, "call-1"))
        await becomes(gateway, "TASK_STATE_WORKING")
        await session.notify("notifications/cancelled", {"requestId": "call-1"})
        await becomes(gateway, "TASK_STATE_CANCELED")
        assert (await calling).message["error"]["code"] == -32800


async def test_a_modern_client_that_closes_its_response_cancels_at_the_agent(urls: list[str], tmp_path: Path) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway:
        params = {"name": "desk__count", "arguments": {"message": "count to 900"}}
        async with gateway.modern().stream("tools/call", params, 1, progressToken="p") as exchange:
            assert (await exchange.message())["params"]["progressToken"] == "p"
            await becomes(gateway, "TASK_STATE_WORKING")
            exchange.close()
        await becomes(gateway, "TASK_STATE_CANCELED")


async def test_a_session_that_ends_while_it_is_asked_leaves_no_task_behind(urls: list[str], tmp_path: Path) -> None:
    async with in_process(manifest(urls), tmp_path) as gateway:
        session = await gateway.legacy(capabilities=FORM)
        body = {"name": "desk__book", "arguments": {"message": "book a table"}}
        call = encode({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": body})
        async with session.stream(call) as exchange:
            assert (await exchange.message())["method"] == "elicitation/create"
            await becomes(gateway, "TASK_STATE_INPUT_REQUIRED")
            await session.caller.send("DELETE", session.head)
        await becomes(gateway, "TASK_STATE_CANCELED")


async def test_a_session_that_survives_a_restart_goes_on_with_its_conversation(urls: list[str], tmp_path: Path) -> None:
    text = manifest(urls, sessions={"store": f"sqlite:{tmp_path}/sessions.db"})
    async with in_process(text, tmp_path) as gateway:
        session = await gateway.legacy()
        first = answered(await session.tool("desk__remember", {"message": "remember tea is green"}))
        assert "(turn 1, " in first["structuredContent"]["text"]
    async with in_process(text, tmp_path) as gateway:
        again = Legacy(gateway.caller, session.session, session.version, None)
        second = answered(await again.tool("desk__remember", {"message": "what is tea?"}))
        assert second["structuredContent"]["text"].startswith("tea is green. (turn 2, ")
        assert second["structuredContent"]["contextId"] == first["structuredContent"]["contextId"]


async def test_a_conversation_of_somebody_else_looks_like_one_that_does_not_exist(
    urls: list[str], tmp_path: Path
) -> None:
    async with in_process(manifest(urls, access=KEYS), tmp_path) as gateway:
        alice, bob = gateway.by("key-of-alice-0001"), gateway.by("key-of-bob-000001")

        async def call(caller: Caller, arguments: dict[str, Any]) -> Got:
            return await Modern(caller).tool("desk__remember", arguments)

        hers = answered(await call(alice, {"message": "remember tea is green"}))["structuredContent"]
        tries = [
            {"context_id": hers["contextId"]}, {"task_id": hers["taskId"]}, {"context_id": "unknown"},
            {"task_id": "unknown"}, {"context_id": hers["contextId"], "task_id": hers["taskId"]},
        ]  # fmt: skip
        bodies = {(await call(bob, {"message": "what is tea?", **ids})).body for ids in tries}
        assert len(bodies) == 1
        assert json.loads(bodies.pop())["result"]["isError"]
        again = answered(await call(alice, {"message": "what is tea?", "context_id": hers["contextId"]}))
        assert again["structuredContent"]["text"].startswith("tea is green. (turn 2, ")


def keys(**access: Any) -> dict[str, Any]:
    """Alice is staff, bob is not."""
    return {"keys": [{**KEYS["keys"][0], "groups": ["staff"]}, KEYS["keys"][1]], "admins": ["staff"], **access}


def refusal(got: Got) -> tuple[int, int, str]:
    error = got.message["error"]
    return got.status, error["code"], error["message"]


@pytest.mark.parametrize("by", ["groups", "rule"])
@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_the_tools_of_an_agent_that_is_hidden_look_unknown(
    urls: list[str], tmp_path: Path, era: str, by: str
) -> None:
    agent: dict[str, Any] = {"instances": urls, **({"groups": ["staff"]} if by == "groups" else {})}
    rules = [{"deny": 'a2a.agent == "support" && !("staff" in principal.groups)'}] if by == "rule" else []
    text = manifest(urls, access=keys(rules=rules), agents={"support": agent})
    async with in_process(text, tmp_path) as gateway:

        async def client(key: str, view: str = "") -> Legacy | Modern:
            caller = gateway.by(key, view)
            return Modern(caller) if era == "modern" else await Legacy.open(caller)

        alice, bob = await client("key-of-alice-0001"), await client("key-of-bob-000001")
        assert (await alice.tools(), await bob.tools()) == (TOOLS, [])
        assert "isError" not in answered(await alice.tool("desk__remember", {"message": "hello"}))
        hidden = refusal(await bob.tool("desk__remember", {"message": "hello"}))
        unknown = refusal(await bob.tool("desk__nothing", {"message": "hello"}))
        assert hidden == (*unknown[:2], "Unknown tool: desk__remember")
        view = await Modern(gateway.by("key-of-bob-000001", "desk")).call("tools/list")
        assert (view.status, view.message["error"]["message"]) == (
            404, "there is no MCP server or profile 'desk' here; there are: none",
        )  # fmt: skip


@pytest.mark.parametrize("mode", ["skills", "send"])
async def test_a_rule_on_a_skill_holds_for_its_tool(urls: list[str], tmp_path: Path, mode: str) -> None:
    rules = [{"deny": 'a2a.skill == "book"', "name": "no-booking"}]
    async with in_process(manifest(urls, {"tools": mode}, access=keys(rules=rules)), tmp_path) as gateway:
        bob = Modern(gateway.by("key-of-bob-000001"))
        assert await bob.tools() == (["desk__send"] if mode == "send" else TOOLS[:2])
        if mode == "skills":
            said = refusal(await bob.tool("desk__book", {"message": "a table"}))[2]
            assert said == "Unknown tool: desk__book"
        name = "desk__send" if mode == "send" else "desk__remember"
        assert "isError" not in answered(await bob.tool(name, {"message": "hello"}))


async def test_a_rule_on_conversations_holds_however_a_call_names_its_own(urls: list[str], tmp_path: Path) -> None:
    said = {"message": "remember tea is green"}
    async with in_process(manifest(urls, access=keys()), tmp_path) as gateway:
        session = await Legacy.open(gateway.by("key-of-bob-000001"))
        modern = Modern(gateway.by("key-of-bob-000001"))
        ids = answered(await session.tool("desk__remember", said))["structuredContent"]

        def rule(expression: str) -> None:
            access = keys(rules=[{"deny": expression, "name": "not-this"}])
            gateway.gateway.apply(Manifest.model_validate(json.loads(manifest(urls, access=access))))

        rule(f'a2a.context_id == "{ids["contextId"]}"')
        by_context, by_task = {"context_id": ids["contextId"]}, {"task_id": ids["taskId"]}
        refused = [
            await modern.tool("desk__remember", {**said, **by_context}),
            await modern.tool("desk__remember", {**said, **by_task}),
            await session.tool("desk__count", said),  # in the conversation of its session
        ]
        assert [refusal(got) for got in refused] == [(403, -32600, "this is not allowed here: not-this")] * 3
        assert "isError" not in answered(await modern.tool("desk__remember", said))
        rule("has(a2a.task_id)")
        assert refusal(await modern.tool("desk__remember", {**said, **by_task}))[0] == 403
        assert "isError" not in answered(await modern.tool("desk__remember", {**said, **by_context}))


async def test_the_rules_that_hold_for_an_agent_are_explained_for_its_tools(urls: list[str], tmp_path: Path) -> None:
    rules = [
        {"deny": 'a2a.agent == "support" && !("staff" in principal.groups)', "name": "staff-only"},
        {"deny": 'a2a.skill == "book"', "name": "no-booking"},
    ]
    async with in_process(manifest(urls, access=keys(rules=rules)), tmp_path) as gateway:

        async def why(**question: Any) -> Any:
            caller = Caller(gateway.port, "/admin/why", {"authorization": "Bearer key-of-alice-0001"})
            found = json.loads((await caller.post(encode(question))).body)
            return found["allowed"], found["known"], found["why"], found["told"]

        hidden = (False, False, "deny staff-only")
        assert await why(**{"as": "bob", "tool": "desk__count"}) == (*hidden, "Unknown tool: desk__count")
        assert await why(**{"as": "bob", "agent": "support"}) == (*hidden, "there is no agent 'support' here")
        assert await why(**{"as": "alice", "tool": "desk__count"}) == (True, True, "allowed", "")
        assert await why(**{"as": "alice", "agent": "support"}) == (True, True, "allowed", "")
        booking = (False, False, "deny no-booking", "Unknown tool: desk__book")
        assert await why(**{"as": "alice", "tool": "desk__book"}) == booking


async def test_tools_appear_when_the_agent_does_and_lists_do_not_wait_for_it(tmp_path: Path) -> None:
    agent = Process(served(sdk_card()))
    await agent.start()
    await agent.stop()
    agents = {"support": {"instances": [agent.url], "health": {"interval": "100ms", "lost_after": "10s"}}}
    async with in_process(manifest([], agents=agents), tmp_path) as gateway:
        session = await gateway.legacy()
        assert await session.tools() == []
        assert (await gateway.server("desk", lambda entry: True))["state"] == "down"
        async with session.listen() as stream:
            await agent.start()
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
        assert await session.tools() == ["desk__find"]
        await agent.stop()
        entry = await gateway.server("desk", lambda entry: entry["state"] == "degraded")
        assert entry["reason"].startswith("agent support is unreachable: ")
        refused = (await session.tool("desk__find", {"message": "x"})).message["error"]
        assert refused["data"] == {"server": "desk", "reason": "upstream_refused", "retryable": True}

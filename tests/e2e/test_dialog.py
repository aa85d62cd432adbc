"""What passes between a client and its server besides calls and answers, in every pair of eras."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.e2e.caller import META, Legacy, Modern, request
from tests.e2e.gateway import InProcess, as_process, in_process, manifest_of
from tests.federation.upstreams import Seen, Upstream, http, never, notification, result, text, upstream
from tests.federation.upstreams import request as server_request

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "modern"]
both = pytest.mark.parametrize("back", ["legacy", "modern"])
STDIO = {"command": sys.executable, "args": ["-S", "-E", str(Path(__file__).with_name("stdio_server.py"))]}
KEYS = {"keys": [{"id": "alice", "key": "key-of-alice-0001"}, {"id": "bob", "key": "key-of-bob-000001"}]}
FORM: dict[str, Any] = {"elicitation": {"form": {}}}


def done(seen: Seen, said: str = "done") -> bytes:
    return result(seen, {**text(said), "resultType": "complete"})


# List changes.


@both
async def test_a_new_tool_is_announced_and_listed_in_both_eras(back: Era, tmp_path: Path) -> None:
    async with upstream(back) as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        session, modern = await gateway.legacy(), gateway.modern()
        wanted = {"notifications": {"toolsListChanged": True, "promptsListChanged": True}}
        async with session.listen() as stream, modern.stream("subscriptions/listen", wanted, "sub-1") as listening:
            acknowledged = await listening.message()
            assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
            assert acknowledged["params"]["notifications"] == {"toolsListChanged": True}
            await one.listening()
            one.tools = [*one.tools, {"name": "late", "inputSchema": {"type": "object"}}]
            async with asyncio.timeout(5):
                one.announce("notifications/tools/list_changed")
                assert await stream.message() == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
                heard = await listening.message()
            assert heard["method"] == "notifications/tools/list_changed"
            assert heard["params"]["_meta"][META + "subscriptionId"] == "sub-1"
        assert await session.tools() == ["one__echo", "one__late"]
        assert await modern.tools() == ["one__echo", "one__late"]
        assert (await session.tool("one__late")).message["result"]["content"] == text("echo")["content"]


async def test_a_new_tool_of_a_process_is_announced_too(tmp_path: Path) -> None:
    async with in_process(manifest_of({"one": STDIO}), tmp_path) as gateway:
        session = await gateway.legacy()
        async with session.listen() as stream:
            await session.tool("one__grow", {"name": "late"})
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
        assert "one__late" in await session.tools()


# Cancellation.


@both
async def test_a_cancelled_call_of_a_legacy_client_is_cancelled_at_its_server(back: Era, tmp_path: Path) -> None:
    async with upstream(back) as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        session = await gateway.legacy()
        one.on["tools/call"] = never
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(session.tool("one__echo", {}, "call-1"))
            asked = await one.saw("tools/call")
            got = await session.notify("notifications/cancelled", {"requestId": "call-1", "reason": "enough"})
            assert got.status == 202
        await _heard_of_the_end(one, back, asked)
        assert (await calling).message["error"]["code"] == -32800
        del one.on["tools/call"]
        assert (await session.tool("one__echo", {}, "call-1")).message["result"]["content"] == text("echo")["content"]


@both
async def test_a_modern_client_that_closes_its_response_cancels_at_the_server(back: Era, tmp_path: Path) -> None:
    async def talking(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/message", {"level": "info", "data": "begun"}))
        await never(seen)

    async with upstream(back) as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        one.on["tools/call"] = talking
        logs = {META + "logLevel": "info"}
        async with gateway.modern().stream("tools/call", {"name": "one__echo"}, 1, **logs) as exchange:
            await exchange.message()
            exchange.close()
        await _heard_of_the_end(one, back, await one.saw("tools/call"))


@both
async def test_a_modern_client_that_leaves_before_any_answer_cancels_at_the_server(back: Era, tmp_path: Path) -> None:
    async with upstream(back) as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        one.on["tools/call"] = never
        calling = asyncio.create_task(gateway.modern().tool("one__echo"))
        asked = await one.saw("tools/call")
        calling.cancel()
        await asyncio.wait([calling])
        await _heard_of_the_end(one, back, asked)


async def _heard_of_the_end(one: Upstream, back: Era, asked: Seen) -> None:
    """Legacy servers are told, modern ones see their response closed."""
    if back == "legacy":
        told = await one.saw("notifications/cancelled")
        assert told.params["requestId"] == asked.id
        assert told.header("mcp-session-id") == asked.header("mcp-session-id")
    async with asyncio.timeout(10):
        await asked.gone.wait()


async def test_a_legacy_client_that_only_loses_its_connection_does_not_cancel(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def later(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/message", {"level": "info", "data": "begun"}))
        await release.wait()
        seen.event(done(seen))
        seen.end()

    async with upstream() as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        session = await gateway.legacy()
        one.on["tools/call"] = later
        async with session.stream(request(7, "tools/call", {"name": "one__echo"})) as exchange:
            begun = await exchange.event()
            exchange.close()
        release.set()
        async with session.listen(begun.id) as resumed:
            last = await resumed.message()
        assert last["id"] == 7
        assert last["result"]["content"] == text("done")["content"]
        assert not one.all("notifications/cancelled")


# Progress.


async def _progressing(seen: Seen) -> None:
    token = seen.params["_meta"]["progressToken"]
    seen.sse()
    for step in (1, 2):
        seen.event(notification("notifications/progress", {"progressToken": token, "progress": step, "x": "y"}))
    seen.event(done(seen))
    seen.end()


@both
@pytest.mark.parametrize("token", ["tök-1", 77, "77", 0], ids=["text", "number", "digits", "zero"])
async def test_progress_has_the_token_of_the_client(token: str | int, back: Era, tmp_path: Path) -> None:
    async with upstream(back) as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        one.on["tools/call"] = _progressing
        session, modern = await gateway.legacy(), gateway.modern()
        params = {"name": "one__echo", "_meta": {"progressToken": token}}
        for got in (
            await session.call("tools/call", params),
            await modern.call("tools/call", {"name": "one__echo"}, 1, progressToken=token),
        ):
            *progress, _ = [_json(event) for event in got.events]
            assert [each["params"]["progress"] for each in progress] == [1, 2]
            assert all(each["params"]["progressToken"] == token for each in progress)
            assert all(type(each["params"]["progressToken"]) is type(token) for each in progress)
            assert got.message["result"]["content"] == text("done")["content"]
        tokens = [seen.params["_meta"]["progressToken"] for seen in one.all("tools/call")]
        assert len(tokens) == 2


async def test_progress_of_a_process_has_the_token_of_the_client(tmp_path: Path) -> None:
    async with in_process(manifest_of({"one": STDIO}), tmp_path) as gateway:
        session, modern = await gateway.legacy(), gateway.modern()
        calls = [
            session.call("tools/call", {"name": "one__progress", "_meta": {"progressToken": "same"}}),
            modern.call("tools/call", {"name": "one__progress"}, 1, progressToken="same"),
        ]
        for got in await asyncio.gather(*calls):
            *progress, _ = [_json(event) for event in got.events]
            assert [each["params"] for each in progress] == [
                {"progressToken": "same", "progress": step, "total": 3} for step in (1, 2, 3)
            ]


def _json(data: bytes) -> Any:
    return json.loads(data)


# Questions, and two users of one server.


class Asker:
    """A legacy server's tool that asks its client for a name."""

    def __init__(self, one: Upstream) -> None:
        self.one = one
        self.asked: dict[int, Seen] = {}
        one.on["tools/call"] = self.call
        one.on["response"] = self.response

    async def call(self, seen: Seen) -> None:
        number = len(self.asked)
        self.asked[number] = seen
        seen.sse()
        params = {"message": f"who is {number}?", "requestedSchema": {"type": "object", "properties": {}}}
        seen.event(server_request(number, "elicitation/create", params))
        await seen.gone.wait()
        seen.end()

    async def response(self, seen: Seen) -> bytes:
        call = self.asked[seen.id]
        assert seen.header("mcp-session-id") == call.header("mcp-session-id")
        call.event(done(call, str(seen.message["result"]["content"]["name"])))
        call.gone.set()
        return http(202)


async def _answer(client: Legacy, question: Any, name: str) -> int:
    said = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": name}}}
    return (await client.send(json.dumps(said).encode())).status


async def test_questions_of_one_server_reach_the_user_whose_call_asked(tmp_path: Path) -> None:
    async with upstream() as one, as_process(manifest_of({"one": {"url": one.url}}, access=KEYS), tmp_path) as gateway:
        Asker(one)
        alice = await Legacy.open(gateway.by("key-of-alice-0001"), capabilities=FORM)
        bob = await Legacy.open(gateway.by("key-of-bob-000001"), capabilities=FORM)
        call = request(1, "tools/call", {"name": "one__echo"})
        async with alice.stream(call) as to_alice, bob.stream(call) as to_bob:
            first, second = await to_alice.message(), await to_bob.message()
            assert (first["method"], second["method"]) == ("elicitation/create", "elicitation/create")
            assert {first["params"]["message"], second["params"]["message"]} == {"who is 0?", "who is 1?"}
            assert await _answer(bob, {"id": "fedgate-999"}, "mallory") == 202
            assert await _answer(bob, second, "bob") == 202
            assert (await to_bob.message())["result"]["content"] == text("bob")["content"]
            assert await _answer(bob, first, "mallory") == 202
            assert await _answer(alice, first, "alice") == 202
            assert (await to_alice.message())["result"]["content"] == text("alice")["content"]
        sessions = {seen.header("mcp-session-id") for seen in one.all("tools/call")}
        assert len(sessions) == 2


async def test_a_parked_call_is_taken_up_by_its_own_user_alone(tmp_path: Path) -> None:
    async with upstream() as one, as_process(manifest_of({"one": {"url": one.url}}, access=KEYS), tmp_path) as gateway:
        asker = Asker(one)
        alice, bob = (
            Modern(gateway.by(key), {"elicitation": {"form": {}}}) for key in ("key-of-alice-0001", "key-of-bob-000001")
        )
        asked = (await alice.tool("one__echo")).message["result"]
        assert asked["resultType"] == "input_required"
        ((name, question),) = asked["inputRequests"].items()
        assert question["method"] == "elicitation/create"
        answers = {name: {"action": "accept", "content": {"name": "alice"}}}
        again = {"name": "one__echo", "arguments": {}, "requestState": asked["requestState"], "inputResponses": answers}
        stolen = await bob.call("tools/call", again, 2)
        assert (stolen.status, stolen.message["error"]["code"]) == (400, -32602)
        forged = await alice.call("tools/call", {**again, "requestState": asked["requestState"][:-4] + "AAAA"}, 2)
        assert (forged.status, forged.message["error"]["code"]) == (400, -32602)
        answered = await alice.call("tools/call", again, 3)
        assert answered.message["result"]["content"] == text("alice")["content"]
        twice = await alice.call("tools/call", again, 4)
        assert (twice.status, twice.message["error"]["code"]) == (400, -32602)
        assert len(asker.asked) == 1


async def test_the_request_state_of_a_modern_server_is_for_its_own_user_alone(tmp_path: Path) -> None:
    async def asking(seen: Seen) -> bytes:
        if seen.params.get("requestState") == "state-of-the-server":
            return http(200, done(seen, str(seen.params["inputResponses"]["who"]["content"]["name"])))
        question = {"method": "elicitation/create", "params": {"message": "who?", "requestedSchema": {}}}
        wanted = {"resultType": "input_required", "inputRequests": {"who": question}}
        return http(200, result(seen, {**wanted, "requestState": "state-of-the-server"}))

    async with upstream("modern") as one:
        one.on["tools/call"] = asking
        async with as_process(manifest_of({"one": {"url": one.url}}, access=KEYS), tmp_path) as gateway:
            alice, bob = (
                Modern(gateway.by(key), {"elicitation": {"form": {}}})
                for key in ("key-of-alice-0001", "key-of-bob-000001")
            )
            asked = (await alice.tool("one__echo")).message["result"]
            assert asked["resultType"] == "input_required"
            assert "state-of-the-server" not in asked["requestState"]
            answers = {"who": {"action": "accept", "content": {"name": "alice"}}}
            again = {
                "name": "one__echo",
                "arguments": {},
                "requestState": asked["requestState"],
                "inputResponses": answers,
            }
            stolen = await bob.call("tools/call", again, 2)
            assert (stolen.status, stolen.message["error"]["code"]) == (400, -32602)
            assert len(one.all("tools/call")) == 1
            answered = await alice.call("tools/call", again, 3)
            assert answered.message["result"]["content"] == text("alice")["content"]


async def test_a_modern_server_asks_a_legacy_user_on_the_stream_of_its_call(tmp_path: Path) -> None:
    async def asking(seen: Seen) -> bytes:
        if "inputResponses" in seen.params:
            return http(200, done(seen, str(seen.params["inputResponses"]["who"]["content"]["name"])))
        question = {"method": "elicitation/create", "params": {"message": "who?", "requestedSchema": {}}}
        return http(200, result(seen, {"resultType": "input_required", "inputRequests": {"who": question}}))

    async with upstream("modern") as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        one.on["tools/call"] = asking
        session = await gateway.legacy(capabilities=FORM)
        async with session.stream(request(1, "tools/call", {"name": "one__echo"})) as exchange:
            question = await exchange.message()
            assert question["params"]["message"] == "who?"
            await _answer(session, question, "carol")
            assert (await exchange.message())["result"]["content"] == text("carol")["content"]


async def test_a_client_that_cannot_be_asked_is_not(tmp_path: Path) -> None:
    async with upstream() as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        asker = Asker(one)
        refused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def response(seen: Seen) -> bytes:
            refused.set_result(seen.message["error"])
            call = asker.asked[0]
            call.event(done(call, "nobody"))
            call.gone.set()
            return http(202)

        one.on["response"] = response
        session = await gateway.legacy()
        got = await session.tool("one__echo")
        assert (await refused)["code"] == -32601
        assert got.message["result"]["content"] == text("nobody")["content"]
        assert b"elicitation" not in got.body


async def test_one_process_does_not_ask_while_two_users_are_in_it(tmp_path: Path) -> None:
    async with in_process(manifest_of({"one": STDIO}, access=KEYS), tmp_path) as gateway:
        alice = await Legacy.open(gateway.by("key-of-alice-0001"), capabilities=FORM)
        bob = await Legacy.open(gateway.by("key-of-bob-000001"), capabilities=FORM)
        async with alice.stream(request(1, "tools/call", {"name": "one__elicit"})) as to_alice:
            question = await to_alice.message()
            assert question["method"] == "elicitation/create"
            got = await bob.tool("one__elicit")
            assert "several clients share this server" in got.message["result"]["content"][0]["text"]
            await _answer(alice, question, "alice")
            assert "alice" in (await to_alice.message())["result"]["content"][0]["text"]


async def test_each_session_may_have_a_process_of_its_own(tmp_path: Path) -> None:
    servers = {"one": {**STDIO, "process": "per_session"}}
    async with in_process(manifest_of(servers, access=KEYS), tmp_path) as gateway:
        alice = await Legacy.open(gateway.by("key-of-alice-0001"), capabilities=FORM)
        bob = await Legacy.open(gateway.by("key-of-bob-000001"), capabilities=FORM)
        call = request(1, "tools/call", {"name": "one__elicit"})
        async with alice.stream(call) as to_alice, bob.stream(call) as to_bob:
            for who, exchange, name in ((alice, to_alice, "alice"), (bob, to_bob, "bob")):
                await _answer(who, await exchange.message(), name)
                assert name in (await exchange.message())["result"]["content"][0]["text"]
        pids = {(await who.tool("one__pid")).message["result"]["content"][0]["text"] for who in (alice, alice, bob)}
        assert len(pids) == 2
        await _ended(gateway, alice)
        assert len(gateway.gateway.hub.servers["one"].pool) == 1


async def _ended(gateway: InProcess, session: Legacy) -> None:
    assert (await session.caller.send("DELETE", session.head)).status == 204

"""Push notifications through a whole gateway: clients see their own URL, agents the gateway's, hooks what is theirs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.a2a_agent import Agent
from tests.e2e.a2a_client import Answer
from tests.e2e.a2a_errors import BAD_PARAMS, NO_PUSH, refused, task_gone
from tests.e2e.a2a_hooks import Hook, call_back, hook
from tests.e2e.a2a_speech import OLD_RPC, PAIRS, RPC, SPEECHES, Speech, Task, Tree, bare, encode, update, whole
from tests.e2e.a2a_world import BOB, World, world

pytestmark = pytest.mark.anyio

ALLOW = {"allow": ["127.0.0.0/8"]}
SECRET, CREDENTIALS = "client-token", "client-secret"
WAITING = "nobody is waiting for this notification any more"


def config(speech: Speech, url: str) -> Tree:
    scheme = {"scheme": "Basic"} if speech.version == "1.0" else {"schemes": ["Basic"]}
    authentication = {**scheme, "credentials": CREDENTIALS}
    return {"id": "c-1", "url": url, "token": SECRET, "authentication": authentication}


@asynccontextmanager
async def pushing(folder: Path, *agents: Agent, **settings: Any) -> AsyncIterator[tuple[World, Hook]]:
    async with world(folder, *agents, push=settings.pop("push", ALLOW), **settings) as found, hook() as client:
        yield found, client


def of_client(answer: Answer, url: str) -> None:
    """The client's own configuration, whole, and nothing of the gateway's."""
    found = answer.result
    inner = found.get("pushNotificationConfig", found)
    assert inner["url"] == url
    assert inner["token"] == SECRET
    assert inner["authentication"]["credentials"] == CREDENTIALS
    assert inner["authentication"].get("scheme", inner["authentication"].get("schemes")) in ("Basic", ["Basic"])
    assert b"/push/" not in answer.body


def of_agent(agent: Agent, found: World, task: str) -> Tree:
    """What the agent was given."""
    (given,) = [each for (owner, _), each in agent.configs.items() if owner == task]
    assert given["url"].startswith(f"http://127.0.0.1:{found.gateway.port}/a2a/support/push/")
    assert len(given["url"].rpartition("/")[2]) == 43
    assert len(given["token"]) == 43
    for secret in (SECRET, CREDENTIALS):
        assert secret not in json.dumps(given)
    return given


@pytest.mark.parametrize(("speech", "spoken"), PAIRS)
async def test_a_configuration_is_made_shown_and_deleted_with_the_clients_own_url(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    async with pushing(tmp_path, Agent(spoken)) as (found, client):
        (agent,) = found.agents
        caller = found.client(speech)
        task = (await caller.send("a")).task
        of_client(await caller.push_create(task, config(speech, client.url)), client.url)
        given = of_agent(agent, found, task)
        of_client(await caller.push("Get", task, "c-1"), client.url)
        listed = await caller.push("List", task)
        several = listed.result if speech == OLD_RPC else listed.result["configs"]
        assert len(several) == 1
        assert client.url in json.dumps(several)
        assert b"/push/" not in listed.body
        assert (await call_back(given, encode(bare(agent.tasks[task], OLD_RPC)))).status == 200
        deleted = await caller.push("Delete", task, "c-1")
        assert deleted.status == 200, deleted.body
        assert b'"error"' not in deleted.body
        assert agent.configs == {}
        gone = await call_back(given, encode(bare(agent.tasks[task], OLD_RPC)))
        assert (gone.status, gone.message["error"]["message"]) == (404, WAITING)


@pytest.mark.parametrize(("speech", "spoken"), PAIRS)
async def test_a_configuration_in_a_message_is_pointed_at_the_gateway(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    async with pushing(tmp_path, Agent(spoken)) as (found, client):
        (agent,) = found.agents
        caller = found.client(speech)
        inline = caller.inline(config(speech, client.url))
        first = await caller.send("a", configuration=inline)
        given = of_agent(agent, found, first.task)
        assert (await call_back(given, encode(whole(agent.tasks[first.task], RPC)))).status == 200
        assert (await client.got()).header(b"x-a2a-notification-token") == SECRET.encode()
        await caller.streamed("b", configuration=inline)
        (streamed,) = [task for task in agent.tasks if task != first.task]
        of_agent(agent, found, streamed)
        other = Task(first.task, first.context)
        assert (await call_back(of_agent(agent, found, streamed), encode(whole(other, RPC)))).status == 400


# What agents call back with.


@pytest.mark.parametrize("speech", SPEECHES)
async def test_only_the_agent_can_call_back_and_only_about_the_task(speech: Speech, tmp_path: Path) -> None:
    async with pushing(tmp_path) as (found, client):
        (agent,) = found.agents
        caller = found.client(speech)
        first, other = await caller.send("a"), await caller.send("b")
        theirs = (await found.client(speech, BOB).send("c")).task
        await caller.push_create(first.task, config(speech, client.url))
        given = of_agent(agent, found, first.task)
        good = encode(whole(agent.tasks[first.task], RPC))
        for headers in (
            {},
            {"x-a2a-notification-token": "wrong"},
            {"x-a2a-notification-token": SECRET},
            {"authorization": f"Basic {given['token']}"},
            {"authorization": "Bearer wrong"},
            {"authorization": f"Bearer {BOB}"},
        ):
            refusal = await call_back(given, good, headers)
            assert (refusal.status, refusal.message["error"]["status"]) == (401, "UNAUTHENTICATED")
        for task in (other.task, theirs, "t-unknown"):
            for form in (whole(Task(task, "c"), RPC), update(Task(task, "c"), RPC), bare(Task(task, "c"), OLD_RPC)):
                refusal = await call_back(given, encode(form))
                assert refusal.status == 400
                assert "another task" in refusal.message["error"]["message"]
        base = given["url"].rpartition("/")[0]
        for url in (f"{base}/{'x' * 43}", f"{base}/", f"{given['url']}/more"):
            refusal = await call_back({**given, "url": url}, good)
            assert (refusal.status, refusal.message["error"]["message"]) == (404, WAITING)
        assert (await found.client(speech).raw("GET", given["url"].partition("support")[2])).status == 404
        assert client.received == []
        for headers in ({"authorization": f"Bearer {given['token']}"}, {"x-a2a-notification-token": given["token"]}):
            assert (await call_back(given, good, headers)).status == 200
        sent = await client.got()
        assert (sent.method, sent.target) == (b"POST", b"/in?key=1")
        assert sent.header(b"x-a2a-notification-token") == SECRET.encode()
        assert sent.header(b"authorization") == f"Basic {CREDENTIALS}".encode()
        assert given["token"].encode() not in b"".join(value for _, value in sent.headers)


BAD_BODIES = (
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"task":{}}',
    b'{"task":{"id":"%s"},"statusUpdate":{"taskId":"%s"}}',
    b'{"task":{"id":"%s","id":"x"}}',
    b'{"statusUpdate":{"taskId":"x","task_id":"%s"}}',
    b'{"kind":"vanish","id":"%s"}',
)


async def test_a_notification_that_two_readers_could_read_differently_is_refused(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (found, client):
        (agent,) = found.agents
        task = (await found.client().send("a")).task
        await found.client().push_create(task, config(RPC, client.url))
        given = of_agent(agent, found, task)
        for body in BAD_BODIES:
            refusal = await call_back(given, body.replace(b"%s", task.encode()))
            assert refusal.status == 400, body
        assert client.received == []


@pytest.mark.parametrize("form", ["task", "update"])
@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_notification_comes_in_the_clients_version(speech: Speech, form: str, tmp_path: Path) -> None:
    make = whole if form == "task" else update
    async with pushing(tmp_path, Agent(RPC)) as (found, client):
        (agent,) = found.agents
        caller = found.client(speech)
        task = (await caller.send("a")).task
        await caller.push_create(task, config(speech, client.url))
        given, news = of_agent(agent, found, task), agent.tasks[task]
        for number, (text, spoken) in enumerate((("by 1.0", RPC), ("by 0.3", OLD_RPC)), 1):
            news.text = text
            body = encode(make(news, spoken))
            assert (await call_back(given, body)).status == 200
            sent = (await client.got(number)).body
            if spoken.version == speech.version:
                assert sent == body
            tree = json.loads(sent)
            expected = make(news, RPC if speech.version == "1.0" else OLD_RPC)
            assert _without_noise(tree) == _without_noise(expected)


def _without_noise(tree: Any) -> Any:
    """What the SDK's conversion adds or leaves out where it says the same."""
    text = json.dumps(tree, sort_keys=True).replace(', "final": false', "").replace('"final": false, ', "")
    found = json.loads(text)
    for each in (found, found.get("task", {}), found.get("statusUpdate", {})):
        message = each.get("status", {}).get("message")
        if message:
            for name in ("taskId", "contextId", "kind"):
                message.pop(name, None)
            for part in message["parts"]:
                part.pop("kind", None)
    return found


async def test_a_notification_that_cannot_be_converted_is_refused(tmp_path: Path) -> None:
    async with pushing(tmp_path, Agent(RPC)) as (found, client):
        (agent,) = found.agents
        caller = found.client(OLD_RPC)
        task = (await caller.send("a")).task
        await caller.push_create(task, config(OLD_RPC, client.url))
        given = of_agent(agent, found, task)
        for status in (b"7", b'{"state":[]}', b'{"timestamp":"no time"}'):
            body = b'{"statusUpdate":{"taskId":"%b","contextId":"c","status":%b}}' % (task.encode(), status)
            refusal = await call_back(given, body)
            assert refusal.status == 400, (status, refusal.body)
        assert client.received == []


async def test_what_a_callback_says_of_the_task_is_known_afterwards(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (found, client):
        (agent,) = found.agents
        first = await found.client().send("a")
        await found.client().push_create(first.task, config(RPC, client.url))
        given = of_agent(agent, found, first.task)
        theirs = (await found.client(key=BOB).send("b")).context
        stolen = await call_back(given, encode(whole(Task(first.task, theirs, "COMPLETED"), RPC)))
        assert (stolen.status, stolen.message["error"]["message"]) == (404, WAITING)
        assert (await call_back(given, encode(whole(Task(first.task, first.context, "COMPLETED"), RPC)))).status == 200
        (record,) = [each for each in found.gateway.gateway.sessions.all("a2a.finished/") if each.id == first.task]
        assert record.data["state"] == "TASK_STATE_COMPLETED"


# What is refused.

URLS = (
    "http://127.0.0.1:9/in",
    "https://127.0.0.1/in",
    "https://localhost/in",
    "https://[::1]/in",
    "https://10.0.0.1/in",
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "http://example.com/in",
    "file:///etc/passwd",
    "https://user:password@example.com/in",
    "nothing",
    "",
)


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_url_that_the_gateway_must_not_call_is_refused(speech: Speech, tmp_path: Path) -> None:
    async with pushing(tmp_path, push={}) as (found, _):
        (agent,) = found.agents
        caller = found.client(speech)
        task = (await caller.send("a")).task
        for url in URLS:
            given = config(speech, url)
            for answer in (
                await caller.push_create(task, given),
                await caller.send("x", configuration=caller.inline(given)),
                await caller.streamed("x", configuration=caller.inline(given)),
            ):
                refused(answer, BAD_PARAMS)
                assert b"user:password" not in answer.body
        assert agent.operations == ["SendMessage"]


@pytest.mark.parametrize("speech", SPEECHES)
async def test_the_metadata_service_is_refused_even_where_its_network_is_allowed(
    speech: Speech, tmp_path: Path
) -> None:
    async with pushing(tmp_path, push={"allow": ["169.254.0.0/16"]}) as (found, _):
        caller = found.client(speech)
        task = (await caller.send("a")).task
        refused(await caller.push_create(task, config(speech, "http://169.254.169.254/in")), BAD_PARAMS)
        assert found.agents[0].operations == ["SendMessage"]


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_agent_without_push_says_so_before_anything_is_looked_up(speech: Speech, tmp_path: Path) -> None:
    sentence = "Push Notification is not supported"
    async with pushing(tmp_path, Agent(push=False)) as (found, client):
        (agent,) = found.agents
        mine, theirs = found.client(speech), found.client(speech, BOB)
        task = (await mine.send("a")).task
        for caller in (mine, theirs):
            for each in (task, "t-unknown"):
                refused(await caller.push("Get", each, "c-1"), NO_PUSH, sentence)
                refused(await caller.push("List", each), NO_PUSH, sentence)
                refused(await caller.push("Delete", each, "c-1"), NO_PUSH, sentence)
                refused(await caller.push_create(each, config(speech, client.url)), NO_PUSH, sentence)
        inline = mine.inline(config(speech, client.url))
        refused(await mine.send("x", configuration=inline), NO_PUSH, sentence)
        assert agent.operations == ["SendMessage"]
        card = await mine.raw("GET", "/.well-known/agent-card.json")
        assert card.tree["capabilities"]["pushNotifications"] is False


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_configuration_that_the_agent_refuses_is_forgotten(speech: Speech, tmp_path: Path) -> None:
    """So often that an owner's limit would be reached."""
    async with pushing(tmp_path) as (found, client):
        (agent,) = found.agents
        caller = found.client(speech)
        task = (await caller.send("a")).task
        agent.tasks.clear()
        given = config(speech, client.url)
        for number in range(17):
            assert b"the agent has no such task" in (await caller.push_create(task, {**given, "id": f"{number}"})).body
            answer = await caller.send("x", taskId=task, configuration=caller.inline(given))
            assert b"the agent has no such task" in answer.body
        assert repr(found.gateway.gateway.a2a.pushes) == "<Pushes relays=0>"


async def test_push_configurations_are_the_owners(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (found, client):
        (agent,) = found.agents
        task = (await found.client().send("a")).task
        await found.client().push_create(task, config(RPC, client.url))
        for speech in SPEECHES:
            bob = found.client(speech, BOB)
            for answer in (
                await bob.push("Get", task, "c-1"),
                await bob.push("List", task),
                await bob.push("Delete", task, "c-1"),
                await bob.push_create(task, config(speech, client.url)),
            ):
                task_gone(answer, task)
                assert client.url.encode() not in answer.body
        assert len(agent.configs) == 1

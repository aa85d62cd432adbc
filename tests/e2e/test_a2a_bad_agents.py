"""What an agent does wrong: nothing of somebody else's is passed on, and clients hear what is the matter."""

import json
from pathlib import Path

import pytest

from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import Agent, Script, frame
from tests.e2e.a2a_client import Answer
from tests.e2e.a2a_errors import BAD_ANSWER, refused, said
from tests.e2e.a2a_speech import (
    OLD_RPC,
    PAIRS,
    REST,
    RPC,
    SPEECHES,
    Heard,
    Speech,
    Task,
    bare,
    remark,
    result,
    update,
    whole,
)
from tests.e2e.a2a_world import BOB, World, world
from tests.e2e.caller import parse_events
from tests.e2e.gateway import until

pytestmark = pytest.mark.anyio

FOREIGN = "agent support answered with an id that is not this caller's; nothing of it was passed on"
SECRET = "what was said to bob"


def answering(task: Task) -> Script:
    """Whatever is asked, this task is the answer: whole, or in a stream after one event that is right."""

    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        if heard.operation in ("SendMessage", "CancelTask", "GetTask"):
            form = whole if heard.operation == "SendMessage" else bare
            agent.say(wire, 200, result(heard, form(task, heard.speech)))
            return
        own = agent.turn(heard) if heard.operation == "SendStreamingMessage" else agent.tasks[heard.task]
        assert own is not None
        agent.begin(wire)
        wire.send(frame(result(heard, whole(own, heard.speech))) + frame(result(heard, update(task, heard.speech))))
        await agent.hold(wire, agent.news)

    return script


async def of_bob(found: World) -> Task:
    answer = await found.client(key=BOB).send(SECRET)
    assert answer.text == SECRET
    return Task(answer.task, answer.context, text=SECRET)


def unharmed(answer: Answer, task: Task) -> None:
    """Nothing of the other's task is in it."""
    for each in (task.id, task.context, SECRET):
        assert each.encode() not in answer.body


@pytest.mark.parametrize("spoken", [RPC, OLD_RPC])
@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_answer_with_an_id_of_somebody_else_is_not_passed_on(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(spoken)) as found:
        (agent,) = found.agents
        client, theirs = found.client(speech), await of_bob(found)
        mine = await client.send("mine")
        for task in (
            theirs,
            Task("t-new", theirs.context, text=SECRET),
            Task(theirs.id, mine.context, text=SECRET),
            Task(theirs.id, "c-new", text=SECRET),
        ):
            agent.script = answering(task)
            for answer in (await client.send("x", contextId=mine.context), await client.get(mine.task)):
                refused(answer, BAD_ANSWER, FOREIGN)
                assert SECRET.encode() not in answer.body
            refused(await client.cancel(mine.task), BAD_ANSWER, FOREIGN)
        agent.script = None
        assert (await client.get(mine.task)).task == mine.task
        assert (await found.client(speech, BOB).get(theirs.id)).text == SECRET


@pytest.mark.parametrize("spoken", [REST, OLD_RPC])
@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_stream_with_an_id_of_somebody_else_ends_with_an_error(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(spoken)) as found:
        (agent,) = found.agents
        client, theirs = found.client(speech), await of_bob(found)
        mine = await client.send("mine")
        agent.script = answering(theirs)
        for answer in (
            await client.streamed("x"),
            await client.ask("SubscribeToTask", {"id": mine.task}, task=mine.task),
        ):
            first, last = parse_events(answer.body.replace(b"\r\n", b"\n"))
            assert b"mine" in first.data or b'"x"' in first.data
            assert last.name == ("" if speech == OLD_RPC else "error")
            assert json.loads(last.data) == said(speech, BAD_ANSWER, FOREIGN)
            unharmed(answer, theirs)
        await until(lambda: agent.left == 2)  # nothing more is wanted of it
        agent.script = None
        assert (await found.client(key=BOB).get(theirs.id)).text == SECRET


async def test_a_remark_in_a_context_of_somebody_else_is_not_passed_on(tmp_path: Path) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.say(wire, 200, result(heard, remark(SECRET, theirs.context, heard.speech)))

    async with world(tmp_path) as found:
        theirs = await of_bob(found)
        found.agents[0].script = script
        for speech in SPEECHES:
            refused(await found.client(speech).send("x"), BAD_ANSWER, FOREIGN)


async def test_an_id_is_learnt_from_the_top_of_an_answer_only(tmp_path: Path) -> None:
    """What agents put into messages below is made up, and binds nobody."""

    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        tree = bare(Task("t-own", "c-own", text="hello"), heard.speech)
        tree["status"]["message"] |= {"contextId": "c-below", "taskId": "t-below"}
        tree["history"] = [{"contextId": "c-history", "taskId": "t-history"}]
        agent.say(wire, 200, result(heard, {"task": tree}))

    async with world(tmp_path, Agent(RPC)) as found:
        (agent,) = found.agents
        agent.script = script
        assert (await found.client().send("x")).context == "c-own"
        agent.script = None
        for id_ in ("c-below", "c-history"):
            assert (await found.client(key=BOB).send("mine", contextId=id_)).text == "mine"
        for id_ in ("t-below", "t-history"):
            assert b"TASK_NOT_FOUND" in (await found.client().get(id_)).body


# Answers that are none.


def saying(status: int, body: bytes, kind: str = "application/json") -> Script:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.say(wire, status, body, kind)

    return script


HTML = b"<html>502 Bad Gateway</html>"
KEYLESS = "agent support refuses the gateway's credentials (HTTP {}); set agents.support.headers"
ANSWERS: dict[str, tuple[Script, str]] = {
    "HTML": (saying(200, HTML, "text/html"), "agent support answered HTTP 200 with something that is not JSON"),
    "an error page": (
        saying(502, HTML, "text/html"),
        "agent support answered HTTP 502 with something that is not JSON",
    ),
    "no content type": (saying(200, b"{}", "x"), "agent support answered HTTP 200 with something that is not JSON"),
    "401": (saying(401, b'{"error":"no"}'), KEYLESS.format(401)),
    "401 as HTML": (saying(401, HTML, "text/html"), KEYLESS.format(401)),
    "403 as a stream": (saying(403, b"data: x\n\n", "text/event-stream"), KEYLESS.format(403)),
    "500 as a stream": (
        saying(500, b"data: x\n\n", "text/event-stream"),
        "agent support answered HTTP 500 with something that is not JSON",
    ),
}


@pytest.mark.parametrize("speech", SPEECHES)
async def test_what_is_no_answer_of_an_agent_is_not_passed_on_as_one(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        client = found.client(speech)
        task = (await client.send("a")).task
        for script, sentence in ANSWERS.values():
            agent.script = script
            for answer in (await client.send("x"), await client.streamed("x"), await client.get(task)):
                refused(answer, BAD_ANSWER, sentence)
        agent.script = None
        assert (await client.get(task)).task == task
        assert found.instance("one").inflight == 0


@pytest.mark.parametrize("speech", [RPC, OLD_RPC])
async def test_http_errors_without_a_json_rpc_error_are_not_passed_on(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        for status in (400, 404, 500, 503):
            agent.script = saying(status, b'{"detail":"no"}')
            sentence = f"agent support answered HTTP {status} without a JSON-RPC error"
            refused(await found.client(speech).send("x"), BAD_ANSWER, sentence)


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_answer_that_is_too_long_is_not_passed_on(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, max_answer="10KiB") as found:
        (agent,) = found.agents
        agent.script = saying(200, b'{"x":"%b"}' % (b"x" * 20_000))
        refused(await found.client(speech).send("x"), BAD_ANSWER, "the upstream's answer is longer than 10240 bytes")
        agent.script = None
        assert (await found.client(speech).send("x")).text == "x"


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_event_that_is_too_long_ends_the_stream_with_an_error(speech: Speech, tmp_path: Path) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        task = agent.turn(heard)
        assert task is not None
        agent.begin(wire)
        wire.send(frame(result(heard, whole(task, heard.speech))) + frame(b"x" * 20_000))
        await agent.hold(wire, agent.news)

    async with world(tmp_path, max_answer="10KiB") as found:
        (agent,) = found.agents
        agent.script = script
        answer = await found.client(speech).streamed("a")
        *_, last = parse_events(answer.body.replace(b"\r\n", b"\n"))
        sentence = "a server-sent event is larger than 10240 bytes"
        assert json.loads(last.data) == said(speech, BAD_ANSWER, sentence)


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_stream_is_no_answer_to_what_wants_none(speech: Speech, tmp_path: Path) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.begin(wire)
        await agent.hold(wire, agent.news)

    async with world(tmp_path) as found:
        (agent,) = found.agents
        agent.script = script
        answer = await found.client(speech).send("x")
        refused(answer, BAD_ANSWER, "agent support answered SendMessage with a stream")
        await until(lambda: agent.left == 1)
        assert found.instance("one").inflight == 0


async def test_bytes_that_are_no_http_are_an_invalid_answer(tmp_path: Path) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        wire.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await agent.hold(wire, agent.news)

    async with world(tmp_path) as found:
        found.agents[0].script = script
        for speech in SPEECHES:
            refused(await found.client(speech).send("x"), BAD_ANSWER)


@pytest.mark.parametrize(("speech", "spoken"), PAIRS)
async def test_an_error_of_the_agent_reaches_the_caller_in_its_own_form(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    """The agent knows no such task, although it was its own: it has forgotten it."""
    async with world(tmp_path, Agent(spoken)) as found:
        (agent,) = found.agents
        client = found.client(speech)
        task = (await client.send("a")).task
        agent.tasks.clear()
        for answer in (await client.get(task), await client.send("b", taskId=task), await client.cancel(task)):
            code = answer.tree["error"]["code"] if speech.binding == "jsonrpc" else answer.status
            assert code == (-32001 if speech.binding == "jsonrpc" else 404), answer.body
            assert b"the agent has no such task" in answer.body


NONSENSE = (b"[]", b"7", b"{", b'"x"')
NO_ENVELOPE = (b'{"x":1}', b'{"jsonrpc":"2.0","id":"r-1"}', b'{"jsonrpc":"2.0","id":"r-1","result":7}')


@pytest.mark.parametrize("spoken", SPEECHES)
async def test_json_that_means_nothing_is_bridged_to_nobody(spoken: Speech, tmp_path: Path) -> None:
    """Where client and agent speak alike it is the client's to read; where not, there is nothing to convert."""
    async with world(tmp_path, Agent(spoken)) as found:
        for body in NONSENSE + (NO_ENVELOPE if spoken.binding == "jsonrpc" else ()):
            found.agents[0].script = saying(200, body)
            for speech in SPEECHES:
                answer = await found.client(speech).send("x")
                if speech == spoken:
                    assert (answer.status, answer.body) == (200, body)
                else:
                    refused(answer, BAD_ANSWER)

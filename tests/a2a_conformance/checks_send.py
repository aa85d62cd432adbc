"""Checks of sending: results, ids, conversations over several turns, content, configuration, refusals."""

import asyncio
import base64
from typing import Any

import msgspec

from bench.a2a_heard import Heard
from bench.a2a_speech import Said, Wire, get, send
from tests.a2a_conformance.kit import (
    ALL,
    ASKS,
    COMPLETE,
    DONE,
    INVALID_PARAMS,
    SLOW,
    TASK_NOT_FOUND,
    UNSUPPORTED,
    V03_REST,
    V03_RPC,
    V1,
    V1_REST,
    V1_RPC,
    WANTS_INPUT,
    Peer,
    check,
    equal,
    expect,
)

HELD = "tck-artifact-text"


def changed(wire: Wire, change: Any) -> Wire:
    """The request with `change(params)` made to its params, or to its body in HTTP+JSON."""
    body = msgspec.json.decode(wire.body)
    change(body.get("params", body))
    return Wire(wire.method, wire.path, msgspec.json.encode(body), wire.headers)


def artifact_parts(peer: Peer, heard: Heard) -> list[dict[str, Any]]:
    result = peer.result(heard)
    artifacts = result.get("task", result).get("artifacts", [])
    return [part for each in artifacts for part in each["parts"]]


def history(peer: Peer, heard: Heard) -> list[dict[str, Any]]:
    result = peer.result(heard)
    found: list[dict[str, Any]] = result.get("task", result).get("history", [])
    return found


@check("SEND-01", "a message is answered with a completed task that has ids")
async def _completes(peer: Peer) -> None:
    heard = await peer.told()
    equal((heard.kind, heard.state, heard.question), ("task", DONE, "Hello from the agent"), "result")
    expect(heard.task and heard.context, heard)


@check("SEND-02", "a message may be answered with a message")
async def _message(peer: Peer) -> None:
    heard = await peer.told("tck-message-response")
    equal((heard.kind, heard.text), ("message", "Direct message response"), "result")
    expect(heard.context, heard)


@check("SEND-03", "a context id that the client made is kept")
async def _minted(peer: Peer) -> None:
    context = peer.new("context")
    equal((await peer.told(context=context)).context, context, "context")


@check("SEND-04", "without a context each message begins a conversation of its own")
async def _generated(peer: Peer) -> None:
    first, second = await peer.told(), await peer.told()
    expect(first.context != second.context and first.task != second.task, (first, second))


@check("SEND-05", "tasks of one context have ids of their own and share the context")
async def _same_context(peer: Peer) -> None:
    first = await peer.told()
    second = await peer.told(context=first.context)
    equal(second.context, first.context, "context")
    expect(first.task != second.task, first.task)


@check("SEND-06", "a message to a task that does not exist is refused")
async def _unknown_task(peer: Peer) -> None:
    await peer.refused(peer.saying(COMPLETE, task=peer.new("nowhere")), TASK_NOT_FOUND)


@check("SEND-07", "a message to a task that is over is refused")
async def _terminal(peer: Peer) -> None:
    heard = await peer.told()
    await peer.refused(peer.saying(COMPLETE, task=heard.task, context=heard.context), UNSUPPORTED)


@check("SEND-08", "a context that does not belong to the task is refused")
async def _mismatch(peer: Peer) -> None:
    heard = await peer.told(WANTS_INPUT)
    await peer.refused(peer.saying(COMPLETE, task=heard.task, context=peer.new("other")), INVALID_PARAMS)


@check("SEND-09", "a task that asks is continued by task and context")
async def _continued(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    equal((asked.state, asked.question), (ASKS, "What else?"), "first turn")
    done = await peer.told(COMPLETE, task=asked.task, context=asked.context)
    equal((done.state, done.task, done.context), (DONE, asked.task, asked.context), "second turn")


@check("SEND-10", "a task that asks is continued by its id alone")
async def _by_task(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    done = await peer.told(COMPLETE, task=asked.task)
    equal((done.state, done.task, done.context), (DONE, asked.task, asked.context), "second turn")


@check("SEND-11", "a task may ask several times")
async def _several(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    for _ in range(3):
        again = await peer.told(WANTS_INPUT, task=asked.task, context=asked.context)
        equal((again.state, again.task), (ASKS, asked.task), "next turn")


@check("SEND-12", "a refused task is rejected, a broken one failed")
async def _ends(peer: Peer) -> None:
    states = [(await peer.told(each)).state for each in ("tck-reject-task", "tck-fail-task")]
    equal(states, ["TASK_STATE_REJECTED", "TASK_STATE_FAILED"], "states")


@check("SEND-13", "text, a file, a file by URL and data arrive as artifacts")
async def _artifacts(peer: Peer) -> None:
    equal((await peer.told("tck-artifact-text")).text, "Generated text content", "text")
    raw = base64.b64encode(b"tck").decode()
    if peer.speech == V03_REST:  # where the SDK's servers encode what is encoded already
        raw = base64.b64encode(raw.encode()).decode()
    wanted = {
        "tck-artifact-file": ("output.txt", raw),
        "tck-artifact-file-url": ("output.txt", "https://example.com/output.txt"),
        "tck-artifact-data": ('"count":42', '"key":"value"'),
    }
    for behaviour, pieces in wanted.items():
        written = msgspec.json.encode(artifact_parts(peer, await peer.told(behaviour))).decode()
        written = written.replace("42.0", "42")
        expect(all(piece in written for piece in pieces), f"{behaviour}: {written}")


@check("SEND-14", "who does not want to wait gets the task while it works")
async def _immediate(peer: Peer) -> None:
    heard = await peer.told(SLOW, immediate=True)
    expect(heard.state in ("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING"), heard.state)


@check("SEND-15", "otherwise the answer waits until the task is over")
async def _waits(peer: Peer) -> None:
    equal((await peer.told(SLOW)).state, DONE, "state")


@check("SEND-16", "a history of no length is left out", V1)  # in 0.3 the SDK takes 0 for absent
async def _no_history(peer: Peer) -> None:
    heard = await peer.told(COMPLETE, history=0)
    equal(history(peer, heard), [], "history")


@check("SEND-17", "what the agent raises arrives with its code and reason")
async def _errors(peer: Peer) -> None:
    codes = {"content-type": -32005, "unsupported": -32004, "params": -32602, "extension": -32008, "internal": -32603}
    for which, code in codes.items():
        await peer.refused(peer.saying(f"tck-error-{which}"), code)


@check("SEND-18", "a message without parts or without an id is refused", (V1_RPC, V1_REST, V03_RPC))
async def _incomplete(peer: Peer) -> None:
    for member in ("parts", "messageId"):
        wire = changed(peer.saying(COMPLETE), lambda params, member=member: params["message"].pop(member))
        failure = (await peer.ask(wire)).failure
        expect(failure is not None, f"it was taken without {member}")
        assert failure is not None
        expect(failure.code in (-32602, -32600, 400), failure)


@check("SEND-19", "members that nobody knows do no harm")
async def _unknown_members(peer: Peer) -> None:
    def add(params: dict[str, Any]) -> None:
        params["xUnknown"] = {"a": [1, None]}
        params["message"]["xUnknown"] = "b"

    heard = await peer.hears(changed(peer.saying(COMPLETE), add))
    equal(heard.state, DONE, "state")


@check("SEND-20", "ids may be spelt in snake_case", (V1_RPC, V1_REST, V03_REST))
async def _snake(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)

    def respell(params: dict[str, Any]) -> None:
        message = params["message"]
        for camel, snake in (("contextId", "context_id"), ("taskId", "task_id"), ("messageId", "message_id")):
            message[snake] = message.pop(camel)

    wire = peer.saying(COMPLETE, task=asked.task, context=asked.context)
    done = await peer.hears(changed(wire, respell))
    equal((done.state, done.task, done.context), (DONE, asked.task, asked.context), "second turn")


@check("SEND-21", "text in any script, nested metadata and large text survive")
async def _content(peer: Peer) -> None:
    text = "Grüße, 你好, \U0001f44b \u202e \\u0000 </script> " + "x" * 200_000
    metadata = {"deep": {"list": [1.5, "two", None, {"three": True}]}, "empty": {}}
    wire = peer.saying(HELD, text)
    heard = await peer.hears(changed(wire, lambda params: params["message"].update(metadata=metadata)))
    (kept,) = history(peer, await peer.hears(get(peer.speech, heard.task)))
    equal((kept.get("parts") or kept["content"])[0]["text"], text, "text")
    equal(kept["metadata"], metadata, "metadata")


@check("SEND-22", "tasks that are mentioned belong to the conversation", V1)
async def _references(peer: Peer) -> None:
    first = await peer.told()
    second = await peer.told(references=(first.task,), context=first.context)
    equal((second.state, second.context), (DONE, first.context), "second task")


@check("SEND-23", "a message that mentions a task of nobody is no crash", V1)
async def _odd_reference(peer: Peer) -> None:
    answer = await peer.say(COMPLETE, references=(peer.new("nowhere"),))
    expect(answer.failure is None or answer.failure.reason == "TASK_NOT_FOUND", answer.body)


@check("SEND-24", "ids in two spellings are refused: the agent might read the other one", V1, better=True)
async def _two_spellings(peer: Peer) -> None:
    mine = await peer.told(WANTS_INPUT)
    wire = peer.saying(COMPLETE, context=mine.context)
    wire = changed(wire, lambda params: params["message"].update(context_id=peer.new("other")))
    await peer.refused(wire, INVALID_PARAMS)


@check("SEND-25", "an id that is named twice is refused", V1, better=True)
async def _twice(peer: Peer) -> None:
    wire = peer.saying(COMPLETE, context=peer.new("one"))
    twice = wire.body.replace(b'"contextId":', b'"contextId":"two","contextId":')
    answer = await peer.ask(Wire(wire.method, wire.path, twice, wire.headers))
    expect(answer.failure is not None and answer.failure.code in (INVALID_PARAMS, 400), answer.body)


@check("SEND-26", "many messages at once get tasks of their own, which stay readable")
async def _many(peer: Peer) -> None:
    heard = await asyncio.gather(*(peer.told(HELD) for _ in range(12)))
    equal(len({each.task for each in heard}), 12, "tasks")
    again = await asyncio.gather(*(peer.hears(get(peer.speech, each.task)) for each in heard))
    equal([(each.task, each.context) for each in again], [(each.task, each.context) for each in heard], "ids")


@check("SEND-27", "first messages of one new conversation may come at once")
async def _parallel(peer: Peer) -> None:
    context = peer.new("minted")
    heard = await asyncio.gather(*(peer.told(HELD, context=context) for _ in range(6)))
    equal({each.context for each in heard}, {context}, "contexts")
    for each in heard:
        equal((await peer.hears(get(peer.speech, each.task))).context, context, "context of the task")


@check("SEND-28", "a repeated message is a new message", ALL)
async def _repeated(peer: Peer) -> None:
    said = Said("hello", peer.new(COMPLETE))
    first, second = [await peer.hears(send(peer.speech, said)) for _ in range(2)]
    equal((first.state, second.state), (DONE, DONE), "states")

"""Checks of streams: form, order, ids, ends, and streams that are watched by others."""

import asyncio

from bench.a2a_heard import Answer, Heard
from bench.a2a_speech import Wire, cancel, get, subscribe
from tests.a2a_conformance.kit import (
    ALL,
    ASKS,
    CANCELED,
    COMPLETE,
    DONE,
    REST,
    RPC,
    SLOW,
    TASK_NOT_FOUND,
    UNSUPPORTED,
    V03_RPC,
    V1,
    WANTS_INPUT,
    WORKING,
    Peer,
    check,
    equal,
    expect,
)

ORDERED = "tck-stream-ordering-001"
SECONDS = 20.0


async def streamed(peer: Peer, behaviour: str, **more: str) -> Answer:
    answer = await peer.ask(peer.saying(behaviour, stream=True, **more))
    peer.fine(answer)
    return answer


def outline(events: list[Heard]) -> list[str]:
    """Kinds, and the states that they tell."""
    return [each.kind if each.kind == "artifactUpdate" else f"{each.kind} {each.state}" for each in events]


@check("STREAM-01", "a stream is an event stream")
async def _form(peer: Peer) -> None:
    answer = await streamed(peer, "tck-stream-001")
    expect(answer.streamed, answer.headers)


@check("STREAM-02", "task, work, artifact and end come in this order")
async def _order(peer: Peer) -> None:
    wanted = ["task TASK_STATE_SUBMITTED", f"statusUpdate {WORKING}", "artifactUpdate", f"statusUpdate {DONE}"]
    for behaviour in (ORDERED, "tck-stream-001", "tck-stream-003"):
        equal(outline((await streamed(peer, behaviour)).heard), wanted, behaviour)


@check("STREAM-03", "every event names the same task and context")
async def _ids(peer: Peer) -> None:
    context = peer.new("context")
    events = (await streamed(peer, ORDERED, context=context)).heard
    equal({each.context for each in events}, {context}, "contexts")
    equal(len({each.task for each in events}), 1, "tasks")


@check("STREAM-04", "a message is a stream of one event")
async def _message(peer: Peer) -> None:
    (heard,) = (await streamed(peer, "tck-message-response")).heard
    equal((heard.kind, heard.text), ("message", "Direct message response"), "event")


@check("STREAM-05", "chunks of an artifact come one after the other")
async def _chunks(peer: Peer) -> None:
    events = [each for each in (await streamed(peer, "tck-stream-artifact-chunked")).heard if each.text]
    equal([each.text for each in events], ["chunk-1 ", "chunk-2"], "chunks")
    flags = []
    for each in events:
        result = peer.result(each)
        update = result.get("artifactUpdate", result)
        flags.append((bool(update.get("append")), bool(update.get("lastChunk"))))
    equal(flags, [(False, False), (True, True)], "append and lastChunk")


@check("STREAM-06", "a stream ends when the task does, or asks")
async def _ends(peer: Peer) -> None:
    for behaviour, state in (("tck-stream-002", DONE), (WANTS_INPUT, ASKS), ("tck-reject-task", "TASK_STATE_REJECTED")):
        equal((await streamed(peer, behaviour)).heard[-1].state, state, behaviour)


@check("STREAM-07", "in 0.3 the last event says that it is the last", [V03_RPC])
async def _final(peer: Peer) -> None:
    events = (await streamed(peer, ORDERED)).heard
    finals = [each.raw["result"].get("final") for each in events if each.kind == "statusUpdate"]
    equal(finals, [False, True], "final")


@check("STREAM-08", "what fails before the first event is no stream", V1)
async def _no_stream(peer: Peer) -> None:
    answer = await peer.ask(peer.saying(COMPLETE, stream=True, task=peer.new("nowhere")))
    expect(not answer.streamed, answer.headers)
    peer.refusal(answer, TASK_NOT_FOUND)


@check("STREAM-09", "in 0.3 it is an error, in whatever form", [V03_RPC])
async def _legacy_error(peer: Peer) -> None:
    peer.refusal(await peer.ask(peer.saying(COMPLETE, stream=True, task=peer.new("nowhere"))), TASK_NOT_FOUND)


@check("STREAM-10", "every event carries the request's id", RPC)
async def _ident(peer: Peer) -> None:
    for ident in ("an id", 7):
        wire = peer.saying(ORDERED, stream=True)
        body = wire.body.replace(b'"id":1,', b'"id":7,' if ident == 7 else b'"id":"an id",', 1)
        answer = await peer.ask(Wire(wire.method, wire.path, body, wire.headers))
        equal([each.raw["id"] for each in answer.heard], [ident] * 4, "ids")


@check("STREAM-11", "files arrive in streams")
async def _file(peer: Peer) -> None:
    answer = await streamed(peer, "tck-stream-artifact-file")
    # In HTTP+JSON 0.3 the SDK's servers encode what is encoded already.
    expect(b"dGNr" in answer.body or b"ZEdOcg==" in answer.body, answer.body)
    expect(b"output.txt" in answer.body, answer.body)


@check("STREAM-12", "streams at the same time do not mix")
async def _apart(peer: Peer) -> None:
    answers = await asyncio.gather(*(streamed(peer, ORDERED) for _ in range(6)))
    tasks = [{each.task for each in answer.heard} for answer in answers]
    expect(all(len(each) == 1 for each in tasks), tasks)
    equal(len(set.union(*tasks)), 6, "tasks")


@check("STREAM-13", "a task that asked is continued by a stream")
async def _continued(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    events = (await streamed(peer, ORDERED, task=asked.task, context=asked.context)).heard
    equal(({each.task for each in events}, events[-1].state), ({asked.task}, DONE), "second turn")


@check("STREAM-14", "what a stream told is what can be fetched afterwards")
async def _kept(peer: Peer) -> None:
    events = (await streamed(peer, "tck-stream-artifact-chunked")).heard
    kept = await peer.hears(get(peer.speech, events[0].task))
    equal((kept.state, kept.text), (DONE, "chunk-1 chunk-2"), "task")


@check("STREAM-15", "a message to a task that is over is refused", V1)
async def _terminal(peer: Peer) -> None:
    done = await peer.told()
    wire = peer.saying(COMPLETE, stream=True, task=done.task, context=done.context)
    await peer.refused(wire, UNSUPPORTED)


@check("SUB-01", "who subscribes sees the task first, then the rest")
async def _subscribe(peer: Peer) -> None:
    started = await peer.told(SLOW, immediate=True)
    async with asyncio.timeout(SECONDS), peer.agent.follow(peer.speech, subscribe(peer.speech, started.task)) as events:
        seen = [each async for each in events]
    equal((seen[0].kind, seen[0].task), ("task", started.task), "first event")
    equal(seen[-1].state, DONE, "last event")


@check("SUB-02", "several watch one task and see the same in the same order")
async def _several(peer: Peer) -> None:
    async with asyncio.timeout(SECONDS):
        started = await peer.told(SLOW, immediate=True)
        answers = await asyncio.gather(*(peer.ask(subscribe(peer.speech, started.task)) for _ in range(3)))
    ends = [outline(answer.heard)[-1] for answer in answers]
    equal(ends, [f"statusUpdate {DONE}"] * 3, "last events")


@check("SUB-03", "a task that is over cannot be subscribed to", V1)
async def _over(peer: Peer) -> None:
    await peer.refused(subscribe(peer.speech, (await peer.told()).task), UNSUPPORTED)


@check("SUB-04", "a task that does not exist cannot be subscribed to", V1)
async def _unknown(peer: Peer) -> None:
    await peer.refused(subscribe(peer.speech, peer.new("nowhere")), TASK_NOT_FOUND)


@check("SUB-05", "subscribing is a GET or a POST", REST)
async def _verbs(peer: Peer) -> None:
    for verb in ("GET", "POST"):
        started = await peer.told(SLOW, immediate=True)
        answer = await peer.ask(subscribe(peer.speech, started.task, verb=verb))
        equal((answer.one.kind, answer.heard[-1].state), ("task", DONE), verb)


@check("SUB-06", "a task goes on when the one who watches leaves", ALL)
async def _leaves(peer: Peer) -> None:
    async with asyncio.timeout(SECONDS):
        async with peer.agent.follow(peer.speech, peer.saying(SLOW, stream=True)) as events:
            task = (await anext(events)).task
        answer = await peer.ask(subscribe(peer.speech, task))
    equal((answer.one.task, answer.heard[-1].state), (task, DONE), "task")


@check("SUB-07", "who watches hears that the task was cancelled")
async def _cancelled(peer: Peer) -> None:
    async with asyncio.timeout(SECONDS):
        started = await peer.told(WANTS_INPUT)
        async with peer.agent.follow(peer.speech, subscribe(peer.speech, started.task)) as events:
            equal((await anext(events)).task, started.task, "first event")
            await peer.hears(cancel(peer.speech, started.task))
            equal([each.state async for each in events], [CANCELED], "the rest")


@check("SUB-08", "in 0.3 refusals of subscriptions carry their code", [V03_RPC])
async def _legacy(peer: Peer) -> None:
    peer.refusal(await peer.ask(subscribe(peer.speech, peer.new("nowhere"))), TASK_NOT_FOUND)
    peer.refusal(await peer.ask(subscribe(peer.speech, (await peer.told()).task)), UNSUPPORTED)


@check("SUB-09", "in 0.3 a refusal is the only event of a stream", [V03_RPC])
async def _legacy_form(peer: Peer) -> None:
    for wire in (
        subscribe(peer.speech, peer.new("nowhere")),
        peer.saying(COMPLETE, stream=True, task=peer.new("nowhere")),
    ):
        answer = await peer.ask(wire)
        expect(answer.streamed, answer.headers)
        equal(len(answer.heard), 1, "events")
        peer.refusal(answer, TASK_NOT_FOUND)

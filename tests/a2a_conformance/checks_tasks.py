"""Checks of tasks: fetching, listing page by page, cancelling."""

import asyncio
from typing import Any

from bench.a2a_heard import Heard
from bench.a2a_speech import SPEECHES, cancel, get, name, tasks
from tests.a2a_conformance.kit import (
    ASKS,
    CANCELED,
    COMPLETE,
    DONE,
    INVALID_PARAMS,
    NOT_CANCELABLE,
    SLOW,
    TASK_NOT_FOUND,
    V03_REST,
    V03_RPC,
    V1,
    V1_RPC,
    WANTS_INPUT,
    Peer,
    check,
    equal,
    expect,
)


async def listed(peer: Peer, **filters: Any) -> dict[str, Any]:
    found = peer.result(await peer.hears(tasks(peer.speech, **filters)))
    assert isinstance(found, dict)
    return found


async def in_one_context(peer: Peer, count: int) -> tuple[str, list[Heard]]:
    context = peer.new("context")
    return context, [await peer.told("tck-artifact-text", context=context) for _ in range(count)]


@check("GET-01", "a task is fetched as it was told")
async def _get(peer: Peer) -> None:
    told = await peer.told("tck-artifact-text")
    kept = await peer.hears(get(peer.speech, told.task))
    wanted = ("task", told.task, told.context, DONE, "Generated text content")
    equal((kept.kind, kept.task, kept.context, kept.state, kept.text), wanted, "task")


@check("GET-02", "a task that does not exist is not found")
async def _unknown(peer: Peer) -> None:
    await peer.refused(get(peer.speech, peer.new("nowhere")), TASK_NOT_FOUND)


@check("GET-03", "a history is as long as is asked for")
async def _history(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    for number in range(2):
        await peer.told(WANTS_INPUT, text=f"more {number}", task=asked.task, context=asked.context)
    lengths = []
    for wanted in (None, 1, 2, 100):
        kept = await peer.hears(get(peer.speech, asked.task, wanted))
        lengths.append(len(peer.result(kept).get("history", [])))
    expect(lengths[0] >= 3 and lengths[1:3] == [1, 2] and lengths[3] == lengths[0], lengths)


@check("GET-04", "no history is told if its length is 0", V1)  # in 0.3 the SDK takes 0 for absent
async def _none(peer: Peer) -> None:
    kept = await peer.hears(get(peer.speech, (await peer.told()).task, 0))
    equal(peer.result(kept).get("history", []), [], "history")


@check("GET-05", "a history of negative length is refused", V1)
async def _negative(peer: Peer) -> None:
    await peer.refused(get(peer.speech, (await peer.told()).task, -1), INVALID_PARAMS)


@check("GET-06", "a task is not wrapped when it is fetched", V1)
async def _bare(peer: Peer) -> None:
    kept = peer.result(await peer.hears(get(peer.speech, (await peer.told()).task)))
    expect("task" not in kept and kept["status"]["state"] == DONE, kept)


@check("GET-07", "a task is the same in every version and binding")
async def _everywhere(peer: Peer) -> None:
    told = await peer.told("tck-artifact-text")
    for speech in SPEECHES:
        kept = await peer.in_speech(speech).hears(get(speech, told.task))
        equal((kept.task, kept.context, kept.text), (told.task, told.context, "Generated text content"), name(speech))


@check("GET-08", "an id with odd characters is not found, and does no harm")
async def _odd(peer: Peer) -> None:
    for ident in ("..", "a b", "ü", "a%2Fb", "x" * 400, "';--"):
        failure = (await peer.ask(get(peer.speech, ident))).failure
        expect(failure is not None and failure.code in (TASK_NOT_FOUND, INVALID_PARAMS, 404, 400), (ident, failure))


@check("GET-09", "the end of a slow task can be fetched while others work")
async def _slow(peer: Peer) -> None:
    started = await peer.told(SLOW, immediate=True)
    await asyncio.gather(*(peer.told() for _ in range(4)))
    kept = await peer.hears(get(peer.speech, started.task))
    equal(kept.task, started.task, "task")


@check("LIST-01", "the tasks of a context are listed, latest first", V1)
async def _list(peer: Peer) -> None:
    context, told = await in_one_context(peer, 3)
    found = await listed(peer, contextId=context)
    equal([each["id"] for each in found["tasks"]], [each.task for each in reversed(told)], "tasks")
    equal({each["contextId"] for each in found["tasks"]}, {context}, "contexts")


@check("LIST-02", "pages hold every task once", V1)
async def _pages(peer: Peer) -> None:
    context, told = await in_one_context(peer, 5)
    seen, token, sizes = [], "", []
    for _ in range(5):
        page = await listed(peer, contextId=context, pageSize=2, **({"pageToken": token} if token else {}))
        seen += [each["id"] for each in page["tasks"]]
        sizes.append((page["totalSize"], page["pageSize"]))
        token = page["nextPageToken"]
        if not token:
            break
    equal(seen, [each.task for each in reversed(told)], "tasks")
    equal(sizes, [(5, 2)] * 3, "totalSize and pageSize")


@check("LIST-03", "a page size out of bounds is refused", V1)
async def _sizes(peer: Peer) -> None:
    for size in (0, -1, 101):
        await peer.refused(tasks(peer.speech, contextId=peer.new("context"), pageSize=size), INVALID_PARAMS)


@check("LIST-04", "tasks are listed by state", V1)
async def _states(peer: Peer) -> None:
    context = peer.new("context")
    asked = await peer.told(WANTS_INPUT, context=context)
    await peer.told(COMPLETE, context=context)
    found = await listed(peer, contextId=context, status=ASKS)
    equal(([each["id"] for each in found["tasks"]], found["totalSize"]), ([asked.task], 1), "tasks")


@check("LIST-05", "artifacts are listed only if they are asked for", V1)
async def _artifacts(peer: Peer) -> None:
    context, _ = await in_one_context(peer, 1)
    without = (await listed(peer, contextId=context))["tasks"][0]
    with_them = (await listed(peer, contextId=context, includeArtifacts=True))["tasks"][0]
    equal(("artifacts" in without, len(with_them["artifacts"])), (False, 1), "artifacts")


@check("LIST-06", "a list has every required member even if it is empty", V1)
async def _empty(peer: Peer) -> None:
    found = await listed(peer, contextId=peer.new("context"))
    equal((found["tasks"], found["totalSize"], found["nextPageToken"]), ([], 0, ""), "list")
    expect(found["pageSize"] >= 1, found)


@check("LIST-07", "a page token that nobody gave is refused", V1)
async def _token(peer: Peer) -> None:
    context, _ = await in_one_context(peer, 1)
    await peer.refused(tasks(peer.speech, contextId=context, pageToken="nonsense"), INVALID_PARAMS)


@check("LIST-08", "tasks are listed by the time of their last change", V1)
async def _after(peer: Peer) -> None:
    context, _ = await in_one_context(peer, 1)
    past = await listed(peer, contextId=context, statusTimestampAfter="2020-01-01T00:00:00Z")
    future = await listed(peer, contextId=context, statusTimestampAfter="2999-01-01T00:00:00Z")
    equal((past["totalSize"], future["totalSize"]), (1, 0), "sizes")


@check("LIST-09", "listed tasks have no more history than is asked for", V1)
async def _history_listed(peer: Peer) -> None:
    context, _ = await in_one_context(peer, 1)
    (task,) = (await listed(peer, contextId=context, historyLength=0))["tasks"]
    equal(task.get("history", []), [], "history")


@check("LIST-10", "the context may be spelt in snake_case", [V1_RPC])
async def _snake(peer: Peer) -> None:
    context, told = await in_one_context(peer, 2)
    found = await listed(peer, context_id=context)
    equal({each["id"] for each in found["tasks"]}, {each.task for each in told}, "tasks")


@check("LIST-11", "0.3 knows no lists of tasks", [V03_RPC])
async def _legacy(peer: Peer) -> None:
    await peer.refused(tasks(peer.speech, contextId=peer.new("context")), -32601)


@check("LIST-12", "0.3 knows no lists of tasks in HTTP either", [V03_REST])
async def _legacy_rest(peer: Peer) -> None:
    answer = await peer.ask(tasks(peer.speech, contextId=peer.new("context")))
    expect(answer.status in (400, 404, 405, 501), answer.status)


@check("LIST-13", "all tasks are listed without a context, each once", V1)
async def _all(peer: Peer) -> None:
    told = {(await peer.told()).task for _ in range(6)}
    seen: list[str] = []
    token = ""
    for _ in range(100):
        page = await listed(peer, pageSize=50, **({"pageToken": token} if token else {}))
        seen += [each["id"] for each in page["tasks"]]
        token = page["nextPageToken"]
        if not token or told <= set(seen):
            break
    expect(told <= set(seen), f"{len(told - set(seen))} are missing")
    equal(len(seen), len(set(seen)), "tasks listed")


@check("LIST-14", "size, token and all other members may be spelt in snake_case", [V1_RPC])
async def _snake_pages(peer: Peer) -> None:
    context, told = await in_one_context(peer, 3)
    first = await listed(peer, context_id=context, page_size=2, history_length=0)
    equal((first["pageSize"], len(first["tasks"])), (2, 2), "pageSize and tasks")
    rest = await listed(peer, context_id=context, page_size=2, page_token=first["nextPageToken"])
    equal([each["id"] for each in rest["tasks"]], [told[0].task], "second page")


@check("CANCEL-01", "a task that asks is cancelled")
async def _cancel(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    gone = await peer.hears(cancel(peer.speech, asked.task))
    equal((gone.task, gone.state), (asked.task, CANCELED), "task")
    equal((await peer.hears(get(peer.speech, asked.task))).state, CANCELED, "state afterwards")


@check("CANCEL-02", "a task that works is cancelled")
async def _working(peer: Peer) -> None:
    started = await peer.told(SLOW, immediate=True)
    equal((await peer.hears(cancel(peer.speech, started.task))).state, CANCELED, "state")


@check("CANCEL-03", "a task that is over cannot be cancelled")
async def _over(peer: Peer) -> None:
    await peer.refused(cancel(peer.speech, (await peer.told()).task), NOT_CANCELABLE)


@check("CANCEL-04", "a task that does not exist cannot be cancelled")
async def _cancel_unknown(peer: Peer) -> None:
    await peer.refused(cancel(peer.speech, peer.new("nowhere")), TASK_NOT_FOUND)


@check("CANCEL-05", "a task is cancelled once")
async def _twice(peer: Peer) -> None:
    asked = await peer.told(WANTS_INPUT)
    await peer.hears(cancel(peer.speech, asked.task))
    await peer.refused(cancel(peer.speech, asked.task), NOT_CANCELABLE)

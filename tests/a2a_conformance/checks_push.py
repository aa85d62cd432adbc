"""Checks of push notifications: configurations kept, shown, listed and deleted; callbacks with their credentials."""

import asyncio
from collections.abc import Iterator

import msgspec

from bench.a2a_heard import Heard, hear
from bench.a2a_speech import Push, push_create, push_delete, push_get, push_list
from tests.a2a_conformance.kit import (
    COMPLETE,
    DONE,
    TASK_NOT_FOUND,
    V03_REST,
    V03_RPC,
    V1,
    V1_REST,
    V1_RPC,
    WANTS_INPUT,
    Failed,
    Peer,
    check,
    equal,
    expect,
)
from tests.samples.receiver import Received, received

HOOK = "http://127.0.0.1:9/hook"
DELETES = (V1_RPC, V1_REST, V03_RPC)
"""The SDK's servers have no DELETE in HTTP+JSON 0.3."""


def config_in(value: object) -> dict[str, object]:
    """The configuration that an answer holds, whatever it is wrapped in."""
    if isinstance(value, dict):
        if "url" in value:
            return value
        return next((found for each in value.values() if (found := config_in(each))), {})
    return {}


async def created(peer: Peer, task: str, push: Push) -> dict[str, object]:
    return config_in(peer.result(await peer.hears(push_create(peer.speech, task, push))))


@check("PUSH-01", "a configuration is kept and shown as it was given")
async def _create(peer: Peer) -> None:
    task, push = (await peer.told(WANTS_INPUT)).task, Push(HOOK, peer.new("config"), "a token")
    shown = await created(peer, task, push)
    kept = config_in(peer.result(await peer.hears(push_get(peer.speech, task, push.id))))
    for each in (shown, kept):
        equal((each.get("url"), each.get("id"), each.get("token")), (HOOK, push.id, "a token"), "configuration")


@check("PUSH-02", "configurations of a task are listed")
async def _list(peer: Peer) -> None:
    task = (await peer.told(WANTS_INPUT)).task
    pushes = [Push(f"{HOOK}/{number}", peer.new("config")) for number in range(2)]
    for push in pushes:
        await created(peer, task, push)
    answer = peer.result(await peer.hears(push_list(peer.speech, task)))
    entries = answer.get("configs", []) if isinstance(answer, dict) else answer
    found = {(each.get("url"), each.get("id")) for each in map(config_in, entries)}
    equal(found, {(push.url, push.id) for push in pushes}, "configurations")


@check("PUSH-03", "a deleted configuration is gone, and may be deleted again", DELETES)
async def _delete(peer: Peer) -> None:
    task, push = (await peer.told(WANTS_INPUT)).task, Push(HOOK, peer.new("config"))
    await created(peer, task, push)
    for _ in range(2):
        answer = await peer.ask(push_delete(peer.speech, task, push.id))
        expect(answer.status in (200, 204) and answer.failure is None, answer.body)
    await peer.refused(push_get(peer.speech, task, push.id), TASK_NOT_FOUND)


@check("PUSH-04", "a task that does not exist has no configurations")
async def _unknown_task(peer: Peer) -> None:
    task, push = peer.new("nowhere"), Push(HOOK, peer.new("config"))
    wires = [push_create(peer.speech, task, push), push_get(peer.speech, task, push.id), push_list(peer.speech, task)]
    for wire in [*wires, *([push_delete(peer.speech, task, push.id)] if peer.speech in DELETES else [])]:
        await peer.refused(wire, TASK_NOT_FOUND)


@check("PUSH-05", "a configuration that does not exist is not found")
async def _unknown_config(peer: Peer) -> None:
    task = (await peer.told(WANTS_INPUT)).task
    await peer.refused(push_get(peer.speech, task, peer.new("config")), TASK_NOT_FOUND)


@check("PUSH-06", "a configuration without an id is given one", [V1_RPC, V1_REST, V03_RPC])
async def _nameless(peer: Peer) -> None:
    task = (await peer.told(WANTS_INPUT)).task
    expect((await created(peer, task, Push(HOOK))).get("id"), "no id")


async def until_done(arrived: Iterator[Received]) -> list[Received]:
    """Callbacks until the task's end. A client of 0.3 may be called in either version's form."""
    seen: list[Received] = []
    while not seen or told_by(seen[-1]).state != DONE:
        seen.append(await asyncio.to_thread(next, arrived))
        if len(seen) > 20:
            raise Failed(f"no end among {len(seen)} callbacks")
    return seen


def told_by(callback: Received) -> Heard:
    return hear(V1_REST, msgspec.json.encode(callback.body))


@check("PUSH-07", "changes of a task are called back, with token and credentials")
async def _delivered(peer: Peer) -> None:
    with received() as (hook, arrived):
        asked = await peer.told(WANTS_INPUT)
        await created(peer, asked.task, Push(hook, peer.new("config"), "a token", "Bearer", "credentials"))
        await peer.told(COMPLETE, task=asked.task, context=asked.context)
        seen = await until_done(arrived)
    equal({each.token for each in seen}, {"a token"}, "X-A2A-Notification-Token")
    equal({each.authorization for each in seen}, {"Bearer credentials"}, "Authorization")
    equal({told_by(each).task for each in seen}, {asked.task}, "tasks")
    equal({told_by(each).context for each in seen}, {asked.context}, "contexts")
    if peer.is_v1:
        expect(all(len(each.body) == 1 for each in seen), "a body is no StreamResponse")


@check("PUSH-08", "a configuration may come with the message")
async def _inline(peer: Peer) -> None:
    with received() as (hook, arrived):
        done = await peer.told("tck-stream-001", push=Push(hook, peer.new("config"), "inline"))
        seen = await until_done(arrived)
    equal({each.token for each in seen}, {"inline"}, "X-A2A-Notification-Token")
    equal((told_by(seen[0]).kind, told_by(seen[0]).task), ("task", done.task), "first callback")


@check("PUSH-09", "an inline configuration can be found afterwards", V1)
async def _inline_kept(peer: Peer) -> None:
    push = Push(HOOK, peer.new("config"), "inline")
    asked = await peer.told(WANTS_INPUT, push=push)
    kept = config_in(peer.result(await peer.hears(push_get(peer.speech, asked.task, push.id))))
    equal((kept.get("url"), kept.get("token")), (HOOK, "inline"), "configuration")


@check("PUSH-10", "after its deletion nobody is called back", [V1_RPC, V1_REST, V03_RPC])
async def _silent(peer: Peer) -> None:
    with received() as (hook, arrived):
        asked = await peer.told(WANTS_INPUT)
        gone, stays = Push(f"{hook}/gone", peer.new("config")), Push(f"{hook}/stays", peer.new("config"))
        for push in (gone, stays):
            await created(peer, asked.task, push)
        await peer.ask(push_delete(peer.speech, asked.task, gone.id))
        await peer.told(COMPLETE, task=asked.task, context=asked.context)
        seen = await until_done(arrived)
    expect(all(each.path == "/hook/stays" for each in seen), [each.path for each in seen])


@check("PUSH-11", "a configuration is the same in both bindings", [V1_RPC, V03_REST])
async def _everywhere(peer: Peer) -> None:
    task, push = (await peer.told(WANTS_INPUT)).task, Push(HOOK, peer.new("config"), "a token")
    await created(peer, task, push)
    for speech in (V1_RPC, V1_REST, V03_RPC, V03_REST):
        other = peer.in_speech(speech)
        kept = config_in(other.result(await other.hears(push_get(speech, task, push.id))))
        equal((kept.get("url"), kept.get("token")), (HOOK, "a token"), f"configuration in {speech}")

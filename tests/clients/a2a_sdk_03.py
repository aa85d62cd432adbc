"""A client of a2a-sdk 0.3 that talks to the sample agent: `a2a_sdk_03.py URL BINDING [KEY]`; prints JSON.

Run by the interpreter of `a2a_environment.sdk_03`, with the repository on PYTHONPATH for the web
hook. Its modules are imported by name, because what type checkers see is the SDK 1.3.
"""

import asyncio
import importlib
import json
import sys
from importlib.metadata import version
from typing import Any
from uuid import uuid4

httpx: Any = importlib.import_module("httpx")
client: Any = importlib.import_module("a2a.client")
types: Any = importlib.import_module("a2a.types")
errors: Any = importlib.import_module("a2a.client.errors")
receiver: Any = importlib.import_module("tests.samples.receiver")

SECONDS = 30.0
FAILURES = (errors.A2AClientError,)


def text(task: Any) -> str:
    return "".join(part.root.text for each in task.artifacts or () for part in each.parts)


def words(message: Any) -> str:
    return "".join(part.root.text for part in message.parts)


class Talk:
    """One user with two clients of the same agent: one that streams and one that does not."""

    def __init__(self, http: Any, card: Any, binding: str) -> None:
        self.whole, self.streaming = (
            client.ClientFactory(
                client.ClientConfig(streaming=streaming, httpx_client=http, supported_transports=[binding])
            ).create(card)
            for streaming in (False, True)
        )

    def events(self, speaker: Any, said: str, context: str | None = None, task: str | None = None) -> Any:
        part = types.Part(root=types.TextPart(text=said))
        message = types.Message(
            role=types.Role.user, parts=[part], message_id=uuid4().hex, context_id=context, task_id=task
        )
        return speaker.send_message(message)

    async def ask(self, said: str, context: str | None = None, task: str | None = None) -> Any:
        """The task or message that a whole answer is."""
        *_, last = [each async for each in self.events(self.whole, said, context, task)]
        return last[0] if isinstance(last, tuple) else last


async def remembering(talk: Talk) -> dict[str, Any]:
    first = await talk.ask("remember tea is green")
    second = await talk.ask("what is tea?", first.context_id)
    streamed = [each async for each in talk.events(talk.streaming, "what do you know?", first.context_id)]
    remark = await talk.ask("who are you?", first.context_id)
    kept = await talk.whole.get_task(types.TaskQueryParams(id=first.id))
    return {
        "remembered": [text(first), text(second)],
        "one context": {second.context_id, remark.context_id, kept.context_id} == {first.context_id},
        "streamed": text(streamed[-1][0]),
        "streamed kinds": [update.kind if update else task.kind for task, update in streamed],
        "remark": words(remark),
        "kept": [kept.status.state.value, text(kept)],
    }


async def booking(talk: Talk) -> dict[str, Any]:
    asked = await talk.ask("book a table for 4")
    done = await talk.ask("19:30", asked.context_id, asked.id)
    return {
        "asked": [asked.status.state.value, words(asked.status.message)],
        "booked": [done.status.state.value, text(done), done.id == asked.id],
    }


async def watching(talk: Talk) -> dict[str, Any]:
    """A task that one stream starts, another one joins and a third call ends."""
    events = talk.events(talk.streaming, "count to 1000")
    started, _ = await anext(events)
    others = talk.streaming.resubscribe(types.TaskIdParams(id=started.id))
    joined, _ = await anext(others)
    cancelled = await talk.whole.cancel_task(types.TaskIdParams(id=started.id))
    ends = [each async for each in others]
    _ = [each async for each in events]
    try:
        await talk.whole.cancel_task(types.TaskIdParams(id=started.id))
        again = "no error"
    except FAILURES as error:
        again = type(error).__name__
    return {
        "joined": joined.id == started.id,
        "cancelled": [cancelled.status.state.value, ends[-1][0].status.state.value, again],
    }


async def pushing(talk: Talk) -> dict[str, Any]:
    with receiver.received("/a2a/hook") as (url, arrived):
        asked = await talk.ask("book a table for 4")
        config = types.PushNotificationConfig(id="mine", url=url, token="a token")
        created = await talk.whole.set_task_callback(
            types.TaskPushNotificationConfig(task_id=asked.id, push_notification_config=config)
        )
        kept = await talk.whole.get_task_callback(
            types.GetTaskPushNotificationConfigParams(id=asked.id, push_notification_config_id="mine")
        )
        await talk.ask("19:30", asked.context_id, asked.id)
        calls = [await asyncio.to_thread(next, arrived) for _ in range(3)]
    return {
        "own url": {created.push_notification_config.url, kept.push_notification_config.url} == {url},
        "called back": len(calls),
        "token": [each.token for each in calls],
        "path": sorted({each.path for each in calls}),
    }


async def failing(talk: Talk) -> dict[str, Any]:
    try:
        await talk.whole.get_task(types.TaskQueryParams(id="nowhere"))
        return {"unknown": "no error"}
    except FAILURES as error:
        return {"unknown": type(error).__name__}


async def everything(url: str, binding: str, key: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(headers=headers, timeout=SECONDS, trust_env=False) as http:
        card = await client.A2ACardResolver(http, url).get_agent_card()
        talk = Talk(http, card, binding)
        named = {card.url, *(each.url for each in card.additional_interfaces or ())}
        seen: dict[str, Any] = {"sdk": version("a2a-sdk"), "card": card.name, "addresses": sorted(named)}
        for part in (remembering, booking, watching, pushing, failing):
            seen |= await part(talk)
        return seen


async def main() -> None:
    async with asyncio.timeout(2 * SECONDS):
        seen = await everything(*sys.argv[1:])
    print(json.dumps(seen))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())

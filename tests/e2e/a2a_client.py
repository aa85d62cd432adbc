"""A caller of one agent in one of the four speeches, and its answers in one form.

It sends the bytes that it is told to. Above: the tests. Below: `caller.py` (the wire), `a2a_speech.py`.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.a2a_speech import OLD_REST, OLD_RPC, Speech, Tree, Written, user_message, written
from tests.e2e.caller import Caller, Exchange, Got, Headers


@dataclass
class Answer:
    """What came back to one request."""

    speech: Speech
    got: Got
    operation: str = ""

    @property
    def kind(self) -> str:
        """The content type of an error: callers of 0.3 JSON-RPC that want a stream take nothing else."""
        streams = self.operation in ("SendStreamingMessage", "SubscribeToTask") and self.status == 200
        return "text/event-stream" if streams and self.speech == OLD_RPC else "application/json"

    @property
    def status(self) -> int:
        return self.got.status

    @property
    def headers(self) -> dict[str, str]:
        return self.got.headers

    @property
    def body(self) -> bytes:
        return self.got.body

    @property
    def tree(self) -> Any:
        return json.loads(self.got.events[0] if self.kind == "text/event-stream" else self.body)

    @property
    def result(self) -> Any:
        """What it says; `AssertionError` if that is an error."""
        assert self.status == 200, (self.status, self.body)
        return result_of(self.speech, self.tree)

    @property
    def task(self) -> str:
        return str(_told(self.result)["id"])

    @property
    def context(self) -> str:
        return str(_told(self.result)["contextId"])

    @property
    def text(self) -> str:
        """What the agent says that it has heard in this conversation."""
        return text_of(self.result)

    @property
    def state(self) -> str:
        found = str(_told(self.result)["status"]["state"]).removeprefix("TASK_STATE_").upper().replace("-", "_")
        return "CANCELED" if found == "CANCELLED" else found


def result_of(speech: Speech, tree: Any) -> Any:
    """The result in a body, or in the data of an event."""
    if speech.binding == "rest":
        return tree
    assert "error" not in tree, tree
    return tree["result"]


def _told(result: Any) -> Tree:
    found = result.get("task", result)
    assert isinstance(found, dict)
    return found


def text_of(result: Any) -> str:
    """The text in a task's or an update's status."""
    message = _told(result).get("statusUpdate", _told(result))["status"]["message"]
    return str((message.get("parts") or message["content"])[0]["text"])


class Client:
    """`agent` is its name at the gateway."""

    def __init__(self, port: int, speech: Speech, key: str = "", agent: str = "support") -> None:
        self.port = port
        self.speech = speech
        self.base = f"/a2a/{agent}"
        self.headers: Headers = {"a2a-version": speech.version} | ({"authorization": f"Bearer {key}"} if key else {})

    def _caller(self, path: str) -> Caller:
        return Caller(self.port, self.base + path, self.headers)

    @staticmethod
    def _kind(out: Written) -> Headers:
        return {"content-type": "application/json"} if out.body else {}

    async def raw(
        self, method: str, path: str, body: bytes | list[bytes] = b"", headers: Headers | None = None
    ) -> Answer:
        """Any request below the agent's address; a list goes in chunks."""
        kind = {"content-type": "application/json"} if body else {}
        return Answer(self.speech, await self._caller(path).send(method, {**kind, **(headers or {})}, body))

    async def ask(self, operation: str, params: Tree | bytes, **where: str) -> Answer:
        """A request: `params` as JSON-RPC has them, `task`, `config` and `query` as REST does."""
        out = written(self.speech, operation, params, **where)
        return Answer(self.speech, await self._caller(out.path).send(out.method, self._kind(out), out.body), operation)

    @asynccontextmanager
    async def _open(self, out: Written) -> AsyncIterator[Exchange]:
        async with self._caller(out.path).open(out.method, self._kind(out), out.body) as exchange:
            yield exchange

    def params(self, text: str, configuration: Tree | None = None, **ids: Any) -> Tree:
        """Of a message. `ids` under their names in JSON."""
        name = "request" if self.speech == OLD_REST else "message"
        more = {"configuration": configuration} if configuration else {}
        return {name: user_message(self.speech, text, ids), **more}

    async def send(self, text: str = "hi", **ids: Any) -> Answer:
        return await self.ask("SendMessage", self.params(text, **ids))

    def stream(self, text: str = "hi", **ids: Any) -> AbstractAsyncContextManager[Exchange]:
        return self._open(written(self.speech, "SendStreamingMessage", self.params(text, **ids)))

    async def streamed(self, text: str = "hi", **ids: Any) -> Answer:
        """A stream, read to its end."""
        return await self.ask("SendStreamingMessage", self.params(text, **ids))

    def subscribe(self, task: str) -> AbstractAsyncContextManager[Exchange]:
        return self._open(written(self.speech, "SubscribeToTask", {"id": task}, task=task))

    async def get(self, task: str) -> Answer:
        return await self.ask("GetTask", {"id": task}, task=task)

    async def cancel(self, task: str) -> Answer:
        return await self.ask("CancelTask", {"id": task}, task=task)

    # Push configurations: `config` in 1.0's flat form, without the task.

    async def push(self, operation: str, task: str, config: str = "") -> Answer:
        """Get, list or delete."""
        names = ("id", "pushNotificationConfigId") if self.speech.version == "0.3" else ("taskId", "id")
        params = {names[0]: task} | ({names[1]: config} if config else {})
        name = f"{operation}TaskPushNotificationConfig{'s' * (operation == 'List')}"
        return await self.ask(name, params, task=task, config=config)

    async def push_create(self, task: str, config: Tree) -> Answer:
        params = {"taskId": task, **config}
        if self.speech == OLD_RPC:
            params = {"taskId": task, "pushNotificationConfig": config}
        if self.speech == OLD_REST:
            name = f"tasks/{task}/pushNotificationConfigs/{config['id']}"
            inner = {"name": name, "pushNotificationConfig": config}
            params = {"parent": f"tasks/{task}", "configId": config["id"], "config": inner}
        return await self.ask("CreateTaskPushNotificationConfig", params, task=task)

    def inline(self, config: Tree) -> Tree:
        """The `configuration` of a message that asks for notifications."""
        if self.speech.version == "1.0":
            return {"taskPushNotificationConfig": config}
        return {"pushNotification" if self.speech == OLD_REST else "pushNotificationConfig": config}

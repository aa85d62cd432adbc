"""The bridge between the SDK's own clients and servers, in memory: what the tests of the bridge stand on.

A client of any speech talks to `Gateway`, an HTTP transport that asks the SDK's server of any
other speech. Behind the server stands `Agent`, which notes what reached it and answers what it was told to.
"""

from collections.abc import AsyncIterator, Callable
from importlib import import_module
from typing import Any

import httpx
from a2a.client.transports.base import ClientTransport
from a2a.client.transports.jsonrpc import JsonRpcTransport
from a2a.client.transports.rest import RestTransport
from a2a.compat.v0_3.jsonrpc_transport import CompatJsonRpcTransport
from a2a.compat.v0_3.rest_transport import CompatRestTransport
from a2a.server.request_handlers.request_handler import RequestHandler
from a2a.server.routes import create_jsonrpc_routes, create_rest_routes
from a2a.types import a2a_pb2 as core
from starlette.applications import Starlette

from fedgate.a2a import bridge, inbound
from fedgate.a2a.operations import STREAMS
from fedgate.a2a.values import Asked, Speech
from fedgate.core import sse
from fedgate.core.call import Request

json_format: Any = import_module("google.protobuf.json_format")  # it comes without types

SPEECHES = [Speech("1.0", "jsonrpc"), Speech("1.0", "rest"), Speech("0.3", "jsonrpc"), Speech("0.3", "rest")]
PAIRS = [(caller, agent) for caller in SPEECHES for agent in SPEECHES]
CARD = core.AgentCard(
    name="agent",
    description="a card",
    version="1",
    capabilities=core.AgentCapabilities(extended_agent_card=True, streaming=True, push_notifications=True),
    default_input_modes=["text/plain"],
    default_output_modes=["text/plain"],
    skills=[core.AgentSkill(id="s", name="s", description="d", tags=["t"])],
    supported_interfaces=[
        core.AgentInterface(url="http://agent/", protocol_binding="JSONRPC", protocol_version="0.3"),
    ],
)
TRANSPORTS: dict[Speech, Callable[..., ClientTransport]] = dict(
    zip(SPEECHES, (JsonRpcTransport, RestTransport, CompatJsonRpcTransport, CompatRestTransport), strict=True)
)


def said(pair: tuple[Speech, Speech]) -> str:
    return "-to-".join(f"{speech.version}-{speech.binding}" for speech in pair)


class Agent(RequestHandler):
    """Answers `reply` to everything: a value, a list of a stream's events, or an error to raise."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.reply: Any = None

    async def _answer(self, params: Any, context: Any) -> Any:
        self.seen.append(params)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    async def _stream(self, params: Any, context: Any) -> AsyncIterator[Any]:
        self.seen.append(params)
        for each in [self.reply] if isinstance(self.reply, Exception) else self.reply:
            if isinstance(each, Exception):
                raise each
            yield each

    on_get_task = on_list_tasks = on_cancel_task = on_message_send = _answer
    on_create_task_push_notification_config = on_get_task_push_notification_config = _answer
    on_list_task_push_notification_configs = on_delete_task_push_notification_config = _answer
    on_get_extended_agent_card = _answer
    on_message_send_stream = on_subscribe_to_task = _stream  # type: ignore[assignment]


def read(request: httpx.Request) -> Asked:
    """The request of a client, as the gateway reads it."""

    async def body() -> bytes:
        return request.content

    path, _, query = request.url.raw_path.partition(b"?")
    head = {name.lower(): value for name, value in request.headers.raw}
    call = Request("r", request.method, path.decode(), query, head, "127.0.0.1:1", "gateway", "1.1", body)
    return inbound.read("agent", call.path, call, request.content)


class Gateway(httpx.AsyncBaseTransport):
    """Passes what a client sends over the bridge to the SDK's server, which is asked in the speech `to`."""

    def __init__(self, agent: Agent, to: Speech) -> None:
        routes = create_rest_routes(agent, enable_v0_3_compat=True)
        routes += create_jsonrpc_routes(agent, "/", enable_v0_3_compat=True)
        self._server = httpx.AsyncClient(
            transport=httpx.ASGITransport(Starlette(routes=routes)), base_url="http://agent"
        )
        self._to = to

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = read(request)
        out = bridge.outgoing(asked, self._to)
        headers = {"a2a-version": self._to.version, "content-type": "application/json"}
        given = await self._server.request(out.method, out.path or "/", content=out.body, headers=headers)
        if not given.headers["content-type"].startswith("text/event-stream"):
            answered = bridge.answer(asked, self._to, given.status_code, given.content)
            return httpx.Response(answered.status, content=answered.body, headers={"content-type": "application/json"})
        assert asked.operation in STREAMS
        frames = b""
        for each in sse.Reader().feed(given.content):
            data = bridge.event(asked, self._to, each.data, each.event)
            frames += sse.event(data, name=bridge.event_name(asked.speech, data))
        return httpx.Response(200, content=frames, headers={"content-type": "text/event-stream"})

    async def aclose(self) -> None:
        await self._server.aclose()


def client(caller: Speech, transport: httpx.AsyncBaseTransport) -> ClientTransport:
    """The SDK's client of a speech, whose requests go to `transport`."""
    headers = {"a2a-version": caller.version}
    return TRANSPORTS[caller](httpx.AsyncClient(transport=transport, headers=headers), CARD, "http://gateway/")

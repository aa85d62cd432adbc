"""Calls that nobody makes: what a request would be bound to, without one. For explaining rules and limits.

Above: `why.py`. Below: the endpoints.
"""

from typing import Any

import msgspec

from ..a2a.endpoint import Bound as BoundA2a
from ..a2a.values import OWN as OWN_SPEECH
from ..a2a.values import Asked as AskedA2a
from ..a2a.values import Ids
from ..core.call import Call, Principal, Record, Request, replace
from ..core.errors import NotFound
from ..core.rawjson import EMPTY, Fields, Raw, fields, raw
from ..federation.catalog import Route
from ..federation.endpoint import McpEndpoint
from ..federation.inbound import Inbound
from ..llm.endpoint import LlmEndpoint
from ..llm.places import Place
from ..llm.values import Asked as AskedLlm
from ..llm.values import Operation

TOOL = "tools/call"
SEND = "SendMessage"
CHAT: Operation = "chat"
_PLACE = Place("openai", CHAT)


async def _nothing() -> bytes:
    return b""


def blank(protocol: str, path: str, principal: Principal, view: str = "") -> Call:
    """A call of this caller on this machine, of which nothing else is known."""
    request = Request("why", "POST", path, b"", {}, "127.0.0.1:0", "", "HTTP/1.1", _nothing, path)
    record = Record(request, protocol, 0.0, route=path, principal=principal)
    return Call(protocol, request, record, view, principal=principal)


def of_tool(endpoint: McpEndpoint, call: Call, name: str, arguments: dict[str, Any]) -> Call:
    """As far as the caller may know of the tool. Raises `ClientError`."""
    params: Fields = {"name": raw(name), "arguments": raw(arguments)}
    return endpoint.supposed(call, TOOL, params)


def of_route(call: Call, server: str, tool: str, arguments: dict[str, Any]) -> Call:
    """A tool whose server is known."""
    params: Fields = {"name": raw(tool), "arguments": raw(arguments)}
    inbound = Inbound("legacy", "request", params=params, route=Route(server, tool))
    return replace(call, operation=TOOL, target=server, message=inbound)


def whose(endpoint: McpEndpoint, view: str, name: str) -> Route | None:
    """The owner of a tool as everybody's catalog has it; by its name alone while the server was not reached."""
    catalog = endpoint.hub.catalog(view)
    if catalog is None:
        return None
    found = catalog.routes["tools/list"].get(name)
    if found is not None or catalog.single:
        return found or Route(catalog.single, name)
    server, joined, tool = name.partition("__")
    unlisted = server in catalog.servers and endpoint.hub.servers[server].listing is None
    return Route(server, tool) if joined and tool and unlisted else None


def of_agent(call: Call, bound: BoundA2a, said: dict[str, Any]) -> Call:
    """A message to an agent. `said`: its `contextId`, `taskId`, `skillId`."""
    message = {"metadata": {"skillId": said["skillId"]}} if said.get("skillId") else {}
    asked = AskedA2a(
        SEND,
        OWN_SPEECH,
        bound.agent.name if bound.agent is not None else "",
        Ids(task=str(said.get("taskId", "")), context=str(said.get("contextId", ""))),
        params=raw({"message": message}),
    )
    return replace(call, operation=SEND, message=BoundA2a(bound.agent, asked))


def of_model(endpoint: LlmEndpoint, call: Call, model: str, body: dict[str, Any]) -> Call:
    """A chat with a model. `body`: what else the request says, as OpenAI spells it. Raises `NotFound`."""
    route = endpoint.routes.find(model)
    if route is None:
        raise NotFound(f"there is no model {model[:128]!r} here")
    whole = msgspec.json.encode({"model": model, **body})
    members = fields(whole)
    most = members.get("max_tokens", EMPTY)
    asked = AskedLlm(
        "openai",
        CHAT,
        model,
        members.get("stream") == Raw(b"true"),
        max_tokens=int(bytes(most)) if bytes(most).isdigit() and len(most) <= 15 else None,
        body=whole,
        members=members,
    )
    return endpoint.bound(call, _PLACE, route, asked)

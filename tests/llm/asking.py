"""Requests as routes see them, without a gateway around them."""

import json
from collections.abc import Mapping
from typing import Any

from fedgate.core.call import Call, Principal, Record, Request
from fedgate.llm.facts import Facts, Intent, no_intent
from fedgate.llm.inbound import read
from fedgate.llm.places import place_of
from fedgate.llm.routes import Route, Routes
from tests.llm.kit import settings

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI = "/v1beta/models/m:generateContent"
ROUTES: dict[str, Any] = {"providers": {"up": {"type": "ollama"}}, "routes": {"m": {"targets": [{"provider": "up"}]}}}


async def _none() -> bytes:
    return b""


def call(
    path: str = CHAT, headers: Mapping[str, str] | None = None, who: str = "alice", groups: tuple[str, ...] = ()
) -> Call:
    sent = {name.encode(): value.encode() for name, value in (headers or {}).items()}
    request = Request("1", "POST", path, b"", sent, "127.0.0.1:1", "h", "HTTP/1.1", _none)
    return Call("llm", request, Record(request, "llm", 0.0), principal=Principal(who, "key", groups))


def route_of(manifest: Mapping[str, Any], name: str = "m") -> Route:
    return Routes(settings(manifest)).by_name[name]


def facts(
    body: Any = None,
    path: str = CHAT,
    *,
    route: Route | None = None,
    intent: Intent = no_intent,
    **who: Any,
) -> Facts:
    """`body`: what is sent, `model` apart; bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps({"model": "m", **(body or {})}).encode()
    made = call(path, **who)
    place = place_of("POST", path, made.request.headers, in_route=False)
    return Facts(made, read(place, made.request, raw), route or route_of(ROUTES), intent)

"""llm/telling.py: what rules are told of a request to a model, and of a route that could be asked."""

import json
from typing import Any

import pytest

from fedgate.core.call import Call, Record, Request
from fedgate.core.ports import OneOf
from fedgate.llm import telling
from fedgate.llm.facts import Facts
from fedgate.llm.inbound import read
from fedgate.llm.places import Place
from fedgate.llm.routes import Routes
from tests.llm.kit import settings

MODELS: dict[str, Any] = {
    "providers": {
        "near": {"type": "openai", "base_url": "http://127.0.0.1:9/v1"},
        "far": {"type": "openai", "base_url": "http://127.0.0.1:9/v1"},
    },
    "routes": {
        "smart": {"targets": [{"provider": "near", "model": "a"}, {"provider": "far", "model": "b"}], "path": "/smart"},
        "small": {"targets": [{"provider": "near", "model": "c"}], "aliases": ["tiny", "mini-*"]},
        "auto": {"rules": [{"when": "llm.stream", "route": "smart"}, {"route": "small"}]},
    },
}
ROUTES = Routes(settings(MODELS))


async def nothing() -> bytes:
    return b""


def a_call() -> Call:
    request = Request("r", "POST", "/v1/chat/completions", b"", {}, "127.0.0.1:1", "", "HTTP/1.1", nothing)
    return Call("llm", request, Record(request, "llm", 0.0))


def told(route: str = "small", **body: Any) -> dict[str, Any]:
    whole = {"model": route, "messages": [{"role": "user", "content": "Hello"}], **body}
    asked = read(Place("openai", "chat"), a_call().request, json.dumps(whole).encode())
    found = ROUTES.named(asked.model)
    llm = telling.of_call(ROUTES, Facts(a_call(), asked, found, lambda _text: "code"), "chat")["llm"]
    return {name: each() if callable(each) else each for name, each in llm.items()}


def test_a_request_is_told_by_what_it_says() -> None:
    found = told(max_tokens=100, stream=True, tools=[{"type": "function"}])
    assert found.pop("estimated_tokens") > 0
    assert found == {
        "operation": "chat",
        "route": "small",
        "model": "small",
        "provider": ("near",),
        "stream": True,
        "max_tokens": 100,
        "has_tools": True,
        "has_images": False,
        "intent": "code",
    }


def test_what_is_not_said_is_none() -> None:
    found = told()
    assert (found["max_tokens"], found["has_tools"], found["stream"]) == (None, False, False)


def test_an_image_is_seen() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert told(messages=[{"role": "user", "content": [image]}])["has_images"] is True


@pytest.mark.parametrize(("model", "named"), [("tiny", "tiny"), ("mini-5", "mini-5"), ("claude-small", "small")])
def test_the_model_is_what_the_caller_named(model: str, named: str) -> None:
    found = told(model)
    assert (found["route"], found["model"]) == ("small", named)


@pytest.mark.parametrize(
    ("route", "providers"), [("small", ("near",)), ("smart", ("near", "far")), ("auto", ("near", "far"))]
)
def test_all_providers_that_a_route_may_lead_to_are_told(route: str, providers: tuple[str, ...]) -> None:
    found = telling.of_route(ROUTES, ROUTES.by_name[route])["llm"]
    assert found == {"route": route, "model": route, "provider": OneOf(providers)}
